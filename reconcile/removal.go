package reconcile

import (
	"context"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// manage makes durable which tasks are managed: those whose specs are gone no longer
// are, and those whose specs are back are again.
func (r *Reconciler) manage(ctx context.Context, result *Result) error {
	source := &result.Plan.Source
	for i := range result.Plan.Changes {
		c := &result.Plan.Changes[i]
		e := state.Event{At: time.Now(), Key: c.Key, Revision: source.Revision, Actor: source.Author}
		rec := r.record(c.Key)
		switch {
		case rec == nil || c.Action != plan.ActionForget && c.Action != plan.ActionReturn:
			continue
		case c.Action == plan.ActionForget:
			e.Kind = state.EventForgotten
			rec = plan.Removed(rec, source.Revision, e.At)
			result.Forgotten++
		default:
			e.Kind, e.Note = state.EventReturned, "managed again, as it was applied "+plan.Stamp(rec.Applied.At)
			rec = plan.Returned(rec, c.Want)
			result.Returned++
		}
		if err := r.save(ctx, plan.Transition(c.Key, rec, e)); err != nil {
			return err
		}
		result.spent = append(result.spent, c.Effect())
	}
	return nil
}

// track notes what is open with the task of a record that is new. It needs mu.
func (r *Reconciler) track(rec *state.Record) {
	if plan.IsRemoved(rec) {
		r.untrack(rec.Key)
		return
	}
	delete(r.open, rec.Key)
	if rec.Attempt != nil {
		r.open[rec.Key] = struct{}{}
	}
	r.agenda.keep(rec)
	r.keepDrifted(rec)
}

// untrack drops what is open with a task that is no longer managed. It needs mu.
func (r *Reconciler) untrack(key spec.Key) {
	delete(r.open, key)
	r.agenda.remove(key)
	delete(r.drifted, key)
}
