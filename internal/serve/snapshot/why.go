package snapshot

import (
	"slices"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Why is what a task waits for, or what has happened to it, on one line, with times as
// they are seen from now. c and rec may be nil.
func (s *Snapshot) Why(st explain.State, key spec.Key, c *plan.Change, rec *state.Record) string {
	if st == explain.Sending || st == explain.InSync {
		return ""
	}
	d := s.condition(st, key, c, rec)
	text := text.Visible(d.Why)
	if !d.Since.IsZero() {
		text += " (for " + Span(s.Now.Sub(d.Since)) + ")"
	}
	if !d.At.IsZero() {
		text += "; " + d.Then + " " + Ago(d.At, s.Now)
	}
	return text
}

// Commands are the ways to end the state of the task: an operator types one of them.
func (s *Snapshot) Commands(st explain.State, key spec.Key, c *plan.Change, rec *state.Record) []string {
	if c != nil && explain.HeldWithPlan(s.Plan(), c) {
		if slices.ContainsFunc(s.Plan().Holds, func(h plan.GuardHold) bool { return !h.Approvable }) {
			return nil
		}
		return []string{explain.ApproveCommand(s.Plan())}
	}
	return s.condition(st, key, c, rec).Commands
}

// Step is what an operator can do about the state of the task; empty if something happens by
// itself, or what lets the whole plan pass does it.
func (s *Snapshot) Step(st explain.State, key spec.Key, c *plan.Change, rec *state.Record) string {
	if c != nil && explain.HeldWithPlan(s.Plan(), c) {
		return ""
	}
	return text.Visible(s.condition(st, key, c, rec).Step())
}

// condition is what there is to say of the task in the state st.
func (s *Snapshot) condition(st explain.State, key spec.Key, c *plan.Change, rec *state.Record) explain.Condition {
	skipped, drift := s.Plan().FindSkipped(key), s.Status.DriftScan.Of(key)
	switch {
	case st == explain.Invalid && skipped != nil:
		return explain.OfSkipped(skipped)
	case st == explain.Drifted && drift != nil:
		return explain.OfDrift(drift)
	default:
		return explain.Describe(st, key, c, rec)
	}
}
