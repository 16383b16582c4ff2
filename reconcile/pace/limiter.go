package pace

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// A client that does not know where the server's seconds begin keeps each of them
// clean only if its requests are paced at 1/rate x (1 + J), where J is how much
// later one request can arrive than another that was sent as punctually.
const (
	jitterStart = 50 * time.Millisecond
	jitterFloor = 6 * time.Millisecond
	jitterMax   = 100 * time.Millisecond
	// jitterSamples is over how many requests the spread is taken, and jitterFew how
	// many are watched before J may fall.
	jitterSamples = 128
	jitterFew     = 32
	// jitterDecay is how fast J falls to what was seen, a request.
	jitterDecay = 0.97
	// jitterReject is what J, and the least that it falls to, gain when the server
	// counts a request as too many: there is jitter then that is not seen from here.
	jitterReject = 5 * time.Millisecond
	// jitterForget is how fast that least falls back to jitterFloor, a request: by
	// half in about three minutes.
	jitterForget = 0.9998

	rateDecrease = 0.85 // of the rate, for each round trip with a reject
	rateIncrease = 0.2  // requests a second, each second
	rateLeast    = 0.05 // of the full rate: what is never given up

	// lead is how long before its slot a request may make its intent durable.
	lead = 25 * time.Millisecond
)

// Limiter spaces requests evenly, so that a server that counts them, in fixed or in
// sliding seconds, never counts more than the rate. It holds no credit: neither
// idling nor a restart makes the next requests come faster. When the server
// rejects a request all the same, because other programs share the account, the
// rate falls by a factor and rises again by steps.
type Limiter struct {
	mu       sync.Mutex
	tail     <-chan struct{} // closed when the last in the line is done
	rate     float64         // requests a second the server allows
	allowed  float64         // what is left of it after rejects
	raised   time.Time
	lowered  time.Time // the last decrease: one a round trip
	floor    floor
	jitter   time.Duration
	least    time.Duration // what jitter may fall to
	seen     int
	delays   [jitterSamples]time.Duration
	lastSlot time.Time
	recent   recent
}

// New returns a Pacer for rate requests a second. Its first slot is a whole
// period away: the process before may have sent a request just now.
func New(rate float64) *Limiter {
	open := make(chan struct{})
	close(open)
	return &Limiter{
		tail: open, rate: rate, allowed: rate, floor: floor{rate: rate * firstFloor},
		jitter: jitterStart, least: jitterFloor, lastSlot: time.Now(),
	}
}

// SetRate changes the requests a second that the server allows.
func (p *Limiter) SetRate(rate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = min(p.allowed*rate/p.rate, rate)
	p.rate = rate
	p.floor = floor{rate: rate * firstFloor}
}

// Period returns the time between two requests as it is now.
func (p *Limiter) Period() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.period(time.Now())
}

func (p *Limiter) period(now time.Time) time.Duration {
	if !p.raised.IsZero() {
		p.allowed = min(p.rate, p.allowed+rateIncrease*now.Sub(p.raised).Seconds())
	}
	p.raised = now
	paced := time.Duration(math.Ceil(float64(time.Second+p.jitter) / p.rate))
	return max(paced, time.Duration(float64(time.Second)/p.allowed)) + time.Nanosecond
}

// Reserve joins the line, waits for the requests ahead to leave, and then until shortly
// before its own slot, so that what must be durable before the request can be written.
func (p *Limiter) Reserve(ctx context.Context) (*Reservation, error) {
	p.mu.Lock()
	ahead, done := p.tail, make(chan struct{})
	p.tail = done
	p.mu.Unlock()
	select {
	case <-ahead:
	case <-ctx.Done():
		go func() { <-ahead; close(done) }()
		return nil, context.Cause(ctx)
	}
	at := p.nextSlot()
	if err := SleepUntil(ctx, at.Add(-lead)); err != nil {
		close(done)
		return nil, err
	}
	return &Reservation{p: p, at: at, done: done}, nil
}

// Wait waits for a slot, and returns when that is.
func (p *Limiter) Wait(ctx context.Context) (time.Time, error) {
	slot, err := p.Reserve(ctx)
	if err == nil {
		err = slot.Wait(ctx)
	}
	if err != nil {
		return time.Time{}, err
	}
	return slot.At(), nil
}

// Gate is a [Gate] that waits for a slot.
func (p *Limiter) Gate(ctx context.Context) error {
	_, err := p.Wait(ctx)
	return err
}

// nextSlot returns when the next request may leave.
func (p *Limiter) nextSlot() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if next := p.lastSlot.Add(p.period(now)); next.After(now) {
		return next
	}
	return now
}

// Reservation is one request's time to leave. Wait or Skip ends it.
type Reservation struct {
	p    *Limiter
	at   time.Time
	done chan struct{}
}

// Wait waits for the slot itself and lets the next request have its turn. The
// request is to be sent when it returns nil; after an error the slot is given back.
func (s *Reservation) Wait(ctx context.Context) error {
	defer close(s.done)
	if err := SleepUntil(ctx, s.at); err != nil {
		return err
	}
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	// A slot that was missed, by a slow disk, is gone: what follows counts from now.
	// To be a little late is part of the jitter.
	if now := time.Now(); now.Sub(s.at) > p.jitter/2 {
		s.at = now
	}
	p.lastSlot = s.at
	p.recent.add(s.at)
	p.adjustFloor()
	return nil
}

// Cancel gives the slot back without a request.
func (s *Reservation) Cancel() { close(s.done) }

// At is when the request is to be sent.
func (s *Reservation) At() time.Time { return s.at }

// Sent tells the pacer how a request went: late is how long after its slot it was
// sent, way how long its way to the server took. Their spread over many requests
// is how far two of them can drift together.
func (p *Limiter) Sent(late, way time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delays[p.seen%jitterSamples] = max(late, 0) + way
	p.seen++
	seen := p.delays[:min(p.seen, jitterSamples)]
	spread := slices.Max(seen) - slices.Min(seen)
	// A sample does not show all of the spread, and a small one less of it. What J
	// starts with is enough for what does not exceed it.
	spread = max(spread, min(spread+spread/8*jitterSamples/time.Duration(len(seen)), jitterStart))
	if p.seen >= jitterFew {
		p.jitter = time.Duration(float64(p.jitter) * jitterDecay)
	}
	p.least = max(time.Duration(float64(p.least)*jitterForget), jitterFloor)
	p.jitter = max(p.jitter, min(max(spread, p.least), jitterMax))
}

// Rejected tells the pacer that the server counted a request, sent at sent, as
// one too many.
func (p *Limiter) Rejected(sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jitter = min(p.jitter+jitterReject, jitterMax)
	p.floor.rejected++
	if sent.Before(p.lowered) {
		return
	}
	p.least = min(p.least+jitterReject, jitterStart)
	now := time.Now()
	p.period(now) // what was gained until now
	p.allowed = max(p.allowed*rateDecrease, min(p.floor.rate, p.allowed), p.rate*rateLeast)
	p.lowered = now
}

// SleepUntil waits until t, or until ctx is done.
func SleepUntil(ctx context.Context, t time.Time) error {
	d := time.Until(t)
	if d <= 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// LearnWay tells the limiters how a commit went. A read goes the same way, and its own
// round trip says less: most of it is the time that the endpoint takes. reads may be nil.
func LearnWay(commits, reads *Limiter, late, way time.Duration) {
	commits.Sent(late, way)
	if reads != nil {
		reads.Sent(late, way)
	}
}
