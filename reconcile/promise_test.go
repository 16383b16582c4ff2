package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// bubble runs f in a world of its own, with time of its own. A goroutine that is
// left behind fails the test.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		f(t, w)
		w.check(t)
	})
}

// sentTo counts the requests for the task that were written.
func (w *world) sentTo(id string) int {
	return w.count("commit", id)
}

// sent counts the requests that were written.
func (w *world) sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for id, count := range w.counts {
		if id.kind == "commit" {
			n += count
		}
	}
	return n
}

// applied counts the commits that took effect.
func (w *world) applied() (n int) {
	w.weData.do(func() { n = len(w.weData.applied) })
	return n
}

// steps counts the steps of any kind.
func (w *world) steps() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seq
}

// count counts the steps of a kind with a task.
func (w *world) count(kind, id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := spec.Key{}
	if id != "" {
		key = task(id)
	}
	return w.counts[stepID{kind, key}]
}

// events counts the rows of the history.
func (w *world) events() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.disk.events
}

// tries counts the tries of all open attempts.
func (w *world) tries() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, rec := range w.disk.records {
		if rec.Attempt != nil {
			n += rec.Attempt.Tries
		}
	}
	return n
}

// control is what is durable of the daemon as a whole.
func (w *world) control() state.Control {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.disk.control
}

// wantSent fails the test unless n requests were written so far.
func (w *world) wantSent(t testing.TB, n int) {
	t.Helper()
	if got := w.sent(); got != n {
		t.Errorf("after %s %d requests were sent, want %d; %s", time.Since(w.start), got, n, w.statuses())
	}
}

// wantStatus fails the test unless the task stands so on the disk.
func (w *world) wantStatus(t testing.TB, id string, want state.Status) {
	t.Helper()
	rec := w.record(id)
	if rec == nil || rec.Status != want {
		t.Errorf("after %s %s is %+v, want %s", time.Since(w.start), id, rec, want)
	}
}

// only makes one kind of step go wrong for some tasks.
func only(kind string, f fault, ids ...string) func(step) fault {
	return func(s step) fault {
		if s.kind == kind && (len(ids) == 0 || slices.Contains(ids, s.key.TaskID)) {
			return f
		}
		return sound
	}
}

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
		if origin := w.record("t000").Applied.Origin; origin != state.OriginReadBack {
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
		elapse(testHorizon + plan.ReadLag)
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
		w.setFault(first("commit", approval))
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

// TestP08_BrokenDisk: after a failed write nothing more is sent, and Run ends.
func TestP08_BrokenDisk(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{brokenBefore, brokenAfter} {
		for i := range 20 {
			kind, id := []string{"save intent", "save outcome"}[i%2], fmt.Sprintf("t%03d", 20+i)
			inBubble(t, fmt.Sprintf("%s of %s, fault %d", kind, id, f), func(t *testing.T) {
				w := newWorld(1)
				var broken time.Time
				w.setFault(func(s step) fault {
					if s.kind == kind && s.key == task(id) {
						broken = time.Now()
						return f
					}
					return sound
				})
				w.commits(tasks(100, 1)...)
				p := w.run(t)
				<-p.done // that nothing is sent after the failure, the world looks itself
				if p.err == nil || !p.r.broken.Load() {
					t.Errorf("Run returned %v", p.err)
				}
				if took := time.Since(broken); took > time.Second {
					t.Errorf("Run returned %s later", took)
				}
				w.setFault(nil)
				w.rest(t)
			})
		}
	}
}

// TestP08_BrokenWhileFull: a disk that is full and then fails has failed.
func TestP08_BrokenWhileFull(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(func(s step) fault {
			switch {
			case s.kind == "save intent" && s.key == task("t002"):
				return full
			case s.kind == "save outcome" && s.key == task("t001"):
				return brokenBefore
			case s.kind == "commit" && s.key == task("t001"):
				return slowAnswer
			default:
				return sound
			}
		})
		w.commits(tasks(5, 1)...)
		p := w.run(t)
		<-p.done
		if p.err == nil {
			t.Error("Run ended without an error")
		}
		w.wantSent(t, 2)
	})
}

