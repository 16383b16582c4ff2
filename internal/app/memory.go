package app

import (
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// How much garbage may gather before it is collected, in percent of what is kept. Go's
// own 100 would have a daemon hold twice what it needs: what it keeps grows with the
// tasks, and what it throws away once it has read everything does not.
const (
	// startGC costs a tenth more time for the first read of everything than 100.
	startGC = 50
	// steadyGC makes a collection due after a few hundred polls. At 100,000 tasks it
	// takes about 0.1 s of one processor, beside the work.
	steadyGC = 15
)

// thrift holds memory down. What a person sets as GOGC stays as it is.
type thrift struct {
	before int // the setting to return to
	steady sync.Once
	passed sync.Once
	rest   *time.Timer
}

// restAfter is how long after the first pass memory is given back again: the status
// page has read all tasks by then.
const restAfter = 10 * time.Second

var _ reconcile.Observer = (*thrift)(nil)

func startThrift() *thrift {
	return &thrift{before: debug.SetGCPercent(startGC), rest: time.AfterFunc(math.MaxInt64, debug.FreeOSMemory)}
}

// Planned implements [reconcile.Observer]. With the first plan all has been read.
func (t *thrift) Planned(*reconcile.Plan) {
	t.steady.Do(func() {
		debug.SetGCPercent(steadyGC)
		go debug.FreeOSMemory() // which nobody has to wait for
	})
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
	debug.SetGCPercent(t.before)
	return nil
}
