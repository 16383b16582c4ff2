package drift

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Input is what a scan is judged by.
type Input struct {
	Policy     plan.DriftPolicy
	Specs      *spec.Set
	Records    *state.Records
	Remembered []*state.Record // those of which more is remembered than what was applied
	Scan       *Scan
	Kept       *state.DriftScan // the last that was judged
}

// Result is what is to be done about a scan.
type Result struct {
	Touched     []spec.Key         // tasks that the next plan has to look at
	Transitions []state.Transition // to save, in this order
	Next        *state.DriftScan   // what is kept of the scan
	Events      []state.Event      // to save with it; nil if the scan before says the same
	Began       []state.Drift      // of tasks that have drifted, or in another way than before
	Ended       []state.Drift      // of tasks that have not drifted any more
}

// evaluation is a Result that is being made.
type evaluation struct {
	Input
	Result
	now     time.Time
	adopted []state.Drift                // of tasks that are as they were applied from now on
	kinds   map[spec.Key]state.DriftKind // of all that were seen
	settled map[spec.Key]bool            // tasks about which it was decided
}

// Evaluate decides what the policy does about what a scan has found: a change is
// adopted, or noted to be undone by the plans to come. It is pure.
func Evaluate(in Input, now time.Time) *Result {
	e := &evaluation{Input: in, now: now, kinds: map[spec.Key]state.DriftKind{}, settled: map[spec.Key]bool{}}
	drifts := []state.Drift{}
	for _, d := range All(in.Specs, in.Records, in.Scan) {
		rec, want, seen := in.Records.Get(d.Key), in.Specs.Get(d.Key), in.Scan.Seen[d.Key]
		e.kinds[d.Key] = d.Kind
		answer, why := Decide(in.Policy, &d, want, rec, seen, now)
		switch answer {
		case DecideAdopt:
			d.Since, d.WhyReported = in.Scan.At, "adopted"
			e.adopt(want, rec, seen, &d)
			continue
		case DecideHeal:
			next := noteUndo(rec, d, in.Scan.At)
			d.WhyReported = healWords(next)
			e.note(rec, next, &d)
		default:
			d.WhyReported = wordsOf(in.Policy, answer, why)
		}
		drifts = append(drifts, d)
	}
	e.forgetOthers()
	e.Next, e.Began, e.Ended = nextScan(in.Kept, drifts, len(Targets(in.Records)), in.Scan.At)
	for _, d := range e.adopted {
		if was := in.Kept.Of(d.Key); was == nil || was.Kind != d.Kind {
			e.Began = append(e.Began, d)
		}
	}
	if !sameScan(in.Kept, e.Next) || in.Scan.At.Sub(in.Kept.At) >= keepScan {
		e.Events = scanEvents(e.Next, e.Began, e.Ended, now)
	}
	return &e.Result
}

// save adds a transition of the task.
func (e *evaluation) save(key spec.Key, next *state.Record, event state.Event) {
	e.settled[key] = true
	e.Touched = append(e.Touched, key)
	e.Transitions = append(e.Transitions, plan.Transition(key, next, event))
}

// adopt takes what is live for applied.
func (e *evaluation) adopt(want *spec.Commit, rec *state.Record, seen *LiveTask, d *state.Drift) {
	next, applied := *rec, afterAdoption(want, rec.Applied, seen)
	applied.Origin, applied.At = state.OriginDrift, e.now
	next.Status, next.Applied = state.StatusApplied, &applied
	e.adopted = append(e.adopted, *d)
	e.save(rec.Key, &next, state.Event{
		At: e.now, Kind: state.EventAdopted, Key: rec.Key, Actor: d.Operator, After: new(seen.Live), Note: state.Clip("adopted as it is live: " + plan.Differs(d)),
	})
}

