package plan

import (
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// changes compares the tasks to look at, each once, and returns in order of key what
// is not as it should be, and the tasks that have a record and no usable spec.
func (in *Input) changes(now time.Time) (changes []Change, orphans []spec.Key) {
	look := newLooking(in, now)
	if in.Keys != nil {
		keys := slices.Clone(in.Keys)
		slices.SortFunc(keys, spec.Key.Compare)
		for _, key := range slices.Compact(keys) {
			want := in.Specs.Get(key)
			if look.at(key, want) && want == nil { // a removed task is waited for by nobody
				orphans = append(orphans, key)
			}
		}
		return slices.Concat(look.found()...), orphans
	}
	for i := range in.Specs.Len() {
		want := in.Specs.At(i)
		if look.at(want.Key, want) {
			look.known++
		}
	}
	if look.known == in.Records.Len() {
		return slices.Concat(look.found()...), nil
	}
	for key := range in.Records.Keys() {
		if !in.Specs.Has(key) {
			look.at(key, nil)
			orphans = append(orphans, key)
		}
	}
	changes = slices.Concat(look.found()...)
	slices.SortFunc(changes, func(a, b Change) int { return a.Key.Compare(b.Key) })
	return changes, orphans
}

// looking is the way through the tasks of an input.
type looking struct {
	in      *Input
	now     time.Time
	changes []Change
	before  [][]Change // what it had found before those: many are not to be moved again and again
	known   int        // managed tasks
}

// changesTogether is how many changes lie together until all are found.
const changesTogether = 1024

func newLooking(in *Input, now time.Time) *looking {
	return &looking{in: in, now: now}
}

// found returns the changes that it has found, in their order.
func (l *looking) found() [][]Change { return append(l.before, l.changes) }

// at compares one task, and reports whether it is managed.
func (l *looking) at(key spec.Key, want *spec.Commit) (known bool) {
	have := l.in.Records.Get(key)
	c, ok := l.in.change(key, want, have, l.now)
	known = have != nil && !IsRemoved(have)
	if !ok {
		return known
	}
	if len(l.changes) == changesTogether {
		l.before, l.changes = append(l.before, l.changes), make([]Change, 0, changesTogether)
	}
	l.changes = append(l.changes, c)
	return known
}

// skipped lists the tasks that have no usable spec, and are not among the changes.
func (in *Input) skipped(p *Plan) []Skipped {
	var all []Skipped
	for _, i := range in.Specs.Invalid() {
		all = append(all, Skipped{i.Key, in.Records.Get(i.Key), i.Problem})
	}
	unread, _ := in.Specs.Unreadable()
	for _, key := range p.orphans {
		if rec := in.Records.Get(key); rec != nil && !IsRemoved(rec) {
			all = append(all, Skipped{key, rec, unread})
		}
	}
	slices.SortStableFunc(all, func(a, b Skipped) int { return a.Key.Compare(b.Key) })
	all = slices.CompactFunc(all, func(a, b Skipped) bool { return a.Key == b.Key })
	return slices.DeleteFunc(all, func(s Skipped) bool { return p.Find(s.Key) != nil || IsRemoved(s.Have) })
}

// holdDependants holds each call of p that depends on a task which is not as its
// spec says and will not be after p, or does not run yet where its spec waits for
// that. A dependency that is itself a call only orders the two. A task that p does not list
// matches its spec, if that can be used.
func holdDependants(p *Plan) {
	d := dependants{
		specs:   p.Wanted,
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
	specs   spec.Commits
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
			c.Action, c.Hold, c.Detail = ActionHold, HoldDependency, "waits for "+on.Named(d.name(on))
			if first := d.changes[on]; first != nil && first.Action == ActionFollow {
				c.Detail += first.waitsFor()
			}
			return
		}
	}
}

// name is what people call the task.
func (d *dependants) name(key spec.Key) string {
	if want := d.specs.Find(key); want != nil {
		return want.Name
	}
	return ""
}

// settles reports whether the task matches its spec, or will be after the plan.
func (d *dependants) settles(key spec.Key) bool {
	c := d.changes[key]
	switch {
	case c == nil:
		return d.specs.Find(key) != nil
	case c.Action == ActionCommit && c.Reason != ReasonDrift:
		d.decide(c)
	}
	return c.Settles()
}

// NotRunning reports whether a task that is followed did not come to run: an operator
// has to act.
func (c *Change) NotRunning() bool {
	run := c.runStatus()
	return run == state.RunFailed || run == state.RunLate
}

// Unhealthy reports whether a task that is followed runs, and is not healthy: an operator
// has to act.
func (c *Change) Unhealthy() bool { return c.runStatus() == state.RunUnhealthy }

func (c *Change) runStatus() state.RunStatus {
	if c.Action != ActionFollow || c.Have.Applied == nil || c.Have.Applied.Run == nil {
		return ""
	}
	return c.Have.Applied.Run.Status
}

// NotLive reports whether the accepted commit of a task that is followed was not seen
// live in time: an operator has to act.
func (c *Change) NotLive() bool {
	return c.Action == ActionFollow && c.Have.Accepted() && c.Have.Attempt.NeedsOperator != ""
}

// Settles reports whether the task matches its spec after the plan, so that what depends
// on it need not wait.
func (c *Change) Settles() bool {
	switch {
	case c.Reason == ReasonDrift || c.Hold == HoldAdopted:
		return true // what its spec asked for was applied, whatever others did since
	case c.Action == ActionCommit || c.Action == ActionUnversioned:
		return true
	default:
		return c.Action == ActionReturn && c.Have.Done()
	}
}
