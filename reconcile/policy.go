package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// DriftPolicy says what is done about a task that somebody else has changed. It comes
// from the daemon's configuration and never from the repository.
type DriftPolicy string

// The policies. Under each of them drift is reported.
const (
	// PolicyReport does no more.
	PolicyReport DriftPolicy = "report"
	// PolicyAdopt takes what is live for applied, without a call. What git says is then
	// held until it says something else, or a person says retry.
	PolicyAdopt DriftPolicy = "adopt"
	// PolicyHeal commits what git says once more, as a call of a plan like any other.
	PolicyHeal DriftPolicy = "heal"
)

// DriftPolicies lists the policies.
func DriftPolicies() []DriftPolicy { return []DriftPolicy{PolicyReport, PolicyAdopt, PolicyHeal} }

const (
	// maxHeals is how many heals of a task may come before a change in healWithin. Who
	// changes it again after that means it.
	maxHeals   = 2
	healWithin = 24 * time.Hour
)

// Answer is what is done about one task that has drifted.
type Answer string

// The answers to drift.
const (
	AnswerNone   Answer = ""       // it has not drifted
	AnswerReport Answer = "report" // nothing
	AnswerAdopt  Answer = "adopt"
	AnswerHeal   Answer = "heal"
)

// AnswerTo says what the policy does about a task that stands as d says, and if that is
// less than its name says, why. want is its spec, have its record, seen what was told
// of it; each may be nil. It is pure and total.
//
// A task is left as it is where acting would need more than is known: it is gone or out
// of production, somebody has it open, a commit of it is not settled, it has no spec
// that can be used, it was suspended, it never came to run, or its spec asks for a
// commit anyway.
func (p DriftPolicy) AnswerTo(d *state.Drift, want *spec.Commit, have *state.Record, seen *Sighting, now time.Time) (a Answer, why string) {
	if !d.Kind.Drifted() {
		return AnswerNone, ""
	}
	if p != PolicyAdopt && p != PolicyHeal {
		return AnswerReport, ""
	}
	switch {
	case d.Kind == state.DriftGone, seen == nil:
		return AnswerReport, "it is gone"
	case d.Kind == state.DriftNotSubmitted:
		return AnswerReport, "it is not in production"
	case seen.Live.Locked || seen.Live.Locker != "":
		return AnswerReport, "somebody has it open"
	case have.Attempt != nil:
		return AnswerReport, "its last commit is not settled"
	case want == nil:
		return AnswerReport, "it has no spec that can be used"
	case want.Suspend || have.Suspended.Active(now):
		return AnswerReport, "it is suspended"
	case have.Applied.Run != nil && have.Applied.Run.Status != state.RunRunning:
		return AnswerReport, "it did not come to run after its last commit"
	}
	if p == PolicyAdopt {
		return adopts(want, have.Applied, seen)
	}
	return heals(want, have.Applied, d.Kind)
}

// adopts decides whether a change is adopted. It never is if a call would follow that
// is not asked for already.
func adopts(want *spec.Commit, applied *state.Applied, seen *Sighting) (Answer, string) {
	next := afterAdoption(want, applied, seen)
	if reason := reasonFor(want, &next); reason != "" && !overrules(want, &next) {
		return AnswerReport, "its spec asks for a commit anyway"
	}
	return AnswerAdopt, ""
}

// heals decides whether a change is one that the commit of the spec takes back.
func heals(want *spec.Commit, applied *state.Applied, kind state.DriftKind) (Answer, string) {
	switch {
	case reasonFor(want, applied) != "" && overrules(want, applied):
		return AnswerReport, "an earlier change of it was adopted"
	case reasonFor(want, applied) != "":
		return AnswerReport, "its spec asks for a commit anyway"
	case kind == state.DriftStarted:
		return AnswerReport, "no commit stops a task"
	}
	if why := unhealable(want); why != "" {
		return AnswerReport, why
	}
	return AnswerHeal, ""
}

// unhealable says why the spec's commit is none to be sent because of drift; it returns
// "" if it is one.
func unhealable(want *spec.Commit) string {
	switch {
	case want.CommitType == spec.RestartDiscardState:
		return "its spec discards state, which only a person asks for"
	case want.InstanceVersion == 0:
		return "its spec names no version to go back to"
	default:
		return ""
	}
}

// afterAdoption returns what is applied once it is what was seen. What was not told stays;
// of a version that the spec names, too, it is as the spec says.
func afterAdoption(want *spec.Commit, applied *state.Applied, seen *Sighting) state.Applied {
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
	next.Revision, next.RequestID, next.Run, next.Wait, next.Drift = "", "", nil, 0, nil
	switch {
	case reasonFor(want, &next) != "":
		over := *cmp.Or(overOf(applied), applied)
		over.Drift = nil
		next.Drift = &state.Drifted{Over: &over}
	case next.InstanceVersion != applied.InstanceVersion:
		next.VersionDesc, next.EventDesc = want.VersionDesc, want.EventDesc
		next.Content, next.Ext = want.Content(), want.ExtDigest()
	}
	carrySpent(&next, applied)
	return next
}