// note keeps what a heal is to undo, if that is not kept already.
func (e *evaluation) note(rec, next *state.Record, d *state.Drift) {
	if was := plan.UndoOf(rec.Applied); was != nil && plan.Differs(was) == plan.Differs(d) && was.Operator == d.Operator {
		e.settled[rec.Key], e.Touched = true, append(e.Touched, rec.Key)
		return
	}
	e.save(rec.Key, next, state.Event{At: e.now, Kind: state.EventDrift, Key: rec.Key, Actor: d.Operator, Note: "noted for the plans to come: it is " + string(d.Kind)})
}

// forgetOthers forgets what was to be undone of tasks that are not to be healed any
// more. Where nothing was learnt of a task, or its commit is not settled, it stays: what
// is live is read again before anything is sent.
func (e *evaluation) forgetOthers() {
	for _, rec := range e.Remembered {
		kind := e.kinds[rec.Key]
		unread := e.Scan.Seen[rec.Key] == nil || kind == state.DriftUnknown || kind == state.DriftPending
		open := kind.Drifted() && rec.Attempt != nil
		if plan.UndoOf(rec.Applied) == nil || e.settled[rec.Key] || e.Policy == plan.PolicyHeal && (unread || open) {
			continue
		}
		t := ForgetUndo(rec, "it is not to be healed any more", e.now)
		e.Touched, e.Transitions = append(e.Touched, rec.Key), append(e.Transitions, t)
	}
}

// ForgetUndo returns the transition that forgets what was to be undone of a task.
func ForgetUndo(rec *state.Record, why string, now time.Time) state.Transition {
	e := state.Event{At: now, Kind: state.EventDrift, Key: rec.Key, Note: state.Clip(why)}
	return plan.Transition(rec.Key, plan.WithUndo(rec, nil), e)
}

// CaughtUp returns the transition that lets go of what was adopted, where the spec has
// asked for something else since: from then on the task is compared as any other. ok is
// false where it has not.
func CaughtUp(rec *state.Record, want *spec.Commit, revision, author string, now time.Time) (t state.Transition, ok bool) {
	if want == nil || plan.OverOf(rec.Applied) == nil || plan.Overrules(want, rec.Applied) {
		return state.Transition{}, false
	}
	e := state.Event{At: now, Kind: state.EventAdopted, Key: rec.Key, Revision: revision, Actor: author, Note: "its spec has changed since it was adopted"}
	return plan.Transition(rec.Key, plan.WithoutOver(rec), e), true
}

// Announce says of each task that has drifted what the policy does about it, in its
// Answer, if that is more than to report it, or why not.
func Announce(p plan.DriftPolicy, drifts []state.Drift, specs *spec.Set, records *state.Records, found *Scan, now time.Time) {
	for i := range drifts {
		d := &drifts[i]
		rec := records.Get(d.Key)
		answer, why := Decide(p, d, specs.Get(d.Key), rec, found.Seen[d.Key], now)
		d.WhyReported = wordsOf(p, answer, why)
		if answer == DecideHeal {
			d.WhyReported = healWords(noteUndo(rec, *d, now))
		}
	}
}

// wordsOf say what is done about drift.
func wordsOf(p plan.DriftPolicy, a Decision, why string) string {
	switch {
	case a == DecideAdopt:
		return "to be adopted"
	case why == "":
		return ""
	case p == plan.PolicyAdopt:
		return "not adopted: " + why
	default:
		return "not healed: " + why
	}
}

// healWords say whether what the record has to undo is undone.
func healWords(rec *state.Record) string {
	if why := plan.Contested(rec.Applied); why != "" {
		return "not healed: " + why
	}
	return "to be healed"
}

// noteUndo returns the record with a change to undo that was seen at a time. As long as
// it is one of its kind, it is one change.
func noteUndo(rec *state.Record, d state.Drift, at time.Time) *state.Record {
	d.Since = at
	if was := plan.UndoOf(rec.Applied); was != nil && was.Kind == d.Kind {
		d.Since = was.Since
	}
	return plan.WithUndo(rec, &d)
}

