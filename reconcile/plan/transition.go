package plan

import (
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// AppliedOf returns what a task is once the commit has been applied.
func AppliedOf(c *spec.Commit, revision string) state.Applied {
	return state.Applied{
		Name:            c.Name,
		CommitType:      c.CommitType,
		TaskType:        c.TaskType,
		InstanceVersion: c.InstanceVersion,
		VersionDesc:     c.VersionDesc,
		EventDesc:       c.EventDesc,
		Rerun:           c.Rerun,
		Content:         c.Content(),
		Ext:             c.ExtDigest(),
		Revision:        revision,
	}
}

// Adopt returns the transition that takes the commit as already applied, without
// a call.
func Adopt(have *state.Record, c *spec.Commit, revision string, now time.Time) state.Transition {
	applied := AppliedOf(c, revision)
	applied.Origin, applied.At = state.OriginAdopted, now
	rec := state.Record{Key: c.Key, Status: state.StatusApplied, Applied: &applied}
	if have != nil {
		rec.Suspended = have.Suspended
		CarrySpent(&applied, have.Applied)
	}
	return state.Transition{Record: &rec, Events: []state.Event{{
		At: now, Kind: state.EventAdopted, Key: c.Key, Revision: revision,
	}}}
}

// Begin returns the record of a task whose commit is about to be sent.
func Begin(key spec.Key, have *state.Record, a state.Attempt) *state.Record {
	rec := state.Record{Key: key, Status: state.StatusIntent, Attempt: &a}
	if have != nil {
		rec.Applied, rec.Suspended = have.Applied, have.Suspended
	}
	return &rec
}

// Finish returns the record after the outcome of its attempt. have is the record
// before the attempt: how often the task has been tried, and since when it waits
// for what it waits for, is carried over. random is in [0, 1).
func Finish(have, rec *state.Record, out state.Outcome, now time.Time, random float64) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Attempt = &a
	a.Outcome, a.Since = out, now
	tries := 0
	if have != nil && have.Status == state.StatusWaiting {
		prev := have.Attempt
		tries = prev.Tries
		if prev.Outcome.Code == out.Code && prev.Outcome.Locker == out.Locker {
			a.Since = prev.Since
		}
	}
	a.Tries = tries + 1
	switch out.Class {
	case state.ClassApplied:
		return Settle(&next, state.OriginCommit, nil, now)
	case state.ClassRefused:
		next.Status = state.StatusRefused
	case state.ClassWaiting:
		next.Status, a.NextAt = state.StatusWaiting, now.Add(BackoffFor(out.Class).After(a.Tries, random))
	case state.ClassNotSent, state.ClassThrottled, state.ClassAuth, state.ClassUnauthorized:
		// Not the task's fault: no try is used up. When to go on is the limiter's, or
		// the pause's, to say.
		next.Status, a.Tries, a.NextAt = state.StatusWaiting, tries, now
	default:
		next.Status, a.Tries = state.StatusUnknown, 0
		a.NextAt = now.Add(BackoffFor(out.Class).After(1, random))
		next.Applied = sentHeal(rec)
	}
	return &next
}

// Settle returns the record whose attempt was applied. A commit that was accepted keeps
// its attempt until a read shows it live, where reads can; it is never sent again. live
// shows it already, or is nil.
func Settle(rec *state.Record, origin state.Origin, live *state.Live, now time.Time) *state.Record {
	next, a := *rec, *rec.Attempt
	applied := a.Wanted
	applied.Origin, applied.At = origin, now
	applied.RequestID, applied.TaskApproveID = a.Outcome.RequestID, a.Outcome.TaskApproveID
	applied.Idle = applied.CommitType == spec.Submit && idle(a.Before)
	CarrySpent(&applied, rec.Applied)
	next.Status, next.Applied = state.StatusApplied, &applied
	if origin == state.OriginCommit && (applied.TaskApproveID != "" || proof.Showable(&a, nil)) {
		a.Prior, a.Tries, a.NextAt = rec.Applied, 0, time.Time{}
		next.Attempt = &a
		return &next
	}
	return confirmed(&next, live, now)
}

