package reconcile

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/state"
)

// changedWorld is a world in which a task was at version 2 for long.
func changedWorld(t *testing.T, policy plan.DriftPolicy) *world {
	t.Helper()
	w := newWorld(1)
	w.horizon = time.Minute
	at(tasks(1, 2)...)(t, w)
	elapse(proof.SettleTime)
	w.policy.Store(&policy)
	w.watched = true
	return w
}

// newVersion is what a person commits in the console.
func newVersion(v int64) func(*state.Live) { return func(l *state.Live) { l.InstanceVersion = v } }

// awhile is longer than anything waits here, and than a commit is new.
const awhile = proof.SettleTime + 2*time.Minute

// commitsSince is how many commits took effect after the first n.
func (w *world) commitsSince(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.weData.settle()
	return len(w.weData.applied) - n
}

// TestHeal_ReadsFirst: what a look has seen is read once more just before the call. If it
// is not so any more, or cannot be read, nothing is sent, until another look gives a
// reason.
func TestHeal_ReadsFirst(t *testing.T) {
	back := func(l *state.Live) { l.InstanceVersion = 2 }
	for _, tt := range []struct {
		name string
		then func(w *world) // after the look, before the pass
		want int            // commits
	}{
		{"it is still so", func(*world) {}, 1},
		{"changed further in the same way", func(w *world) { w.weData.change(task("t000"), newVersion(8)) }, 1},
		{"somebody has put it back", func(w *world) { w.weData.change(task("t000"), back) }, 0},
		{"and stopped it", func(w *world) {
			w.weData.change(task("t000"), func(l *state.Live) { l.InstanceVersion, l.Status = 2, state.TaskStopped })
		}, 0},
		{"somebody has it open", func(w *world) { w.weData.lock(task("t000"), time.Now(), time.Now().Add(time.Hour)) }, 0},
		{"it is missing", func(w *world) {
			w.weData.do(func() { w.weData.task(task("t000")).live = state.Live{Missing: true} })
		}, 0},
		{"reading is not permitted any more", func(w *world) { w.setFault(always("read", readDenied)) }, 0},
		{"it is not the policy any more", func(w *world) {
			w.setFault(func(s step) fault {
				if s.kind == "read" {
					w.policy.Store(new(plan.PolicyReport))
				}
				return sound
			})
		}, 0},
		{"it cannot be read", func(w *world) { w.setFault(always("read", readFails)) }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := changedWorld(t, plan.PolicyHeal)
			w.weData.change(task("t000"), newVersion(7))
			p := w.newProcess()
			w.watched = false
			tt.then(w)
			p.run(t)
			elapse(awhile)
			p.halt(t)
			if got := w.commitsSince(1); got != tt.want {
				t.Errorf("%s: %d commits, want %d", tt.name, got, tt.want)
			}
			w.check(t)
		})
	}
}

// always makes each step of a kind go wrong.
func always(kind string, f fault) func(step) fault {
	return func(s step) fault {
		if s.kind == kind {
			return f
		}
		return sound
	}
}

// TestHeal_OncePerChange: a heal that is proven not to have happened is not sent again by
// itself: the look that asked for it has had its call. The next one finds the same change
// and leaves it to a person.
func TestHeal_OncePerChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := changedWorld(t, plan.PolicyHeal)
		w.weData.change(task("t000"), newVersion(7))
		w.setFault(second("commit", lostBefore))
		p := w.newProcess()
		w.watched = false
		p.run(t)
		elapse(awhile)
		p.halt(t)
		if rec := w.record("t000"); rec.Status != state.StatusApplied || rec.Attempt != nil || w.commitsSince(1) != 0 {
			t.Fatalf("%d commits, and the state has %+v", w.commitsSince(1), rec)
		}
		w.watched = true
		p = w.run(t)
		elapse(awhile)
		if got := strings.Join(lines(p.r.Status().Plan), "; "); got != "t000 hold drift held contested" || w.commitsSince(1) != 0 {
			t.Errorf("%d commits, and the plan is %q", w.commitsSince(1), got)
		}
		w.say(state.VerbRetry, "t000", "")
		elapse(awhile)
		p.halt(t)
		if w.commitsSince(1) != 1 {
			t.Errorf("%d commits after an operator's retry", w.commitsSince(1))
		}
		w.settled(t)
		w.check(t)
	})
}

// TestHeal_BacksOff: a heal that WeData cannot take now waits as any commit does.
func TestHeal_BacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := changedWorld(t, plan.PolicyHeal)
		w.weData.change(task("t000"), newVersion(7))
		sent := 0
		w.setFault(func(s step) fault {
			if s.kind != "commit" {
				return sound
			}
			sent++
			return inUseNow
		})
		p := w.run(t)
		elapse(4 * time.Minute)
		if sent < 2 || sent > 5 {
			t.Errorf("%d requests in 4 minutes", sent)
		}
		w.setFault(nil)
		elapse(awhile)
		p.halt(t)
		if w.commitsSince(1) != 1 {
			t.Errorf("%d commits", w.commitsSince(1))
		}
		w.settled(t)
		w.check(t)
	})
}

