package pace

import "time"

const (
	// A server that rejects what it likes, and not what is too fast, must not slow the
	// requests to nothing. So the rate falls to firstFloor of the full one at the most
	// until enoughRejects at that rate have shown that there is more to gain: their share
	// has to fall, too. It is below half, so that two programs find room to share.
	firstFloor    = 0.45
	enoughRejects = 50
	// calmRequests is among how many requests that many rejects count for little.
	calmRequests = 1000
	// rejectFell is what is left of the share where half the rate was the answer.
	rejectFell = 0.65
	// rejectMost is the share of rejects from which the rate falls in any case, and
	// fewRequests how many show that nearly all are.
	rejectMost  = 0.55
	fewRequests = 20
	fewAccepted = 4
	// unmovedRate is the rate, of the full one, that is kept where rejects do not answer
	// to the rate, and unmovedFor how long until that is put to the test again.
	unmovedRate = 0.75
	unmovedFor  = 5 * time.Minute
)

// floor is how far rejects may lower the rate.
type floor struct {
	rate           float64   // requests a second
	sent, rejected int       // since the first reject that was not judged yet
	before         float64   // the share that was rejected at twice this rate; 0 if that is not known
	unmoved        time.Time // until when rejects are taken not to answer to the rate
}

// adjustFloor moves the floor when there were enough rejects. p.mu is held.
func (p *Limiter) adjustFloor() {
	f, now := &p.floor, time.Now()
	if p.allowed > 2.5*f.rate {
		*f = floor{rate: min(2*f.rate, p.rate*firstFloor)} // there is room again
	}
	if f.rejected == 0 {
		return
	}
	f.sent++
	most := f.sent >= fewRequests && f.sent-f.rejected <= fewAccepted
	if !most && f.rejected < enoughRejects && f.sent < calmRequests {
		return
	}
	share := float64(f.rejected) / float64(f.sent)
	f.sent, f.rejected = 0, 0
	switch {
	case share > rejectMost:
		*f = floor{rate: min(f.rate, p.allowed) / 2}
	case now.Before(f.unmoved), p.allowed > 1.25*f.rate:
	case share*calmRequests < enoughRejects:
		f.before = 0
	case !f.unmoved.IsZero():
		*f = floor{rate: p.rate * firstFloor} // it may be otherwise by now
	case f.before == 0 || share < rejectFell*f.before:
		f.rate, f.before = f.rate/2, share
	default:
		*f = floor{rate: p.rate * unmovedRate, unmoved: now.Add(unmovedFor)}
		p.allowed, p.raised = max(p.allowed, f.rate), now
	}
}
