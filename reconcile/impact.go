package reconcile

import (
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// impactOn returns what the commit does to the data of the task. have is its record, and
// seen how it has drifted; each may be nil.
func impactOn(want *spec.Commit, have *state.Record, seen *state.Drift) Impact {
	impact := ImpactOf(want.CommitType)
	if impact == ImpactStart && want.TaskType.OrDefault() != spec.Offline && isRunning(have, seen) {
		return ImpactFreshStart
	}
	return impact
}

// isRunning reports whether the task is known to run: as it was read before its newest
// attempt, or by the last look, or else as it was applied.
func isRunning(have *state.Record, seen *state.Drift) bool {
	if have == nil {
		return false
	}
	if a := have.Attempt; a != nil && a.Before != nil {
		runs, told := (&Sighting{Live: *a.Before}).runs()
		if told {
			return runs
		}
	}
	applied := have.Applied
	if seen != nil && (seen.Kind == state.DriftStopped || seen.Kind == state.DriftStarted) {
		return seen.Kind == state.DriftStarted
	}
	switch {
	case applied == nil || !applied.CommitType.Runs():
		return false
	case applied.Run != nil && applied.Run.Status != state.RunRunning:
		return false // it never came to run
	default:
		undo := undoOf(applied)
		return undo == nil || undo.Kind != state.DriftStopped
	}
}