// nextScan returns what is kept of a look at tasks, and what is new in it. A task that
// could not be read stays as it was.
func nextScan(before *state.DriftScan, drifts []state.Drift, tasks int, at time.Time) (next *state.DriftScan, began, ended []state.Drift) {
	next = &state.DriftScan{At: at, Tasks: tasks, Kinds: map[state.DriftKind]int{}}
	for _, d := range drifts {
		was := before.Of(d.Key)
		switch {
		case d.Kind == state.DriftUnknown:
			next.Unknown++
			next.Error = d.Detail
			if was == nil {
				continue
			}
			d = *was
		case !d.Kind.Drifted():
			continue
		case was != nil && was.Kind == d.Kind:
			d.Since = was.Since
		default:
			d.Since = at
		}
		next.Kinds[d.Kind]++
		if len(next.Drifted) == state.MaxDrifted {
			continue
		}
		next.Drifted = append(next.Drifted, d)
		if d.Since.Equal(at) {
			began = append(began, d)
		}
	}
	if before == nil {
		return next, began, nil
	}
	for _, was := range before.Drifted {
		if next.Of(was.Key) == nil && len(next.Drifted) < state.MaxDrifted {
			ended = append(ended, was)
		}
	}
	return next, began, ended
}

// sameScan reports whether two looks have found the same, whenever that was.
func sameScan(a, b *state.DriftScan) bool {
	return a != nil && (a.Error == "") == (b.Error == "") && maps.Equal(a.Kinds, b.Kinds) &&
		slices.EqualFunc(a.Drifted, b.Drifted, func(a, b state.Drift) bool {
			return a.Key == b.Key && a.Kind == b.Kind && a.Operator == b.Operator && a.Locker == b.Locker && a.WhyReported == b.WhyReported && slices.Equal(a.Fields, b.Fields)
		})
}

// scanEvents are the rows of the history about a look.
func scanEvents(look *state.DriftScan, began, ended []state.Drift, now time.Time) []state.Event {
	var events []state.Event
	for i := range began {
		d := &began[i]
		events = append(events, state.Event{At: now, Kind: state.EventDrift, Key: d.Key, Actor: d.Operator, Note: state.Clip(told(d))})
	}
	for _, d := range ended {
		events = append(events, state.Event{At: now, Kind: state.EventDrift, Key: d.Key, Note: "it has drifted no longer: it was " + string(d.Kind)})
	}
	if len(events) == 0 {
		note := fmt.Sprintf("checked %d tasks: %d have drifted", look.Tasks, look.Count())
		if look.Error != "" {
			note = fmt.Sprintf("checked %d tasks, and could not read %d: %s", look.Tasks, look.Unknown, look.Error)
		}
		events = append(events, state.Event{At: now, Kind: state.EventDrift, Note: state.Clip(note)})
	}
	return events
}

// SettledSince returns the look without the tasks that were committed or forgotten since,
// and the events to save with it: what it says of them is over.
func SettledSince(look *state.DriftScan, record func(spec.Key) *state.Record, now time.Time) (next *state.DriftScan, ended []state.Drift, events []state.Event) {
	if look == nil {
		return nil, nil, nil
	}
	kept := make([]state.Drift, 0, len(look.Drifted))
	for _, d := range look.Drifted {
		rec := record(d.Key)
		if rec == nil || plan.IsRemoved(rec) || rec.Applied != nil && rec.Attempt == nil && rec.Applied.At.After(look.At) {
			ended = append(ended, d)
		} else {
			kept = append(kept, d)
		}
	}
	if len(ended) == 0 {
		return look, nil, nil
	}
	copied := *look
	copied.Drifted, copied.Kinds = kept, make(map[state.DriftKind]int, len(look.Kinds))
	maps.Copy(copied.Kinds, look.Kinds)
	for _, d := range ended {
		if copied.Kinds[d.Kind]--; copied.Kinds[d.Kind] <= 0 {
			delete(copied.Kinds, d.Kind)
		}
	}
	return &copied, ended, scanEvents(&copied, nil, ended, now)
}

// told says what differs, and what is done about it if that is more than to say it.
func told(d *state.Drift) string {
	if d.WhyReported == "" {
		return plan.Differs(d)
	}
	return plan.Differs(d) + "; " + d.WhyReported
}
