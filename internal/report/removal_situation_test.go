package report_test

import (
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// removalSituations are specs that are gone, and specs that are back.
func removalSituations() []situation {
	maybe := first("users_cdc", spec.Start, 1)
	maybe.Detail = "it may have been applied before: of the history of main, no more than the newest 501 commits could be searched"
	inBase := returned("clicks", 3)
	inBase.Detail = "its spec was in main up to 7d1a9c3f0b2e, and may have been applied: what the state has of it decides"
	recalled := held(back(next("orders_cdc", spec.Resume, 0, 5)), plan.HoldRecalled, "")
	recalled.Have.Applied.At = noon.AddDate(0, 0, -22)
	return []situation{
		{"forget", planOf(gone("clicks", 3), gone("users_cdc", 0))},
		{"return", planOf(returned("clicks", 3), returned("users_cdc", 0))},
		{"forget-and-return", planOf(gone("clicks", 3), returned("users_cdc", 2), back(next("orders_cdc", spec.Resume, 4, 5)))},
		{"guard-removals", edit(planOf(gone("clicks", 3), returned("users_cdc", 2)), func(p *plan.Plan) {
			p.Holds = []plan.GuardHold{{Guard: "maxChangePercent", Message: "110 of 210 managed tasks change, and guards.maxChangePercent is 30", Approvable: true}}
		})},
		{"return-in-base", edit(planOf(inBase, back(next("orders_cdc", spec.Resume, 4, 5)), maybe), func(p *plan.Plan) {
			p.Source.Branch, p.State, p.Against = "", plan.StateInfo{}, "main"
		})},
		{"hold-spent", planOf(held(next("orders_cdc", spec.RestartDiscardState, 4, 5), plan.HoldSpent, ""))},
		{"hold-recalled", planOf(recalled)},
	}
}

// returned is a task whose spec is back as it was applied.
func returned(id string, version int64) plan.Change {
	c := back(next(id, spec.Start, version, version))
	c.Action, c.Reason, c.Impact, c.Fields = plan.ActionReturn, "", "", nil
	return c
}

// back is the change for a task that was removed before.
func back(c plan.Change) plan.Change {
	c.Have.Removed = &state.Removal{At: noon}
	return c
}