// TestHeal_NoFight: who changes a task again and again means it. After two heals it is
// left to a person, and a release ends it, too.
func TestHeal_NoFight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := changedWorld(t, plan.PolicyHeal)
		var commits []int
		turn := func() {
			p := w.run(t)
			elapse(awhile)
			p.halt(t)
			commits = append(commits, w.commitsSince(1))
		}
		for i := range int64(4) {
			w.weData.change(task("t000"), newVersion(7+i))
			turn()
		}
		turn() // and nothing has changed
		elapse(100 * time.Hour)
		turn()
		if diff := cmp.Diff([]int{1, 2, 2, 2, 2, 2}, commits); diff != "" {
			t.Fatalf("commits after each change (-want +got):\n%s", diff)
		}
		w.commits(tasks(1, 11)...)
		turn()
		w.weData.change(task("t000"), newVersion(20))
		turn()
		if diff := cmp.Diff([]int{3, 4}, commits[6:]); diff != "" {
			t.Errorf("commits after a release, and after another change (-want +got):\n%s", diff)
		}
		w.settled(t)
		w.check(t)
	})
}

// TestAdopt: what is adopted makes no commit, however often it is looked at; what git
// said is held until a person says retry, or git says something else.
func TestAdopt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := changedWorld(t, plan.PolicyAdopt)
		turns := func(n int) string {
			var p *process
			for range n {
				p = w.run(t)
				elapse(awhile)
				p.halt(t)
			}
			return strings.Join(lines(p.r.Status().Plan), "; ")
		}
		w.weData.change(task("t000"), newVersion(7))
		if got := turns(3); got != "t000 hold rollback held adopted" || w.commitsSince(1) != 0 {
			t.Errorf("%d commits, and the plan is %q", w.commitsSince(1), got)
		}
		w.weData.change(task("t000"), func(l *state.Live) { l.Status = state.TaskStopped })
		w.policy.Store(new(plan.PolicyHeal)) // which is for what comes, and not for what was
		if got := turns(3); got != "t000 hold rollback held adopted" || w.commitsSince(1) != 0 {
			t.Errorf("%d commits, and the plan is %q", w.commitsSince(1), got)
		}
		w.policy.Store(new(plan.PolicyAdopt))
		w.weData.change(task("t000"), func(l *state.Live) { l.InstanceVersion, l.Status = 2, state.TaskRunning })
		if got := turns(2); got != "" || w.commitsSince(1) != 0 {
			t.Errorf("as git says again, %d commits, and the plan is %q", w.commitsSince(1), got)
		}
		w.weData.change(task("t000"), newVersion(9))
		turns(1)
		w.commits(tasks(1, 9)...) // git follows
		if got := turns(1); got != "" || w.commitsSince(1) != 0 {
			t.Errorf("git has followed, %d commits, and the plan is %q", w.commitsSince(1), got)
		}
		w.commits(tasks(1, 2)...) // and is reverted, which is a release like any other
		if got := turns(1); got != "" || w.commitsSince(1) != 1 {
			t.Errorf("a revert, %d commits, and the plan is %q", w.commitsSince(1), got)
		}
		w.weData.change(task("t000"), newVersion(12))
		turns(1)
		w.say(state.VerbRetry, "t000", "")
		if got := turns(1); got != "" || w.commitsSince(1) != 2 {
			t.Errorf("after retry, %d commits, and the plan is %q", w.commitsSince(1), got)
		}
		w.settled(t)
		w.check(t)
	})
}

// TestReport: what others do has no consequence.
func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := changedWorld(t, plan.PolicyReport)
		w.weData.change(task("t000"), newVersion(7))
		before := w.record("t000")
		p := w.run(t)
		elapse(awhile)
		p.halt(t)
		if w.commitsSince(1) != 0 || w.record("t000") != before || p.r.Status().DriftScan.Count() != 1 {
			t.Errorf("%d commits, %+v", w.commitsSince(1), w.record("t000"))
		}
		w.check(t)
	})
}

// TestPolicy_Changed: what was noted to be healed is not, once that is not the policy.
func TestPolicy_Changed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := changedWorld(t, plan.PolicyHeal)
		w.guards.Store(&plan.Guards{AllowTasks: []string{"none"}})
		w.weData.change(task("t000"), newVersion(7))
		p := w.run(t)
		w.watched = false
		elapse(awhile)
		if got := strings.Join(lines(p.r.Status().Plan), "; "); got != "t000 hold drift held guard" {
			t.Errorf("the plan is %q", got)
		}
		w.policy.Store(new(plan.PolicyReport))
		w.guards.Store(new(plan.Guards))
		elapse(awhile)
		p.halt(t)
		if got := lines(p.r.Status().Plan); len(got) > 0 || w.commitsSince(1) != 0 {
			t.Errorf("%d commits, and the plan is %q", w.commitsSince(1), got)
		}
		w.watched = true
		p = w.run(t)
		elapse(awhile)
		p.halt(t)
		if plan.UndoOf(w.record("t000").Applied) != nil || w.commitsSince(1) != 0 {
			t.Errorf("%d commits, and it is still to be undone: %+v", w.commitsSince(1), w.record("t000").Applied)
		}
		w.check(t)
	})
}

// TestHeal_SettlesTheLook: a task that was healed has not drifted any more, as far as is
// known, before the next look.
func TestHeal_SettlesTheLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := changedWorld(t, plan.PolicyHeal)
		w.weData.change(task("t000"), newVersion(7))
		p := w.run(t)
		elapse(time.Minute)
		if look := p.r.Status().DriftScan; look.Count() != 0 || w.disk.control.DriftScan.Count() != 0 || w.commitsSince(1) != 1 {
			t.Errorf("%d commits, the look has %+v", w.commitsSince(1), look)
		}
		p.halt(t)
		w.check(t)
	})
}
