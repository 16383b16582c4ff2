package reconcile

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pollWithin is longer than a poll can take: a source bounds its conversations,
	// the longest of which fetches a whole repository.
	pollWithin = 30 * time.Minute
	// stepWithin is longer than a step can take: in a pass most are half a second, and a
	// change of the state is one.
	stepWithin = 5 * time.Minute
	// readAgain is how long a denied permission to read is believed.
	readAgain = 10 * time.Minute
)

// Health is how something that can fail has gone lately.
type Health struct {
	OK  time.Time // the last success; zero if there was none
	At  time.Time // the last attempt
	Err error     // of the last attempt
}

func (h *Health) note(err error, now time.Time) {
	h.At, h.Err = now, err
	if err == nil {
		h.OK = now
	}
}

// health is how the engine, and what it depends on, have gone lately.
//
// The heartbeat, renewed and polled need no lock; mu guards what stands below it. All
// methods are for any goroutine.
type health struct {
	// By when the poll under way ends, and by when the pass, or the wait for the next
	// one, makes a step: they tell a daemon that takes long from one that hangs. Nil
	// promises nothing. The clock on the wall does not count: it can be set.
	pollDue, stepDue atomic.Pointer[time.Time]

	renewed atomic.Bool   // the credentials are others now
	polled  chan struct{} // closed after the first poll of Run

	mu         sync.Mutex
	source     Health    // of the polls
	store      Health    // of the state's writes
	readDenied time.Time // when reading was last denied; zero: it was not
}

func newHealth() *health { return &health{polled: make(chan struct{})} }

func (h *health) beat() { h.sleep(time.Now()) }

// sleep promises that the next step is soon after wake.
func (h *health) sleep(wake time.Time) { h.stepDue.Store(new(wake.Add(stepWithin))) }

// rest takes back what the last heartbeat promised, for as long as nothing is done but poll.
func (h *health) rest() { h.stepDue.Store(nil) }

func (h *health) pollBegins() { h.pollDue.Store(new(time.Now().Add(pollWithin))) }
func (h *health) pollEnds()   { h.pollDue.Store(nil) }

// alive reports whether nothing is overdue at now.
func (h *health) alive(now time.Time) bool {
	for _, due := range []*time.Time{h.pollDue.Load(), h.stepDue.Load()} {
		if due != nil && now.After(*due) {
			return false
		}
	}
	return true
}

func (h *health) noteSource(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.source.note(err, time.Now())
}

func (h *health) noteStore(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store.note(err, time.Now())
}

func (h *health) last() (source, store Health) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.source, h.store
}

// denyReads notes that the credentials may not read, or with the zero time that they may.
func (h *health) denyReads(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readDenied = at
}

// readsDenied reports whether reading was denied lately.
func (h *health) readsDenied() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.readDenied.IsZero() && time.Since(h.readDenied) < readAgain
}
