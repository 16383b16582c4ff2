package reconcile

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// changesAtOnce is for how many tasks another goroutine is worth while.
const changesAtOnce = 4096

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
	changes, known := in.ofSpecs(now)
	if known == in.Records.Len() {
		return changes, nil
	}
	for key := range in.Records.Keys() {
		if !in.Specs.Has(key) {
			look.at(key, nil)
			orphans = append(orphans, key)
		}
	}
	changes = append(changes, slices.Concat(look.found()...)...)
	slices.SortFunc(changes, func(a, b Change) int { return a.Key.Compare(b.Key) })
	return changes, orphans
}

// ofSpecs compares the tasks that have a usable spec, on all processors if they are
// many, and returns how many have a record, too.
func (in *Input) ofSpecs(now time.Time) (changes []Change, known int) {
	n := in.Specs.Len()
	workers := min(runtime.GOMAXPROCS(0), 1+n/changesAtOnce)
	if in.Base != nil {
		workers = 1 // a Set that was never read is not for several readers
	}
	looks := make([]*looking, workers)
	var running sync.WaitGroup
	for i := range looks {
		looks[i] = newLooking(in, now)
		running.Go(func() {
			for j := i * n / workers; j < (i+1)*n/workers; j++ {
				c := in.Specs.Peek(j, &looks[i].want)
				if looks[i].at(c.Key, c) {
					looks[i].known++
				}
			}
		})
	}
	running.Wait()
	var found [][]Change
	for _, l := range looks {
		found = append(found, l.found()...)
		known += l.known
	}
	return slices.Concat(found...), known
}

// looking is one goroutine's way through tasks.
type looking struct {
	in      *Input
	now     time.Time
	want    spec.Commit // of the task that is looked at
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
	known = have != nil && !isRemoved(have)
	if !ok {
		return known
	}
	if want == &l.want {
		c.Want = l.in.Specs.Get(key)
	}
	if len(l.changes) == changesTogether {
		l.before, l.changes = append(l.before, l.changes), make([]Change, 0, changesTogether)
	}
	l.changes = append(l.changes, c)
	return known
}
