package reconcile

import (
	"container/heap"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// How long to wait between two reads of an accepted commit, and of one that waits for an
// approval.
var (
	confirmEvery = plan.Backoff{Min: 500 * time.Millisecond, Max: 30 * time.Second}
	approveEvery = plan.Backoff{Min: 2 * time.Second, Max: 5 * time.Minute}
)

// watched is when, and what, an accepted task is read until it is live, and runs where
// its spec waits for that. It is not part of the state: a new process reads at once.
type watched struct {
	key   spec.Key
	since time.Time // of what it is watched for
	next  time.Time
	tries int
	last  plan.PollResult
	place int // in the queue of the agenda; -1 while it is read
}

// agenda has the watched tasks, the first that is due first.
type agenda struct {
	tasks map[spec.Key]*watched
	queue watchQueue
}

func newAgenda() *agenda { return &agenda{tasks: map[spec.Key]*watched{}} }

// next returns when the first task is due; the zero time if there is none.
func (a *agenda) next() time.Time {
	if len(a.queue) == 0 {
		return time.Time{}
	}
	return a.queue[0].next
}

// keep begins to watch the task of the record, or ends it.
func (a *agenda) keep(rec *state.Record) {
	f := &watched{key: rec.Key}
	switch {
	case rec.Accepted():
		f.since = rec.Attempt.Since
		f.next = f.since.Add(confirmEvery.Min)
	case plan.IsFollowed(rec):
		f.since = rec.Applied.Run.Since
		f.next = f.since.Add(followEvery.Min)
	default:
		a.remove(rec.Key)
		return
	}
	if old := a.tasks[rec.Key]; old != nil && old.since.Equal(f.since) {
		return
	}
	a.remove(rec.Key)
	a.tasks[f.key] = f
	heap.Push(&a.queue, f)
}

func (a *agenda) remove(key spec.Key) {
	if f := a.tasks[key]; f != nil {
		a.take(f)
		delete(a.tasks, key)
	}
}

// take has a task leave the queue while it is read.
func (a *agenda) take(f *watched) {
	if f.place >= 0 {
		heap.Remove(&a.queue, f.place)
	}
	f.place = -1
}

// put has a task read again, at next.
func (a *agenda) put(f *watched, next time.Time) {
	a.take(f)
	f.next = next
	heap.Push(&a.queue, f)
}

// watchQueue is a heap of tasks by when they are due.
type watchQueue []*watched

func (q watchQueue) Len() int { return len(q) }

func (q watchQueue) Less(i, j int) bool {
	if !q[i].next.Equal(q[j].next) {
		return q[i].next.Before(q[j].next)
	}
	return q[i].key.Compare(q[j].key) < 0
}

func (q watchQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is for package heap.
func (q *watchQueue) Push(x any) {
	f := x.(*watched)
	f.place = len(*q)
	*q = append(*q, f)
}

// Pop is for package heap.
func (q *watchQueue) Pop() any {
	last := len(*q) - 1
	f := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	return f
}

// watchAccepted starts to read the accepted tasks that are due, and returns when more
// will be. It is a part of readBack. While commits are to be made the reads before them
// come first, but for tasks that other commits wait for.
func (x *execution) watchAccepted(now, due time.Time) time.Time {
	r := x.r
	r.mu.Lock()
	ready, due := x.dueWatched(now, due)
	recs := make([]*state.Record, len(ready))
	for i, f := range ready {
		recs[i] = r.records.Get(f.key)
	}
	r.mu.Unlock()
	for i, f := range ready {
		x.startRead(recs[i], recs[i].Applied.TaskType, func(rec *state.Record, live *state.Live, at time.Time, err error) {
			x.readWatched(f, rec, live, at, err)
		})
	}
	return due
}

// dueWatched takes the tasks out of the queue that are to be read now, and returns when
// more will be. It needs mu.
func (x *execution) dueWatched(now, due time.Time) ([]*watched, time.Time) {
	a := x.r.agenda
	var ready []*watched
	room := func() bool { return len(x.reading)+len(ready) < maxReadBacks }
	if x.ahead > 0 {
		for key := range x.blocked {
			f := a.tasks[key]
			switch {
			case f == nil || f.place < 0 || x.busyWith(key):
			case f.next.After(now):
				due = plan.Sooner(due, f.next)
			case room():
				a.take(f)
				ready = append(ready, f)
			}
		}
		return ready, due
	}
	for room() && len(a.queue) > 0 && !a.next().After(now) {
		f := a.queue[0]
		if x.busyWith(f.key) {
			a.put(f, now.Add(confirmEvery.Max))
			continue
		}
		a.take(f)
		ready = append(ready, f)
	}
	if room() {
		due = plan.Sooner(due, a.next())
	}
	return ready, due
}

// busyWith reports whether the task's record is that of a call or a read under way.
func (x *execution) busyWith(key spec.Key) bool {
	return x.reading[key] || x.called[key] && !x.landed[key]
}

// readWatched decides what a read tells of an accepted task.
func (x *execution) readWatched(f *watched, rec *state.Record, live *state.Live, at time.Time, readErr error) {
	delete(x.reading, rec.Key)
	r := x.r
	r.mu.Lock()
	if r.agenda.tasks[rec.Key] != f { // it is watched for something else by now, or not at all
		r.mu.Unlock()
		return
	}
	f.tries++
	every, run := confirmEvery, state.Run{}
	switch {
	case !rec.Accepted():
		every = followEvery
		run, f.last = plan.RunAfter(rec.Applied, f.last, live, readErr, at)
	case rec.Attempt.Outcome.TaskApproveID != "":
		every = approveEvery
	}
	next := time.Now().Add(every.After(f.tries, r.cfg.Random()))
	if until := run.Until; next.After(until) && at.Before(until) {
		next = until
	}
	r.agenda.put(f, next)
	r.mu.Unlock()
	switch {
	case readErr != nil && x.stop.Err() != nil: // it was the shutdown that ended it
	case rec.Accepted():
		x.confirm(rec, live, at, readErr)
	default:
		x.followRun(rec, run, live)
	}
}
