package snapshot

import (
	"slices"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// keptCalls is how many calls the status page shows.
const keptCalls = 50

// Tracker remembers what the reconciler reports: the pass under way, the last one, and
// the last calls.
type Tracker struct {
	begun chan struct{} // closed with the first pass
	begin sync.Once

	mu       sync.Mutex
	pass     *pass // the newest; nil before the first
	last     LastPass
	change   LastPass             // the last one that has changed anything
	revision string               // the newest
	since    time.Time            // when it was first seen
	accepted map[string]time.Time // when a revision was first accepted, from the history
	calls    []Call               // the newest first, at most keptCalls
}

// LastPass is the result of a pass that came to its end.
type LastPass struct {
	At         time.Time
	Took       time.Duration
	Applied    int
	Forgotten  int
	Returned   int
	Superseded bool
}

// Call is one request and what it came to.
type Call struct {
	At      time.Time
	Key     spec.Key
	Commit  string // what was sent; empty if that is only in the history
	Outcome state.Outcome
}

// NewTracker returns a Tracker that has seen nothing.
func NewTracker() *Tracker { return &Tracker{begun: make(chan struct{})} }

// Begun is closed with the first pass.
func (t *Tracker) Begun() <-chan struct{} { return t.begun }

// Planned begins a pass.
func (t *Tracker) Planned(p *plan.Plan) {
	t.begin.Do(func() { close(t.begun) })
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass = &pass{plan: p, started: now, calls: p.Count(plan.ActionCommit), counts: map[explain.State]int{}}
	if t.revision != p.Source.Revision {
		t.revision, t.since = p.Source.Revision, now
		t.sinceBefore()
	}
}

// Called notes one call.
func (t *Tracker) Called(c *plan.Change, next *state.Record, out state.Outcome) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pass != nil {
		t.pass.note(c.Key, next, out.Class, now)
	}
	t.keep(Call{At: now, Key: c.Key, Commit: explain.Commit(c), Outcome: out})
}

// keep adds a call in front, and leaves the list that snapshots have as it is. It needs mu.
func (t *Tracker) keep(c Call) {
	t.calls = append([]Call{c}, t.calls[:min(len(t.calls), keptCalls-1)]...)
}

// Passed ends a pass, and returns how long it took from its plan on.
func (t *Tracker) Passed(r *reconcile.Result) (took time.Duration) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = LastPass{At: now, Applied: r.Applied, Forgotten: r.Forgotten, Returned: r.Returned, Superseded: r.Superseded}
	if t.pass != nil {
		t.last.Took = now.Sub(t.pass.started)
		t.pass.end()
	}
	if r.Applied+r.Forgotten+r.Returned > 0 {
		t.change = t.last
	}
	return t.last.Took
}

// Activity is everything that a Tracker has seen, at one moment.
type Activity struct {
	PassStarted  time.Time // of the newest pass; zero before the first
	LastPass     LastPass  // the last one that came to its end
	LastChange   LastPass  // the last one that has changed anything
	RevisionSeen time.Time // when the newest revision was first seen
	Calls        []Call    // the last ones, the newest first
}

// activity returns everything that was seen, and the newest pass, or nil before the first.
// RevisionSeen is zero unless revision is the newest one.
func (t *Tracker) activity(revision string) (Activity, *pass) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := Activity{LastPass: t.last, LastChange: t.change, Calls: t.calls}
	if t.pass != nil {
		a.PassStarted = t.pass.started
	}
	if revision == t.revision {
		a.RevisionSeen = t.since
	}
	return a, t.pass
}

// Restore adds the events from before this process, the newest first.
func (t *Tracker) Restore(events []state.Event) {
	accepted := make(map[string]time.Time)
	t.mu.Lock()
	defer t.mu.Unlock()
	oldest := time.Now()
	if n := len(t.calls); n > 0 {
		oldest = t.calls[n-1].At
	}
	calls := slices.Clone(t.calls)
	for i := range events {
		e := &events[i]
		switch {
		case e.Kind == state.EventRevision:
			accepted[e.Revision] = e.At // the oldest row of a revision stays
		case e.Kind == state.EventOutcome && e.Outcome.Class != "" && len(calls) < keptCalls && e.At.Before(oldest):
			calls = append(calls, Call{At: e.At, Key: e.Key, Outcome: e.Outcome})
		}
	}
	t.calls, t.accepted = calls, accepted
	t.sinceBefore()
}

// sinceBefore takes over when the history first met the revision. It needs mu.
func (t *Tracker) sinceBefore() {
	if at, ok := t.accepted[t.revision]; ok && at.Before(t.since) {
		t.since = at
	}
}
