package reconcile

import (
	"container/heap"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// How long to wait between two reads of an accepted commit, of one that waits for an
// approval, and of a task that was started.
var (
	confirmEvery = plan.Backoff{Min: 500 * time.Millisecond, Max: 30 * time.Second}
	approveEvery = plan.Backoff{Min: 2 * time.Second, Max: 5 * time.Minute}
	followEvery  = plan.Backoff{Min: 2 * time.Second, Max: 30 * time.Second}
)

// scheduled is when an accepted task is read until it is live, and runs where its spec
// waits for that. It is not part of the state: a new process reads at once.
type scheduled struct {
	key   spec.Key
	since time.Time // of what it is read for
	next  time.Time
	tries int
	last  *state.Observation // what the last read told, if that is not in the record
	place int                // in the queue of the schedule; -1 while it is read
}

// readSchedule has the accepted tasks, the first that is due first. The lock of applied
// guards it.
type readSchedule struct {
	tasks map[spec.Key]*scheduled
	queue readQueue
}

func newReadSchedule() *readSchedule { return &readSchedule{tasks: map[spec.Key]*scheduled{}} }

// next returns when the first task is due; the zero time if there is none.
func (r *readSchedule) next() time.Time {
	if len(r.queue) == 0 {
		return time.Time{}
	}
	return r.queue[0].next
}

// keep begins to schedule reads of the task of the record, or ends it.
func (r *readSchedule) keep(rec *state.Record) {
	s := &scheduled{key: rec.Key}
	switch {
	case rec.Accepted():
		s.since = rec.Attempt.Since
		s.next = s.since.Add(confirmEvery.Min)
	case plan.IsFollowed(rec):
		s.since = rec.Applied.Run.Since
		s.next = s.since.Add(followEvery.Min)
	default:
		r.remove(rec.Key)
		return
	}
	if old := r.tasks[rec.Key]; old != nil && old.since.Equal(s.since) {
		return
	}
	r.remove(rec.Key)
	r.tasks[s.key] = s
	heap.Push(&r.queue, s)
}

func (r *readSchedule) remove(key spec.Key) {
	if s := r.tasks[key]; s != nil {
		r.take(s)
		delete(r.tasks, key)
	}
}

// take has a task leave the queue while it is read.
func (r *readSchedule) take(s *scheduled) {
	if s.place >= 0 {
		heap.Remove(&r.queue, s.place)
	}
	s.place = -1
}

// put has a task read again, at next.
func (r *readSchedule) put(s *scheduled, next time.Time) {
	r.take(s)
	s.next = next
	heap.Push(&r.queue, s)
}

// readQueue is a heap of tasks by when they are due.
type readQueue []*scheduled

func (q readQueue) Len() int { return len(q) }

func (q readQueue) Less(i, j int) bool {
	if !q[i].next.Equal(q[j].next) {
		return q[i].next.Before(q[j].next)
	}
	return q[i].key.Compare(q[j].key) < 0
}

func (q readQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is for package heap.
func (q *readQueue) Push(x any) {
	s := x.(*scheduled)
	s.place = len(*q)
	*q = append(*q, s)
}

// Pop is for package heap.
func (q *readQueue) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	return s
}
