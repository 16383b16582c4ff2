package app

import (
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// steadyGC is how much garbage may gather before it is collected, in percent of what is
// kept, once everything has been read. Go's own 100 would have a daemon hold twice what
// it needs: what it keeps grows with the tasks, and what it throws away does not. A
// collection is due after a few hundred polls; at 100,000 tasks it takes less than 0.1 s
// of one processor, beside the work.
const steadyGC = 15

// A start that takes over what the last process has saved keeps nearly all that it
// allocates. So nothing is collected before there can be more than that in memory.
const (
	startSpare  = 32 << 20 // bytes, for all else
	savedInHeap = 3        // bytes in memory for one in the files, at the most
)

// thrift holds memory down. What a person sets as GOGC stays as it is, and so does a
// GOMEMLIMIT.
type thrift struct {
	percent int   // the settings to return to
	limit   int64 // in bytes
	passed  sync.Once
	rest    *time.Timer

	mu     sync.Mutex
	first  bool // nothing was collected yet
	steady bool // all has been read
}

// restAfter is how long after the first pass memory is given back again: the status
// page has read all tasks by then.
const restAfter = 10 * time.Second

var _ reconcile.Observer = (*thrift)(nil)

// startThrift begins to hold memory down, for a start that takes over saved bytes.
func startThrift(saved int64) *thrift {
	t := &thrift{limit: debug.SetMemoryLimit(-1), rest: time.AfterFunc(math.MaxInt64, debug.FreeOSMemory)}
	t.percent = debug.SetGCPercent(-1)
	if saved == 0 {
		debug.SetGCPercent(t.percent)
		return t
	}
	t.first = true
	debug.SetMemoryLimit(min(t.limit, startSpare+savedInHeap*saved))
	mark := new([64]byte) // for nothing but to go with the first collection
	runtime.AddCleanup(mark, (*thrift).collected, t)
	return t
}

// collected is called after the first collection.
func (t *thrift) collected() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first {
		t.first = false
		debug.SetMemoryLimit(t.limit)
		debug.SetGCPercent(t.percent)
	}
}

// Planned implements [reconcile.Observer]. With the first plan all has been read.
func (t *thrift) Planned(*reconcile.Plan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.steady {
		return
	}
	t.first, t.steady = false, true
	debug.SetMemoryLimit(t.limit)
	debug.SetGCPercent(steadyGC)
	go debug.FreeOSMemory() // which nobody has to wait for
}

// Called implements [reconcile.Observer].
func (*thrift) Called(*reconcile.Change, *state.Record, state.Outcome) {}

// Passed implements [reconcile.Observer].
func (t *thrift) Passed(*reconcile.Result) {
	t.passed.Do(func() { t.rest.Reset(restAfter) })
}

// Close ends the thrift.
func (t *thrift) Close() error {
	t.rest.Stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first = false
	debug.SetMemoryLimit(t.limit)
	debug.SetGCPercent(t.percent)
	return nil
}