// TestP09_FullDisk: without an intent nothing is sent; when there is space again the
// daemon goes on by itself.
func TestP09_FullDisk(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		isFull := true
		w.setFault(func(s step) fault {
			if isFull && s.kind == "save intent" {
				return full
			}
			return sound
		})
		w.commits(tasks(3, 1)...)
		p := w.run(t)
		elapse(time.Hour)
		w.wantSent(t, 0)
		if p.r.Status().Ledger.Err == nil {
			t.Error("nothing says that the disk is full")
		}
		if tries := w.count("save intent", "t000"); tries < 300 || tries > 800 {
			t.Errorf("%d tries in an hour", tries)
		}
		w.mu.Lock()
		isFull = false
		w.mu.Unlock()
		elapse(15 * time.Second)
		w.wantSent(t, 3)
		if err := p.r.Status().Ledger.Err; err != nil {
			t.Errorf("still said: %v", err)
		}
		p.halt(t)
	})
}

// TestP09_OutcomeOnFullDisk: an answer that the disk has no room for is kept, and
// written before anything else is done.
func TestP09_OutcomeOnFullDisk(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		isFull := true
		w.setFault(func(s step) fault {
			if isFull && s.kind == "save outcome" {
				return busy
			}
			return sound
		})
		w.commits(tasks(20, 1)...)
		p := w.run(t)
		elapse(5 * time.Minute)
		w.wantSent(t, 1)
		w.wantStatus(t, "t000", state.StatusIntent)
		w.mu.Lock()
		isFull = false
		w.mu.Unlock()
		elapse(15 * time.Second)
		w.wantStatus(t, "t000", state.StatusApplied)
		w.wantSent(t, 20)
		p.halt(t)
		if origin := w.record("t000").Applied.Origin; origin != state.OriginCommit {
			t.Errorf("the answer was lost: it is known by %s", origin)
		}
	})
}

// TestP09_DebtAtShutdown: what is owed to the disk is written at the end, too.
func TestP09_DebtAtShutdown(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(first("save outcome", full))
		w.commits(tasks(1, 1)...)
		p := w.run(t)
		elapse(time.Second)
		w.wantStatus(t, "t000", state.StatusIntent)
		p.halt(t)
		w.wantStatus(t, "t000", state.StatusApplied)
	})
}

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

// TestP26_Suspend: a person's word takes effect before the next request.
func TestP26_Suspend(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"", "t050"} {
		inBubble(t, "suspend "+target, func(t *testing.T) {
			w := newWorld(1)
			w.commits(tasks(60, 1)...)
			p := w.run(t)
			elapse(2 * time.Second)
			id := w.say(state.VerbSuspend, target, "maintenance")
			at := w.sent()
			for w.answer(id).Message == "" {
				elapse(time.Millisecond)
			}
			if n := w.sent() - at; n > 1 {
				t.Errorf("%d requests were sent before the word was heard", n)
			}
			if took := time.Since(w.start) - 2*time.Second; took > 400*time.Millisecond {
				t.Errorf("the word was heard after %s", took)
			}
			elapse(time.Minute)
			if target == "" {
				if n := w.sent() - at; n > 1 {
					t.Errorf("%d requests were sent, though everything is suspended", n)
				}
				w.say(state.VerbUnsuspend, "", "")
			} else {
				w.wantSent(t, 59)
				w.say(state.VerbUnsuspend, target, "")
			}
			elapse(10 * time.Second)
			w.wantSent(t, 60)
			p.halt(t)
			w.check(t)
		})
	}
}

// TestP26_Window: a freeze window that begins while calls are made stops them, and
// they go on when it ends.
func TestP26_Window(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		begins := w.start.Add(2 * time.Second)
		w.guards.Store(&plan.Guards{Windows: []plan.Window{{Name: "freeze", Start: begins, End: begins.Add(time.Hour)}}})
		w.commits(tasks(60, 1)...)
		p := w.run(t)
		elapse(2 * time.Second)
		at := w.sent()
		elapse(59 * time.Minute)
		if n := w.sent() - at; n > 1 || at < 5 {
			t.Errorf("%d requests before the window, and %d in it", at, n)
		}
		if held := p.r.Status().Plan.Count(plan.ActionHold); held != 60-w.sent() {
			t.Errorf("%d are held, and %d were sent", held, w.sent())
		}
		elapse(2 * time.Minute)
		w.wantSent(t, 60)
		p.halt(t)
	})
}

