package snapshot_test

import (
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
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
func emptyPlan() *reconcile.Plan { return &reconcile.Plan{Specs: 210, Managed: 210, Unchanged: 210} }

// held adds a change that is held.
func held(p *reconcile.Plan, k spec.Key, why reconcile.HoldReason, rec *state.Record) {
	p.Changes = append(p.Changes, reconcile.Change{Key: k, Action: reconcile.ActionHold, Hold: why, Detail: "held for a reason", Have: rec})
	p.Unchanged--
}

// calls adds n changes that are to be sent.
func calls(p *reconcile.Plan, n int) {
	for i := range n {
		p.Changes = append(p.Changes, reconcile.Change{Key: key(i), Action: reconcile.ActionCommit})
	}
	p.Unchanged -= n
}

// healthy is the status of a daemon that is well and has the plan.
func healthy(p *reconcile.Plan, now time.Time) reconcile.Status {
	well := reconcile.Health{OK: now, At: now}
	return reconcile.Status{Plan: p, Source: well, Ledger: well}
}
