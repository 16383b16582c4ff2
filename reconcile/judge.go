package reconcile

import (
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Verdict is what reading back proves about an attempt of unknown outcome.
type Verdict int

// The verdicts of Judge.
const (
	VerdictOpen        Verdict = iota // nothing yet: read back again later
	VerdictHappened                   // it was applied
	VerdictNotHappened                // it was not, and can no longer be
	VerdictPerson                     // reading back will never tell
)

// settleTime is how long after the accept horizon a task may still be on its way
// to what was asked before a person is called.
const settleTime = 10 * time.Minute

// Judge decides what live says about the attempt a. live was read at now, or after.
//
// Proof that it happened is taken at once: the live version and status are the
// wanted ones and were not before. Proof that it did not, exactly what was live
// before, counts only after horizon, because a signed request can be accepted for
// that long after it was sent; and only if the commit would have left a trace. why
// tells a person, when one is needed.
func Judge(a *state.Attempt, live *state.Live, now time.Time, horizon time.Duration) (v Verdict, why string) {
	if a.Before == nil {
		return VerdictPerson, "what was live before the request could not be read"
	}
	was, is, late := reached(&a.Wanted, a.Before), reached(&a.Wanted, live), now.Sub(a.At)
	switch {
	case is && !was:
		return VerdictHappened, ""
	case late < horizon:
		return VerdictOpen, ""
	case !moved(a.Before, live) && traced(&a.Wanted, a.Before):
		return VerdictNotHappened, ""
	case !moved(a.Before, live):
		return VerdictPerson, "the task looks as before, and would if the commit had happened"
	case late < horizon+settleTime:
		return VerdictOpen, ""
	case live.Missing:
		return VerdictPerson, "WeData says that there is no such task any more"
	case was:
		return VerdictPerson, "the task was at the wanted version before the request, and was operated since"
	default:
		return VerdictPerson, "the task has changed since the request, and is not as was asked"
	}
}

// reached reports whether live is where the commit was to bring the task.
func reached(wanted *state.Applied, live *state.Live) bool {
	if wanted.InstanceVersion != 0 && live.InstanceVersion != wanted.InstanceVersion {
		return false
	}
	return stands(wanted, live)
}

// stands reports whether live is submitted, or runs, as the commit was to make it.
func stands(wanted *state.Applied, live *state.Live) bool {
	if wanted.CommitType == spec.Submit {
		return live.Submitted
	}
	return live.Status == state.TaskRunning
}

// traced reports whether a commit that happened would show, in a task that was
// before: as another version, another status, or another operation.
func traced(wanted *state.Applied, before *state.Live) bool {
	return before.OperateID != "" || before.UpdateTime != "" || !stands(wanted, before) ||
		wanted.InstanceVersion != 0 && before.InstanceVersion != 0 && before.InstanceVersion != wanted.InstanceVersion
}

// moved reports whether anything but the lock differs: a lock is a person looking
// at the task, not a commit.
func moved(before, live *state.Live) bool {
	b, l := *before, *live
	b.Locked, b.Locker, l.Locked, l.Locker = false, "", false, ""
	return b != l
}