// TestP26_NewGuards: guards that change while calls are made hold the next one
// already, and let go what they allow at once.
func TestP26_NewGuards(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.interval = time.Hour
		w.commits(tasks(60, 1)...)
		p := w.run(t)
		elapse(2 * time.Second)
		at := w.sent()
		w.guards.Store(&plan.Guards{AllowTasks: []string{"t05*"}})
		elapse(time.Minute)
		after := w.sent() - at
		if held := p.r.Status().Plan.Count(plan.ActionHold); at < 5 || after > 1+10 || at+after+held != 60 {
			t.Errorf("%d requests before, %d after, %d are held", at, after, held)
		}
		w.guards.Store(new(plan.Guards))
		p.poke <- struct{}{}
		elapse(5 * time.Second)
		w.wantSent(t, 60)
		p.halt(t)
		w.check(t)
	})
}

// TestP26_Approval: a held plan waits for its approval; the approval lasts until its
// calls are made, through locks and restarts, and not longer.
func TestP26_Approval(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(20, 1)...)
		w.daemon(t, 5*time.Second)
		w.guards.Store(&plan.Guards{MaxChangePercent: 30})
		w.commits(tasks(20, 2)...)
		w.weData.lock(task("t007"), time.Now(), time.Now().Add(5*time.Minute))
		p := w.run(t)
		elapse(time.Minute)
		w.wantSent(t, 20)

		wrong := w.say(state.VerbApprove, "sha256:0123456789", "")
		right := w.say(state.VerbApprove, p.r.Status().Plan.Hash, "")
		elapse(500 * time.Millisecond)
		p.halt(t)
		if a := w.answer(wrong); a.OK {
			t.Errorf("another plan was approved: %+v", a)
		}
		if a := w.answer(right); !a.OK {
			t.Errorf("approve: %+v", a)
		}
		p = w.run(t)
		elapse(20 * time.Minute)
		if n := w.applied(); n != 40 {
			t.Errorf("%d were applied, want 40: %s", n, w.statuses())
		}
		if left := w.control().Approvals; len(left) > 0 {
			t.Errorf("the approval is not used up: %+v", left)
		}

		w.commits(tasks(20, 1)...)
		elapse(time.Minute)
		w.commits(tasks(20, 2)...)
		elapse(time.Minute)
		if n := w.applied(); n != 40 {
			t.Errorf("%d were applied without another approval", n-40)
		}
		p.halt(t)
	})
}

// TestP26_Rewritten: a history that was rewritten is held until it is approved, and
// then it is the history.
func TestP26_Rewritten(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(3, 1)...)
		w.daemon(t, 5*time.Second)
		w.commits(tasks(3, 2)...)
		w.repo.rewrites = map[string]bool{fmt.Sprintf("%040d", w.repo.revision): true}
		p := w.run(t)
		elapse(time.Hour)
		w.wantSent(t, 3)
		w.say(state.VerbApprove, p.r.Status().Plan.Hash, "")
		elapse(5 * time.Second)
		w.wantSent(t, 6)
		w.commits(tasks(3, 3)...)
		elapse(15 * time.Second)
		w.wantSent(t, 9)
		p.halt(t)
	})
}

// TestP26_EmptySource: a source that is suddenly empty removes nothing before an operator
// approves it, and makes no call in any case; what was applied is kept.
func TestP26_EmptySource(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(5, 1)...)
		p := w.run(t)
		elapse(5 * time.Second)
		w.commits()
		elapse(time.Hour)
		if got := w.statuses(); got != "t000 applied, t001 applied, t002 applied, t003 applied, t004 applied" {
			t.Errorf("the state is: %s", got)
		}
		w.say(state.VerbApprove, p.r.Status().Plan.Hash, "")
		elapse(5 * time.Second)
		if got := w.statuses(); got != "t000 removed, t001 removed, t002 removed, t003 removed, t004 removed" {
			t.Errorf("the state is: %s", got)
		}
		w.commits(tasks(5, 1)...)
		elapse(5 * time.Second)
		if got := w.statuses(); got != "t000 applied, t001 applied, t002 applied, t003 applied, t004 applied" {
			t.Errorf("the specs are back, and the state is: %s", got)
		}
		p.halt(t)
		w.wantSent(t, 5)
	})
}

