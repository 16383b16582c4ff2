package serve

import (
	"sync"
	"time"
)

// triggerGap is the least time between two polls that webhooks ask for, and pushGap between
// those for which one has named the branch and a commit that is new.
const (
	triggerGap = 10 * time.Second
	pushGap    = time.Second
)

// looksAgain is how long after the poll that a webhook asks for there are others, as long as
// nothing was new: a webhook can come before a replica of the server shows what was pushed.
var looksAgain = []time.Duration{2 * time.Second, 8 * time.Second}

// trigger debounces requests for polls: the first polls at once, and those within the gap
// after it are one poll at the end of the gap. A push to the branch waits for no gap that
// something else has begun.
type trigger struct {
	poll   func()
	newest func() string // the revision that the last poll has found

	mu      sync.Mutex
	gap     time.Duration
	last    time.Time
	timer   *time.Timer // of the poll that waits for the end of the gap; nil if none does
	dueAt   time.Time   // when that is
	again   *time.Timer // of the next look; nil before the first webhook
	stopped bool
}

func newTrigger(poll func(), newest func() string, gap time.Duration) *trigger {
	return &trigger{poll: poll, newest: newest, gap: gap}
}

// fire asks for a poll, as something may be new.
func (t *trigger) fire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.after(t.gap)
}

// pushed asks for a poll, as the branch is at the commit.
func (t *trigger) pushed(commit string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if commit != t.newest() {
		t.after(min(t.gap, pushGap))
	}
}

// after polls as soon as the gap after the last poll is over.
func (t *trigger) after(gap time.Duration) {
	at := t.last.Add(gap)
	if t.stopped || t.timer != nil && !at.Before(t.dueAt) {
		return
	}
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	if t.last.IsZero() || !time.Now().Before(at) {
		t.ask()
		return
	}
	t.dueAt = at
	t.timer = time.AfterFunc(time.Until(at), t.due)
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
	if !t.stopped {
		t.ask()
	}
}

// ask polls, and again later if that finds nothing.
func (t *trigger) ask() {
	if t.again != nil {
		t.again.Stop()
	}
	t.last = time.Now()
	before := t.newest()
	t.poll()
	t.lookAgain(before, looksAgain)
}

func (t *trigger) lookAgain(before string, after []time.Duration) {
	if len(after) == 0 {
		return
	}
	t.again = time.AfterFunc(after[0], func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.stopped || t.newest() != before {
			return
		}
		t.poll()
		t.lookAgain(before, after[1:])
	})
}

// stop drops the poll that waits, and all that are asked for later.
func (t *trigger) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	for _, timer := range []*time.Timer{t.timer, t.again} {
		if timer != nil {
			timer.Stop()
		}
	}
}
