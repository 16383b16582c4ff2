package report

import (
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// shortHashLen is how many hexadecimal digits name a plan to people. Approve takes
// nothing but all of them.
const shortHashLen = 16

// ShortHash returns the start of a plan's hash, as it is shown.
func ShortHash(hash string) string {
	digits := hash[strings.IndexByte(hash, ':')+1:]
	return digits[:min(len(digits), shortHashLen)]
}

// shortRevision returns a revision as people name it.
func shortRevision(revision string) string { return revision[:min(len(revision), 12)] }

// unverified says in a sentence why the revision of p is not the newest, or "" if it is.
func unverified(p *plan.Plan) string {
	if p.Source.Unverified == "" {
		return ""
	}
	return "Revision " + text.Visible(shortRevision(p.Source.Revision)) + ", the last one that was verified, stays: " + text.Visible(p.Source.Unverified)
}

// approveCommand is the exact way past the guards that hold p, or "" if an
// approval does not help.
func approveCommand(p *plan.Plan) string {
	for _, h := range p.Holds {
		if !h.Approvable {
			return ""
		}
	}
	if len(p.Holds) == 0 {
		return ""
	}
	return "wedatasync approve " + p.Hash
}

// verb says what n commits do to the data: "1 discards state", "2 discard state".
func verb(i plan.Impact, n int) string {
	one, many := "submits only", "submit only"
	switch i {
	case plan.ImpactDiscardState:
		one, many = "discards state", "discard state"
	case plan.ImpactFreshStart:
		one, many = "starts fresh", "start fresh"
	case plan.ImpactPause:
		one, many = "pauses and continues", "pause and continue"
	case plan.ImpactStart:
		one, many = "starts", "start"
	case plan.ImpactKeepState:
		one, many = "keeps state", "keep state"
	}
	if n == 1 {
		return one
	}
	return many
}

// happens says what a commit does to its task.
func happens(i plan.Impact) string {
	switch i {
	case plan.ImpactDiscardState:
		return "discards state, restarts"
	case plan.ImpactFreshStart:
		return "fresh start, state not continued"
	case plan.ImpactPause:
		return "pauses, continues with state"
	case plan.ImpactStart:
		return "starts"
	case plan.ImpactKeepState:
		return "continues with state"
	default:
		return "submits only"
	}
}

// heading names a group of commits.
func heading(i plan.Impact) (name, meaning string) {
	switch i {
	case plan.ImpactDiscardState:
		return "Discard state", "stopped, state lost, started again"
	case plan.ImpactFreshStart:
		return "Fresh start", "it runs, and is started anew: state not continued"
	case plan.ImpactPause:
		return "Pause", "paused, then continued with state"
	case plan.ImpactStart:
		return "Start", "started at once"
	case plan.ImpactKeepState:
		return "Keep state", "continued with state"
	default:
		return "Submit", "submitted, nothing runs"
	}
}

// keepsState is the way to release a task that runs without a fresh start.
const keepsState = "to keep the state, write commitType: resume, or pause-resume"

// freshStarts returns a warning for each commit that starts a task afresh that runs.
func (v *view) freshStarts() spec.Problems {
	var warnings spec.Problems
	for _, c := range v.sends[impactRank(plan.ImpactFreshStart)] {
		warnings = append(warnings, spec.Problem{
			Pos: position(c), Severity: spec.SeverityWarning, Code: string(plan.ImpactFreshStart),
			Message: c.Key.String() + " runs, and start is a fresh start: its state is not continued; " + keepsState,
		})
	}
	return warnings
}

// marker is the sign of a commit at the start of its line.
func marker(c *plan.Change) string {
	switch {
	case c.Impact == plan.ImpactDiscardState:
		return "-/+"
	case c.Reason == plan.ReasonNew:
		return "+"
	default:
		return "~"
	}
}

// why says which rule asks for the call, and that the task was removed before.
func why(c *plan.Change) string {
	switch {
	case c.Have != nil && c.Have.Removed != nil && c.Reason != "":
		return reasonWords(c.Reason) + ", spec is back"
	case c.Reason == plan.ReasonNew && c.Action == plan.ActionCommit && c.Detail != "":
		return "first commit, or applied before"
	default:
		return reasonWords(c.Reason)
	}
}

// reasonWords says which rule asks for the call.
func reasonWords(r plan.Reason) string {
	switch r {
	case plan.ReasonNew:
		return "first commit"
	case plan.ReasonVersion:
		return "new version"
	case plan.ReasonRollback:
		return "rollback"
	case plan.ReasonStart:
		return "was only submitted"
	case plan.ReasonRerun:
		return "rerun asked for"
	case plan.ReasonContent:
		return "content changed"
	case plan.ReasonDrift:
		return "heals drift"
	default:
		return "asked for before"
	}
}

// holdReasons lists the reasons of a hold, those that need a person first.
func holdReasons() []plan.HoldReason {
	return []plan.HoldReason{
		plan.HoldUnknown,
		plan.HoldRefused,
		plan.HoldAlreadyLive,
		plan.HoldNewerLive,
		plan.HoldContested,
		plan.HoldRecalled,
		plan.HoldSpent,
		plan.HoldGuard,
		plan.HoldPaused,
		plan.HoldSuspended,
		plan.HoldAdopted,
		plan.HoldLocked,
		plan.HoldWaiting,
		plan.HoldWindow,
		plan.HoldDependency,
	}
}

// holdWords says what a hold reason means and what lifts it from task.
func holdWords(r plan.HoldReason, task string) (meaning, wayOn string) {
	switch r {
	case plan.HoldUnknown:
		return "the outcome of an earlier commit is not known", "read back by itself; if that does not tell, say what happened: wedatasync resolve " + task + " applied|not-applied"
	case plan.HoldRefused:
		return "WeData refused exactly this commit", "change the spec, or say: wedatasync retry " + task
	case plan.HoldAlreadyLive:
		return "live already, by an operation unknown to the state", "to mark it as applied: wedatasync resolve " + task + " applied; to commit it all the same: wedatasync retry " + task
	case plan.HoldNewerLive:
		return "a newer version is live, and the state did not apply it", "raise instanceVersion in the spec, or to go back to its version: wedatasync retry " + task
	case plan.HoldContested:
		return "somebody changes it again whenever it is healed", "change the spec, or to heal it once more, say: wedatasync retry " + task
	case plan.HoldRecalled:
		return "the spec is back; its applied version is not known", "take it over with wedatasync import, or to send it, say: wedatasync retry " + task
	case plan.HoldSpent:
		return "its discardState was used already", "keep the state with commitType resume or pause-resume, or release another version"
	case plan.HoldAdopted:
		return "somebody else has changed it, and that was adopted", "change the spec, or to go back to it, say: wedatasync retry " + task
	case plan.HoldGuard:
		return "a guard in the daemon's configuration does not allow it", "change the spec or the configuration"
	case plan.HoldPaused:
		return "sends have stopped, for a reason that is not the task", "sent by itself at the next try; at once with: wedatasync retry"
	case plan.HoldSuspended:
		return "it is to be left alone", "take suspend out of the spec, or say: wedatasync unsuspend " + task
	case plan.HoldLocked:
		return "someone has the task open in WeData", "sent by itself once they let go"
	case plan.HoldWaiting:
		return "WeData could not take it", "sent again by itself"
	case plan.HoldWindow:
		return "a window does not let it be committed now", "sent by itself as soon as one does"
	case plan.HoldDependency:
		return "a task it depends on is not live", "sent by itself once that one is"
	default:
		return "not sent now", "see its detail"
	}
}

// maxNames bounds the field names that are listed for one change.
const maxNames = 4

// fieldNames lists what differs, without what the reason says already.
func fieldNames(c *plan.Change) []string {
	if c.Reason == plan.ReasonNew {
		return nil
	}
	byVersion := c.Reason == plan.ReasonVersion || c.Reason == plan.ReasonRollback || c.Reason == plan.ReasonDrift
	var names []string
	for _, f := range c.Fields {
		if byVersion && f.Name == "instanceVersion" || c.Reason == plan.ReasonRerun && f.Name == "rerun" {
			continue
		}
		if len(names) == maxNames {
			names[maxNames-1] = "…"
			break
		}
		names = append(names, f.Name)
	}
	return names
}

// anyTask stands for the task in words about several.
const anyTask = "TASK"

// version writes an instance version, or what stands for none.
func version(n int64, none string) string {
	if n == 0 {
		return none
	}
	return strconv.FormatInt(n, 10)
}
