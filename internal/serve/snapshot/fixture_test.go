package snapshot_test

import (
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	project  = "1486804694126882816"
	interval = 30 * time.Second
)

func key(n int) spec.Key {
	return spec.Key{ProjectID: project, TaskID: fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", n)}
}

// record is a task that has an attempt with the outcome.
func record(k spec.Key, s state.Status, out state.Outcome, now time.Time) *state.Record {
	return &state.Record{Key: k, Status: s, Attempt: &state.Attempt{At: now.Add(-4 * time.Minute), Outcome: out}}
}

// emptyPlan is a plan for which everything is in sync.
func emptyPlan() *plan.Plan { return &plan.Plan{Specs: 210, Managed: 210, Unchanged: 210} }

// held adds a change that is held.
func held(p *plan.Plan, k spec.Key, why plan.HoldReason, rec *state.Record) {
	p.Changes = append(p.Changes, plan.Change{Key: k, Action: plan.ActionHold, Hold: why, Detail: "held for a reason", Have: rec})
	p.Unchanged--
}

// calls adds n changes that are to be sent.
func calls(p *plan.Plan, n int) {
	for i := range n {
		p.Changes = append(p.Changes, plan.Change{Key: key(i), Action: plan.ActionCommit})
	}
	p.Unchanged -= n
}

// healthy is the status of a daemon that is well and has the plan.
func healthy(p *plan.Plan, now time.Time) reconcile.Status {
	well := reconcile.Health{OK: now, At: now}
	return reconcile.Status{Plan: p, Source: well, Ledger: well}
}