// TestP26_Restored: after an older state was taken back the first plan that would
// call is held, and the caution ends with it.
func TestP26_Restored(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.disk.control.Restored = true
		w.commits()
		p := w.run(t)
		elapse(15 * time.Second)
		w.commits(tasks(3, 1)...)
		elapse(15 * time.Second)
		w.wantSent(t, 0)
		w.say(state.VerbApprove, p.r.Status().Plan.Hash, "")
		elapse(5 * time.Second)
		w.wantSent(t, 3)
		if w.control().Restored {
			t.Error("the caution has not ended")
		}
		w.commits(tasks(3, 2)...)
		elapse(15 * time.Second)
		w.wantSent(t, 6)
		p.halt(t)
	})
}

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
		elapse(testHorizon + plan.ReadLag + time.Duration(n)*400*time.Millisecond)
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

// TestUnauthorized: a project that may not be committed to is paused; the others go
// on.
func TestUnauthorized(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.weData.denied["9"] = true
		all := tasks(20, 1)
		for i := range 20 {
			all = append(all, fmt.Sprintf("taskId: x%02d, projectId: \"9\", commitType: start, instanceVersion: 1", i))
		}
		w.commits(all...)
		p := w.run(t)
		elapse(5 * time.Second)
		if n := w.applied(); n != 20 {
			t.Errorf("%d of the others were applied", n)
		}
		denied := w.sent() - 20
		if denied > 8 {
			t.Errorf("%d requests were denied before the project was paused", denied)
		}
		elapse(time.Hour)
		if n := w.sent() - 20 - denied; n > 12 {
			t.Errorf("%d more in an hour", n)
		}
		w.weData.do(func() { w.weData.denied["9"] = false })
		elapse(20 * time.Minute)
		if n := w.applied(); n != 40 {
			t.Errorf("%d were applied when it was permitted", n)
		}
		if left := w.control().Pauses; len(left) > 0 {
			t.Errorf("still paused: %+v", left)
		}
		p.halt(t)
	})
}

// TestP30_Credentials: credentials that are not accepted are read again once; if they
// are others the calls go on, and if not everything pauses for 1 to 15 minutes,
// through restarts.
func TestP30_Credentials(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(60, 1)...)
		p := w.run(t)
		elapse(2 * time.Second)
		w.weData.do(func() { w.weData.expired, w.weData.fresh = true, true })
		elapse(8 * time.Second)
		p.halt(t)
		if n := w.applied(); n != 60 || w.weData.reloads != 1 {
			t.Errorf("%d applied after %d reloads, want 60 after 1: %+v", n, w.weData.reloads, w.control().Pauses)
		}
	})
	bubble(t, func(t *testing.T, w *world) {
		w.weData.expired = true
		w.commits(tasks(60, 1)...)
		p := w.run(t)
		elapse(40 * time.Second)
		w.wantSent(t, 1)
		p.halt(t)
		p = w.run(t)
		elapse(5 * time.Second)
		w.wantSent(t, 1)
		elapse(time.Hour)
		if n := w.sent(); n < 5 || n > 10 || w.weData.reloads != n {
			t.Errorf("%d tries and %d reloads in an hour", n, w.weData.reloads)
		}
		w.weData.do(func() { w.weData.fresh = true })
		elapse(15*time.Minute + 10*time.Second)
		if n := w.applied(); n != 60 {
			t.Errorf("%d applied when the credentials are good", n)
		}
		p.halt(t)
	})
}

// TestP30_Renew: new credentials end a pause at once.
func TestP30_Renew(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.weData.expired = true
		w.commits(tasks(5, 1)...)
		p := w.run(t)
		elapse(10 * time.Second)
		if pauses := w.control().Pauses; len(pauses) != 1 {
			t.Errorf("pauses %+v", pauses)
		}
		w.weData.do(func() { w.weData.expired = false })
		p.r.Renew()
		p.poke <- struct{}{}
		elapse(2 * time.Second)
		if n := w.applied(); n != 5 || len(w.control().Pauses) > 0 {
			t.Errorf("%d applied, pauses %+v", n, w.control().Pauses)
		}
		p.halt(t)
		w.check(t)
	})
}

// TestNotSent: without a connection everything pauses for a second, then longer, and
// comes back.
func TestNotSent(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(only("commit", notSent))
		w.commits(tasks(60, 1)...)
		p := w.run(t)
		elapse(time.Hour)
		if n := w.sent(); n < 10 || n > 30 {
			t.Errorf("%d tries in an hour", n)
		}
		w.setFault(nil)
		elapse(6 * time.Minute)
		if n := w.applied(); n != 60 {
			t.Errorf("%d applied when there is a connection", n)
		}
		p.halt(t)
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
