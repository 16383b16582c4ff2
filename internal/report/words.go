package report

import (
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/reconcile"
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
func unverified(p *reconcile.Plan) string {
	if p.Source.Unverified == "" {
		return ""
	}
	return "Revision " + Visible(shortRevision(p.Source.Revision)) + ", the last one that was verified, stays: " + Visible(p.Source.Unverified)
}

// approveCommand is the exact way past the guards that hold p, or "" if an
// approval does not help.
func approveCommand(p *reconcile.Plan) string {
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
func verb(i reconcile.Impact, n int) string {
	one, many := "submits only", "submit only"
	switch i {
	case reconcile.ImpactDiscardState:
		one, many = "discards state", "discard state"
	case reconcile.ImpactFreshStart:
		one, many = "starts fresh", "start fresh"
	case reconcile.ImpactPause:
		one, many = "pauses and continues", "pause and continue"
	case reconcile.ImpactStart:
		one, many = "starts", "start"
	case reconcile.ImpactKeepState:
		one, many = "keeps state", "keep state"
	}
	if n == 1 {
		return one
	}
	return many
}

// happens says what a commit does to its task.
func happens(i reconcile.Impact) string {
	switch i {
	case reconcile.ImpactDiscardState:
		return "discards state, restarts"
	case reconcile.ImpactFreshStart:
		return "fresh start, state not continued"
	case reconcile.ImpactPause:
		return "pauses, continues with state"
	case reconcile.ImpactStart:
		return "starts"
	case reconcile.ImpactKeepState:
		return "continues with state"
	default:
		return "submits only"
	}
}

// heading names a group of commits.
func heading(i reconcile.Impact) (name, meaning string) {
	switch i {
	case reconcile.ImpactDiscardState:
		return "Discard state", "stopped, state lost, started again"
	case reconcile.ImpactFreshStart:
		return "Fresh start", "it runs, and is started anew: state not continued"
	case reconcile.ImpactPause:
		return "Pause", "paused, then continued with state"
	case reconcile.ImpactStart:
		return "Start", "started at once"
	case reconcile.ImpactKeepState:
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
	for _, c := range v.sends[impactRank(reconcile.ImpactFreshStart)] {
		warnings = append(warnings, spec.Problem{
			Pos: position(c), Severity: spec.SeverityWarning, Code: string(reconcile.ImpactFreshStart),
			Message: c.Key.String() + " runs, and start is a fresh start: its state is not continued; " + keepsState,
		})
	}
	return warnings
}

// marker is the sign of a commit at the start of its line.
func marker(c *reconcile.Change) string {
	switch {
	case c.Impact == reconcile.ImpactDiscardState:
		return "-/+"
	case c.Reason == reconcile.ReasonNew:
		return "+"
	default:
		return "~"
	}
}

// why says which rule asks for the call, and that the task was removed before.
func why(c *reconcile.Change) string {
	switch {
	case c.Have != nil && c.Have.Removed != nil && c.Reason != "":
		return reasonWords(c.Reason) + ", spec is back"
	case c.Reason == reconcile.ReasonNew && c.Action == reconcile.ActionCommit && c.Detail != "":
		return "first commit, or applied before"
	default:
		return reasonWords(c.Reason)
	}
}

// reasonWords says which rule asks for the call.
func reasonWords(r reconcile.Reason) string {
	switch r {
	case reconcile.ReasonNew:
		return "first commit"
	case reconcile.ReasonVersion:
		return "new version"
	case reconcile.ReasonRollback:
		return "rollback"
	case reconcile.ReasonStart:
		return "was only submitted"
	case reconcile.ReasonRerun:
		return "rerun asked for"
	case reconcile.ReasonContent:
		return "content changed"
	case reconcile.ReasonDrift:
		return "heals drift"
	default:
		return "asked for before"
	}
}

// holdReasons lists the reasons of a hold, those that need a person first.
func holdReasons() []reconcile.HoldReason {
	return []reconcile.HoldReason{
		reconcile.HoldUnknown,
		reconcile.HoldRefused,
		reconcile.HoldAlreadyLive,
		reconcile.HoldNewerLive,
		reconcile.HoldContested,
		reconcile.HoldRecalled,
		reconcile.HoldSpent,
		reconcile.HoldGuard,
		reconcile.HoldPaused,
		reconcile.HoldSuspended,
		reconcile.HoldAdopted,
		reconcile.HoldLocked,
		reconcile.HoldWaiting,
		reconcile.HoldWindow,
		reconcile.HoldDependency,
	}
}

// holdWords says what a hold reason means and what lifts it from task.
func holdWords(r reconcile.HoldReason, task string) (meaning, wayOn string) {
	switch r {
	case reconcile.HoldUnknown:
		return "the outcome of an earlier commit is not known", "read back by itself; if that does not tell, say what happened: wedatasync resolve " + task + " applied|not-applied"
	case reconcile.HoldRefused:
		return "WeData refused exactly this commit", "change the spec, or say: wedatasync retry " + task
	case reconcile.HoldAlreadyLive:
		return "live already, by an operation unknown to the state", "to mark it as applied: wedatasync resolve " + task + " applied; to commit it all the same: wedatasync retry " + task
	case reconcile.HoldNewerLive:
		return "a newer version is live, and the state did not apply it", "raise instanceVersion in the spec, or to go back to its version: wedatasync retry " + task
	case reconcile.HoldContested:
		return "somebody changes it again whenever it is healed", "change the spec, or to heal it once more, say: wedatasync retry " + task
	case reconcile.HoldRecalled:
		return "the spec is back; its applied version is not known", "take it over with wedatasync import, or to send it, say: wedatasync retry " + task
	case reconcile.HoldSpent:
		return "its discardState was used already", "keep the state with commitType resume or pause-resume, or release another version"
	case reconcile.HoldAdopted:
		return "somebody else has changed it, and that was adopted", "change the spec, or to go back to it, say: wedatasync retry " + task
	case reconcile.HoldGuard:
		return "a guard in the daemon's configuration does not allow it", "change the spec or the configuration"
	case reconcile.HoldPaused:
		return "sends have stopped, for a reason that is not the task", "sent by itself at the next try; at once with: wedatasync retry"
	case reconcile.HoldSuspended:
		return "it is to be left alone", "take suspend out of the spec, or say: wedatasync unsuspend " + task
	case reconcile.HoldLocked:
		return "someone has the task open in WeData", "sent by itself once they let go"
	case reconcile.HoldWaiting:
		return "WeData could not take it", "sent again by itself"
	case reconcile.HoldWindow:
		return "a window does not let it be committed now", "sent by itself as soon as one does"
	case reconcile.HoldDependency:
		return "a task it depends on is not live", "sent by itself once that one is"
	default:
		return "not sent now", "see its detail"
	}
}

// maxNames bounds the field names that are listed for one change.
const maxNames = 4

// fieldNames lists what differs, without what the reason says already.
func fieldNames(c *reconcile.Change) []string {
	if c.Reason == reconcile.ReasonNew {
		return nil
	}
	byVersion := c.Reason == reconcile.ReasonVersion || c.Reason == reconcile.ReasonRollback || c.Reason == reconcile.ReasonDrift
	var names []string
	for _, f := range c.Fields {
		if byVersion && f.Name == "instanceVersion" || c.Reason == reconcile.ReasonRerun && f.Name == "rerun" {
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
