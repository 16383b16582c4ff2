package reconcile

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/state"
)

// TestP03_LostAnswer: an unknown outcome is shown, read back within seconds, and
// settled without a second request.
func TestP03_LostAnswer(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(first("commit", lostAfter))
		w.commits(tasks(1, 1)...)
		p := w.run(t)
		elapse(time.Second)
		w.wantStatus(t, "t000", state.StatusUnknown)
		if got := lines(p.r.Status().Plan); !slices.Equal(got, []string{"t000 hold new held unknown"}) {
			t.Errorf("the plan shows%s", quoteAll(got))
		}
		elapse(4 * time.Second)
		w.wantStatus(t, "t000", state.StatusApplied)
		// Which account is ours is not known before two commits were seen live.
		if origin := w.record("t000").Applied.Origin; origin != state.OriginLive {
			t.Errorf("it is known by %s", origin)
		}
		elapse(time.Hour)
		p.halt(t)
		w.wantSent(t, 1)
	})
}

// TestP03_LostRequest: what did not happen is sent again when it no longer can, and
// not before.
func TestP03_LostRequest(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(firstOf("t000", "commit", lostBefore))
		w.commits(tasks(2, 1)...) // the second one tells that commits take effect at once
		p := w.run(t)
		elapse(testHorizon + proof.ReadLag)
		w.wantSent(t, 2)
		elapse(5 * time.Second)
		w.wantSent(t, 3)
		w.wantStatus(t, "t000", state.StatusApplied)
		p.halt(t)
	})
}

// TestP03_LateRequest: a request that arrives just before the horizon ends is not
// doubled, even if it is read back at that very moment.
func TestP03_LateRequest(t *testing.T) {
	t.Parallel()
	for _, before := range []time.Duration{time.Nanosecond, time.Millisecond, 20 * time.Millisecond, 60 * time.Millisecond, 200 * time.Millisecond, time.Second} {
		inBubble(t, before.String(), func(t *testing.T) {
			w := newWorld(1)
			w.setFault(first("commit", lostBefore))
			w.commits(tasks(1, 1)...)
			p := w.run(t)
			elapse(time.Second)
			rec := w.record("t000")
			w.weData.do(func() {
				w.weData.send(&request{at: rec.Attempt.At.Add(w.horizon - before), attempt: rec.Attempt.ID, commit: w.repo.set.Get(task("t000"))})
			})
			elapse(testHorizon + time.Minute)
			p.halt(t)
			w.wantStatus(t, "t000", state.StatusApplied)
			w.wantSent(t, 1)
			w.check(t)
		})
	}
}

// TestP03_SlowReadBack: what a read-back proves is proven for the time at which it
// began, not for that at which it ended.
func TestP03_SlowReadBack(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.horizon = 20 * time.Second
		w.setFault(func(s step) fault {
			switch {
			case s.kind == "commit" && s.n == 0:
				return lostBefore
			case s.kind == "read" && s.n > 0:
				return slowRead
			default:
				return sound
			}
		})
		w.commits(tasks(1, 1)...)
		p := w.run(t)
		elapse(time.Second)
		rec := w.record("t000")
		w.weData.do(func() {
			w.weData.send(&request{at: rec.Attempt.At.Add(w.horizon - time.Millisecond), attempt: rec.Attempt.ID, commit: w.repo.set.Get(task("t000"))})
		})
		elapse(2 * time.Minute)
		p.halt(t)
		w.wantStatus(t, "t000", state.StatusApplied)
		w.wantSent(t, 1)
	})
}

// TestP03_ManyInDoubt: when much is in doubt at the start the others go on at once,
// people are heard, and it is settled as fast as reads are permitted.
func TestP03_ManyInDoubt(t *testing.T) {
	t.Parallel()
	inDoubt := func(t *testing.T, w *world, n int) {
		w.commits(tasks(n, 1)...)
		p := w.run(t)
		elapse(time.Second)
		p.halt(t)
		for i := range n {
			c := w.repo.set.Get(task(fmt.Sprintf("t%03d", i)))
			if w.disk.records[c.Key] != nil {
				continue
			}
			a := state.Attempt{
				ID: c.TaskID, Wanted: plan.AppliedOf(c, "r1"), WantedID: c.Wanted(), Request: c.Request(),
				Reason: string(plan.ReasonVersion), PlanHash: "sha256:0", At: time.Now(), Before: &state.Live{},
			}
			w.disk.records[c.Key] = plan.Begin(c.Key, nil, a)
			w.weData.do(func() { w.weData.apply(&request{attempt: a.ID, commit: c}) })
		}
	}
	inBubble(t, "reads succeed", func(t *testing.T) {
		w := newWorld(1)
		inDoubt(t, w, 300)
		w.edit("new.yaml", document(
			"taskId: new0, commitType: start, instanceVersion: 1",
			"taskId: new1, commitType: start, instanceVersion: 1",
			"taskId: new2, commitType: start, instanceVersion: 1"))
		p := w.run(t)
		elapse(4 * time.Second)
		for i := range 3 {
			w.wantStatus(t, fmt.Sprintf("new%d", i), state.StatusApplied)
		}
		elapse(14 * time.Second)
		for i := range 300 {
			w.wantStatus(t, fmt.Sprintf("t%03d", i), state.StatusApplied)
		}
		p.halt(t)
		w.check(t)
	})
	inBubble(t, "reads fail slowly", func(t *testing.T) {
		w := newWorld(1)
		inDoubt(t, w, 100)
		w.setFault(only("read", slowFail))
		p := w.run(t)
		elapse(30 * time.Second)
		id := w.say(state.VerbSuspend, "t050", "move")
		elapse(16 * time.Second)
		if !w.answer(id).OK {
			t.Error("nobody listens")
		}
		before := w.tries()
		p.stop()
		at := time.Now()
		<-p.done
		if took := time.Since(at); took > time.Second {
			t.Errorf("the shutdown took %s", took)
		}
		if after := w.tries(); before == 0 || after > before {
			t.Errorf("%d read-backs before the shutdown and %d after: what it cut short counts as one", before, after)
		}
		w.check(t)
	})
}

