package reconcile

import (
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Result is what one pass came to.
type Result struct {
	Plan *plan.Plan // what was to be done
	Left *plan.Plan // what is still not as the specs say, made after the last call

	Applied    int  // calls that were applied, by their answer or by reading back
	Forgotten  int  // tasks that are no longer managed: their specs are gone
	Returned   int  // tasks that are managed again: their specs are back
	Superseded bool // the pass was cut short by a newer revision, a person's word or a shutdown
	Pauses     []state.Pause

	spent []spec.Digest // effects that were let through, and not to be again by the same approval
}

// Holds counts what is left on hold for the reason.
func (r *Result) Holds(reason plan.HoldReason) int { return r.Left.Held(reason) }
