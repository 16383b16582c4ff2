package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// story logs what happens to releases, each thing once: a new revision, a pass that changed
// something, and what requires action when that begins and when it ends. It belongs to who
// holds the reporter's lock.
type story struct {
	log      *slog.Logger
	revision string                // the newest that was logged
	passed   map[explain.State]int // tasks not in sync after the last pass that was logged
	open     map[string]condition  // what has begun and not ended
}

// condition is something that begins and ends.
type condition struct {
	reason string
	action bool // an operator has to do something
	why    string
	next   string // what an operator types; may be empty
}

// planned logs a revision that is new. seen is the last one of the state.
func (s *story) planned(ctx context.Context, p *plan.Plan, seen string) {
	revision := p.Source.Revision
	if revision == s.revision {
		return
	}
	known := s.revision == "" && revision == seen // before the start
	s.revision = revision
	attrs := []any{"revision", revision}
	if p.Source.Author != "" { // a folder has none
		attrs = append(attrs, "author", p.Source.Author, "subject", p.Source.Subject)
	}
	attrs = append(attrs,
		"commits", p.Count(plan.ActionCommit), "removed", p.Count(plan.ActionForget), "returned", p.Count(plan.ActionReturn),
		"held", p.Count(plan.ActionHold), "errors", p.Problems.Errors(), "plan", report.ShortHash(p.Hash))
	if known {
		s.log.InfoContext(ctx, "revision", attrs...)
	} else {
		s.log.InfoContext(ctx, "new revision", attrs...)
	}
}

// afterPass logs a pass that has changed something, or left tasks in other states than the one
// before.
func (s *story) afterPass(ctx context.Context, r *reconcile.Result, at *snapshot.Snapshot) {
	counts := map[explain.State]int{}
	for _, i := range explain.States() {
		switch n := at.Count(i.State); {
		case n == 0 || i.State == explain.InSync:
		case i.Tone == explain.ToneBusy || i.State == explain.Accepted || i.State == explain.Starting:
			counts[explain.Sending] = 1 // under way: how many are changes all the time
		default:
			counts[i.State] = n
		}
	}
	if r.Applied+r.Forgotten+r.Returned == 0 && s.passed != nil && maps.Equal(s.passed, counts) {
		return
	}
	s.passed = counts
	s.log.InfoContext(ctx, "pass finished", "revision", r.Left.Source.Revision, "applied", r.Applied, "removed", r.Forgotten, "returned", r.Returned,
		"tasks", at.Digest.Counts(), "outcome", at.Digest.Outcome(), "superseded", r.Superseded, "seconds", at.Activity.LastPass.Took.Round(time.Millisecond).Seconds())
}

// conditions logs what has begun since it was last called, and what has ended.
func (s *story) conditions(ctx context.Context, at *snapshot.Snapshot) {
	now := conditionsOf(at)
	for _, id := range slices.Sorted(maps.Keys(now)) {
		c, was := now[id], s.open[id]
		if was.reason == "" || was.next != c.next || id == string(explain.ReasonSpecs) && was.why != c.why {
			attrs := []any{"reason", c.reason, "why", c.why}
			if c.next != "" {
				attrs = append(attrs, "next_step", c.next)
			}
			if c.action {
				s.log.WarnContext(ctx, "action required", attrs...)
			} else {
				s.log.InfoContext(ctx, "held", attrs...)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.open)) {
		switch c := s.open[id]; {
		case now[id].reason != "":
		case c.action:
			s.log.InfoContext(ctx, "action no longer required", "reason", c.reason)
		default:
			s.log.InfoContext(ctx, "no longer held", "reason", c.reason)
		}
	}
	s.open = now
}

// conditionsOf returns what requires action, and what else holds everything up, by a name
// that stays the same while it lasts.
func conditionsOf(at *snapshot.Snapshot) map[string]condition {
	all := map[string]condition{}
	for _, r := range at.Reasons() {
		c := condition{reason: string(r.Code), action: true, why: r.Message}
		if len(r.Commands) > 0 {
			c.next = r.Commands[0]
		}
		id := c.reason
		if r.Code == explain.ReasonUnknown && r.Key != nil {
			id += " " + r.Key.String()
		}
		if _, several := all[id]; !several {
			all[id] = c
		}
	}
	for _, h := range at.Plan().Holds {
		if h.Guard == explain.GuardWindows {
			all[h.Guard] = condition{reason: h.Guard, why: h.Message, next: explain.ApproveCommand(at.Plan())}
		}
	}
	if by := at.Status.Control.Suspended; by.Active(at.Now) {
		all["suspended"] = condition{reason: "suspended", why: by.Reason + ", by " + by.Actor + ", until " + until(by), next: "wedatasync unsuspend"}
	}
	return all
}

// until says when a suspension ends.
func until(s *state.Suspension) string {
	if s.Until.IsZero() {
		return "unsuspended"
	}
	return plan.Stamp(s.Until)
}
