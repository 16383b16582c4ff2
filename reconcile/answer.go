package reconcile

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// policy returns what is to be done about drift now.
func (r *Reconciler) policy() plan.DriftPolicy {
	if r.cfg.Policy == nil {
		return plan.PolicyReport
	}
	return r.cfg.Policy()
}

// keepDrifted notes whether more is remembered of a task than what was applied. It
// needs mu.
func (r *Reconciler) keepDrifted(rec *state.Record) {
	if rec.Applied != nil && rec.Applied.Drift != nil {
		r.drifted[rec.Key] = struct{}{}
	} else {
		delete(r.drifted, rec.Key)
	}
}

// remembered returns the records of which more is remembered, in order of key.
func (r *Reconciler) remembered() []*state.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*state.Record, 0, len(r.drifted))
	for key := range r.drifted {
		list = append(list, r.records.Get(key))
	}
	slices.SortFunc(list, func(a, b *state.Record) int { return a.Key.Compare(b.Key) })
	return list
}

// answers are what is done about what a look has found.
type answers struct {
	drifts  []state.Drift // of the tasks that are not simply as they were applied
	adopted []state.Drift // of those that were not, and are now
	kinds   map[spec.Key]state.DriftKind
	undo    map[spec.Key]bool // what is to be healed
}

// answerLook makes durable what the policy does about what was found: a change is
// adopted, or noted to be undone by the plans to come.
func (r *Reconciler) answerLook(ctx context.Context, specs *spec.Set, found *Sightings) (*answers, error) {
	policy, now := r.policy(), time.Now()
	a := &answers{drifts: []state.Drift{}, kinds: map[spec.Key]state.DriftKind{}, undo: map[spec.Key]bool{}}
	for _, d := range Drifts(specs, r.records, found) {
		rec, want, seen := r.records.Get(d.Key), specs.Get(d.Key), found.Seen[d.Key]
		a.kinds[d.Key] = d.Kind
		answer, why := AnswerTo(policy, &d, want, rec, seen, now)
		switch answer {
		case AnswerAdopt:
			d.Since, d.WhyReported = found.At, "adopted"
			if err := r.adopt(ctx, want, rec, seen, &d, now); err != nil {
				return nil, err
			}
			a.adopted = append(a.adopted, d)
			continue
		case AnswerHeal:
			next := noteUndo(rec, d, found.At)
			d.WhyReported = healWords(next)
			if err := r.note(ctx, rec, next, &d, now); err != nil {
				return nil, err
			}
			a.undo[d.Key] = true
		default:
			d.WhyReported = wordsOf(policy, answer, why)
		}
		a.drifts = append(a.drifts, d)
	}
	return a, r.leaveOthers(ctx, a, found, policy)
}

// Announce says of each task that has drifted what the policy does about it, in its
// Answer, if that is more than to report it, or why not.
func Announce(p plan.DriftPolicy, drifts []state.Drift, specs *spec.Set, records *state.Records, found *Sightings, now time.Time) {
	for i := range drifts {
		d := &drifts[i]
		rec := records.Get(d.Key)
		answer, why := AnswerTo(p, d, specs.Get(d.Key), rec, found.Seen[d.Key], now)
		d.WhyReported = wordsOf(p, answer, why)
		if answer == AnswerHeal {
			d.WhyReported = healWords(noteUndo(rec, *d, now))
		}
	}
}

