package reconcile

import (
	"sync/atomic"
	"time"
)

const (
	// pollWithin is longer than a poll can take: a source bounds its conversations,
	// the longest of which fetches a whole repository.
	pollWithin = 30 * time.Minute
	// stepWithin is longer than anything else between two beats can take: most are
	// half a second apart, and a change of the state is one.
	stepWithin = 5 * time.Minute
)

// pulse is what tells a daemon that takes long from one that hangs: each part of its
// loop says by when it will be heard of again. Times are Unix nanoseconds; 0 promises
// nothing.
type pulse struct {
	poll atomic.Int64 // by when the poll under way ends
	step atomic.Int64 // by when the pass, or the wait for the next one, makes a step
}

func (p *pulse) beat() { p.step.Store(time.Now().Add(stepWithin).UnixNano()) }

// rest takes back what the last beat promised, for as long as nothing is done but poll.
func (p *pulse) rest() { p.step.Store(0) }

func (p *pulse) pollBegins() { p.poll.Store(time.Now().Add(pollWithin).UnixNano()) }
func (p *pulse) pollEnds()   { p.poll.Store(0) }

// Alive reports whether Run goes on at now: nothing that it does is overdue. Any
// goroutine may call it.
func (r *Reconciler) Alive(now time.Time) bool {
	for _, due := range []int64{r.pulse.poll.Load(), r.pulse.step.Load()} {
		if due != 0 && now.UnixNano() > due {
			return false
		}
	}
	return true
}

// Polled is closed when Run has polled the source for the first time, whatever came
// of it.
func (r *Reconciler) Polled() <-chan struct{} { return r.polled }
