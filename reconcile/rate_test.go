package reconcile

import (
	"fmt"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestP28_Rate: over an hour with restarts and rejects the server never counts more
// than 20 in a second.
func TestP28_Rate(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(func(s step) fault {
			if s.kind == "commit" && w.chance("rejects", s.key, s.n)%10 == 0 {
				return throttle
			}
			return sound
		})
		n := 500
		if *long {
			n = 20_000
		}
		w.commits(tasks(n, 1)...)
		for range 10 {
			p := w.run(t)
			elapse(w.between(500*time.Millisecond, 3*time.Second, "life", spec.Key{}, w.lives))
			p.die() // the next one starts at once
			<-p.done
		}
		p := w.run(t)
		elapse(testHorizon + proof.ReadLag + time.Duration(n)*400*time.Millisecond)
		p.halt(t)
		if w.weData.busiest > 20 {
			t.Errorf("%d in a second", w.weData.busiest)
		}
		if got := w.applied(); got != n {
			t.Errorf("%d applied, want %d", got, n)
		}
	})
}

// TestThrottled: when the server rejects 30 % of the requests, or another program
// takes half of what it allows, every commit is applied once all the same.
func TestThrottled(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault func(w *world) func(step) fault
		other func(time.Time) int
		most  int // requests for 200 commits
	}{
		{name: "30 % are rejected", most: 320, fault: func(w *world) func(step) fault {
			return func(s step) fault {
				if s.kind == "commit" && w.chance("rejects", s.key, s.n)%10 < 3 {
					return throttle
				}
				return sound
			}
		}},
		{name: "another program takes half", most: 230, other: func(at time.Time) int { return 10 }},
		{name: "another program takes nearly all", most: 350, other: func(at time.Time) int { return 18 }},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			w := newWorld(1)
			if tt.fault != nil {
				w.setFault(tt.fault(w))
			}
			w.weData.other = tt.other
			w.commits(tasks(200, 1)...)
			p := w.run(t)
			elapse(10 * time.Minute)
			p.halt(t)
			if n := w.applied(); n != 200 {
				t.Errorf("%d were applied, want 200", n)
			}
			if w.weData.busiest > 20 {
				t.Errorf("%d in a second", w.weData.busiest)
			}
			if n := w.sent(); n > tt.most {
				t.Errorf("%d requests, want at most %d", n, tt.most)
			}
			w.check(t)
		})
	}
}

// TestThroughput: 200 commits take hardly more than their slots; and when requests
// arrive punctually many come near to 20 a second.
func TestThroughput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n      int
		steady bool
		most   time.Duration
	}{
		{200, false, 11500 * time.Millisecond},
		{2000, true, 102500 * time.Millisecond},
	} {
		inBubble(t, fmt.Sprint(tt.n), func(t *testing.T) {
			w := newWorld(1)
			w.steady = tt.steady
			w.commits(tasks(tt.n, 1)...)
			p := w.run(t)
			for w.applied() < tt.n && time.Since(w.start) < 2*tt.most {
				elapse(100 * time.Millisecond)
			}
			p.halt(t)
			if took := time.Since(w.start); took > tt.most {
				t.Errorf("%d commits took %s", tt.n, took)
			}
			if w.weData.busiest > 20 {
				t.Errorf("%d in a second", w.weData.busiest)
			}
			w.check(t)
		})
	}
}

// TestThrottledReads: when reads are rejected they slow down, and are repeated: the
// commits are not put off.
func TestThrottledReads(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.weData.readLimit = 10
		w.commits(tasks(200, 1)...)
		p := w.run(t)
		for w.sent() < 200 && time.Since(w.start) < 28*time.Second {
			elapse(100 * time.Millisecond)
		}
		p.halt(t)
		w.wantSent(t, 200)
		reads := 0 // without those that follow the last commit
		for i := range 200 {
			reads += w.count("read", fmt.Sprintf("t%03d", i))
		}
		if reads > 260 {
			t.Errorf("%d reads for 200 commits", reads)
		}
	})
}

// TestReadsSayIt: a read that cannot be sent, or whose credentials are not accepted,
// says about the commit what that would have said itself; one that is over the rate,
// for as long as it is, keeps nobody from being heard.
func TestReadsSayIt(t *testing.T) {
	t.Parallel()
	inBubble(t, "no connection", func(t *testing.T) {
		w := newWorld(1)
		w.setFault(only("read", readNotSent))
		w.commits(tasks(50, 1)...)
		p := w.run(t)
		elapse(time.Hour)
		w.wantSent(t, 0)
		if reads := w.steps() - w.count("poll", "") - w.events(); reads > 60 {
			t.Errorf("%d reads in an hour", reads)
		}
		w.setFault(nil)
		elapse(6 * time.Minute)
		w.wantSent(t, 50)
		p.halt(t)
		w.check(t)
	})
	inBubble(t, "credentials", func(t *testing.T) {
		w := newWorld(1)
		w.weData.fresh = true
		w.setFault(first("read", readBadAuth))
		w.commits(tasks(1, 1)...)
		p := w.run(t)
		elapse(5 * time.Second)
		w.wantSent(t, 1)
		p.halt(t)
		if w.weData.reloads != 1 {
			t.Errorf("%d reloads", w.weData.reloads)
		}
		w.check(t)
	})
	inBubble(t, "over the rate", func(t *testing.T) {
		w := newWorld(1)
		w.setFault(only("read", throttle))
		w.commits(tasks(50, 1)...)
		p := w.run(t)
		elapse(time.Minute)
		w.wantSent(t, 0)
		id := w.say(state.VerbSuspend, "t000", "move")
		elapse(10 * time.Second)
		if !w.answer(id).OK {
			t.Error("nobody listens")
		}
		w.setFault(nil)
		elapse(2 * time.Minute)
		w.wantSent(t, 49)
		p.halt(t)
		w.check(t)
	})
}

// TestFreshBefore: what was live before is not old when the commit leaves, at a low
// rate neither.
func TestFreshBefore(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.rate = 2 // and 20 for reads
		w.commits(tasks(100, 1)...)
		p := w.run(t)
		elapse(time.Minute)
		p.halt(t)
		if most := freshFor + time.Second; w.weData.stalest > most {
			t.Errorf("a task was read %s before its commit, want at most %s", w.weData.stalest, most)
		}
	})
}
