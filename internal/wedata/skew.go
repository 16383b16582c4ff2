package wedata

import (
	"fmt"
	"sync"
	"time"
)

// MaxSkew is how far this machine's clock may be off the endpoint's: a signature is
// accepted up to 5 minutes off, and may be a minute old when it leaves.
const MaxSkew = 5*time.Minute - maxSignatureAge

// skewKept is how long the clock counts as ahead as it was before it was set: longer
// than a signature that it made can be accepted.
const skewKept = 15 * time.Minute

// Skew is how far this machine's clock is ahead of the endpoint's, between two bounds;
// it is behind where they are negative. An answer's Date tells it to a second and the
// time that the answer takes; several tell it better.
type Skew struct {
	Known       bool // the endpoint has told its time
	Least, Most time.Duration
}

// Ahead is the middle of the bounds.
func (s Skew) Ahead() time.Duration { return (s.Least + s.Most) / 2 }

// String says how far the clock is off, to a second, such as "4m0s ahead of".
func (s Skew) String() string {
	way := "ahead of"
	if s.Ahead() < 0 {
		way = "behind"
	}
	return fmt.Sprintf("%v %s", s.Ahead().Abs().Round(time.Second), way)
}

// skewOf returns what an answer tells that was dated so, and was made between from and
// until by this machine's clock.
func skewOf(date, from, until time.Time) Skew {
	if date.IsZero() {
		return Skew{}
	}
	// A date has lost up to a second.
	return Skew{true, from.Sub(date) - time.Second, until.Sub(date)}
}

// clocks compares this machine's clock with the endpoint's. It is safe for concurrent
// use.
type clocks struct {
	mu     sync.Mutex
	now    Skew
	before time.Duration // Most, before a clock was set
	until  time.Time     // when that counts no longer
}

// learn narrows the bounds by what another answer tells. If that contradicts them, a
// clock was set, or has drifted, and the answer alone counts.
func (c *clocks) learn(told Skew) {
	if !told.Known {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	both := Skew{true, max(c.now.Least, told.Least), min(c.now.Most, told.Most)}
	switch {
	case !c.now.Known:
		c.now = told
	case both.Least <= both.Most:
		c.now = both
	default:
		if time.Now().After(c.until) {
			c.before = 0
		}
		c.before, c.until = max(c.before, c.now.Most), time.Now().Add(skewKept)
		c.now = told
	}
}

// skew returns what is known now.
func (c *clocks) skew() Skew {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// margin is how much longer than its 5 minutes a signature may be accepted.
func (c *clocks) margin() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	ahead := c.now.Most
	if !c.now.Known {
		ahead = MaxSkew
	}
	if time.Now().Before(c.until) {
		ahead = max(ahead, c.before)
	}
	return max(ahead, 0)
}
