package plan

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

// Unhealable says why the spec's commit is none to be sent because of drift; it returns
// "" if it is one.
func Unhealable(want *spec.Commit) string {
	switch {
	case want.CommitType == spec.RestartDiscardState:
		return "its spec discards state, which only an operator may request"
	case want.InstanceVersion == 0:
		return "its spec names no version to go back to"
	default:
		return ""
	}
}

// OverOf returns what had been applied before a change was adopted, or nil.
func OverOf(a *state.Applied) *state.Applied {
	if a == nil || a.Drift == nil {
		return nil
	}
	return a.Drift.Over
}

// Overrules reports whether what was adopted stands against the spec: that has asked
// for nothing else since.
func Overrules(want *spec.Commit, a *state.Applied) bool {
	over := OverOf(a)
	return over != nil && ReasonFor(want, over) == ""
}

// UndoOf returns the change that a heal is to undo, or nil.
func UndoOf(a *state.Applied) *state.Drift {
	if a == nil || a.Drift == nil {
		return nil
	}
	return a.Drift.Undo
}

// undoes reports whether the spec's commit is to be sent once more because of drift.
func (p DriftPolicy) undoes(want *spec.Commit, a *state.Applied) bool {
	return p == PolicyHeal && UndoOf(a) != nil && Unhealable(want) == ""
}

// asks returns why the spec asks for a commit, or "" if it does not. It is reasonFor,
// and drift where that is healed.
func (p DriftPolicy) asks(want *spec.Commit, a *state.Applied) Reason {
	if reason := ReasonFor(want, a); reason != "" || !p.undoes(want, a) {
		return reason
	}
	return ReasonDrift
}

// Contested says why a change is not undone: it was to be already, or the task was
// changed again after each heal. It returns "" if it is undone.
func Contested(a *state.Applied) string {
	undo := UndoOf(a)
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
	return fmt.Sprintf("it was healed %d times since %s, and changed again", len(recent), Stamp(recent[0].At))
}

// recentHeals returns the heals in healWithin before t.
func recentHeals(a *state.Applied, t time.Time) []state.Heal {
	if a == nil || a.Drift == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.Drift.Heals), func(h state.Heal) bool { return t.Sub(h.At) >= healWithin })
}

// healed returns what is remembered of a task once the heal is sent: without the change
// that it undoes, for which another has to be seen first.
func healed(applied *state.Applied, now time.Time) *state.Drifted {
	undo := UndoOf(applied)
	if undo == nil {
		return nil
	}
	heals := recentHeals(applied, now)
	return &state.Drifted{Heals: append(heals, state.Heal{At: now, OperatedAt: undo.OperatedAt})}
}

// WithUndo returns the record with another change to undo, or with none.
func WithUndo(rec *state.Record, undo *state.Drift) *state.Record {
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
		field := Field{Name: f.Name, Before: any(f.Live), After: any(cmp.Or(f.Git, WantedStatus(want)))}
		if v, err := strconv.ParseInt(f.Live, 10, 64); err == nil && f.Name == "instanceVersion" {
			field.Before, field.After = v, want.InstanceVersion
		}
		fields = append(fields, field)
	}
	return fields
}

// WithoutOver returns the record as if what is live had been applied in the first place.
func WithoutOver(rec *state.Record) *state.Record {
	next, applied := *rec, *rec.Applied
	drifted := *applied.Drift
	drifted.Over = nil
	applied.Drift, next.Applied = orNoDrift(drifted), &applied
	return &next
}

func WantedStatus(want *spec.Commit) string {
	if want == nil {
		return ""
	}
	return EndOf(want.CommitType)
}
