package reconcile

import "github.com/wedatasync/wedatasync/spec"

// holdDependants holds each call of p that depends on a task which is not as its
// spec says and will not be after this plan. A dependency that is itself a call
// of the plan only orders the two.
func holdDependants(in Input, p *Plan) {
	d := dependants{in: in, changes: make(map[spec.Key]*Change, len(p.Changes)), blocked: map[spec.Key]spec.Key{}}
	for i := range p.Changes {
		d.changes[p.Changes[i].Key] = &p.Changes[i]
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action != ActionCommit {
			continue
		}
		if on, held := d.heldBy(c.Key); held {
			c.Action, c.Hold = ActionHold, HoldDependency
			c.Detail = "waits for " + on.String()
		}
	}
}

// dependants answers whether a task has to wait for another. Specs have no
// cycles: package spec makes them errors.
type dependants struct {
	in      Input
	changes map[spec.Key]*Change
	blocked map[spec.Key]spec.Key // what a task waits for; itself if for nothing
}

// heldBy returns the nearest task that key has to wait for.
func (d *dependants) heldBy(key spec.Key) (spec.Key, bool) {
	if on, ok := d.blocked[key]; ok {
		return on, on != key
	}
	d.blocked[key] = key
	want := d.in.Specs.Get(key)
	if want == nil {
		return key, false
	}
	for _, on := range want.DependsOn {
		if !d.settles(on) {
			d.blocked[key] = on
			return on, true
		}
	}
	return key, false
}

// settles reports whether the task is as its spec says, or will be after the plan.
func (d *dependants) settles(key spec.Key) bool {
	if d.in.Specs.Get(key) == nil {
		return false
	}
	c := d.changes[key]
	switch {
	case c == nil:
		// As its spec says; or out of scope, which is the same.
		return true
	case c.Action == ActionUnversioned:
		return true
	case c.Action == ActionCommit, c.Action == ActionHold && c.Hold == HoldDependency:
		_, held := d.heldBy(key)
		return !held
	default:
		return false
	}
}
