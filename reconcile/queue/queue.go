// Package queue has the calls of one plan in the order in which they may begin.
//
// What may enter: the order. Not a lock, a clock or a call.
package queue

import (
	"iter"
	"maps"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// Queue has the calls of a plan in the order in which they may begin: by key, and a
// call after those that its spec depends on. It is for one goroutine.
type Queue struct {
	planned map[spec.Key]bool // the tasks of the plan's calls
	applied map[spec.Key]bool // those of them that were applied
	ready   []*plan.Change
	blocked map[spec.Key][]*plan.Change // calls by the call they wait for
	needs   map[spec.Key]int            // how many calls a call waits for
}

// New returns the queue of the plan's calls.
func New(p *plan.Plan) *Queue {
	q := &Queue{
		planned: make(map[spec.Key]bool), applied: make(map[spec.Key]bool),
		blocked: make(map[spec.Key][]*plan.Change), needs: make(map[spec.Key]int),
	}
	for c := range p.Calls() {
		q.planned[c.Key] = true
	}
	for c := range p.Calls() {
		for _, on := range c.Want.DependsOn {
			if q.planned[on] {
				q.blocked[on] = append(q.blocked[on], c)
				q.needs[c.Key]++
			}
		}
		if q.needs[c.Key] == 0 {
			q.ready = append(q.ready, c)
		}
	}
	return q
}

// Len is how many calls the plan has.
func (q *Queue) Len() int { return len(q.planned) }

// Ready is how many calls may begin now.
func (q *Queue) Ready() int { return len(q.ready) }

// Pop takes the first call that may begin.
func (q *Queue) Pop() *plan.Change {
	c := q.ready[0]
	q.ready = q.ready[1:]
	return c
}

// PutFirst puts a call back that made no attempt.
func (q *Queue) PutFirst(c *plan.Change) { q.ready = append([]*plan.Change{c}, q.ready...) }

// PutLast puts a call back behind the others.
func (q *Queue) PutLast(c *plan.Change) { q.ready = append(q.ready, c) }

// Applied notes that the call for the task was applied.
func (q *Queue) Applied(key spec.Key) { q.applied[key] = true }

// Release lets the calls begin that waited for this task alone.
func (q *Queue) Release(key spec.Key) {
	for _, c := range q.blocked[key] {
		if q.needs[c.Key]--; q.needs[c.Key] == 0 {
			q.ready = append(q.ready, c)
		}
	}
}

// Blocks reports whether calls wait for the task.
func (q *Queue) Blocks(key spec.Key) bool { return len(q.blocked[key]) > 0 }

// Blocking yields the tasks that calls wait for, in any order.
func (q *Queue) Blocking() iter.Seq[spec.Key] { return maps.Keys(q.blocked) }

// IsOpen reports whether the plan has a call for the task that was not applied yet.
func (q *Queue) IsOpen(key spec.Key) bool { return q.planned[key] && !q.applied[key] }
