package drift

import (
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// LiveOf returns what was applied to a task that is as it was seen. want is its spec,
// or nil: what WeData does not tell (descriptions, extConfig, and of an offline task
// its version and whether it runs) is taken from the spec. Without a spec, the
// commit type is one to release the task with that leaves its state alone.
func LiveOf(want *spec.Commit, seen *LiveTask) state.Applied {
	runs, told := seen.runs()
	if want == nil {
		c := spec.Commit{Key: seen.Key, TaskType: seen.TaskType, InstanceVersion: seen.Live.InstanceVersion}
		if seen.toRun() {
			c.CommitType = spec.Resume
		}
		applied := plan.AppliedOf(&c, "")
		applied.Idle = told && !runs
		return applied
	}
	applied := plan.AppliedOf(want, "")
	if want.InstanceVersion != 0 && seen.Live.InstanceVersion != 0 {
		applied.InstanceVersion = seen.Live.InstanceVersion
	}
	if want.TaskType.OrDefault() != seen.TaskType {
		applied.TaskType = seen.TaskType
	}
	switch {
	case told && runs && !want.CommitType.Runs():
		applied.CommitType = spec.Resume
	case told && !runs:
		applied.CommitType, applied.Idle = spec.Submit, true
	}
	return applied
}

// toRun reports whether the task is one to keep running: a real-time one that runs, or
// is on its way there, or has failed, which nobody has stopped. An offline task runs
// when its schedule says.
func (s *LiveTask) toRun() bool {
	if s.TaskType == spec.Offline {
		return false
	}
	switch s.Live.Status {
	case state.TaskRunning, state.TaskInOperation, state.TaskFailed, state.TaskAbnormal:
		return true
	default:
		return false
	}
}

// runs reports whether the task runs, and whether that is told at all: not of an
// offline task, which runs when its schedule says, and not while a task is on its way
// from one to the other. A task that has failed was not stopped by anybody.
func (s *LiveTask) runs() (runs, told bool) {
	if s.TaskType == spec.Offline {
		return false, false
	}
	return plan.StatusRuns(s.Live.Status)
}

// Import returns the transition that takes the task over as it is live, without a
// call. have is its record before, and has no attempt; want is its spec, or nil.
func Import(have *state.Record, want *spec.Commit, seen *LiveTask, actor string, now time.Time) state.Transition {
	applied := LiveOf(want, seen)
	applied.Origin, applied.At, applied.OperateID = state.OriginImported, now, seen.Live.OperateID
	rec := state.Record{Key: seen.Key, Status: state.StatusApplied, Applied: &applied}
	if have != nil {
		rec.Suspended = have.Suspended
		plan.CarrySpent(&applied, have.Applied)
	}
	return state.Transition{Record: &rec, Events: []state.Event{{
		At: now, Kind: state.EventAdopted, Key: seen.Key, Actor: actor, After: new(seen.Live), Note: "imported as it is live",
	}}}
}

// SpecOf returns the spec of a task that is as it was applied: a plan with it has
// nothing to do for the task. ok is false if there is none, because the state does not
// keep the values of extConfig.
func SpecOf(key spec.Key, applied *state.Applied) (c spec.Commit, ok bool) {
	c = spec.Commit{
		Key: key, CommitType: applied.CommitType, TaskType: applied.TaskType, InstanceVersion: applied.InstanceVersion,
		VersionDesc: applied.VersionDesc, EventDesc: applied.EventDesc, Rerun: applied.Rerun,
	}
	fresh := c.CommitType == spec.Start && c.TaskType.OrDefault() != spec.Offline && c.InstanceVersion != 0
	if fresh || c.CommitType == spec.RestartDiscardState {
		c.CommitType = spec.Resume // the start, and the loss, were meant once
	}
	return c, plan.ReasonFor(&c, applied) == "" && c.ExtDigest() == applied.Ext
}
