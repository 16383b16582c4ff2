package reconcile

import (
	"context"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// removed returns the record of a task whose spec is gone. What was applied stays, and
// what may not be sent again; what others did to the task is no longer ours to undo. It
// is nil if there is nothing to keep.
func removed(rec *state.Record, revision string, now time.Time) *state.Record {
	if rec.Applied == nil && rec.Attempt == nil {
		return nil
	}
	next := *rec
	if undoOf(rec.Applied) != nil {
		next = *withUndo(rec, nil)
	}
	next.Suspended = nil // it has ended
	next.Removed = &state.Removal{At: now, Revision: revision}
	return &next
}

// returned returns the record of a removed task whose spec is back and needs no call.
func returned(rec *state.Record, want *spec.Commit) *state.Record {
	next := *rec
	next.Removed = nil
	if isRecalled(rec) {
		applied := AppliedOf(want, rec.Applied.Revision) // the request of the spec is the one that was applied
		applied.Origin, applied.At, applied.RequestID = state.OriginCommit, rec.Applied.At, rec.Applied.RequestID
		next.Applied = &applied
	}
	return &next
}

// isRemoved reports whether the task was managed, and its spec was gone since.
func isRemoved(rec *state.Record) bool { return rec != nil && rec.Removed != nil }

// isRecalled reports whether all that is known of a removed task is what the history of
// an earlier version had: the request that was applied, and not which version it was for.
func isRecalled(rec *state.Record) bool {
	return isRemoved(rec) && rec.Applied != nil && rec.Applied.Origin == state.OriginHistory
}

// recall decides about a spec that comes back to a task of which only the request is
// known: the same one again needs no call, and of another it is not known whether it does.
func recall(c Change) Change {
	if applied := c.Have.Applied; !applied.Request.IsZero() && applied.Request == c.Want.Request() {
		c.Action = ActionReturn
		return c
	}
	c.Action, c.Reason, c.Impact = ActionHold, ReasonContent, ImpactOf(c.Want.CommitType)
	c.Hold, c.Detail = HoldRecalled, recalledDetail(c.Key, c.Have)
	return c
}

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

// keptSpent bounds how many acknowledgements and how many tokens are kept of one task:
// the oldest go first.
const keptSpent = 1000

// carrySpent gives next, which is applied to a task after old, what counts once in the
// life of the task and was used up before.
func carrySpent(next, old *state.Applied) {
	if old == nil {
		return
	}
	var spent state.Spent
	if old.Spent != nil {
		spent = *old.Spent
	}
	if old.CommitType == spec.RestartDiscardState && !slices.Contains(spent.Discards, old.InstanceVersion) {
		spent.Discards = append(room(spent.Discards), old.InstanceVersion)
	}
	if old.Rerun != "" && old.Rerun != next.Rerun && !slices.Contains(spent.Reruns, spec.TokenDigest(old.Rerun)) {
		spent.Reruns = append(room(spent.Reruns), spec.TokenDigest(old.Rerun))
	}
	next.Spent = nil
	if len(spent.Discards)+len(spent.Reruns) > 0 {
		next.Spent = &spent
	}
}

// room returns a copy of the list with room for one more.
func room[T any](list []T) []T { return slices.Clone(list[max(0, len(list)+1-keptSpent):]) }

// spentRerun reports whether an earlier commit of the task was made for the token.
func spentRerun(applied *state.Applied, token string) bool {
	return applied.Spent != nil && slices.Contains(applied.Spent.Reruns, spec.TokenDigest(token))
}

// spentDiscard reports whether the acknowledgement in the spec was used before: it is for
// one loss of the state.
func spentDiscard(want *spec.Commit, applied *state.Applied) bool {
	if want.CommitType != spec.RestartDiscardState || applied == nil {
		return false
	}
	return applied.CommitType == spec.RestartDiscardState && applied.InstanceVersion == want.InstanceVersion ||
		applied.Spent != nil && slices.Contains(applied.Spent.Discards, want.InstanceVersion)
}
