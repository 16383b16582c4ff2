package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// TestP26_Suspend: an operator's command takes effect before the next request.
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
		w.guards.Store(&plan.Guards{Windows: []calendar.Window{{Name: "freeze", Start: begins, End: begins.Add(time.Hour)}}})
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

// TestP26_Uncompared: a history that cannot be compared is held, in words of its own, and
// not an error for ever.
func TestP26_Uncompared(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(3, 1)...)
		w.daemon(t, 5*time.Second)
		w.commits(tasks(3, 2)...)
		w.repo.unread = true
		p := w.run(t)
		elapse(time.Hour)
		w.wantSent(t, 3)
		s := p.r.Status()
		if s.Source.Err != nil || len(s.Plan.Holds) != 1 || !strings.Contains(s.Plan.Holds[0].Message, "the history cannot be compared") {
			t.Errorf("held by %+v; the source says %v", s.Plan.Holds, s.Source.Err)
		}
		w.say(state.VerbApprove, s.Plan.Hash, "")
		elapse(5 * time.Second)
		w.wantSent(t, 6)
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
