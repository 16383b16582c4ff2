package reconcile

import "github.com/wedatasync/wedatasync/spec"

// holdDependants holds each call of p that depends on a task which is not as its
// spec says and will not be after p, or does not run yet where its spec waits for
// that. A dependency that is itself a call only orders the two. usable reports whether a task that p does not list has a usable
// spec: then it is as that says.
func holdDependants(p *Plan, usable func(spec.Key) bool) {
	d := dependants{
		usable:  usable,
		changes: make(map[spec.Key]*Change, len(p.Changes)),
		decided: make(map[spec.Key]bool),
	}
	for i := range p.Changes {
		d.changes[p.Changes[i].Key] = &p.Changes[i]
	}
	for i := range p.Changes {
		if p.Changes[i].Action == ActionCommit {
			d.decide(&p.Changes[i])
		}
	}
}

// dependants decides which calls have to wait for another task.
type dependants struct {
	usable  func(spec.Key) bool
	changes map[spec.Key]*Change
	decided map[spec.Key]bool
}

// decide holds the call if it has to wait. Specs have no cycles: package spec
// makes them errors.
func (d *dependants) decide(c *Change) {
	if d.decided[c.Key] {
		return
	}
	d.decided[c.Key] = true
	for _, on := range c.Want.DependsOn {
		if !d.settles(on) {
			c.Action, c.Hold, c.Detail = ActionHold, HoldDependency, "waits for "+on.String()
			if first := d.changes[on]; first != nil && first.Action == ActionFollow {
				c.Detail += first.waitsFor()
			}
			return
		}
	}
}

// settles reports whether the task is as its spec says, or will be after the plan.
func (d *dependants) settles(key spec.Key) bool {
	c := d.changes[key]
	switch {
	case c == nil:
		return d.usable(key)
	case c.Reason == ReasonDrift || c.Hold == HoldAdopted:
		return true // what its spec asked for was applied, whatever others did since
	case c.Action == ActionCommit:
		d.decide(c)
		return c.Action == ActionCommit
	default:
		return c.Action == ActionUnversioned || c.Action == ActionReturn && c.Have.Done()
	}
}
