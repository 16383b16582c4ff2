package reconcile

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestFollowLooks has what a look at a started task decides, by what this one and
// the one before have shown.
func TestFollowLooks(t *testing.T) {
	live := func(status state.TaskStatus, version int64) *state.Live {
		return &state.Live{Status: status, InstanceVersion: version}
	}
	gone := fmt.Errorf("read: %w", ErrTaskGone)
	missing := &state.Live{Missing: true}
	var none *state.Live
	tests := []struct {
		name    string
		before  *state.Live // nil: no look, or one that failed
		now     *state.Live
		err     error
		late    bool // the time is over
		want    state.RunStatus
		details string
	}{
		{name: "runs, seen twice", before: live(3, 2), now: live(3, 2), want: state.RunRunning},
		{name: "runs, seen once", now: live(3, 2), want: state.RunStarting},
		{name: "runs, and ran at another version before", before: live(3, 1), now: live(3, 2), want: state.RunStarting},
		{name: "runs at the version before", before: live(3, 1), now: live(3, 1), want: state.RunStarting},
		{name: "runs at no version that is told", before: live(3, 0), now: live(3, 0), want: state.RunRunning},
		{name: "runs, seen twice, at the last moment", before: live(3, 2), now: live(3, 2), late: true, want: state.RunRunning},
		{name: "runs, seen once, too late", now: live(3, 2), late: true, want: state.RunLate, details: "running"},
		{name: "stopped on its way", before: live(6, 2), now: live(6, 2), want: state.RunStarting},
		{name: "stopped, too late", before: live(6, 2), now: live(6, 2), late: true, want: state.RunLate, details: "stopped"},
		{name: "failed, seen once", now: live(7, 2), want: state.RunStarting},
		{name: "failed, seen twice", before: live(7, 2), now: live(7, 2), want: state.RunFailed, details: "failed"},
		{name: "failed at the version before", before: live(7, 1), now: live(7, 1), want: state.RunStarting},
		{name: "abnormal, seen twice", before: live(20, 2), now: live(20, 2), want: state.RunFailed, details: "abnormal"},
		{name: "failed after it ran", before: live(3, 2), now: live(7, 2), want: state.RunStarting},
		{name: "gone, seen once", now: missing, err: gone, want: state.RunStarting},
		{name: "gone, seen twice", before: missing, now: missing, err: gone, want: state.RunFailed, details: "no such task"},
		{name: "at another version, too late", before: live(3, 9), now: live(3, 9), late: true, want: state.RunLate, details: "version 9"},
		{name: "cannot be read", before: none, err: errors.New("no usable answer"), want: state.RunStarting},
		{name: "cannot be read, too late", before: live(3, 2), err: errors.New("no usable answer"), late: true, want: state.RunLate, details: "no usable answer"},
		{name: "may not be read, too late", err: fmt.Errorf("read: %w", ErrReadDenied), late: true, want: state.RunLate, details: "not permitted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			applied := &state.Applied{CommitType: spec.Start, InstanceVersion: 2, Wait: 60}
			applied.Run = startOf(applied, noon)
			now := noon.Add(10 * time.Second)
			var f watched
			if tt.before != nil {
				if run := f.look(applied, tt.before, nil, now); run != *applied.Run {
					t.Fatalf("one look decides: %+v", run)
				}
			}
			if tt.late {
				now = applied.Run.Until
			}
			run := f.look(applied, tt.now, tt.err, now)
			if run.Status != tt.want || !strings.Contains(run.Detail, tt.details) || (tt.details == "") != (run.Detail == "") {
				t.Errorf("%+v, want %s: %s", run, tt.want, tt.details)
			}
			if run.Status != state.RunStarting && !run.Since.Equal(now) {
				t.Errorf("since %v, want %v", run.Since, now)
			}
		})
	}
}

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
		plan := p.r.Status().Plan
		if c := find(t, plan, "first"); c.Action != ActionFollow || !strings.Contains(c.Detail, "until") {
			t.Errorf("the plan has first as %+v", c)
		}
		if c := find(t, plan, "second"); c.Hold != HoldDependency || c.Detail != "waits for "+project+"/first to run" {
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
func find(t *testing.T, p *Plan, id string) *Change {
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
		if c := find(t, p.r.Status().Plan, "first"); !strings.Contains(c.Detail, "wedatasync retry "+project+"/first") {
			t.Errorf("the plan does not say the way on: %s", c.Detail)
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
				return approval
			}
			return sound
		})
		w.commits(chain(1)...)
		p := w.run(t)
		elapse(10 * time.Minute)
		if got := w.statuses(); got != "first applied" || w.runOf("first") != "" {
			t.Fatalf("before the approval: %s, first is %q", got, w.runOf("first"))
		}
		if c := find(t, p.r.Status().Plan, "first"); c.Action != ActionFollow || !strings.Contains(c.Detail, "approval") {
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