// overOf returns what had been applied before a change was adopted, or nil.
func overOf(a *state.Applied) *state.Applied {
	if a == nil || a.Drift == nil {
		return nil
	}
	return a.Drift.Over
}

// overrules reports whether what was adopted stands against the spec: that has asked
// for nothing else since.
func overrules(want *spec.Commit, a *state.Applied) bool {
	over := overOf(a)
	return over != nil && reasonFor(want, over) == ""
}

// undoOf returns the change that a heal is to undo, or nil.
func undoOf(a *state.Applied) *state.Drift {
	if a == nil || a.Drift == nil {
		return nil
	}
	return a.Drift.Undo
}

// undoes reports whether the spec's commit is to be sent once more because of drift.
func (p DriftPolicy) undoes(want *spec.Commit, a *state.Applied) bool {
	return p == PolicyHeal && undoOf(a) != nil && unhealable(want) == ""
}

// asks returns why the spec asks for a commit, or "" if it does not. It is reasonFor,
// and drift where that is healed.
func (p DriftPolicy) asks(want *spec.Commit, a *state.Applied) Reason {
	if reason := reasonFor(want, a); reason != "" || !p.undoes(want, a) {
		return reason
	}
	return ReasonDrift
}

// contested says why a change is not undone: it was to be already, or the task was
// changed again after each heal. It returns "" if it is undone.
func contested(a *state.Applied) string {
	undo := undoOf(a)
	if undo == nil {
		return ""
	}
	recent := recentHeals(a, undo.Since)
	if n := len(a.Drift.Heals); n > 0 && undo.OperatedAt != "" && a.Drift.Heals[n-1].OperatedAt == undo.OperatedAt {
		return "this change was to be healed before, and is still there"
	}
	if len(recent) < maxHeals {
		return ""
	}
	return fmt.Sprintf("it was healed %d times since %s, and changed again", len(recent), stamp(recent[0].At))
}

// recentHeals returns the heals in healWithin before t.
func recentHeals(a *state.Applied, t time.Time) []state.Heal {
	if a == nil || a.Drift == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.Drift.Heals), func(h state.Heal) bool { return t.Sub(h.At) >= healWithin })
}

// changedSince says why a change is not undone any more, as what is live just before
// the call shows. It returns "" if it is there still.
func changedSince(want *spec.Commit, applied *state.Applied, live *state.Live) string {
	switch {
	case live == nil:
		return "it could not be read"
	case live.Missing:
		return "it is gone"
	case live.Locked || live.Locker != "":
		return "somebody has it open"
	}
	undo := undoOf(applied)
	d := Compare(want, applied, &Sighting{Key: want.Key, TaskType: applied.TaskType.OrDefault(), Live: *live})
	switch {
	case !d.Kind.Drifted():
		return "it is as it was applied again"
	case undo == nil || d.Kind != undo.Kind:
		return "it was changed once more"
	default:
		return ""
	}
}

// healed returns what is remembered of a task once the heal is sent: without the change
// that it undoes, for which another has to be seen first.
func healed(applied *state.Applied, now time.Time) *state.Drifted {
	undo := undoOf(applied)
	if undo == nil {
		return nil
	}
	heals := recentHeals(applied, now)
	return &state.Drifted{Heals: append(heals, state.Heal{At: now, OperatedAt: undo.OperatedAt})}
}

// withUndo returns the record with another change to undo, or with none.
func withUndo(rec *state.Record, undo *state.Drift) *state.Record {
	next, applied := *rec, *rec.Applied
	drifted := state.Drifted{}
	if applied.Drift != nil {
		drifted = *applied.Drift
	}
	drifted.Undo = undo
	applied.Drift, next.Applied = orNoDrift(drifted), &applied
	return &next
}

// orNoDrift returns nil where there is nothing to remember.
func orNoDrift(d state.Drifted) *state.Drifted {
	if d.Over == nil && d.Undo == nil && len(d.Heals) == 0 {
		return nil
	}
	return &d
}

// undoFields lists what a heal changes: from what is live to what the spec says.
func undoFields(want *spec.Commit, undo *state.Drift) []Field {
	var fields []Field
	for _, f := range undo.Fields {
		field := Field{Name: f.Name, Before: any(f.Live), After: any(cmp.Or(f.Git, wantedStatus(want)))}
		if v, err := strconv.ParseInt(f.Live, 10, 64); err == nil && f.Name == "instanceVersion" {
			field.Before, field.After = v, want.InstanceVersion
		}
		fields = append(fields, field)
	}
	return fields
}
