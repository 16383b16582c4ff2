package servetest

import (
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// The names that the plans have.
const (
	Project  = "1486804694126882816"
	Revision = "9fceb02d0ae598e95dc970b74767f19372d61af8"
	PlanHash = "sha256:5a3c9d1e0f343b0931126a20f133d67c2b018a3b5f1f7a8d0f3b1f0c8b7b0b1e"
	Interval = 30 * time.Second
)

// Key is the key of the nth task.
func Key(n int) spec.Key {
	return spec.Key{ProjectID: Project, TaskID: fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", n)}
}

// Commit is what the spec of a task asks for.
func Commit(k spec.Key) *spec.Commit {
	return &spec.Commit{
		Key: k, CommitType: spec.Resume, InstanceVersion: 12, VersionDesc: "v12",
		Pos: spec.Pos{File: "tasks/orders.yaml", Line: 4, Column: 5},
	}
}

// Applied is the version before that, an hour ago.
func Applied(now time.Time) *state.Applied {
	return &state.Applied{
		CommitType: spec.Start, InstanceVersion: 11, Revision: Revision, RequestID: "eac6b301-a322-493a-8e36-83b295459397",
		Origin: state.OriginCommit, At: now.Add(-time.Hour),
	}
}

// Record is a task that was applied once and has an attempt with the outcome.
func Record(k spec.Key, s state.Status, out state.Outcome, now time.Time) *state.Record {
	return &state.Record{Key: k, Status: s, Applied: Applied(now), Attempt: &state.Attempt{
		ID: "01JC4ZJ9D3V8", Wanted: state.Applied{CommitType: spec.Resume, InstanceVersion: 12, Revision: Revision},
		Reason: "version", PlanHash: PlanHash, Author: "Ada Lovelace <ada@example.com>", File: "tasks/orders.yaml", Line: 4,
		At: now.Add(-4 * time.Minute), Before: &state.Live{InstanceVersion: 11, Status: state.TaskRunning},
		Outcome: out, Since: now.Add(-12 * time.Minute), Tries: 3, NextAt: now.Add(95 * time.Second),
	}}
}

// EmptyPlan is a plan for which everything is in sync.
func EmptyPlan() *plan.Plan {
	return &plan.Plan{
		Source: plan.SourceInfo{
			URL: "https://git.example.com/data/streams.git", Branch: "main",
			Revision: Revision, Author: "Ada Lovelace <ada@example.com>", Subject: "Move orders to the new sink",
		},
		State: plan.StateInfo{Lineage: "7b0c", Serial: 88},
		Specs: 210, Managed: 210, Unchanged: 210, Hash: PlanHash,
	}
}

// Held adds a change that is held, and returns it.
func Held(p *plan.Plan, k spec.Key, why plan.HoldReason, rec *state.Record) *plan.Change {
	p.Changes = append(p.Changes, plan.Change{
		Key: k, Action: plan.ActionHold, Reason: plan.ReasonVersion, Hold: why, Detail: "held for a reason",
		Impact: plan.ImpactKeepState, Want: Commit(k), Have: rec,
		Fields: []plan.Field{{Name: "instanceVersion", Before: int64(11), After: int64(12)}},
	})
	p.Unchanged--
	return &p.Changes[len(p.Changes)-1]
}

// Calls adds n changes that are to be sent.
func Calls(p *plan.Plan, n int) {
	for i := range n {
		p.Changes = append(p.Changes, plan.Change{
			Key: Key(i), Action: plan.ActionCommit, Reason: plan.ReasonVersion,
			Impact: plan.ImpactKeepState, Want: Commit(Key(i)),
		})
	}
	p.Unchanged = max(p.Unchanged-n, 0)
}

// Healthy is the status of a daemon that is well and has the plan.
func Healthy(p *plan.Plan, now time.Time) reconcile.Status {
	well := reconcile.Health{OK: now, At: now}
	return reconcile.Status{Plan: p, Source: well, Store: well}
}

// Troubled is a plan with everything in it that a plan can have.
func Troubled(now time.Time) *plan.Plan {
	p := EmptyPlan()
	unknown := Record(Key(1), state.StatusUnknown, state.Outcome{Class: state.ClassUnknown, Code: "Timeout", Message: "no answer in time"}, now)
	Held(p, Key(1), plan.HoldUnknown, unknown)
	person := Record(Key(2), state.StatusUnknown, state.Outcome{Class: state.ClassUnknown, Code: "Timeout", Message: "no answer in time"}, now)
	person.Attempt.NeedsOperator = "what is live fits neither"
	Held(p, Key(2), plan.HoldUnknown, person)
	Held(p, Key(3), plan.HoldRefused, Record(Key(3), state.StatusRefused, state.Outcome{Class: state.ClassRefused, Code: "InvalidParameterValue", Message: "no such version", RequestID: "f1"}, now))
	Held(p, Key(4), plan.HoldLocked, Record(Key(4), state.StatusWaiting, state.Outcome{Class: state.ClassWaiting, Code: "UnsupportedOperation", Message: "locked", Locker: "100028625403"}, now))
	Held(p, Key(5), plan.HoldWaiting, Record(Key(5), state.StatusWaiting, state.Outcome{Class: state.ClassWaiting, Code: "ResourceInUse", Message: "busy"}, now))
	Held(p, Key(6), plan.HoldDependency, nil)
	Held(p, Key(7), plan.HoldPaused, nil)
	suspended := &state.Record{Key: Key(8), Status: state.StatusApplied, Applied: Applied(now), Suspended: &state.Suspension{Reason: "maintenance", Actor: "grace", At: now}}
	Held(p, Key(8), plan.HoldSuspended, suspended)
	Held(p, Key(9), plan.HoldWindow, nil)
	guard := Held(p, Key(10), plan.HoldGuard, nil)
	guard.Fields = append(guard.Fields, plan.Field{Name: "extConfig.password", Before: "hunter-1", After: "hunter-2", Secret: true})
	p.Holds = []plan.GuardHold{{Guard: "maxChanges", Message: "38 calls, and guards.maxChanges is 30", Approvable: true}}
	guard.Detail = p.Holds[0].Message
	p.Changes = append(p.Changes,
		plan.Change{Key: Key(11), Action: plan.ActionForget, Have: &state.Record{Key: Key(11), Status: state.StatusApplied, Applied: Applied(now)}},
		plan.Change{Key: Key(12), Action: plan.ActionUnversioned, Impact: plan.ImpactKeepState, Want: Commit(Key(12)), Have: &state.Record{Key: Key(12), Status: state.StatusApplied, Applied: Applied(now)}},
	)
	p.Problems = spec.Problems{
		{Pos: spec.Pos{File: "tasks/clicks.yaml", Line: 12, Column: 7}, Severity: spec.SeverityError, Code: "discard", Message: "commitType 2 needs discardState: add it"},
		{Pos: spec.Pos{File: "tasks/users.yaml", Line: 3, Column: 3}, Severity: spec.SeverityWarning, Code: "task-type", Message: "taskType 1 is not documented"},
	}
	return p
}

// TroubledStatus is a status with everything in it that a status can have.
func TroubledStatus(now time.Time) reconcile.Status {
	s := Healthy(Troubled(now), now)
	s.Control = state.Control{
		Revision: Revision,
		Pauses: []state.Pause{
			{ProjectID: Project, Code: "UnauthorizedOperation", Message: "you may not", Since: now.Add(-time.Hour), Until: now.Add(time.Hour), Tries: 5},
			{Code: "Timeout", Message: "no answer", Since: now.Add(-time.Minute), Until: now.Add(time.Minute), Tries: 1},
		},
		Approvals: []state.Approval{{PlanHash: "5a3c9d1e", Actor: "grace", At: now.Add(-time.Hour), Expires: now.Add(23 * time.Hour)}},
		Releases:  Releases(now),
		Suspended: &state.Suspension{Reason: "an incident", Actor: "grace", At: now, Until: now.Add(time.Hour)},
	}
	s.InFlight = []spec.Key{Key(9)}
	s.DriftScan = &state.DriftScan{
		At: now.Add(-time.Minute), Tasks: 210, Unknown: 1, Error: "reading tasks is not permitted",
		Kinds: map[state.DriftKind]int{state.DriftNewer: 4, state.DriftGone: 1},
	}
	for i := range 4 {
		s.DriftScan.Drifted = append(s.DriftScan.Drifted, state.Drift{
			Key: Key(1 + i), Kind: state.DriftNewer, Fields: []state.DriftField{{Name: "instanceVersion", Git: "3", Applied: "3", Live: "5"}},
			Operator: "100028625403", OperatedAt: "2026-11-26 14:03:11", Event: "commit", Locker: "100000000007", Detail: "d", Since: now.Add(-time.Hour),
		})
	}
	s.Source = reconcile.Health{OK: now.Add(-time.Hour), At: now, Err: fmt.Errorf("poll the source: no way there")}
	return s
}
