package proof

import (
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Finding is what reading back proves about an attempt of unknown outcome.
type Finding int

// The findings of Evaluate.
const (
	Open          Finding = iota // nothing yet: read back again later
	Happened                     // it was applied
	NotHappened                  // it was not, and can no longer be
	NeedsOperator                // reading back will never tell
)

const (
	// ReadLag bounds how old the answer to a read may be. The API does not document that
	// reads see every earlier write.
	ReadLag = time.Minute
	// SettleTime is how long a task may still be on its way to what was asked before an
	// operator is called.
	SettleTime = 10 * time.Minute
)

// ApprovalFlow says whether commits of a project wait for an approval in WeData. Such a
// commit leaves what is live as it was.
type ApprovalFlow int

// The values of ApprovalFlow.
const (
	ApprovalUnknown ApprovalFlow = iota // no answer of the project has told yet
	ApprovalNone                        // commits take effect at once
	ApprovalNeeded                      // an answer named an approval, or the configuration says so
)

// Evidence is what is known beside an attempt when it is judged.
type Evidence struct {
	Live      *state.Live
	At        time.Time     // when Live was asked for
	Horizon   time.Duration // for how long after the attempt its request can be accepted
	ClockSkew time.Duration // how far the clocks of WeData and of this machine may be apart
	Operator  string        // our own account as reads name it; empty if that is not known
	Approvals ApprovalFlow  // of the task's project
}

// Evaluate decides whether the open attempt of rec was applied. A proof is a trace that
// this commit would leave, and nothing else did:
//
//   - It happened if the wanted version is live and was not before, or, at the version
//     that was live before, if a newer operation was made by our own account. A status
//     alone proves nothing: people and the platform start tasks, too.
//     A version whose description has the attempt's own tag was submitted by it, and by
//     nothing else. It has taken effect if it is in production, or if nothing has to be
//     approved; if not, it can still.
//   - It did not happen if what a commit always moves, the id of the last operation or
//     else the time of update, was told before and is the same after the horizon. Where
//     the commit may wait for an approval, that proves nothing.
//
// Whatever is neither waits for an operator; why says so, or what is waited for.
func Evaluate(rec *state.Record, e Evidence) (v Finding, why string) {
	a := rec.Attempt
	if submittedBy(a, &e) {
		return Happened, ""
	}
	if a.Before == nil {
		return NeedsOperator, "the task could not be read before the request, so there is nothing to compare with"
	}
	if happened(rec, &e) {
		return Happened, ""
	}
	late := e.At.Sub(a.At)
	if late < DecidedAfter(e.Horizon) {
		return Open, ""
	}
	why = unproven(a, &e)
	if tagged(a, e.Live) {
		why = "WeData has the version that the request submitted, and not in production: it can wait for an approval"
	}
	switch {
	case why == "":
		return NotHappened, ""
	case late < e.Horizon+SettleTime:
		return Open, why
	default:
		return NeedsOperator, why
	}
}

// LagWithin returns how old what a read tells may be. A shorter horizon than the
// service's is one of an endpoint on this machine, whose reads lag no more than that.
func LagWithin(horizon time.Duration) time.Duration { return min(ReadLag, horizon) }

// DecidedAfter returns how long after an attempt a read is sent that shows the attempt,
// whenever within horizon its request was accepted.
func DecidedAfter(horizon time.Duration) time.Duration { return horizon + LagWithin(horizon) }

// precedes reports whether a read sent at may tell of the time before our commit before
// the attempt, so that what it shows is no trace of the attempt. A version that is newer
// than all of ours is one even then. prior is what had been applied before, or nil.
func precedes(a *state.Attempt, prior *state.Applied, live *state.Live, at time.Time, horizon time.Duration) bool {
	lag := LagWithin(horizon)
	if prior == nil || a.At.Sub(prior.At) >= lag || at.Sub(a.At) >= lag {
		return false
	}
	want := a.Wanted.InstanceVersion
	return prior.InstanceVersion == 0 || want <= prior.InstanceVersion || live.InstanceVersion != want
}

// Unattributable reports whether an operation that is not in before, read at now, need
// not be that of a commit made then: the read may be older than what we applied just
// before, or an earlier request of ours may still arrive.
func Unattributable(applied *state.Applied, before *state.Live, now time.Time, horizon time.Duration) bool {
	if applied == nil || before == nil {
		return false
	}
	since := now.Sub(applied.At)
	if applied.Origin == state.OriginLive || applied.Origin == state.OriginResolved {
		return since < DecidedAfter(horizon)
	}
	differs := before.OperateID != applied.OperateID ||
		before.InstanceVersion != applied.InstanceVersion && before.InstanceVersion != 0 && applied.InstanceVersion != 0
	return since < LagWithin(horizon) && differs
}

// happened reports whether live shows that the attempt was applied.
func happened(rec *state.Record, e *Evidence) bool {
	a, before, live := rec.Attempt, rec.Attempt.Before, e.Live
	want := a.Wanted.InstanceVersion
	if live.Missing || precedes(a, rec.Applied, live, e.At, e.Horizon) {
		return false
	}
	if want != 0 && live.InstanceVersion != want && live.InstanceVersion != 0 {
		return false
	}
	// before can be older than our own last commit, of the same version.
	repeats := a.Stale && rec.Applied != nil && rec.Applied.InstanceVersion == want
	if want != 0 && live.InstanceVersion == want && before.InstanceVersion != want && !repeats {
		return arrived(a, live) || ByUs(a, rec.Applied, e)
	}
	return ByUs(a, rec.Applied, e) && (!starts(&a.Wanted) || begun(live.Status))
}

// starts reports whether the commit brings a task to a status that tells it was
// started. An offline task has no such status.
func starts(wanted *state.Applied) bool {
	return wanted.CommitType.Runs() && wanted.TaskType.OrDefault() != spec.Offline
}

// arrived reports whether a task at the wanted version is where the commit was to bring
// it: the version is in production, and where it was to run, it has been started. A job
// that has failed since was started, too, unless it had failed before.
func arrived(a *state.Attempt, live *state.Live) bool {
	if !starts(&a.Wanted) {
		return !live.NotSubmitted
	}
	return begun(live.Status) && (live.Status != a.Before.Status || !jobEnded(live.Status))
}

// begun reports whether a task of the status was started.
func begun(s state.TaskStatus) bool {
	return s == state.TaskRunning || s == state.TaskInOperation || jobEnded(s)
}

// jobEnded reports whether a job of the status was started, and ended by itself.
func jobEnded(s state.TaskStatus) bool { return s == state.TaskFailed || s == state.TaskAbnormal }

// ByUs reports whether the last operation is another than before the attempt, and is
// our own. applied is what had been applied before, or nil.
func ByUs(a *state.Attempt, applied *state.Applied, e *Evidence) bool {
	before, live := a.Before, e.Live
	if submittedBy(a, e) {
		return true
	}
	if before == nil || live.OperateID == "" || live.OperateID == before.OperateID || e.Operator == "" || live.Operator != e.Operator || a.Stale {
		return false
	}
	if applied != nil && applied.OperateID == live.OperateID {
		return false // it is that of our commit before
	}
	// Where none was told before, ours can be an older one that was merely not told.
	return before.OperateID != "" || before.Missing || applied == nil
}

// unproven says why live does not prove that the attempt was not applied; it returns ""
// if it does. The horizon is over.
func unproven(a *state.Attempt, e *Evidence) string {
	before, live := a.Before, e.Live
	switch {
	case e.Approvals == ApprovalNeeded:
		return "commits of the project can wait for an approval in WeData, which leaves the task as it was"
	case e.Approvals == ApprovalUnknown:
		return "no commit of the project has been answered yet, so it is not known whether they wait for an approval in WeData"
	case before.Missing && live.Missing:
		return ""
	case before.Missing:
		return "the task has been created since the request, and is not as was asked"
	case live.Missing:
		return "WeData says that there is no such task any more"
	case before.OperateID != "" && live.OperateID != "":
		if before.OperateID == live.OperateID {
			return ""
		}
		return "the task was operated since the request, and not provably by it"
	case live.RunningOrder > before.RunningOrder:
		return "the task was run since the request, and not provably by it"
	case before.UpdateTime == "" || live.UpdateTime == "":
		return "reads show neither the last operation nor the time of update, so they would not show a commit"
	case before.UpdateTime != live.UpdateTime:
		return "the task was updated since the request, and not provably by it"
	case updatedJustBefore(a, e.ClockSkew):
		return "the task was updated just before the request, and times of update have a resolution of one second"
	default:
		return ""
	}
}

// updatedJustBefore reports whether the time of update before the attempt is so near to
// it that the commit could have left the same. WeData writes times of its own zone.
func updatedJustBefore(a *state.Attempt, skew time.Duration) bool {
	const margin = 2 * time.Second // of what times tell, and of the way to the server
	at, ok := state.ParseWeDataTime(a.Before.UpdateTime)
	return ok && at.After(a.At.Add(-margin-skew))
}

// Shown reports whether what was read shows a commit that WeData has accepted.
func Shown(rec *state.Record, e *Evidence) bool {
	a, before, live := rec.Attempt, rec.Attempt.Before, e.Live
	want := a.Wanted.InstanceVersion
	switch {
	case before == nil || live.Missing || precedes(a, a.Prior, live, e.At, e.Horizon):
		return false
	case want != 0 && live.InstanceVersion != 0 && live.InstanceVersion != want:
		return false
	case want != 0 && live.InstanceVersion == want && before.InstanceVersion != want && !a.Stale:
		return true
	case a.Outcome.TaskApproveID != "":
		// Until the approval others can operate the task at the version that it has.
		return ByUs(a, a.Prior, e)
	default:
		return Operated(a, live) || live.OperateID == "" && (before.Missing || ranSince(a, live))
	}
}

// Operated reports whether the last operation of the task, or the time of its last update where
// no operation is told, is another one than before the attempt, and not that of our commit
// before.
func Operated(a *state.Attempt, live *state.Live) bool {
	if live.OperateID == "" {
		return live.UpdateTime != a.Before.UpdateTime
	}
	return live.OperateID != a.Before.OperateID && (a.Prior == nil || a.Prior.OperateID != live.OperateID)
}

// ranSince reports whether a task that the commit starts was started since before it. Who
// has started it is not told.
func ranSince(a *state.Attempt, live *state.Live) bool {
	return starts(&a.Wanted) && a.Before.RunningOrder != 0 && live.RunningOrder > a.Before.RunningOrder
}

// ShownByUs is Shown of a commit whose operation is told, and our own: what was read is newer
// than it, and an operation that comes after that is no trace of it.
func ShownByUs(rec *state.Record, e *Evidence) bool {
	return rec.Accepted() && !rec.Attempt.Stale && e.Live != nil && Shown(rec, e) &&
		e.Live.OperateID != "" && e.Operator != "" && e.Live.Operator == e.Operator
}

// Showable reports whether reads tell what the commit moves, by what was told before it
// and is told in seen, which may be nil.
func Showable(a *state.Attempt, seen *state.Live) bool {
	before, want := a.Before, a.Wanted.InstanceVersion
	if before == nil {
		return false
	}
	if want != 0 && want != before.InstanceVersion && seen == nil {
		return true // it may appear
	}
	if starts(&a.Wanted) && before.RunningOrder != 0 {
		return true
	}
	for _, l := range []*state.Live{before, seen} {
		if l != nil && (l.Missing || l.OperateID != "" || l.UpdateTime != "" || want != 0 && l.InstanceVersion != 0 && want != before.InstanceVersion) {
			return true
		}
	}
	return false
}
