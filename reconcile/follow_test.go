package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// runOf says how the start of a task has gone, by the disk.
func (w *world) runOf(id string) state.RunStatus {
	rec := w.record(id)
	if rec == nil || rec.Applied == nil || rec.Applied.Run == nil {
		return ""
	}
	return rec.Applied.Run.Status
}

// becomes sets the status of a task in WeData.
func (w *world) becomes(id string, status state.TaskStatus) {
	w.weData.do(func() { w.weData.task(task(id)).live.Status = status })
}

// chain is two commits: second depends on first, which has a minute to run.
func chain(version int) []string {
	return []string{
		fmt.Sprintf("taskId: first, commitType: start, instanceVersion: %d, wait: {status: running, timeout: 1m}", version),
		fmt.Sprintf("taskId: second, commitType: start, instanceVersion: %d, dependsOn: [first]", version),
	}
}

// A task that depends on another is committed when that one runs, not when it is
// applied.
func TestDependantsWaitForARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		w.commits(chain(1)...)
		p := w.run(t)
		elapse(time.Second)
		w.becomes("first", state.TaskNotStarted)
		elapse(20 * time.Second)
		if got := w.statuses(); got != "first applied" || w.runOf("first") != state.RunStarting {
			t.Fatalf("after 20 s: %s, first is %s", got, w.runOf("first"))
		}
		shown := p.r.Status().Plan
		if c := find(t, shown, "first"); c.Action != plan.ActionFollow || !strings.Contains(said(c), "until") {
			t.Errorf("the plan has first as %+v", c)
		}
		if c := find(t, shown, "second"); c.Hold != plan.HoldDependency || c.Detail != "waits for "+project+"/first to run" {
			t.Errorf("the plan has second as %+v", c)
		}
		w.becomes("first", state.TaskRunning)
		elapse(40 * time.Second)
		if got := w.statuses(); got != "first applied, second applied" || w.runOf("first") != state.RunRunning {
			t.Errorf("when first runs: %s, first is %s", got, w.runOf("first"))
		}
		if n := len(p.r.Status().Plan.Changes); n != 0 {
			t.Errorf("the plan has %d changes in the end", n)
		}
		p.halt(t)
		w.check(t)
	})
}

// find returns the plan's change of the task.
func find(t *testing.T, p *plan.Plan, id string) *plan.Change {
	t.Helper()
	for i := range p.Changes {
		if p.Changes[i].Key == task(id) {
			return &p.Changes[i]
		}
	}
	t.Fatalf("the plan has no change of %s: %+v", id, p.Changes)
	return nil
}

// What does not run in time holds what depends on it, until a person says retry or
// a new version runs. Nothing is sent again.
func TestARunThatIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(2)
		w.commits(chain(1)...)
		p := w.run(t)
		elapse(time.Second)
		w.becomes("first", state.TaskStopped)
		elapse(2 * time.Minute)
		if w.runOf("first") != state.RunLate || w.statuses() != "first applied" {
			t.Fatalf("after 2 min: %s, first is %s", w.statuses(), w.runOf("first"))
		}
		reads := w.stepsOf("read", task("first"))
		elapse(time.Hour)
		if more := w.stepsOf("read", task("first")) - reads; more != 0 {
			t.Errorf("%d reads after the time was over", more)
		}
		if c := find(t, p.r.Status().Plan, "first"); !strings.Contains(said(c), "wedatasync retry "+project+"/first") {
			t.Errorf("the plan does not say what to do: %s", said(c))
		}
		w.becomes("first", state.TaskRunning)
		id := w.say(state.VerbRetry, "first", "")
		elapse(time.Minute)
		if a := w.answer(id); !a.OK || !strings.Contains(a.Message, "nothing is sent") {
			t.Errorf("answer: %+v", a)
		}
		if w.runOf("first") != state.RunRunning || w.statuses() != "first applied, second applied" {
			t.Errorf("after retry: %s, first is %s", w.statuses(), w.runOf("first"))
		}
		if n := w.weData.sent; n != 2 {
			t.Errorf("%d commits were sent, want 2", n)
		}
		p.halt(t)
		w.check(t)
	})
}

// A new process goes on where the last one ended, and a new version starts anew.
func TestARunOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(3)
		w.commits(chain(1)...)
		p := w.run(t)
		elapse(time.Second)
		w.becomes("first", state.TaskFailed)
		elapse(2 * time.Second)
		p.halt(t)
		p = w.run(t)
		elapse(20 * time.Second)
		if w.runOf("first") != state.RunFailed {
			t.Fatalf("first is %s", w.runOf("first"))
		}
		w.commits(chain(2)...)
		elapse(30 * time.Second)
		if w.runOf("first") != state.RunRunning || w.statuses() != "first applied, second applied" {
			t.Errorf("after a new version: %s, first is %s", w.statuses(), w.runOf("first"))
		}
		p.halt(t)
		w.check(t)
	})
}

// Who may only commit learns that the run could not be seen; who takes the wait out of
// the spec goes on without.
func TestARunThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(4)
		w.setFault(func(s step) fault {
			if s.kind == "read" {
				return readDenied
			}
			return sound
		})
		w.commits(chain(1)...)
		p := w.run(t)
		elapse(2 * time.Minute)
		if rec := w.record("first"); w.runOf("first") != state.RunLate || !strings.Contains(rec.Applied.Run.Detail, "not permitted") {
			t.Fatalf("first is %+v", rec.Applied.Run)
		}
		w.commits("taskId: first, commitType: start, instanceVersion: 1", chain(1)[1])
		elapse(30 * time.Second)
		if got := w.statuses(); got != "first applied, second applied" {
			t.Errorf("without the wait: %s", got)
		}
		p.halt(t)
		w.check(t)
	})
}

