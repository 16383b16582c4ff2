package reconcile

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// TestP27_AllFails: of an endpoint of which every answer is in doubt, few requests
// are enough; after a pause it is tried with one.
func TestP27_AllFails(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(only("commit", errorBefore))
		w.commits(tasks(80, 1)...)
		p := w.run(t)
		elapse(time.Second)
		w.wantSent(t, plan.FailingCalls)
		if pauses := p.r.Status().Control.Pauses; len(pauses) != 1 || pauses[0].Code != plan.CodeFailing {
			t.Errorf("sends are not paused: %+v", pauses)
		}
		elapse(time.Hour)
		if n := w.sent(); n > plan.FailingCalls+20 {
			t.Errorf("%d requests in an hour", n)
		}
		w.setFault(nil)
		elapse(20 * time.Minute)
		if n := w.applied(); n != 80 {
			t.Errorf("%d applied when it is over", n)
		}
		p.halt(t)
	})
}

// TestP27_Waves: calls start 1, 2, 4, 8 at a time; an unknown outcome stops the wave
// that is under way from growing.
func TestP27_Waves(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(only("commit", slowAnswer)) // 9 seconds: each wave is apart
		w.commits(tasks(40, 1)...)
		p := w.run(t)
		total := 0
		for _, wave := range []int{1, 2, 4, 8} {
			total += wave
			elapse(8 * time.Second)
			w.wantSent(t, total)
			elapse(time.Second)
		}
		p.halt(t)
	})
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(func(s step) fault {
			switch {
			case s.kind == "commit" && s.key == task("t003"):
				return errorBefore
			case s.kind == "commit":
				return slowAnswer
			default:
				return sound
			}
		})
		w.commits(tasks(40, 1)...)
		p := w.run(t)
		elapse(9*time.Second + 9*time.Second) // waves of 1 and 2
		elapse(9 * time.Second)
		w.wantSent(t, 1+2+4) // the first of the four is unknown: none takes its place
		p.halt(t)
	})
}

// TestLock: one locked task of 200 holds up no other, is tried as often as its
// back-off allows, and is committed within one back-off of the lock's end.
func TestLock(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		const locked = 47 * time.Minute
		w.weData.lock(task("t100"), w.start, w.start.Add(locked))
		w.commits(tasks(200, 1)...)
		p := w.run(t)
		elapse(13 * time.Second)
		if n := w.applied(); n != 199 {
			t.Errorf("%d of the others were applied, want 199", n)
		}
		rec := w.record("t100")
		if rec.Attempt.Outcome.Locker != lockedBy.Locker || rec.Status != state.StatusWaiting {
			t.Errorf("the lock is not shown: %+v", rec)
		}
		since := rec.Attempt.Since
		elapse(locked - 14*time.Second)
		// 30 s, 1 m, 2 m, 4 m, 8 m, 10 m, 10 m ..., each up to a fifth less.
		if n := w.sentTo("t100"); n < 7 || n > 10 {
			t.Errorf("%d tries in %s", n, locked)
		}
		if rec := w.record("t100"); !rec.Attempt.Since.Equal(since) {
			t.Errorf("locked since %s, and then since %s", since, rec.Attempt.Since)
		}
		elapse(10*time.Minute + 2*time.Second)
		w.wantStatus(t, "t100", state.StatusApplied)
		p.halt(t)
	})
}

// TestLockOverRestart: a restart does not hammer a lock.
func TestLockOverRestart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.weData.lock(task("t000"), w.start, w.start.Add(24*time.Hour))
		w.commits(tasks(1, 1)...)
		for range 100 {
			p := w.run(t)
			elapse(2 * time.Second)
			p.halt(t)
		}
		if n := w.sentTo("t000"); n > 4 {
			t.Errorf("%d tries in 200 seconds", n)
		}
	})
}

// TestDependencyOrder: a task is sent when those that it depends on are applied.
func TestDependencyOrder(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(func(s step) fault {
			switch {
			case s.kind == "commit" && s.key == task("b") && s.n == 0:
				return throttle
			case s.kind == "commit" && s.key == task("x"):
				return refuse
			default:
				return sound
			}
		})
		w.commits(
			"taskId: a, commitType: start, instanceVersion: 1, dependsOn: [b, c]",
			"taskId: b, commitType: start, instanceVersion: 1, dependsOn: [d]",
			"taskId: c, commitType: start, instanceVersion: 1, dependsOn: [d]",
			"taskId: d, commitType: start, instanceVersion: 1",
			"taskId: x, commitType: start, instanceVersion: 1",
			"taskId: y, commitType: start, instanceVersion: 1, dependsOn: [x]",
			"taskId: z, commitType: start, instanceVersion: 1, dependsOn: [y, a]")
		p := w.run(t)
		elapse(5 * time.Second)
		p.halt(t)
		var order []string
		for _, r := range w.weData.applied {
			order = append(order, r.commit.TaskID)
		}
		if got := strings.Join(order, " "); got != "d b c a" && got != "d c b a" {
			t.Errorf("applied in the order %s", got)
		}
		if got, want := lines(p.r.Status().Plan), []string{"x hold new held refused", "y hold new held dependency", "z hold new held dependency"}; !slices.Equal(got, want) {
			t.Errorf("left:%s", quoteAll(got))
		}
	})
}

// TestP35_Shutdown: after SIGTERM nothing new starts, and what is under way gets its
// answer.
func TestP35_Shutdown(t *testing.T) {
	t.Parallel()
	for after := 100 * time.Millisecond; after < 4*time.Second; after += 130 * time.Millisecond {
		inBubble(t, after.String(), func(t *testing.T) {
			w := newWorld(1)
			w.commits(tasks(60, 1)...)
			p := w.run(t)
			elapse(after)
			p.stop()
			sent, at := w.sent(), time.Now()
			<-p.done
			if p.err != nil {
				t.Errorf("Run: %v", p.err)
			}
			if n := w.sent() - sent; n > 1 {
				t.Errorf("%d requests after the signal", n)
			}
			if took := time.Since(at); took > sendWithin {
				t.Errorf("it took %s", took)
			}
			for key, rec := range w.disk.records {
				if plan.IsOpen(rec.Status) {
					t.Errorf("%s is left %s", key, rec.Status)
				}
			}
			w.check(t)
		})
	}
}
