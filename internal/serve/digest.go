package serve

import (
	"sync"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// digest is a plan counted and sorted once for all that ask about it. A plan does
// not change.
type digest struct {
	plan     *reconcile.Plan
	by       map[standing][]int // indexes of plan.Changes
	actions  map[reconcile.Action]int
	person   []int                    // unknown outcomes that only a person can end
	held     map[reconcile.Impact]int // of the calls that are held with the whole plan
	project  string                   // of the first change
	projects int                      // of the changes; 2 stands for more
	warnings int
	errors   int
}

// digests keeps the digest of the newest plan.
type digests struct {
	mu     sync.Mutex
	newest *digest
}

// of returns the digest of the plan; of nil it is empty.
func (d *digests) of(p *reconcile.Plan) *digest {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.newest == nil || d.newest.plan != p {
		d.newest = newDigest(p)
	}
	return d.newest
}

func newDigest(p *reconcile.Plan) *digest {
	d := &digest{plan: p, by: map[standing][]int{}, actions: map[reconcile.Action]int{}, held: map[reconcile.Impact]int{}}
	if p == nil {
		d.plan = &reconcile.Plan{}
		return d
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		s := standingOf(c)
		d.by[s] = append(d.by[s], i)
		d.actions[c.Action]++
		if needsPerson(c) {
			d.person = append(d.person, i)
		}
		if heldWithPlan(p, c) {
			d.held[c.Impact]++
		}
		switch {
		case d.projects == 0:
			d.project, d.projects = c.Key.ProjectID, 1
		case c.Key.ProjectID != d.project:
			d.projects = 2
		}
	}
	d.errors = p.Problems.Errors()
	d.warnings = p.Problems.Len() - d.errors
	return d
}

// heldWithPlan reports whether the change is held because the whole plan is, so that
// an approval of the plan lets it go.
func heldWithPlan(p *reconcile.Plan, c *reconcile.Change) bool {
	if c.Hold != reconcile.HoldGuard && c.Hold != reconcile.HoldWindow {
		return false
	}
	for _, h := range p.Holds {
		if h.Approvable && h.Message == c.Detail {
			return true
		}
	}
	return false
}

// needsPerson reports whether only a person can say what became of the task's last
// commit.
func needsPerson(c *reconcile.Change) bool {
	return c.Hold == reconcile.HoldUnknown && c.Have != nil && c.Have.Attempt != nil && c.Have.Attempt.NeedsPerson != ""
}

// find returns the plan's change of the task, or nil.
func (d *digest) find(key spec.Key) *reconcile.Change {
	lo, hi := 0, len(d.plan.Changes)
	for lo < hi {
		mid := (lo + hi) / 2
		if d.plan.Changes[mid].Key.Compare(key) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(d.plan.Changes) && d.plan.Changes[lo].Key == key {
		return &d.plan.Changes[lo]
	}
	return nil
}
