package reconcile

import (
	"context"
	"sync"
	"time"
)

// The limiter's constants. state-and-limits of the design: a phase-blind client
// keeps every one-second window of the server clean only if its requests are
// paced at 1/rate x (1 + J), where J is how much later one request can arrive than
// another that was sent as punctually.
const (
	jitterStart = 50 * time.Millisecond
	jitterFloor = 6 * time.Millisecond
	jitterMax   = 100 * time.Millisecond
	// jitterSamples is how many requests are watched before J may fall, and over
	// how many the spread is taken.
	jitterSamples = 128
	// jitterDecay is how fast J falls to what was seen, a request.
	jitterDecay = 0.97
	// jitterReject is what J gains when the server counts a request as too many.
	jitterReject = 5 * time.Millisecond

	rateDecrease = 0.85 // of the rate, for each round trip with a reject
	rateIncrease = 0.2  // requests a second, each second
	rateLeast    = 0.05 // of the full rate: what is never given up

	// lead is how long before its slot a request may make its intent durable.
	lead = 25 * time.Millisecond
)

// Pacer spaces requests evenly, so that a server that counts them, in fixed or in
// sliding seconds, never counts more than the rate. It holds no credit: neither
// idling nor a restart makes the next requests come faster. When the server
// rejects a request all the same, because other programs share the account, the
// rate falls by a factor and rises again by steps.
type Pacer struct {
	turn chan struct{} // held from the choice of a slot until the request leaves

	mu       sync.Mutex
	rate     float64 // requests a second the server allows
	allowed  float64 // what is left of it after rejects
	raised   time.Time
	lowered  time.Time // the last decrease: one a round trip
	jitter   time.Duration
	seen     int
	delays   [jitterSamples]time.Duration
	lastSlot time.Time
}

// NewPacer returns a Pacer for rate requests a second.
func NewPacer(rate float64) *Pacer {
	return &Pacer{turn: make(chan struct{}, 1), rate: rate, allowed: rate, jitter: jitterStart}
}

// SetRate changes the requests a second that the server allows.
func (p *Pacer) SetRate(rate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = min(p.allowed*rate/p.rate, rate)
	p.rate = rate
}

// Period returns the time between two requests as it is now.
func (p *Pacer) Period() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.period(time.Now())
}

func (p *Pacer) period(now time.Time) time.Duration {
	if !p.raised.IsZero() {
		p.allowed = min(p.rate, p.allowed+rateIncrease*now.Sub(p.raised).Seconds())
	}
	p.raised = now
	paced := time.Duration(float64(time.Second+p.jitter) / p.rate)
	return max(paced, time.Duration(float64(time.Second)/p.allowed))
}

// Slot is one request's place in time. Exactly one of Sent and Skip ends it.
type Slot struct {
	p  *Pacer
	at time.Time
}

// Take waits for a turn, and then until shortly before its slot, so that what must
// be durable before the request can be written. It is first come, first served.
func (p *Pacer) Take(ctx context.Context) (*Slot, error) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	p.mu.Lock()
	now := time.Now()
	at := now
	if next := p.lastSlot.Add(p.period(now)); next.After(now) {
		at = next
	}
	p.mu.Unlock()
	if err := sleepUntil(ctx, at.Add(-lead)); err != nil {
		<-p.turn
		return nil, err
	}
	return &Slot{p: p, at: at}, nil
}

// Wait waits for the slot itself and lets the next request have its turn. The
// request is to be sent when it returns.
func (s *Slot) Wait(ctx context.Context) error {
	if err := sleepUntil(ctx, s.at); err != nil {
		s.Skip()
		return err
	}
	p := s.p
	p.mu.Lock()
	now := time.Now()
	// A slot that was missed by a slow disk is gone: the next one counts from here.
	p.lastSlot = s.at
	if late := now.Sub(s.at); late > p.jitter/2 {
		p.lastSlot = now
	}
	p.mu.Unlock()
	<-p.turn
	return nil
}

// Skip gives the slot back without a request.
func (s *Slot) Skip() { <-s.p.turn }

// At is when the request is to be sent.
func (s *Slot) At() time.Time { return s.at }

// Sent tells the pacer how a request went: late is how long after its slot it was
// written, connect how long the way to the server took. Their spread over many
// requests is how far two of them can drift together.
func (p *Pacer) Sent(late, connect time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delays[p.seen%jitterSamples] = max(late, 0) + connect
	p.seen++
	if p.seen < jitterSamples {
		return
	}
	least, most := p.delays[0], p.delays[0]
	for _, d := range p.delays {
		least, most = min(least, d), max(most, d)
	}
	spread := min(max(most-least, jitterFloor), jitterMax)
	p.jitter = max(spread, time.Duration(float64(p.jitter)*jitterDecay))
}

// Rejected tells the pacer that the server counted a request, sent at sent, as
// one too many.
func (p *Pacer) Rejected(sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jitter = min(p.jitter+jitterReject, jitterMax)
	if sent.Before(p.lowered) {
		return
	}
	now := time.Now()
	p.allowed = max(p.allowed*rateDecrease, p.rate*rateLeast)
	p.lowered, p.raised = now, now
}

// sleepUntil waits until t, or until ctx is done.
func sleepUntil(ctx context.Context, t time.Time) error {
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
