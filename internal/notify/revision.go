package notify

import (
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// statusOf returns the status of a revision after a pass, at now. It follows from what is left
// alone, so that a restart says the same. A guard that waits for an approval is pending; all
// else that requires action is a failure.
func statusOf(r *reconcile.Result, now time.Time) (forge.State, string) {
	left := explain.Summarize(r.Left, r.Scan)
	reasons := left.Reasons(r.Pauses, now)
	failed := func(r explain.Reason) bool { return r.Code != explain.ReasonGuard }
	switch {
	case slices.ContainsFunc(reasons, failed):
		return forge.StateFailure, left.Line(reasons)
	case left.Outcome() != explain.OutcomeDone:
		return forge.StatePending, left.Line(reasons)
	default:
		return forge.StateSuccess, left.Line(reasons)
	}
}

// needsPerson reports whether nothing more happens to the task by itself.
func needsPerson(c *plan.Change) bool {
	return c.Have != nil && c.Have.Attempt != nil && c.Have.Attempt.NeedsOperator != ""
}