// wordsOf say what is done about drift.
func wordsOf(p plan.DriftPolicy, a Answer, why string) string {
	switch {
	case a == AnswerAdopt:
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

// adopt takes what is live for applied.
func (r *Reconciler) adopt(ctx context.Context, want *spec.Commit, rec *state.Record, seen *Sighting, d *state.Drift, now time.Time) error {
	next, applied := *rec, afterAdoption(want, rec.Applied, seen)
	applied.Origin, applied.At = state.OriginDrift, now
	next.Status, next.Applied = state.StatusApplied, &applied
	e := state.Event{At: now, Kind: state.EventAdopted, Key: rec.Key, Actor: d.Operator, After: new(seen.Live), Note: state.Clip("adopted as it is live: " + plan.Differs(d))}
	if err := r.save(ctx, plan.Transition(rec.Key, &next, e)); err != nil {
		return err
	}
	r.touch(rec.Key)
	return nil
}

// note keeps what a heal is to undo, if that is not kept already.
func (r *Reconciler) note(ctx context.Context, rec, next *state.Record, d *state.Drift, now time.Time) error {
	r.touch(rec.Key)
	if was := plan.UndoOf(rec.Applied); was != nil && plan.Differs(was) == plan.Differs(d) && was.Operator == d.Operator {
		return nil
	}
	e := state.Event{At: now, Kind: state.EventDrift, Key: rec.Key, Actor: d.Operator, Note: "noted for the plans to come: it is " + string(d.Kind)}
	return r.save(ctx, plan.Transition(rec.Key, next, e))
}

// leaveOthers forgets what was to be undone of tasks that are not to be healed any
// more. Where nothing was learnt of a task, or its commit is not settled, it stays: what
// is live is read again before anything is sent.
func (r *Reconciler) leaveOthers(ctx context.Context, a *answers, found *Sightings, policy plan.DriftPolicy) error {
	for _, rec := range r.remembered() {
		kind := a.kinds[rec.Key]
		unread := found.Seen[rec.Key] == nil || kind == state.DriftUnknown || kind == state.DriftPending
		open := kind.Drifted() && rec.Attempt != nil
		if plan.UndoOf(rec.Applied) == nil || a.undo[rec.Key] || policy == plan.PolicyHeal && (unread || open) {
			continue
		}
		if err := r.forgetUndo(ctx, rec, "it is not to be healed any more"); err != nil {
			return err
		}
	}
	return nil
}

// forgetUndo forgets what was to be undone of a task.
func (r *Reconciler) forgetUndo(ctx context.Context, rec *state.Record, why string) error {
	e := state.Event{At: time.Now(), Kind: state.EventDrift, Key: rec.Key, Note: state.Clip(why)}
	r.touch(rec.Key)
	return r.save(ctx, plan.Transition(rec.Key, plan.WithUndo(rec, nil), e))
}

// catchUp lets go of what was adopted where the spec has asked for something else
// since: from then on it is compared as any other.
func (r *Reconciler) catchUp(ctx context.Context) error {
	for _, rec := range r.remembered() {
		want := r.revision.Specs.Get(rec.Key)
		if want == nil || plan.OverOf(rec.Applied) == nil || plan.Overrules(want, rec.Applied) {
			continue
		}
		e := state.Event{At: time.Now(), Kind: state.EventAdopted, Key: rec.Key, Revision: r.revision.ID, Actor: r.revision.Author, Note: "its spec has changed since it was adopted"}
		if err := r.save(ctx, plan.Transition(rec.Key, plan.WithoutOver(rec), e)); err != nil {
			return err
		}
		r.touch(rec.Key)
	}
	return nil
}

// settleLook takes the tasks out of the last look that were committed, or forgotten,
// since: what it says of them is over.
func (r *Reconciler) settleLook(ctx context.Context) error {
	r.mu.Lock()
	look := r.newest
	r.mu.Unlock()
	next, ended := lookSince(look, r.record)
	if len(ended) == 0 {
		return nil
	}
	err := r.saveControl(ctx, func(c *state.Control) { c.DriftScan = next }, lookEvents(next, nil, ended, time.Now())...)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.newest = next
	r.mu.Unlock()
	if o, ok := r.cfg.Observer.(LookObserver); ok {
		o.Looked(next, nil, ended)
	}
	return nil
}

// lookSince returns the look without the tasks that were committed or forgotten since.
func lookSince(look *state.DriftScan, record func(spec.Key) *state.Record) (next *state.DriftScan, ended []state.Drift) {
	if look == nil {
		return nil, nil
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
		return look, nil
	}
	copied := *look
	copied.Drifted, copied.Kinds = kept, make(map[state.DriftKind]int, len(look.Kinds))
	maps.Copy(copied.Kinds, look.Kinds)
	for _, d := range ended {
		if copied.Kinds[d.Kind]--; copied.Kinds[d.Kind] <= 0 {
			delete(copied.Kinds, d.Kind)
		}
	}
	return &copied, ended
}
