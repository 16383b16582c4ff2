package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// namesOfGuards names the guards that hold the
func namesOfGuards(p *plan.Plan) string {
	var names []string
	for _, h := range p.Holds {
		names = append(names, h.Guard)
	}
	return strings.Join(names, " ")
}

// heldPlan is a plan of five calls for ten managed tasks that maxChanges holds.
func heldPlan(t testing.TB, now time.Time) *plan.Plan {
	t.Helper()
	var was, want []string
	for i := range 10 {
		was, want = append(was, taskAt(i, 1)), append(want, taskAt(i, 1+(i+1)/6))
	}
	p := plan.Diff(plan.Input{Specs: specs(t, want...), Records: adopted(t, was...)}, now)
	return (&plan.Guards{MaxChanges: 1}).Check(p, plan.Facts{}, now)
}
