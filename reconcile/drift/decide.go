package drift

import (
	"cmp"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Decision is what is done about one task that has drifted.
type Decision string

// The answers to drift.
const (
	DecideNone   Decision = ""       // it has not drifted
	DecideReport Decision = "report" // nothing
	DecideAdopt  Decision = "adopt"
	DecideHeal   Decision = "heal"
)

// Decide says what the policy does about a task that stands as d says, and if that is
// less than its name says, why. want is its spec, have its record, seen what was told
// of it; each may be nil. It is pure and total.
//
// A task is left as it is where acting would need more than is known: it is gone or out
// of production, somebody has it open, a commit of it is not settled, it has no spec
// that can be used, it was suspended, it never came to run, or its spec asks for a
// commit anyway.
func Decide(p plan.DriftPolicy, d *state.Drift, want *spec.Commit, have *state.Record, seen *LiveTask, now time.Time) (a Decision, why string) {
	if !d.Kind.Drifted() {
		return DecideNone, ""
	}
	if p != plan.PolicyAdopt && p != plan.PolicyHeal {
		return DecideReport, ""
	}
	switch {
	case d.Kind == state.DriftGone, seen == nil:
		return DecideReport, "it is missing"
	case d.Kind == state.DriftNotSubmitted:
		return DecideReport, "it is not in production"
	case seen.Live.Locked || seen.Live.Locker != "":
		return DecideReport, "somebody has it open"
	case have.Attempt != nil:
		return DecideReport, "its last commit is not settled"
	case want == nil:
		return DecideReport, "it has no spec that can be used"
	case want.Suspend || have.Suspended.Active(now):
		return DecideReport, "it is suspended"
	case have.Applied.Run != nil && have.Applied.Run.Status != state.RunRunning:
		return DecideReport, "it did not come to run after its last commit"
	}
	if p == plan.PolicyAdopt {
		return adopts(want, have.Applied, seen)
	}
	return heals(want, have.Applied, d.Kind)
}

// adopts decides whether a change is adopted. It never is if a call would follow that
// is not asked for already.
func adopts(want *spec.Commit, applied *state.Applied, seen *LiveTask) (Decision, string) {
	next := afterAdoption(want, applied, seen)
	if reason := plan.ReasonFor(want, &next); reason != "" && !plan.Overrules(want, &next) {
		return DecideReport, "its spec asks for a commit anyway"
	}
	return DecideAdopt, ""
}

// heals decides whether a change is one that the commit of the spec takes back.
func heals(want *spec.Commit, applied *state.Applied, kind state.DriftKind) (Decision, string) {
	switch {
	case plan.ReasonFor(want, applied) != "" && plan.Overrules(want, applied):
		return DecideReport, "an earlier change of it was adopted"
	case plan.ReasonFor(want, applied) != "":
		return DecideReport, "its spec asks for a commit anyway"
	case kind == state.DriftStarted:
		return DecideReport, "no commit stops a task"
	}
	if why := plan.Unhealable(want); why != "" {
		return DecideReport, why
	}
	return DecideHeal, ""
}

// afterAdoption returns what is applied once it is what was seen. What WeData does not tell
// stays; where the live version is the one in the spec, it is taken from the spec.
func afterAdoption(want *spec.Commit, applied *state.Applied, seen *LiveTask) state.Applied {
	next := *applied
	if seen.Live.InstanceVersion != 0 && applied.InstanceVersion != 0 {
		next.InstanceVersion = seen.Live.InstanceVersion
	}
	switch runs, told := seen.runs(); {
	case told && runs && !applied.CommitType.Runs():
		next.CommitType, next.Idle = spec.Start, false
	case told && !runs:
		next.CommitType, next.Idle = spec.Submit, true
	}
	next.OperateID = seen.Live.OperateID
	next.Revision, next.RequestID, next.Run, next.Wait, next.Healthy, next.Drift = "", "", nil, 0, nil, nil
	switch {
	case plan.ReasonFor(want, &next) != "":
		over := *cmp.Or(plan.OverOf(applied), applied)
		over.Drift = nil
		next.Drift = &state.Drifted{Over: &over}
	case next.InstanceVersion != applied.InstanceVersion:
		next.VersionDesc, next.EventDesc = want.VersionDesc, want.EventDesc
		next.Content, next.Ext = want.Content(), want.ExtDigest()
	}
	plan.CarrySpent(&next, applied)
	return next
}

// ChangedSince says why a change is not undone any more, as what is live just before
// the call shows. It returns "" if it is there still.
func ChangedSince(want *spec.Commit, applied *state.Applied, live *state.Live) string {
	switch {
	case live == nil:
		return "it could not be read"
	case live.Missing:
		return "it is missing"
	case live.Locked || live.Locker != "":
		return "somebody has it open"
	}
	undo := plan.UndoOf(applied)
	d := Compare(want, applied, &LiveTask{Key: want.Key, TaskType: applied.TaskType.OrDefault(), Live: *live})
	switch {
	case !d.Kind.Drifted():
		return "it is as it was applied again"
	case undo == nil || d.Kind != undo.Kind:
		return "it was changed once more"
	default:
		return ""
	}
}
