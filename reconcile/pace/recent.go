package pace

import "time"

// RecentSeconds is over how many seconds a Limiter remembers how many requests left.
const RecentSeconds = 60

// recent counts the requests of each of the last seconds.
type recent struct {
	counts [RecentSeconds]int // by second, modulo their number
	newest int64              // the second that was counted last
}

// add counts a request that leaves now.
func (r *recent) add(now time.Time) {
	r.advance(now)
	r.counts[r.newest%RecentSeconds]++
}

// advance forgets the seconds that are too old by now.
func (r *recent) advance(now time.Time) {
	second := now.Unix()
	r.newest = max(r.newest, second-RecentSeconds)
	for r.newest < second {
		r.newest++
		r.counts[r.newest%RecentSeconds] = 0
	}
}

// Recent returns how many requests left in each of the last RecentSeconds seconds, the oldest
// first and the second that goes on last, and how many a second the server allows.
func (p *Limiter) Recent() (seconds [RecentSeconds]int, rate float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recent.advance(time.Now())
	for i := range seconds {
		seconds[i] = p.recent.counts[(p.recent.newest+1+int64(i))%RecentSeconds]
	}
	return seconds, p.rate
}
