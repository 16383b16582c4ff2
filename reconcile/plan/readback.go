package plan

import (
	"cmp"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/state"
)

// How often an account has to be named for our commits, more than others, to be ours, and up
// to where that is counted: the account of other credentials takes its place after as many.
const (
	ownSeen  = 2
	mostSeen = 5
)

// Operator returns our own account as reads name it, or empty if that is not certain.
func Operator(control *state.Control) string {
	if o := control.Operator; o != nil && o.Seen >= ownSeen {
		return o.UIN
	}
	return ""
}

// LearnOperator returns the control that remembers whom live names for a commit of
// ours, or nil if that is known.
func LearnOperator(next state.Control, rec *state.Record, live *state.Live) *state.Control {
	if live.Operator == "" || live.OperateID == "" || live.OperateID == rec.Attempt.Before.OperateID || rec.Attempt.Outcome.TaskApproveID != "" {
		return nil
	}
	switch o := next.Operator; {
	case o == nil || o.UIN != live.Operator && o.Seen <= 1:
		next.Operator = &state.Operator{UIN: live.Operator, Seen: 1}
	case o.UIN != live.Operator:
		// Somebody may have operated the task between our commit and the read.
		next.Operator = &state.Operator{UIN: o.UIN, Seen: o.Seen - 1}
	case o.Seen < mostSeen:
		next.Operator = &state.Operator{UIN: o.UIN, Seen: o.Seen + 1}
	default:
		return nil
	}
	return &next
}

// AfterReadBack returns the record after a read-back that told live, or failed with
// readErr, and the event to go with it. judge is Judge, or another in its place; random is
// in [0, 1).
func AfterReadBack(rec *state.Record, known proof.Evidence, readErr error, judge func(*state.Record, proof.Evidence) (proof.Finding, string), now time.Time, random float64) (*state.Record, state.Event) {
	live := known.Live
	e := Event(state.EventReadBack, rec, now)
	e.After = live
	next := later(rec, now, proof.DecidedAfter(known.Horizon), random)
	verdict, why := verdictOf(rec, known, readErr, judge)
	switch verdict {
	case proof.Happened:
		e.Note = "it happened"
		if live.Operator != "" && live.Operator != known.Operator {
			e.Note = state.Clip("it happened; the last operation is by " + live.Operator)
		}
		origin := state.OriginReadBack
		if !proof.ByUs(rec.Attempt, rec.Applied, &known) {
			origin = state.OriginLive
		}
		return Settle(rec, origin, live, now), e
	case proof.NotHappened:
		e.Note = "it did not happen"
		return NotApplied(rec), e
	case proof.NeedsOperator:
		e.Note = state.Clip("action required: " + why)
		next.Attempt.NeedsOperator = why
		if rec.Attempt.Before == nil && rec.Attempt.Tag == "" {
			next.Attempt.NextAt = time.Time{} // no answer can ever tell
		}
		return next, e
	default:
		e.Note = state.Clip(cmp.Or(why, "it does not show yet"))
		if live != nil {
			next.Attempt.NeedsOperator = ""
		}
		return next, e
	}
}

// verdictOf is judge for a read-back that may have failed.
func verdictOf(rec *state.Record, known proof.Evidence, err error, judge func(*state.Record, proof.Evidence) (proof.Finding, string)) (proof.Finding, string) {
	switch {
	case rec.Attempt.Before == nil || err == nil || errors.Is(err, ErrTaskGone):
		return judge(rec, known)
	case errors.Is(err, ErrReadDenied):
		return proof.NeedsOperator, "reading tasks is not permitted"
	default:
		return proof.Open, "it could not be read: " + err.Error()
	}
}

// later returns the record to be read back again after a back-off, and not later
// than when decided by a read that is older than the attempt by horizon.
func later(rec *state.Record, now time.Time, horizon time.Duration, random float64) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Attempt = &a
	a.Tries++
	a.NextAt = now.Add(BackoffFor(state.ClassUnknown).After(a.Tries, random))
	if decides := a.At.Add(horizon); now.Before(decides) && a.NextAt.After(decides) {
		a.NextAt = decides
	}
	return &next
}
