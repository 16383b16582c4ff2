package reconcile

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/state"
)

// TestCall_Stalled: while connections stall no intent is made, and what was read before
// is read again if it has grown old meanwhile.
func TestCall_Stalled(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.stall = freshFor + 5*time.Second
		w.commits(tasks(5, 1)...)
		p := w.run(t)
		elapse(w.stall)
		if rec := w.record("t000"); rec != nil {
			t.Errorf("before there is a connection the state has %+v", rec)
		}
		elapse(time.Minute)
		p.halt(t)
		if w.weData.stalest > freshFor || w.applied() != 5 || w.count("read", "t000") < 2 {
			t.Errorf("%d are applied, t000 was read %d times, the last time %s before its commit", w.applied(), w.count("read", "t000"), w.weData.stalest)
		}
	})
}

// TestCall_StoppedWhileConnecting: who stops a daemon does not wait for a connection, and
// nothing is left of the call.
func TestCall_StoppedWhileConnecting(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.stall = 8 * time.Second
		w.commits(tasks(5, 1)...)
		p := w.run(t)
		elapse(3 * time.Second)
		p.halt(t)
		if took := time.Since(w.start); took > 9*time.Second {
			t.Errorf("it took until %v", took)
		}
		w.wantSent(t, 0)
		if rec := w.record("t000"); rec != nil {
			t.Errorf("the state has %+v", rec)
		}
	})
}

// TestCall_Overtaken: a call that waits too long for its turn gives its connection up
// and waits for another, and that leaves no trace.
func TestCall_Overtaken(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.rate = 0.05 // one in 20 s
		w.commits(tasks(10, 1)...)
		p := w.run(t)
		elapse(10 * time.Minute)
		p.halt(t)
		if w.applied() != 10 || w.sent() != 10 {
			t.Errorf("%d of 10 are applied by %d requests", w.applied(), w.sent())
		}
		dials, outcomes := 0, 0
		for c := range w.repo.set.All() {
			dials += w.count("dial", c.TaskID)
			outcomes += w.count("save outcome", c.TaskID)
		}
		if dials <= 10 || outcomes != 10 {
			t.Errorf("%d connections and %d outcomes, want more than 10, and 10", dials, outcomes)
		}
	})
}

// TestCall_Asleep: if the machine sleeps between an intent and its first byte, nothing is
// sent for that intent, however little time Go's own clock has counted.
func TestCall_Asleep(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		asked := 0
		w.uptime = func() time.Duration {
			asked++
			return time.Since(w.start) + time.Duration(min(asked/2, 1))*time.Hour // from the second time on
		}
		w.commits(tasks(1, 1)...)
		p := w.run(t)
		elapse(500 * time.Millisecond)
		w.wantSent(t, 0)
		if rec := w.record("t000"); rec == nil || rec.Attempt.Outcome.Class != state.ClassNotSent || rec.Attempt.Outcome.Code != late.Code {
			t.Errorf("t000 is %+v", rec)
		}
		elapse(10 * time.Second)
		w.wantSent(t, 1)
		p.halt(t)
	})
}

// TestLearnWay: reads learn from the way of commits, and go no slower than they:
// the time that the endpoint takes for a read says nothing of its way there.
func TestLearnWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		commits, reads := pace.New(20), pace.New(20)
		for range 200 {
			pace.LearnWay(commits, reads, 0, time.Millisecond)
		}
		if got, want := reads.Period(), commits.Period(); got != want || got > 51*time.Millisecond {
			t.Errorf("the period of reads is %s, of commits %s", got, want)
		}
	})
}