// idle reports whether the task surely did not run.
func idle(before *state.Live) bool {
	if before == nil {
		return false
	}
	switch before.Status {
	case state.TaskNotStarted, state.TaskPaused, state.TaskStopped:
		return true
	default:
		return before.Missing
	}
}

// Drop returns the record without its attempt, or nil if nothing is left of it.
func Drop(rec *state.Record) *state.Record {
	next := *rec
	next.Attempt, next.Status = nil, state.StatusApplied
	if next.Applied == nil {
		if next.Suspended == nil {
			return nil
		}
		next.Status = state.StatusNone
	}
	return &next
}

// Obsolete reports whether the spec no longer asks for the commit of a record that was
// refused, or waits. want is nil where there is no spec.
func Obsolete(rec *state.Record, want *spec.Commit, policy DriftPolicy, now time.Time) bool {
	if heldBackUntil(rec).After(now) {
		return false // its first request can still be accepted
	}
	return want != nil && policy.asks(want, rec.Applied) == ""
}

// NotApplied returns the record of an attempt that is proven not to have been
// applied. What would discard state again waits for an operator.
func NotApplied(rec *state.Record) *state.Record {
	if rec.Attempt.Wanted.CommitType != spec.RestartDiscardState {
		return Drop(rec)
	}
	next, a := *rec, *rec.Attempt
	next.Status, next.Attempt = state.StatusRefused, &a
	a.NextAt = time.Time{}
	a.Outcome = state.Outcome{
		Class:   state.ClassRefused,
		Code:    CodeNotApplied,
		Message: "reading back proves that the commit did not happen; one that discards state is sent again only when an operator says retry",
	}
	return &next
}

// Recovered returns the record of a task that was found with an intent at start:
// the request may or may not have left.
func Recovered(rec *state.Record, now time.Time) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Status, next.Attempt = state.StatusUnknown, &a
	a.Outcome = state.Outcome{
		Class:   state.ClassUnknown,
		Code:    "Interrupted",
		Message: "the process ended between the intent and the outcome",
	}
	a.Since, a.Tries, a.NextAt = now, 0, now
	next.Applied = sentHeal(rec)
	return &next
}

// sentHeal returns what was applied before the attempt, once a heal may have been sent:
// whatever becomes of it, there is no second one before another look.
func sentHeal(rec *state.Record) *state.Applied {
	if rec.Attempt.Reason != string(ReasonDrift) || rec.Applied == nil {
		return rec.Applied
	}
	applied := *rec.Applied
	applied.Drift = rec.Attempt.Wanted.Drift
	return &applied
}

// Transition makes the transition to a record that may be nothing. Its events say how far
// the task is then.
func Transition(key spec.Key, rec *state.Record, events ...state.Event) state.Transition {
	for i := range events {
		events[i].Stage = stageAfter(&events[i], rec)
	}
	if rec == nil {
		return state.Transition{Forget: &key, Events: events}
	}
	return state.Transition{Record: rec, Events: events}
}

// stageAfter returns how far the commit of the event is, once its task has the record.
func stageAfter(e *state.Event, rec *state.Record) state.Stage {
	switch {
	case e.Kind != state.EventIntent && e.Kind != state.EventOutcome && e.Kind != state.EventReadBack:
		return ""
	case e.Wanted == nil || rec == nil || rec.Attempt != nil:
		return state.StageOf(rec)
	}
	a := rec.Applied
	if a == nil || a.Revision != e.Revision || a.InstanceVersion != e.Wanted.InstanceVersion || a.CommitType.String() != e.Wanted.CommitType {
		return state.StageDropped // what is applied is an earlier one
	}
	return state.StageOf(rec)
}

// StageResolved returns how far the task is after an operator has said what became of its
// commit.
func StageResolved(said string, rec *state.Record) state.Stage {
	if rec != nil && rec.Attempt == nil && said != "applied" {
		return state.StageDropped
	}
	return state.StageOf(rec)
}

