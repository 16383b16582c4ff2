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

// Judge decides what live, read at now, says about the attempt a.
//
// Proof that it happened is taken at once: the live version and status are the
// wanted ones and were not before. Proof that it did not, exactly what was live
// before, counts only after horizon, because a signed request can be accepted for
// that long after it was sent. why tells a person, when one is needed.
func Judge(a *state.Attempt, live *state.Live, now time.Time, horizon time.Duration) (v Verdict, why string) {
	if a.Before == nil {
		return VerdictPerson, "what was live before the request could not be read"
	}
	was, is := reached(&a.Wanted, a.Before), reached(&a.Wanted, live)
	switch {
	case is && !was:
		return VerdictHappened, ""
	case !moved(a.Before, live):
		if now.Sub(a.At) < horizon {
			return VerdictOpen, ""
		}
		return VerdictNotHappened, ""
	case now.Sub(a.At) < horizon+settleTime:
		return VerdictOpen, ""
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
	if wanted.CommitType == spec.Submit {
		return live.Submitted
	}
	return live.Status == state.TaskRunning
}

// moved reports whether anything but the lock differs: a lock is a person looking
// at the task, not a commit.
func moved(before, live *state.Live) bool {
	b, l := *before, *live
	b.Locked, b.Locker, l.Locked, l.Locker = false, "", false, ""
	return b != l
}
