package snapshot

import (
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Digest is a plan counted and sorted once for all that ask about it. A plan does
// not change.
type Digest struct {
	*explain.Summary
	Actions  map[plan.Action]int
	Held     map[plan.Impact]int // of the calls that are held with the whole plan
	Project  string              // of the first change
	Projects int                 // of the changes; 2 stands for more

	of *plan.Plan // as it was given: nil before the first
}

func newDigest(p *plan.Plan, scan *state.DriftScan) *Digest {
	d := &Digest{Summary: explain.Summarize(p, scan), of: p, Actions: map[plan.Action]int{}, Held: map[plan.Impact]int{}}
	for i := range d.Plan.Changes {
		c := &d.Plan.Changes[i]
		d.Actions[c.Action]++
		if explain.HeldWithPlan(d.Plan, c) {
			d.Held[c.Impact]++
		}
		switch {
		case d.Projects == 0:
			d.Project, d.Projects = c.Key.ProjectID, 1
		case c.Key.ProjectID != d.Project:
			d.Projects = 2
		}
	}
	return d
}

// Find returns the plan's change of the task, or nil.
func (d *Digest) Find(key spec.Key) *plan.Change { return d.Plan.Find(key) }
