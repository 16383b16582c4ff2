package reconcile

import (
	"context"
	"time"

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
		case rec == nil || c.Action != ActionForget && c.Action != ActionReturn:
			continue
		case c.Action == ActionForget:
			e.Kind = state.EventForgotten
			rec = removed(rec, source.Revision, e.At)
			result.Forgotten++
		default:
			e.Kind, e.Note = state.EventReturned, "managed again, as it was applied "+stamp(rec.Applied.At)
			rec = returned(rec, c.Want)
			result.Returned++
		}
		if err := r.save(ctx, change(c.Key, rec, e)); err != nil {
			return err
		}
		result.spent = append(result.spent, c.effect())
	}
	return nil
}

// track notes what is open with the task of a record that is new. It needs mu.
func (r *Reconciler) track(rec *state.Record) {
	if isRemoved(rec) {
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
