package reconcile

import (
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// stamp writes a time as people and machines both read it, in UTC to the second.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func unknownDetail(key spec.Key, a *state.Attempt) string {
	if a.NeedsPerson != "" {
		return fmt.Sprintf("the outcome of the commit sent %s is not known: %s; say what happened: wedatasync resolve %s applied|not-applied",
			stamp(a.At), a.NeedsPerson, key.ShellWord())
	}
	if a.NextAt.IsZero() {
		return fmt.Sprintf("the outcome of the commit sent %s is not known yet", stamp(a.At))
	}
	return fmt.Sprintf("the outcome of the commit sent %s is not known, it is read back next %s", stamp(a.At), stamp(a.NextAt))
}

func refusedDetail(key spec.Key, a *state.Attempt) string {
	return fmt.Sprintf("refused with %s: %s; change the spec, or say: wedatasync retry %s", a.Outcome.Code, a.Outcome.Message, key.ShellWord())
}

func lockedDetail(a *state.Attempt) string {
	return fmt.Sprintf("locked by %s since %s, next try %s", a.Outcome.Locker, stamp(a.Since), stamp(a.NextAt))
}

func waitingDetail(a *state.Attempt) string {
	return fmt.Sprintf("%s since %s, next try %s: %s", a.Outcome.Code, stamp(a.Since), stamp(a.NextAt), a.Outcome.Message)
}

func recalledDetail(key spec.Key, rec *state.Record) string {
	return fmt.Sprintf("it was applied %s, before its spec was removed, by an earlier version that did not keep which version that was; where it is live as its spec says, take it over with wedatasync import, or to send it, say: wedatasync retry %s",
		stamp(rec.Applied.At), key.ShellWord())
}

func spentDetail(want *spec.Commit) string {
	return fmt.Sprintf("discardState: %d was used already, and is good for one loss of the state; to keep the state, use commitType resume or pause-resume, to discard it once more, release another version",
		want.InstanceVersion)
}

func adoptedDetail(key spec.Key, a *state.Applied) string {
	return fmt.Sprintf("somebody else had changed it, which was adopted %s; change the spec, or to go back to it, say: wedatasync retry %s",
		stamp(a.At), key.ShellWord())
}

func contestedDetail(key spec.Key, undo *state.Drift, why string) string {
	return fmt.Sprintf("%s: %s; change the spec, or to heal it once more, say: wedatasync retry %s", why, undoDetail(undo), key.ShellWord())
}

// undoDetail says what was changed, and who did it.
func undoDetail(d *state.Drift) string {
	if d.Operator == "" {
		return differs(d)
	}
	return differs(d) + ", by " + d.Operator
}

func suspendedDetail(what string, s *state.Suspension) string {
	until := "until someone says unsuspend"
	if !s.Until.IsZero() {
		until = "until " + stamp(s.Until)
	}
	return fmt.Sprintf("%s was suspended by %s %s: %s", what, s.Actor, until, s.Reason)
}