// A commit that waits for its approval in WeData has its time from when it is live.
func TestARunBeginsWithItsApproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(5)
		w.setFault(func(s step) fault {
			if s.kind == "commit" && s.key == task("first") {
				return needsApproval
			}
			return sound
		})
		w.commits(chain(1)...)
		p := w.run(t)
		elapse(10 * time.Minute)
		if got := w.statuses(); got != "first applied" || w.runOf("first") != "" {
			t.Fatalf("before the approval: %s, first is %q", got, w.runOf("first"))
		}
		if c := find(t, p.r.Status().Plan, "first"); c.Action != plan.ActionFollow || !strings.Contains(said(c), "approval") {
			t.Errorf("the plan has first as %+v", c)
		}
		w.weData.approve(task("first"))
		elapse(15 * time.Minute)
		if got := w.statuses(); got != "first applied, second applied" || w.runOf("first") != state.RunRunning {
			t.Errorf("after the approval: %s, first is %s", got, w.runOf("first"))
		}
		p.halt(t)
		w.check(t)
	})
}

// stepsOf counts how often a kind of step was done with the task.
func (w *world) stepsOf(kind string, key spec.Key) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts[stepID{kind, key}]
}

// goes sets how the job of a task goes in WeData.
func (w *world) goes(id string, restarts, lag int64) {
	w.weData.do(func() {
		live := &w.weData.task(task(id)).live
		live.NumRestarts = new(restarts)
		live.Vitals = &state.Vitals{ReaderDelay: lag, BusinessLatency: state.Untold, ReadPhase: state.Untold}
	})
}

// healthyChain is chain with a first commit that has to be healthy for ten minutes.
func healthyChain() []string {
	return []string{
		"taskId: first, commitType: start, instanceVersion: 1, wait: {status: running, lag: 60s, restarts: 0, for: 10m, timeout: 30m}",
		"taskId: second, commitType: start, instanceVersion: 1, dependsOn: [first]",
	}
}

// A dependant waits until the first task is healthy, whatever becomes of the process.
func TestDependantsWaitForHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(21)
		w.commits(healthyChain()...)
		p := w.run(t)
		elapse(time.Second)
		w.goes("first", 0, 900)
		elapse(5 * time.Minute)
		if c := find(t, p.r.Status().Plan, "second"); c.Hold != plan.HoldDependency || c.Detail != "waits for "+project+"/first to be healthy" {
			t.Errorf("the plan has second as %+v", c)
		}
		if c := find(t, p.r.Status().Plan, "first"); !strings.Contains(said(c), "its lag is 15m; wait asks for less than 1m") {
			t.Errorf("the plan has first as %s", said(c))
		}
		w.goes("first", 0, 5)
		elapse(6 * time.Minute)
		p.halt(t)
		elapse(30 * time.Second)
		p = w.run(t)
		elapse(3 * time.Minute)
		if got := w.statuses(); got != "first applied" || w.runOf("first") != state.RunStarting {
			t.Fatalf("healthy for less than 10 min: %s, first is %s", got, w.runOf("first"))
		}
		elapse(2 * time.Minute)
		if got := w.statuses(); got != "first applied, second applied" || w.runOf("first") != state.RunRunning {
			t.Errorf("in the end: %s, first is %s", got, w.runOf("first"))
		}
		if rec := w.record("first"); len(rec.Applied.Run.Observations) < 5 || len(rec.Applied.Run.Observations) > state.MaxObservations {
			t.Errorf("%d observations are kept", len(rec.Applied.Run.Observations))
		}
		p.halt(t)
		w.check(t)
	})
}

// What restarts, or stays behind, holds its dependants until an operator or another version
// ends that, and nothing is sent for it.
func TestUnhealthyHoldsDependants(t *testing.T) {
	for name, tt := range map[string]struct {
		restarts, lag int64
		within        time.Duration
		why           string
	}{
		"a restart loop":    {3, 5, 5 * time.Minute, "restarted 3 times in "},
		"a lag that stays":  {0, 900, 31 * time.Minute, "its lag is 15m; wait asks for less than 1m"},
		"a lag nobody told": {0, state.Untold, 31 * time.Minute, "WeData does not report the lag of this task"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(22)
				w.commits(healthyChain()...)
				p := w.run(t)
				elapse(time.Second)
				w.goes("first", 0, tt.lag)
				elapse(70 * time.Second)
				w.goes("first", tt.restarts, tt.lag)
				elapse(tt.within)
				if rec := w.record("first"); w.runOf("first") != state.RunUnhealthy || !strings.Contains(rec.Applied.Run.Detail, tt.why) {
					t.Fatalf("first is %+v", rec.Applied.Run)
				}
				elapse(time.Hour)
				if c := find(t, p.r.Status().Plan, "first"); !c.Unhealthy() || !strings.Contains(said(c), "wedatasync retry "+project+"/first") {
					t.Errorf("the plan has first as %s", said(c))
				}
				if got := w.statuses(); got != "first applied" || w.weData.sent != 1 {
					t.Errorf("%s after %d requests", got, w.weData.sent)
				}
				w.goes("first", tt.restarts, 5)
				w.say(state.VerbRetry, "first", "")
				elapse(15 * time.Minute)
				if got := w.statuses(); got != "first applied, second applied" || w.weData.sent != 2 {
					t.Errorf("after retry: %s after %d requests", got, w.weData.sent)
				}
				p.halt(t)
				w.check(t)
			})
		})
	}
}
