package admission

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Slots bounds how many hold a slot at a time, and keeps nobody out: a newcomer gets the
// slot of the oldest holder that is not trusted, once it has held it for some time.
type Slots struct {
	most  int
	least time.Duration // for which nobody loses a slot
	queue chan struct{} // held by the newcomer whose turn it is
	freed chan struct{} // tells it that a slot is free

	mu      sync.Mutex
	held    list.List // of *Slot, the oldest first
	evicted time.Time // when a slot was last taken away
}

// Slot is one of Slots, held by somebody.
type Slot struct {
	in      *Slots
	at      *list.Element
	since   time.Time
	evict   func() // ends what is done in the slot
	trusted bool   // guarded by in.mu
}

// NewSlots returns most slots, each of which is held for least before a newcomer may get it.
func NewSlots(most int, least time.Duration) *Slots {
	return &Slots{most: most, least: least, queue: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
}

// Acquire waits for a slot, in the order of asking. evict is called if a newcomer gets it.
// It returns nil if ctx is done first.
func (s *Slots) Acquire(ctx context.Context, evict func()) *Slot {
	if ctx.Err() != nil {
		return nil
	}
	select {
	case s.queue <- struct{}{}:
		defer func() { <-s.queue }()
	case <-ctx.Done():
		return nil
	}
	for {
		got, evicted, wait := s.admit(evict)
		if evicted != nil {
			evicted.evict()
		}
		if got != nil {
			return got
		}
		select {
		case <-s.freed:
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// admit returns a free slot, or one that it takes from the oldest holder, or else how long
// to wait. It takes slots one by one, with time between them: after a moment in which this
// process was not scheduled all slots are old, and no holder was slow.
func (s *Slots) admit(evict func()) (got, evicted *Slot, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.held.Len() >= s.most {
		evicted = s.oldest()
		if evicted == nil {
			return nil, nil, s.least
		}
		soonest := s.evicted.Add(s.least / time.Duration(s.most))
		if old := evicted.since.Add(s.least); old.After(soonest) {
			soonest = old
		}
		if wait = soonest.Sub(now); wait > 0 {
			return nil, nil, wait
		}
		s.held.Remove(evicted.at)
		evicted.at, s.evicted = nil, now
	}
	got = &Slot{in: s, since: now, evict: evict}
	got.at = s.held.PushBack(got)
	return got, evicted, 0
}

// oldest returns the slot that was held for longest and is not trusted, or nil.
func (s *Slots) oldest() *Slot {
	for e := s.held.Front(); e != nil; e = e.Next() {
		if s := e.Value.(*Slot); !s.trusted {
			return s
		}
	}
	return nil
}

// trust sets whether the holder is trusted: no newcomer gets its slot then.
func (s *Slot) trust(trusted bool) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.trusted = trusted
}

// Release gives the slot up, unless it was taken away already.
func (s *Slot) Release() {
	s.in.mu.Lock()
	held := s.at != nil
	if held {
		s.in.held.Remove(s.at)
		s.at = nil
	}
	s.in.mu.Unlock()
	if held {
		select {
		case s.in.freed <- struct{}{}:
		default:
		}
	}
}
