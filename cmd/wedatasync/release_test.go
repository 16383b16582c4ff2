package main

import (
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/progress"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestReleaseAgreesWithStatus: whatever a pass leaves, release and wait end with the code of
// status and of run --once.
func TestReleaseAgreesWithStatus(t *testing.T) {
	t.Parallel()
	plans := map[string]*plan.Plan{"nothing": {}}
	for _, action := range []plan.Action{plan.ActionCommit, plan.ActionUnversioned} {
		plans[string(action)] = &plan.Plan{Changes: []plan.Change{{Action: action, Want: &spec.Commit{}}}}
	}
	holds := []plan.HoldReason{
		plan.HoldLocked, plan.HoldWaiting, plan.HoldWindow, plan.HoldGuard, plan.HoldUnknown, plan.HoldDependency, plan.HoldRefused, plan.HoldPaused,
		plan.HoldAdopted, plan.HoldSpent, plan.HoldRecalled, plan.HoldContested, plan.HoldAlreadyLive, plan.HoldNewerLive,
	}
	for _, a := range holds {
		for _, b := range holds {
			plans[string(a+" "+b)] = &plan.Plan{Changes: []plan.Change{
				{Key: spec.Key{TaskID: "a"}, Action: plan.ActionHold, Hold: a, Want: &spec.Commit{}},
				{Key: spec.Key{TaskID: "b"}, Action: plan.ActionHold, Hold: b, Want: &spec.Commit{}},
			}}
		}
	}
	suspended := &state.Record{Status: state.StatusNone, Suspended: &state.Suspension{}}
	plans["suspended by its spec"] = &plan.Plan{Changes: []plan.Change{{Action: plan.ActionHold, Hold: plan.HoldSuspended, Want: &spec.Commit{Suspend: true}}}}
	plans["suspended by an operator"] = &plan.Plan{Changes: []plan.Change{{Action: plan.ActionHold, Hold: plan.HoldSuspended, Want: &spec.Commit{}, Have: suspended}}}
	accepted := &state.Record{Status: state.StatusApplied, Applied: &state.Applied{}, Attempt: &state.Attempt{}}
	plans["accepted"] = &plan.Plan{Changes: []plan.Change{{Action: plan.ActionFollow, Want: &spec.Commit{}, Have: accepted}}}
	late := &state.Record{Status: state.StatusApplied, Applied: &state.Applied{Wait: 1, Run: &state.Run{Status: state.RunLate}}}
	plans["not running"] = &plan.Plan{Changes: []plan.Change{{Action: plan.ActionFollow, Want: &spec.Commit{}, Have: late}}}
	for name, p := range plans {
		for _, variant := range []string{"", ", invalid", ", held"} {
			left := *p
			switch variant {
			case ", invalid":
				left.Problems = spec.Problems{{Severity: spec.SeverityError}}
			case ", held":
				left.Holds = []plan.GuardHold{{Guard: "maxChanges"}}
			}
			left.Source.Revision = "r"
			list := progress.Begin(nil, state.Release{Revision: "r"}, &plan.Plan{}, time.Now())
			list[0].Outcome = state.ReleaseUnderWay
			list, _ = progress.Judge(list, &left, time.Now())
			got, want := exitCode(releaseStatus(&release.Release{Release: list[0]})), exitCode(outcomeStatus(explain.Summarize(&left, nil).Outcome()))
			if got != want {
				t.Errorf("%s%s: the release ends with %d, status with %d", name, variant, got, want)
			}
		}
	}
}
