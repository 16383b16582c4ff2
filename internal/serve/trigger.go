package serve

import (
	"sync"
	"time"
)

// triggerGap is the least time between two polls that webhooks ask for.
const triggerGap = 10 * time.Second

// trigger debounces requests for polls: the first polls at once, and those within the gap
// after it are one poll at the end of the gap.
type trigger struct {
	poll func()

	mu      sync.Mutex
	gap     time.Duration
	last    time.Time
	timer   *time.Timer // of the poll that waits for the end of the gap; nil if none does
	stopped bool
}

func newTrigger(poll func(), gap time.Duration) *trigger { return &trigger{poll: poll, gap: gap} }

// fire asks for a poll.
func (t *trigger) fire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped || t.timer != nil {
		return
	}
	wait := t.gap - time.Since(t.last)
	if t.last.IsZero() || wait <= 0 {
		t.last = time.Now()
		t.poll()
		return
	}
	t.timer = time.AfterFunc(wait, t.due)
}

// setGap changes the gap. A poll that waits already keeps its time.
func (t *trigger) setGap(gap time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gap = gap
}

func (t *trigger) due() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = nil
	if t.stopped {
		return
	}
	t.last = time.Now()
	t.poll()
}

// stop drops the poll that waits, and all that are asked for later.
func (t *trigger) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.timer != nil {
		t.timer.Stop()
	}
}
