package serve

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// places bounds how many hold one at a time, and keeps nobody out: a newcomer gets the
// place of the one that has held its own for longest. That one has had it for some time
// by then, and has proved nothing.
type places struct {
	most  int
	least time.Duration // for which nobody loses a place
	queue chan struct{} // held by the newcomer whose turn it is
	freed chan struct{} // tells it that a place is free

	mu      sync.Mutex
	held    list.List // of *place, the oldest first
	evicted time.Time // when a place was last taken away
}

// place is one of places.
type place struct {
	in     *places
	at     *list.Element
	since  time.Time
	evict  func() // ends what is done in the place
	proven bool   // guarded by in.mu
}

func newPlaces(most int, least time.Duration) *places {
	return &places{most: most, least: least, queue: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
}

// take waits for a place, in the order of asking. evict is called if a newcomer gets it.
// It returns nil if ctx is done first.
func (p *places) take(ctx context.Context, evict func()) *place {
	if ctx.Err() != nil {
		return nil
	}
	select {
	case p.queue <- struct{}{}:
		defer func() { <-p.queue }()
	case <-ctx.Done():
		return nil
	}
	for {
		got, evicted, wait := p.admit(evict)
		if evicted != nil {
			evicted.evict()
		}
		if got != nil {
			return got
		}
		select {
		case <-p.freed:
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// admit gives a place away if there is one, or if one can be taken from somebody; else it
// says how long to wait. Places are taken away one by one, with time between them: after
// a moment in which this process was not scheduled, all are old, and it is not the holders
// who were slow.
func (p *places) admit(evict func()) (got, evicted *place, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.held.Len() >= p.most {
		evicted = p.oldest()
		if evicted == nil {
			return nil, nil, p.least
		}
		soonest := p.evicted.Add(p.least / time.Duration(p.most))
		if old := evicted.since.Add(p.least); old.After(soonest) {
			soonest = old
		}
		if wait = soonest.Sub(now); wait > 0 {
			return nil, nil, wait
		}
		p.held.Remove(evicted.at)
		evicted.at, p.evicted = nil, now
	}
	got = &place{in: p, since: now, evict: evict}
	got.at = p.held.PushBack(got)
	return got, evicted, 0
}

// oldest returns who has held a place for longest and has proved nothing, or nil.
func (p *places) oldest() *place {
	for e := p.held.Front(); e != nil; e = e.Next() {
		if x := e.Value.(*place); !x.proven {
			return x
		}
	}
	return nil
}

// prove says whether who holds the place has proved that it may: no newcomer gets it then.
func (x *place) prove(proven bool) {
	x.in.mu.Lock()
	defer x.in.mu.Unlock()
	x.proven = proven
}

// leave gives the place up. It does nothing for one that was taken away.
func (x *place) leave() {
	x.in.mu.Lock()
	held := x.at != nil
	if held {
		x.in.held.Remove(x.at)
		x.at = nil
	}
	x.in.mu.Unlock()
	if held {
		select {
		case x.in.freed <- struct{}{}:
		default:
		}
	}
}