// Event starts a row of the history about the record's attempt.
func Event(kind state.EventKind, rec *state.Record, now time.Time) state.Event {
	e := state.Event{At: now, Kind: kind, Key: rec.Key}
	if a := rec.Attempt; a != nil {
		e.Attempt, e.Actor, e.Revision = a.ID, a.Author, a.Wanted.Revision
		e.PlanHash, e.Request = a.PlanHash, a.Request
		e.Wanted = &state.Wanted{
			Name: a.Wanted.Name, CommitType: a.Wanted.CommitType.String(), InstanceVersion: a.Wanted.InstanceVersion,
			Reason: a.Reason, File: a.File, Line: a.Line,
		}
	}
	return e
}

// Removed returns the record of a task whose spec is gone. What was applied stays, and
// what may not be sent again; what others did to the task is no longer ours to undo. It
// is nil if there is nothing to keep.
func Removed(rec *state.Record, revision string, now time.Time) *state.Record {
	if rec.Applied == nil && rec.Attempt == nil {
		return nil
	}
	next := *rec
	if UndoOf(rec.Applied) != nil {
		next = *WithUndo(rec, nil)
	}
	next.Suspended = nil // it has ended
	next.Removed = &state.Removal{At: now, Revision: revision}
	return &next
}

// Returned returns the record of a removed task whose spec is back and needs no call.
func Returned(rec *state.Record, want *spec.Commit) *state.Record {
	next := *rec
	next.Removed = nil
	if isRecalled(rec) {
		applied := AppliedOf(want, rec.Applied.Revision) // the request of the spec is the one that was applied
		applied.Origin, applied.At, applied.RequestID = state.OriginCommit, rec.Applied.At, rec.Applied.RequestID
		next.Applied = &applied
	}
	return &next
}

// IsRemoved reports whether the task was managed, and its spec was gone since.
func IsRemoved(rec *state.Record) bool { return rec != nil && rec.Removed != nil }

// isRecalled reports whether all that is known of a removed task is what the history of
// an earlier version had: the request that was applied, and not which version it was for.
func isRecalled(rec *state.Record) bool {
	return IsRemoved(rec) && rec.Applied != nil && rec.Applied.Origin == state.OriginHistory
}

// recall decides about a spec that comes back to a task of which only the request is
// known: the same one again needs no call, and of another it is not known whether it does.
func recall(c Change) Change {
	if applied := c.Have.Applied; !applied.Request.IsZero() && applied.Request == c.Want.Request() {
		c.Action = ActionReturn
		return c
	}
	c.Action, c.Reason, c.Impact = ActionHold, ReasonContent, ImpactOf(c.Want.CommitType)
	c.Hold = HoldRecalled
	return c
}

// keptSpent bounds how many acknowledgements and how many tokens are kept of one task:
// the oldest go first.
const keptSpent = 1000

// CarrySpent gives next, which is applied to a task after old, what counts once in the
// life of the task and was used up before.
func CarrySpent(next, old *state.Applied) {
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

// SpentDiscard reports whether the acknowledgement in the spec was used before: it is for
// one loss of the state.
func SpentDiscard(want *spec.Commit, applied *state.Applied) bool {
	if want.CommitType != spec.RestartDiscardState || applied == nil {
		return false
	}
	return applied.CommitType == spec.RestartDiscardState && applied.InstanceVersion == want.InstanceVersion ||
		applied.Spent != nil && slices.Contains(applied.Spent.Discards, want.InstanceVersion)
}

// heldBackUntil returns until when the request of an attempt that an operator says was
// not applied can be accepted; the zero time if there is none.
func heldBackUntil(rec *state.Record) time.Time {
	if rec == nil || rec.Status != state.StatusWaiting || rec.Attempt.Outcome.Code != CodeNotApplied {
		return time.Time{}
	}
	return rec.Attempt.NextAt
}
