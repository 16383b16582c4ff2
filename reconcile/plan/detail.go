package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Stamp writes a time as people and machines both read it, in UTC to the second.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func unknownDetail(key spec.Key, a *state.Attempt) string {
	if a.NeedsOperator != "" {
		return fmt.Sprintf("the outcome of the commit sent %s is not known: %s; say what happened: wedatasync resolve %s applied|not-applied",
			Stamp(a.At), a.NeedsOperator, key.ShellWord())
	}
	if a.NextAt.IsZero() {
		return fmt.Sprintf("the outcome of the commit sent %s is not known yet", Stamp(a.At))
	}
	return fmt.Sprintf("the outcome of the commit sent %s is not known, it is read back next %s", Stamp(a.At), Stamp(a.NextAt))
}

func refusedDetail(key spec.Key, a *state.Attempt) string {
	return fmt.Sprintf("refused with %s: %s; change the spec, or say: wedatasync retry %s", a.Outcome.Code, a.Outcome.Message, key.ShellWord())
}

func lockedDetail(a *state.Attempt) string {
	return fmt.Sprintf("locked by %s since %s, next try %s", a.Outcome.Locker, Stamp(a.Since), Stamp(a.NextAt))
}

func waitingDetail(a *state.Attempt) string {
	return fmt.Sprintf("%s since %s, next try %s: %s", a.Outcome.Code, Stamp(a.Since), Stamp(a.NextAt), a.Outcome.Message)
}

func recalledDetail(key spec.Key, rec *state.Record) string {
	return fmt.Sprintf("it was applied %s, before its spec was removed, by an earlier version that did not keep which version that was; where it is live as its spec says, take it over with wedatasync import, or to send it, say: wedatasync retry %s",
		Stamp(rec.Applied.At), key.ShellWord())
}

func spentDetail(want *spec.Commit) string {
	return fmt.Sprintf("discardState: %d was used already, and is good for one loss of the state; to keep the state, use commitType resume or pause-resume, to discard it once more, release another version",
		want.InstanceVersion)
}

func adoptedDetail(key spec.Key, a *state.Applied) string {
	return fmt.Sprintf("somebody else had changed it, which was adopted %s; change the spec, or to go back to it, say: wedatasync retry %s",
		Stamp(a.At), key.ShellWord())
}

func contestedDetail(key spec.Key, undo *state.Drift, why string) string {
	return fmt.Sprintf("%s: %s; change the spec, or to heal it once more, say: wedatasync retry %s", why, undoDetail(undo), key.ShellWord())
}

// undoDetail says what was changed, and who did it.
func undoDetail(d *state.Drift) string {
	if d.Operator == "" {
		return Differs(d)
	}
	return Differs(d) + ", by " + d.Operator
}

func suspendedDetail(what string, s *state.Suspension) string {
	until := "until someone says unsuspend"
	if !s.Until.IsZero() {
		until = "until " + Stamp(s.Until)
	}
	return fmt.Sprintf("%s was suspended by %s %s: %s", what, s.Actor, until, s.Reason)
}

// acceptedDetail says for a plan what an accepted commit waits for.
func acceptedDetail(key spec.Key, a *state.Attempt) string {
	accepted := "accepted " + Stamp(a.Since)
	switch {
	case a.Outcome.TaskApproveID != "":
		return fmt.Sprintf("%s, waits for approval %s in WeData; if that was rejected: wedatasync retry %s", accepted, a.Outcome.TaskApproveID, key.ShellWord())
	case a.NeedsOperator != "":
		return fmt.Sprintf("%s, and not seen live: %s; check the task in WeData, then: wedatasync resolve %s applied|not-applied", accepted, a.NeedsOperator, key.ShellWord())
	default:
		return accepted + ", not seen live yet"
	}
}

// notSeenLive says what is live in place of an accepted commit.
func notSeenLive(live *state.Live) string {
	switch {
	case live.Missing:
		return "WeData knows no such task any more"
	case live.InstanceVersion != 0:
		return fmt.Sprintf("WeData has the task at version %d, %s", live.InstanceVersion, live.Status)
	default:
		return "WeData tells no newer operation of the task"
	}
}

// followDetail says for a plan how the start of a task goes.
func followDetail(key spec.Key, a *state.Applied) string {
	switch run := a.Run; {
	case run == nil:
		return "its spec waits for it to run since after it was applied; wedatasync retry " + key.ShellWord() + " follows it anew"
	case run.Status == state.RunStarting:
		return fmt.Sprintf("started %s, and has until %s to run", Stamp(run.Since), Stamp(run.Until))
	case run.Status == state.RunLate:
		return fmt.Sprintf("did not run by %s: %s; look at it in WeData, and then say: wedatasync retry %s", Stamp(run.Until), run.Detail, key.ShellWord())
	default:
		return fmt.Sprintf("does not run since %s: %s; look at it in WeData, and then say: wedatasync retry %s", Stamp(run.Since), run.Detail, key.ShellWord())
	}
}

// detail says why the task does not run.
func (g PollResult) detail(a *state.Applied) string {
	switch {
	case g.missing:
		return "WeData knows no such task any more"
	case !g.isAt(a):
		return fmt.Sprintf("WeData has it at version %d", g.version)
	default:
		return fmt.Sprintf("WeData says that it is %s", g.status)
	}
}

// runNote says in the history how a start went.
func runNote(run *state.Run) string {
	switch run.Status {
	case state.RunRunning:
		return "it runs"
	case state.RunLate:
		return state.Clip("it did not run in time: " + run.Detail)
	default:
		return state.Clip("it does not run: " + run.Detail)
	}
}

func operatedBy(live *state.Live) string {
	if live.Operator == "" {
		return ""
	}
	return " (operated last by " + live.Operator + ")"
}

// numberOf writes how many there are.
func numberOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Short cuts a revision to what people read.
func Short(revision string) string { return revision[:min(len(revision), 12)] }

// EndOf says where a commit brings a task.
func EndOf(t spec.CommitType) string {
	if t.Runs() {
		return "running"
	}
	return "submitted"
}

// Differs says what differs between applied and live.
func Differs(d *state.Drift) string {
	parts := []string{string(d.Kind)}
	for _, f := range d.Fields {
		parts = append(parts, fmt.Sprintf("%s %s -> %s", f.Name, f.Applied, f.Live))
	}
	if d.OperatedAt != "" {
		parts = append(parts, d.OperatedAt)
	}
	return strings.Join(parts, ", ")
}

func until(at time.Time) string {
	if at.IsZero() {
		return "until the configuration changes"
	}
	return "until " + Stamp(at)
}
