package servetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// KeyOf makes an id of the text: the state takes printable characters without spaces.
func KeyOf(text string) spec.Key {
	id := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, text)
	return spec.Key{ProjectID: id[:min(len(id), 128)], TaskID: id[:min(len(id), 128)]}
}

// Poisoned is a status with the text in every field that can hold it.
func Poisoned(text string, now time.Time) reconcile.Status {
	s := TroubledStatus(now)
	k := KeyOf(text)
	p := s.Plan
	p.Source = plan.SourceInfo{URL: text, Branch: text, Revision: text, Author: text, Subject: text, Unverified: text}
	p.Approved = text
	for i := range p.Changes {
		c := &p.Changes[i]
		c.Detail = text
		c.Fields = []plan.Field{{Name: text, Before: text, After: text}, {Name: text, Before: text, After: text, Secret: true}}
		if c.Want != nil {
			w := *c.Want
			w.VersionDesc, w.EventDesc, w.Rerun = text, text, text
			w.ExtConfig = []spec.Param{{Name: text, Value: text}}
			w.Pos.File, w.Name = text, "another task"
			w.DependsOn = []spec.Key{KeyOf(text), Key(4)}
			c.Want = &w
		}
		if c.Have != nil {
			c.Have = poisonedRecord(text, c.Have)
		}
	}
	// One task by that name, which has all that a task can have.
	p.Changes[2].Key = k
	p.Changes[2].Have.Key = k
	p.Changes[2].Want.Name = text
	slices.SortFunc(p.Changes, func(a, b plan.Change) int { return a.Key.Compare(b.Key) })
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Want != nil {
			c.Want.Key = c.Key
			p.Wanted = append(p.Wanted, c.Want)
		}
	}
	p.Holds[0].Message = text
	for i := range p.Problems {
		p.Problems[i].Message, p.Problems[i].Pos.File = text, text
	}
	for i := range s.Control.Pauses {
		pause := &s.Control.Pauses[i]
		pause.Message = text
		if pause.ProjectID != "" {
			pause.ProjectID = k.ProjectID
		}
	}
	s.Control.Approvals[0].Actor, s.Control.Approvals[0].PlanHash = text, text
	s.Control.Suspended.Reason, s.Control.Suspended.Actor = text, text
	s.Control.Releases = poisonedReleases(text, now)
	s.Source.Err = fmt.Errorf("poll the source: %s", text)
	s.Store.Err = fmt.Errorf("write the state: %s", text)
	s.InFlight = []spec.Key{k}
	s.DriftScan.Error = text
	for i := range s.DriftScan.Drifted {
		d := &s.DriftScan.Drifted[i]
		d.Operator, d.OperatedAt, d.Event, d.Locker, d.Detail = text, text, text, text, text
	}
	s.DriftScan.Drifted[0].Key = k
	slices.SortFunc(s.DriftScan.Drifted, func(a, b state.Drift) int { return a.Key.Compare(b.Key) })
	return s
}

// poisonedReleases are releases with the text in every field, the revision of all but the
// newest, which has a page that can be found.
func poisonedReleases(text string, now time.Time) []state.Release {
	all := Releases(now)
	for i := range all {
		r := &all[i]
		r.Author, r.Committer, r.Subject, r.PlanHash, r.Approver, r.Guard, r.Why, r.OvertakenBy = text, text, text, text, text, text, text, text
		r.Outcome, r.Left = state.ReleaseOutcome(text), map[string]int{text: 1}
	}
	all[0].Revision = text
	return all
}

func poisonedRecord(text string, have *state.Record) *state.Record {
	rec := *have
	if rec.Applied != nil {
		a := *rec.Applied
		a.VersionDesc, a.EventDesc, a.Revision, a.RequestID, a.TaskApproveID = text, text, text, text, text
		rec.Applied = &a
	}
	if rec.Attempt != nil {
		a := *rec.Attempt
		a.ID, a.Author, a.File, a.Reason, a.Wanted.Revision = text, text, text, text, text
		a.Outcome.Code, a.Outcome.Message, a.Outcome.RequestID = text, text, text
		a.Before = &state.Live{Locked: true, Locker: text, UpdateTime: text, OperateID: text}
		if a.NeedsOperator != "" {
			a.NeedsOperator = text
		}
		if a.Outcome.Locker != "" {
			a.Outcome.Locker = text
		}
		rec.Attempt = &a
	}
	if rec.Suspended != nil {
		rec.Suspended = &state.Suspension{Reason: text, Actor: text, At: rec.Suspended.At}
	}
	return &rec
}

// PoisonedHistory is a task of that name, with an event of each kind.
func PoisonedHistory(text string, now time.Time) []state.Transition {
	k := KeyOf(text)
	rec := poisonedRecord(text, Record(k, state.StatusRefused, state.Outcome{Class: state.ClassRefused}, now))
	var all []state.Transition
	for _, kind := range []state.EventKind{
		state.EventIntent, state.EventOutcome, state.EventReadBack, state.EventForgotten, state.EventAdopted,
		state.EventDrift, state.EventCommand, state.EventPause, state.EventRevision, state.EventState,
	} {
		all = append(all, Saved(rec, state.Event{
			At: now, Kind: kind, Actor: text, Revision: text, Note: text, PlanHash: text, Attempt: text,
			Outcome: state.Outcome{Class: state.ClassRefused, Code: text, Message: text, RequestID: text},
			Before:  &state.Live{Locked: true, Locker: text}, After: &state.Live{Locked: true, Locker: text},
		}))
	}
	return append(all, poisonedRelease(text, rec, now)...)
}

// poisonedRelease is a state with releases that have the text in every field.
func poisonedRelease(text string, rec *state.Record, now time.Time) []state.Transition {
	all := SavedReleases(rec, now, poisonedReleases(text, now)...)
	for i := range all[1].Events {
		e := &all[1].Events[i]
		e.Note = text
		e.Wanted = &state.Wanted{Name: text, CommitType: text, InstanceVersion: 1, Reason: text, File: strings.ReplaceAll(text, "/", "|"), Line: 1}
		e.Outcome = state.Outcome{Class: state.ClassWaiting, Code: text, Message: text, Locker: text}
	}
	return all
}
