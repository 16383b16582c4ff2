package plan

import (
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// confirmed returns the record of an accepted commit that is live. live shows it; nil
// where reads cannot.
func confirmed(rec *state.Record, live *state.Live, now time.Time) *state.Record {
	next, applied := *rec, *rec.Applied
	applied.TaskApproveID, applied.Run = "", startOf(&applied, now)
	if live != nil {
		applied.OperateID = live.OperateID
	}
	next.Applied, next.Attempt = &applied, nil
	return &next
}

// AfterAccepted decides what a read tells of an accepted commit: the record after it, with
// a note for the history, or nil if that is nothing new. seen says whether the
// commit was seen live.
func AfterAccepted(rec *state.Record, known proof.Evidence, readErr error, now time.Time) (next *state.Record, note string, seen bool) {
	a, live := rec.Attempt, known.Live
	denied := errors.Is(readErr, ErrReadDenied)
	if readErr != nil && !errors.Is(readErr, ErrTaskGone) {
		live, known.Live = nil, nil
	}
	switch {
	case live != nil && proof.Shown(rec, &known):
		return confirmed(rec, live, now), "live", true
	case approval.Awaits(rec):
		return afterApproval(rec, &known, denied, now)
	case denied:
		return confirmed(rec, nil, now), "counts as live: reading tasks is not permitted", false
	case live == nil:
		return nil, "", false
	case !proof.Showable(a, live):
		return confirmed(rec, nil, now), "counts as live: reads do not show what the commit changes", false
	case a.NeedsOperator == "" && now.Sub(a.Since) >= proof.SettleTime:
		return unseen(rec, live)
	default:
		return nil, "", false
	}
}

// afterApproval is AfterAccepted for a commit that waits for an approval.
func afterApproval(rec *state.Record, known *proof.Evidence, denied bool, now time.Time) (*state.Record, string, bool) {
	switch v := approval.Judge(rec, known, denied); {
	case v == approval.Live:
		return confirmed(rec, known.Live, now), "live", false
	case v == approval.Counts:
		return confirmed(rec, nil, now), "counts as live: its approval has passed, and reads do not show it", false
	case v == approval.Ended:
		next := approval.End(rec, now)
		return next, next.Attempt.Outcome.Message, false
	case v == approval.NotSeen && rec.Attempt.NeedsOperator == "":
		return unseen(rec, known.Live)
	default:
		return nil, "", false
	}
}

// unseen returns the record of an accepted commit that no read has shown in time.
func unseen(rec *state.Record, live *state.Live) (*state.Record, string, bool) {
	next, a := *rec, *rec.Attempt
	a.NeedsOperator, next.Attempt = notSeenLive(live), &a
	return &next, state.Clip("not seen live: " + a.NeedsOperator), false
}

// withdrawn returns the record of an accepted commit that an operator gives up, to be
// made once more at now. If it comes to be all the same, as by an approval that is still
// open, what it leaves is no proof of the next one.
func withdrawn(rec *state.Record, now time.Time) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Status, next.Applied, next.Attempt = state.StatusWaiting, a.Prior, &a
	a.Prior, a.Approval, a.Stale, a.Since, a.NextAt, a.NeedsOperator = nil, nil, true, now, now, ""
	a.Outcome = state.Outcome{Class: state.ClassWaiting, Code: CodeNotApplied, Message: "an operator says that the accepted commit will not come to be"}
	return &next
}

// IsFollowed reports whether the task was started and is looked at until it is healthy.
func IsFollowed(rec *state.Record) bool {
	return rec.Status == state.StatusApplied && rec.Attempt == nil &&
		rec.Applied.Run != nil && rec.Applied.Run.Status == state.RunStarting
}

// hasStarted reports whether what was applied runs as its spec asked for, if it did.
func hasStarted(a *state.Applied) bool {
	return a.Wait == 0 || a.Run != nil && a.Run.Status == state.RunRunning
}

// startOf returns the Run of a task that was brought to a at now; nil if nobody
// waits for it.
func startOf(a *state.Applied, now time.Time) *state.Run {
	if a.Wait == 0 {
		return nil
	}
	return &state.Run{Status: state.RunStarting, Since: now, Until: now.Add(time.Duration(a.Wait) * time.Second)}
}

// waitOf returns how many seconds the commit's task may take to become healthy, and what
// that is beside that it runs.
func waitOf(c *spec.Commit) (within int64, healthy *state.Healthy) {
	if !c.CommitType.Runs() || c.Wait.Timeout == 0 {
		return 0, nil
	}
	h := state.Healthy{For: int64(c.Wait.For / time.Second), Lag: int64(c.Wait.Lag / time.Second)}
	if c.Wait.CountsRestarts {
		h.Restarts = new(c.Wait.Restarts)
	}
	if h != (state.Healthy{}) {
		healthy = &h
	}
	return int64(c.Wait.Timeout / time.Second), healthy
}

var (
	// ErrReadDenied says that the credentials may not read tasks.
	ErrReadDenied = errors.New("reading tasks is not permitted")
	// ErrTaskGone says that WeData knows no such task.
	ErrTaskGone = errors.New("no such task")
	// ErrReadThrottled says that the read was over the rate.
	ErrReadThrottled = errors.New("over the rate of reads")
)

// AnsweredError is an error of a Reader that says what the answer to the read was,
// or that there was none.
type AnsweredError interface {
	error
	Answered() state.Outcome
}
