package snapshot

import (
	"slices"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// Digest is a plan counted and sorted once for all that ask about it. A plan does
// not change.
type Digest struct {
	Plan       *plan.Plan // empty before the first
	Actions    map[plan.Action]int
	Unresolved []int               // indexes of Plan.Changes: unknown outcomes that only an operator can end
	Held       map[plan.Impact]int // of the calls that are held with the whole plan
	Project    string              // of the first change
	Projects   int                 // of the changes; 2 stands for more
	Warnings   int
	Errors     int

	of *plan.Plan              // as it was given: nil before the first
	by map[explain.State][]int // indexes of Plan.Changes
}

func newDigest(p *plan.Plan) *Digest {
	d := &Digest{Plan: p, of: p, by: map[explain.State][]int{}, Actions: map[plan.Action]int{}, Held: map[plan.Impact]int{}}
	if p == nil {
		d.Plan = &plan.Plan{}
		return d
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		ts := explain.StateOf(c)
		d.by[ts] = append(d.by[ts], i)
		d.Actions[c.Action]++
		if NeedsOperator(c) {
			d.Unresolved = append(d.Unresolved, i)
		}
		if HeldWithPlan(p, c) {
			d.Held[c.Impact]++
		}
		switch {
		case d.Projects == 0:
			d.Project, d.Projects = c.Key.ProjectID, 1
		case c.Key.ProjectID != d.Project:
			d.Projects = 2
		}
	}
	d.Errors = p.Problems.Errors()
	d.Warnings = p.Problems.Len() - d.Errors
	return d
}

// HeldWithPlan reports whether the change is held because the whole plan is, so that
// an approval of the plan lets it go.
func HeldWithPlan(p *plan.Plan, c *plan.Change) bool {
	if c.Hold != plan.HoldGuard && c.Hold != plan.HoldWindow {
		return false
	}
	for _, h := range p.Holds {
		if h.Approvable && h.Message == c.Detail {
			return true
		}
	}
	return false
}

// NeedsOperator reports whether only an operator can say what became of the task's last
// commit.
func NeedsOperator(c *plan.Change) bool {
	return c.Hold == plan.HoldUnknown && c.Have != nil && c.Have.Attempt != nil && c.Have.Attempt.NeedsOperator != ""
}

// Find returns the plan's change of the task, or nil.
func (d *Digest) Find(key spec.Key) *plan.Change {
	i, ok := slices.BinarySearchFunc(d.Plan.Changes, key, func(c plan.Change, key spec.Key) int { return c.Key.Compare(key) })
	if !ok {
		return nil
	}
	return &d.Plan.Changes[i]
}
