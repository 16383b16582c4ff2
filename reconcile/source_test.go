package reconcile

import (
	"context"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// TestP18_SourceOutage: while the source cannot be reached what is known goes on,
// nothing is taken to be gone, and the polls slow down; when it is back so is the
// daemon.
func TestP18_SourceOutage(t *testing.T) {
	t.Parallel()
	for _, outage := range []time.Duration{time.Hour, 72 * time.Hour} {
		inBubble(t, outage.String(), func(t *testing.T) {
			w := newWorld(1)
			w.commits(tasks(3, 1)...)
			p := w.run(t)
			elapse(5 * time.Second)
			w.setFault(only("poll", pollFails))
			w.commits(tasks(3, 2)...)
			before := w.count("poll", "")
			elapse(outage)
			if polls, most := w.count("poll", "")-before, int(outage/(4*time.Minute))+10; polls > most {
				t.Errorf("%d polls, want at most %d", polls, most)
			}
			w.wantSent(t, 3)
			if p.r.Status().Source.Err == nil {
				t.Error("nothing says that the source cannot be reached")
			}
			w.setFault(nil)
			elapse(5 * time.Minute)
			w.wantSent(t, 6)
			p.halt(t)
			w.check(t)
		})
	}
}

// TestP18_NoSourceAtStart: before the first revision people are listened to, and
// what is in doubt is read back.
func TestP18_NoSourceAtStart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(first("commit", lostAfter))
		w.commits(tasks(1, 1)...)
		p := w.run(t)
		elapse(time.Second)
		p.halt(t)
		w.wantStatus(t, "t000", state.StatusUnknown)
		w.setFault(only("poll", pollFails))
		p = w.run(t)
		elapse(10 * time.Second)
		w.wantStatus(t, "t000", state.StatusApplied)
		id := w.say(state.VerbSuspend, "t000", "maintenance")
		elapse(time.Second)
		if a := w.answer(id); !a.OK {
			t.Errorf("suspend: %+v", a)
		}
		p.halt(t)
	})
}

// TestP19_Poked: a storm of pokes makes polls, and no second pass while one is under
// way; each plan is of one revision.
func TestP19_Poked(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(40, 1)...)
		p := w.run(t)
		for range 1000 {
			select {
			case p.poke <- struct{}{}:
			default:
			}
			elapse(3 * time.Millisecond)
		}
		elapse(2 * time.Second)
		w.wantSent(t, 40)
		p.halt(t)
		for _, r := range w.passes {
			if r.Superseded {
				t.Error("a poll without anything new cut a pass short")
			}
		}
	})
}

// TestP19_ClosedPoke: a channel of pokes that was closed says nothing any more.
func TestP19_ClosedPoke(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(5, 1)...)
		p := w.newProcess()
		close(p.poke)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := p.r.Run(ctx, p.poke); err != nil {
			t.Error(err)
		}
		if polls := w.count("poll", ""); polls > 365 {
			t.Errorf("%d polls in an hour", polls)
		}
	})
}

// TestIdle: with nothing to do the daemon polls at its interval and does nothing
// else.
func TestIdle(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(3, 1)...)
		p := w.run(t)
		elapse(10 * time.Second)
		steps, passes := w.steps(), w.passesMade()
		elapse(time.Hour)
		p.halt(t)
		if n := w.passesMade() - passes; n < 350 || n > 365 {
			t.Errorf("%d passes in an hour", n)
		}
		if n := w.steps() - steps; n > 365 {
			t.Errorf("%d steps in an hour, which are more than polls", n)
		}
	})
}

// TestSuperseded: a newer revision takes the place of what is queued, and not of what
// is under way.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(100, 1)...)
		p := w.run(t)
		elapse(2 * time.Second)
		w.commits(tasks(100, 2)...)
		p.poke <- struct{}{}
		elapse(12 * time.Second)
		p.halt(t)
		first, second := 0, 0
		for _, r := range w.weData.applied {
			switch r.commit.InstanceVersion {
			case 1:
				first++
			case 2:
				second++
			}
		}
		if first < 10 || first > 45 || second != 100 {
			t.Errorf("%d were brought to version 1, and %d to version 2", first, second)
		}
	})
}

// TestSourceError: an error of the source is no reason to end.
func TestSourceError(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(1, 1)...)
		p := w.run(t)
		elapse(5 * time.Second)
		w.repo.fails = true // to compare the history
		w.commits(tasks(1, 2)...)
		elapse(time.Minute)
		w.wantSent(t, 1)
		if p.r.Status().Source.Err == nil {
			t.Error("nothing says that the source fails")
		}
		w.mu.Lock()
		w.repo.fails = false
		w.mu.Unlock()
		elapse(15 * time.Second)
		w.wantSent(t, 2)
		p.halt(t)
	})
}

// TestSourceAsksToWait: a server that says when to come back is asked then, and not before
// an hour is over if it says too much.
func TestSourceAsksToWait(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(1, 1)...)
		p := w.run(t)
		elapse(5 * time.Second)
		w.setFault(only("poll", pollLater))
		before := w.count("poll", "")
		elapse(time.Hour)
		if polls := w.count("poll", "") - before; polls < 3 || polls > 4 {
			t.Errorf("%d polls in an hour of a source that asks for 20 minutes each time", polls)
		}
		p.halt(t)
	})
}
