package serve

import (
	"slices"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// keptCalls is how many calls the status page shows.
const keptCalls = 50

// tracker remembers what the reconciler tells: the pass under way, the last one, and
// the last calls. It is the window's Observer.
type tracker struct {
	called func(reconcile.Reason, state.Class)
	passed func(r *reconcile.Result, took time.Duration)
	notify func()
	begun  chan struct{} // closed with the first pass
	begin  sync.Once

	mu       sync.Mutex
	pass     *pass // the newest; nil before the first
	last     lastPass
	change   lastPass             // the last one that has changed anything
	revision string               // the newest
	since    time.Time            // when it was first seen
	accepted map[string]time.Time // when a revision was first accepted, from the history
	calls    []call               // the newest first, at most keptCalls
}

var _ reconcile.Observer = (*tracker)(nil)

// pass is one pass from its plan on. What follows from its calls may be read while
// more are made.
type pass struct {
	plan    *reconcile.Plan
	started time.Time
	calls   int // of the plan

	outcomes sync.Map // spec.Key to *state.Record: how a task stands after its call

	mu     sync.Mutex
	ended  bool
	counts map[standing]int // of outcomes
	first  time.Time        // the first call that came to an end
}

// lastPass is what the last pass that came to its end has done.
type lastPass struct {
	At         time.Time
	Took       time.Duration
	Applied    int
	Forgotten  int
	Returned   int
	Superseded bool
}

// call is one request and what it came to.
type call struct {
	At      time.Time
	Key     spec.Key
	Commit  string // what was sent; empty if that is only in the history
	Outcome state.Outcome
}

func newTracker(called func(reconcile.Reason, state.Class), passed func(*reconcile.Result, time.Duration), notify func()) *tracker {
	return &tracker{called: called, passed: passed, notify: notify, begun: make(chan struct{})}
}

// Planned begins a pass.
func (t *tracker) Planned(p *reconcile.Plan) {
	t.begin.Do(func() { close(t.begun) })
	now := time.Now()
	t.mu.Lock()
	t.pass = &pass{plan: p, started: now, calls: p.Count(reconcile.ActionCommit), counts: map[standing]int{}}
	if t.revision != p.Source.Revision {
		t.revision, t.since = p.Source.Revision, now
		t.sinceBefore()
	}
	t.mu.Unlock()
	t.notify()
}

// Called notes one call.
func (t *tracker) Called(c *reconcile.Change, next *state.Record, out state.Outcome) {
	now := time.Now()
	t.mu.Lock()
	if t.pass != nil {
		t.pass.note(c.Key, next, out.Class, now)
	}
	t.keep(call{At: now, Key: c.Key, Commit: commitText(c), Outcome: out})
	t.mu.Unlock()
	t.called(c.Reason, out.Class)
	t.notify()
}

// note keeps how the task stands now. What was not sent, or was one request too
// many, is still in the queue.
func (p *pass) note(key spec.Key, next *state.Record, class state.Class, now time.Time) {
	switch class {
	case state.ClassThrottled, state.ClassNotSent, state.ClassAuth, state.ClassUnauthorized:
		return
	}
	before, again := p.outcomes.Swap(key, next)
	p.mu.Lock()
	defer p.mu.Unlock()
	if again {
		p.counts[standingAfter(before.(*state.Record))]--
	}
	p.counts[standingAfter(next)]++
	if p.first.IsZero() {
		p.first = now
	}
}

// keep adds a call in front. It needs mu.
func (t *tracker) keep(c call) {
	t.calls = slices.Insert(t.calls, 0, c)
	t.calls = t.calls[:min(len(t.calls), keptCalls)]
}

// Passed ends a pass.
func (t *tracker) Passed(r *reconcile.Result) {
	now := time.Now()
	t.mu.Lock()
	t.last = lastPass{At: now, Applied: r.Applied, Forgotten: r.Forgotten, Returned: r.Returned, Superseded: r.Superseded}
	if t.pass != nil {
		t.last.Took = now.Sub(t.pass.started)
		t.pass.end()
	}
	if r.Applied+r.Forgotten+r.Returned > 0 {
		t.change = t.last
	}
	took := t.last.Took
	t.mu.Unlock()
	t.passed(r, took)
	t.notify()
}

func (p *pass) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
}

// newest returns the newest pass, or nil before the first.
func (t *tracker) newest() *pass {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pass
}

// over returns the last pass that came to its end.
func (t *tracker) over() lastPass {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// changed returns the last pass that has changed anything.
func (t *tracker) changed() lastPass {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.change
}

// recent returns the last calls, the newest first.
func (t *tracker) recent() []call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

// seen returns when the revision was first seen, or the zero time.
func (t *tracker) seen(revision string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if revision != t.revision {
		return time.Time{}
	}
	return t.since
}

// recall adds what the history knows from before this process: calls, the newest
// first, and when revisions were first accepted.
func (t *tracker) recall(calls []call, accepted map[string]time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	oldest := time.Now()
	if n := len(t.calls); n > 0 {
		oldest = t.calls[n-1].At
	}
	for _, c := range calls {
		if len(t.calls) < keptCalls && c.At.Before(oldest) {
			t.calls = append(t.calls, c)
		}
	}
	t.accepted = accepted
	t.sinceBefore()
}

// sinceBefore takes over when the history first met the revision. It needs mu.
func (t *tracker) sinceBefore() {
	if at, ok := t.accepted[t.revision]; ok && at.Before(t.since) {
		t.since = at
	}
}

// progress is how far the calls of a pass are.
type progress struct {
	Calls int
	Done  int
	Left  time.Duration // an estimate
}

// progress returns how far the pass is, and false if it has ended or has no calls.
// period is the least time between two calls.
func (p *pass) progress(now time.Time, period time.Duration) (progress, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.calls == 0 || len(p.plan.Holds) > 0 {
		return progress{}, false
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
	return progress{Calls: p.calls, Done: done, Left: each * time.Duration(p.calls-done)}, true
}
