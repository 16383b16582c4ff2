package serve

import (
	"sync"
	"time"
)

// pokeGap is the least time between two polls that webhooks ask for.
const pokeGap = 10 * time.Second

// poker passes on the asking for polls: the first at once, and those of the gap that
// follows as one, at its end. So a push is seen at once, and a flood is a poll a gap.
type poker struct {
	poke func()

	mu      sync.Mutex
	gap     time.Duration
	last    time.Time
	timer   *time.Timer // of the poll that waits for the end of the gap; nil if none does
	stopped bool
}

func newPoker(poke func(), gap time.Duration) *poker { return &poker{poke: poke, gap: gap} }

// ask asks for a poll.
func (p *poker) ask() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || p.timer != nil {
		return
	}
	wait := p.gap - time.Since(p.last)
	if p.last.IsZero() || wait <= 0 {
		p.last = time.Now()
		p.poke()
		return
	}
	p.timer = time.AfterFunc(wait, p.due)
}

// setGap changes the gap. A poll that waits already keeps its time.
func (p *poker) setGap(gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gap = gap
}

func (p *poker) due() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	if p.stopped {
		return
	}
	p.last = time.Now()
	p.poke()
}

// stop ends the waiting of a poll.
func (p *poker) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.timer != nil {
		p.timer.Stop()
	}
}
