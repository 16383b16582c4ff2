package snapshot

import (
	"maps"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// pass is one pass from its plan on. Its outcomes may be read while more calls are made.
type pass struct {
	plan    *plan.Plan
	started time.Time
	calls   int // of the plan

	outcomes sync.Map // spec.Key to *state.Record: the task after its call

	mu     sync.Mutex
	ended  bool
	counts map[explain.State]int // of outcomes
	first  time.Time             // the first call that came to an end
}

// note keeps the record of the task after its call. A call that was not sent, or was one
// request too many, is still in the queue.
func (p *pass) note(key spec.Key, next *state.Record, class state.Class, now time.Time) {
	switch class {
	case state.ClassThrottled, state.ClassNotSent, state.ClassAuth, state.ClassUnauthorized:
		return
	}
	before, again := p.outcomes.Swap(key, next)
	p.mu.Lock()
	defer p.mu.Unlock()
	if again {
		p.counts[explain.StateAfter(before.(*state.Record))]--
	}
	p.counts[explain.StateAfter(next)]++
	if p.first.IsZero() {
		p.first = now
	}
}

func (p *pass) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}

// tally counts the states of the tasks after their calls.
func (p *pass) tally() map[explain.State]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Progress is how far the calls of a pass are.
type Progress struct {
	Calls int
	Done  int
	Left  time.Duration // an estimate
}

// progress returns how far the pass is, and false if it has ended or has no calls.
// period is the least time between two calls.
func (p *pass) progress(now time.Time, period time.Duration) (Progress, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.calls == 0 || len(p.plan.Holds) > 0 {
		return Progress{}, false
	}
	done := 0
	for _, n := range p.counts {
		done += n
	}
	done = min(done, p.calls)
	each := period
	if done > 1 {
		// Once there are calls to measure, they are no faster than they were.
		each = max(period, now.Sub(p.first)/time.Duration(done))
	}
	return Progress{Calls: p.calls, Done: done, Left: each * time.Duration(p.calls-done)}, true
}