// TestP03_DiscardState: what discards state is not sent again after an unknown
// outcome, unless a person says so.
func TestP03_DiscardState(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(firstOf("a", "commit", lostBefore))
		w.commits("taskId: a, commitType: 2, instanceVersion: 2, discardState: 2", "taskId: b, commitType: 1, instanceVersion: 1")
		p := w.run(t)
		elapse(2 * time.Hour)
		w.wantSent(t, 2)
		w.wantStatus(t, "a", state.StatusRefused)
		w.say(state.VerbRetry, "a", "")
		elapse(2 * time.Second)
		w.wantSent(t, 3)
		w.wantStatus(t, "a", state.StatusApplied)
		p.halt(t)
	})
}

// TestP03_Approval: a commit that waits for an approval in WeData is read back until
// it is live, through restarts, and never sent again.
func TestP03_Approval(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(first("commit", needsApproval))
		w.commits(tasks(1, 1)...)
		for range 3 {
			p := w.run(t)
			elapse(20 * time.Minute)
			p.halt(t)
			if rec := w.record("t000"); rec.Status != state.StatusApplied || rec.Attempt == nil || rec.Applied.TaskApproveID != "77" {
				t.Errorf("the approval is not shown: %+v", rec)
			}
		}
		reads := w.count("read", "t000")
		if reads < 9 || reads > 60 {
			t.Errorf("read back %d times in an hour", reads)
		}
		w.weData.approve(task("t000"))
		p := w.run(t)
		elapse(11 * time.Minute)
		p.halt(t)
		if rec := w.record("t000"); rec.Attempt != nil || rec.Applied.TaskApproveID != "" {
			t.Errorf("the approval was not noticed: %+v", rec)
		}
		w.wantSent(t, 1)
	})
}

// TestP03_NoReader: without permission to read commits go out, and what is in doubt
// waits for a person.
func TestP03_NoReader(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(func(s step) fault {
			switch {
			case s.kind == "read":
				return readDenied
			case s.kind == "commit" && s.key == task("t001") && s.n == 0:
				return lostBefore
			default:
				return sound
			}
		})
		w.commits(tasks(5, 1)...)
		p := w.run(t)
		elapse(3 * time.Hour)
		w.wantSent(t, 5)
		w.wantStatus(t, "t001", state.StatusUnknown)
		if rec := w.record("t001"); rec.Attempt.NeedsOperator == "" {
			t.Errorf("nobody is called: %+v", rec.Attempt)
		}
		if n := w.count("read", "t000") + w.count("read", "t001"); n > 3*7 {
			t.Errorf("%d reads in three hours, though they are denied", n)
		}
		events := w.events()
		elapse(3 * time.Hour)
		if n := w.events() - events; n > 0 {
			t.Errorf("%d more events, though nothing can be known", n)
		}
		w.say(state.VerbResolve, "t001", "not-applied")
		elapse(2 * time.Second)
		w.wantSent(t, 6)
		w.wantStatus(t, "t001", state.StatusApplied)
		p.halt(t)
	})
}

// TestP03_ReadFails: a task that cannot be read before its commit is put off, and in
// the end committed all the same; the others go on.
func TestP03_ReadFails(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(only("read", readFails, "t001"))
		w.commits(tasks(3, 1)...)
		p := w.run(t)
		elapse(5 * time.Second)
		w.wantSent(t, 2)
		w.wantStatus(t, "t001", state.StatusWaiting)
		elapse(20 * time.Minute)
		w.wantSent(t, 3)
		w.wantStatus(t, "t001", state.StatusApplied)
		p.halt(t)
	})
}
