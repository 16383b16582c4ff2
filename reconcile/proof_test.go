package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// The tests of this file are what went wrong when the service behaved otherwise than it
// had been thought to: commits that were doubled, and lost ones that were called
// applied.

// bare leaves out of a read all that a commit moves but the status.
func bare(l *state.Live) {
	l.OperateID, l.UpdateTime, l.InstanceVersion, l.Operator = "", "", 0, ""
}

// proofWorld is a world whose task "first" was committed at version 1 long ago, by an
// answer that shows that commits take effect at once. It returns the running daemon.
func proofWorld(t *testing.T, w *world, commit string) *process {
	t.Helper()
	w.commits(commit, "taskId: other, commitType: start, instanceVersion: 1", "taskId: third, commitType: start, instanceVersion: 1")
	p := w.run(t)
	elapse(time.Hour)
	return p
}

// lose has the next commit of the task lost in the way of f.
func (w *world) lose(id string, f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.counts[stepID{"commit", task(id)}]
	w.fault = func(s step) fault {
		if s.kind == "commit" && s.key.TaskID == id && s.n == n {
			return f
		}
		return sound
	}
}

// push edits the commit of the task "first", and lets the daemon see it.
func (p *process) push(commit string) {
	p.w.commits(commit, "taskId: other, commitType: start, instanceVersion: 1", "taskId: third, commitType: start, instanceVersion: 1")
	p.poke <- struct{}{}
	elapse(2 * time.Second)
}

// loseReads has the next n reads of the task fail, too.
func (w *world) loseReads(id string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lost, from := w.fault, w.counts[stepID{"read", task(id)}]+1 // the one before the commit succeeds
	w.fault = func(s step) fault {
		if s.kind == "read" && s.key.TaskID == id && s.n >= from && s.n < from+n {
			return readFails
		}
		return lost(s)
	}
}

// wantRequests fails the test unless that many commits of the task were sent.
func (w *world) wantRequests(t *testing.T, id string, want int) {
	t.Helper()
	if got := w.sentTo(id); got != want {
		t.Errorf("%d commits of %s were sent, want %d", got, id, want)
	}
}

// wantOperator fails the test unless the task waits for an operator, and the plan says so.
func (p *process) wantOperator(t *testing.T, id string) {
	t.Helper()
	rec := p.w.record(id)
	if rec == nil || rec.Status != state.StatusUnknown || rec.Attempt.NeedsOperator == "" {
		t.Fatalf("%s does not wait for an operator: %+v", id, rec)
	}
	if c := find(t, p.r.Status().Plan, id); c.Hold != plan.HoldUnknown || !strings.Contains(said(c), "wedatasync resolve") {
		t.Errorf("the plan has %s as %+v", id, c)
	}
}

// An offline task of which reads tell neither version nor operation nor time: its lost
// commit was sent four times.
func TestProof_OfflineWithoutTrace(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.weData.tells = func(l *state.Live) { bare(l); l.Status = 0 }
		p := proofWorld(t, w, "taskId: first, taskType: offline, commitType: start, rerun: one")
		w.lose("first", lostAfter)
		p.push("taskId: first, taskType: offline, commitType: start, rerun: two")
		elapse(time.Hour)
		w.wantRequests(t, "first", 2)
		p.wantOperator(t, "first")
		p.halt(t)
	})
}

// A commit that waits for an approval leaves what is live as it was. When its answer was
// lost it was sent again, and there were two approvals.
func TestProof_ApprovalAndLostAnswer(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		w.lose("other", needsApproval)
		w.edit("other.yaml", document("taskId: other, commitType: start, instanceVersion: 2"))
		w.edit("tasks.yaml", document("taskId: first, commitType: start, instanceVersion: 1"))
		p.poke <- struct{}{}
		elapse(time.Minute)
		w.lose("first", approvalLost)
		w.edit("tasks.yaml", document("taskId: first, commitType: start, instanceVersion: 2"))
		p.poke <- struct{}{}
		elapse(time.Hour)
		w.wantRequests(t, "first", 2)
		p.wantOperator(t, "first")
		p.halt(t)
	})
}

// Version 2 is applied, its answer is lost, and an operator goes back to version 1 in the
// console: version 2 was sent again over that.
func TestProof_RolledBackInTheConsole(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		w.lose("first", lostAfter)
		w.loseReads("first", 2)
		p.push("taskId: first, commitType: start, instanceVersion: 2")
		w.weData.change(task("first"), func(l *state.Live) { l.InstanceVersion = 1 })
		elapse(time.Hour)
		w.wantRequests(t, "first", 2)
		p.wantOperator(t, "first")
		p.halt(t)
	})
}

// A failed task is run again, and fails again before it is read: there were three reruns.
func TestProof_FailsAgainBeforeItIsRead(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		t.Run(fmt.Sprintf("operation told %v", told), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
				w.becomes("first", state.TaskFailed)
				if !told {
					w.weData.tells = func(l *state.Live) { l.OperateID, l.UpdateTime = "", "" }
				}
				w.lose("first", lostAfter)
				w.loseReads("first", 2)
				p.push("taskId: first, commitType: start, instanceVersion: 1, rerun: again")
				w.becomes("first", state.TaskFailed)
				elapse(time.Hour)
				w.wantRequests(t, "first", 2)
				if told {
					w.wantStatus(t, "first", state.StatusApplied) // the operation is ours
				} else {
					p.wantOperator(t, "first")
				}
				p.halt(t)
			})
		})
	}
}

// An operator says not-applied two seconds after an answer was lost, and the request
// arrives later: the commit was sent at once.
func TestProof_NotAppliedBeforeTheHorizon(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		w.lose("first", lateApply)
		p.push("taskId: first, commitType: start, instanceVersion: 2")
		elapse(10 * time.Second)
		id := w.say(state.VerbResolve, "first", "not-applied")
		elapse(time.Second)
		if a := w.answer(id); !a.OK || !strings.Contains(a.Message, "sent again after") {
			t.Errorf("answer: %+v", a)
		}
		w.wantStatus(t, "first", state.StatusWaiting)
		elapse(testHorizon + time.Minute)
		w.wantRequests(t, "first", 2)
		// The late request has brought the task to where the spec wants it.
		if c := find(t, p.r.Status().Plan, "first"); c.Hold != plan.HoldAlreadyLive {
			t.Errorf("the plan has it as %+v", c)
		}
		p.halt(t)
	})
}

// Reads lag by 4 seconds. Version 2 is committed and answered; within the lag a rerun of
// it is lost. What was live before was version 1, so that "version 2 runs and did not
// before".
func TestProof_ReadsLag(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		w.weData.do(func() { w.weData.lag = 4 * time.Second })
		p.push("taskId: first, commitType: start, instanceVersion: 2")
		w.lose("first", lostBefore)
		p.push("taskId: first, commitType: start, instanceVersion: 2, rerun: again")
		elapse(time.Hour)
		// The rerun waited until version 2 was seen; it was lost, and sent again.
		w.wantRequests(t, "first", 4)
		w.wantStatus(t, "first", state.StatusApplied)
		p.halt(t)
	})
}

// The same where reads do not tell operations: then an operator has to say.
func TestProof_ReadsLagAndTellNoOperation(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		w.weData.do(func() { w.weData.lag = 4 * time.Second })
		w.weData.tells = func(l *state.Live) { l.OperateID, l.UpdateTime = "", "" }
		p.push("taskId: first, commitType: start, instanceVersion: 2")
		w.lose("first", lostBefore)
		p.push("taskId: first, commitType: start, instanceVersion: 2, rerun: again")
		elapse(time.Hour)
		w.wantRequests(t, "first", 3)
		p.wantOperator(t, "first")
		p.halt(t)
	})
}

// No instanceVersion, extConfig changed, the request is lost, and somebody starts the
// task in the console.
func TestProof_StartedByAnother(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, extConfig: {k: a}")
		w.becomes("first", state.TaskStopped)
		w.lose("first", lostBefore)
		p.push("taskId: first, commitType: start, extConfig: {k: b}")
		w.weData.change(task("first"), func(l *state.Live) { l.Status = state.TaskRunning })
		elapse(time.Hour)
		w.wantRequests(t, "first", 2)
		p.wantOperator(t, "first")
		p.halt(t)
	})
}

// A failed task, restart-discard-state at the same version, the request is lost, and the
// platform restarts the job by itself.
func TestProof_RestartedByThePlatform(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		w.becomes("first", state.TaskFailed)
		w.lose("first", lostBefore)
		p.push("taskId: first, commitType: restart-discard-state, discardState: 1, instanceVersion: 1, rerun: again")
		w.weData.do(func() {
			live := &w.weData.task(task("first")).live
			live.Status, live.NumRestarts = state.TaskRunning, new(live.Restarts()+1)
		})
		elapse(time.Hour)
		w.wantRequests(t, "first", 2)
		// The operation has not moved: it did not happen, and is not sent again automatically.
		if rec := w.record("first"); rec.Status != state.StatusRefused || rec.Attempt.Outcome.Code != plan.CodeNotApplied || rec.Applied.Rerun != "" {
			t.Errorf("the record is %+v", rec)
		}
		p.halt(t)
	})
}

// newest has a read in the newest documented shape of a real-time task: Submit is null,
// HasVersion is true.
func newest(l *state.Live) { l.OperateID, l.UpdateTime, l.Operator, l.NumRestarts = "", "", "", nil }

// In the newest documented shape a lost submit was never proved, and an approved one
// waited for ever.
func TestProof_NewestShape(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{lostAfter, needsApproval} {
		t.Run(fmt.Sprint(f), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.weData.tells = newest
				p := proofWorld(t, w, "taskId: first, commitType: submit, instanceVersion: 1")
				w.lose("first", f)
				p.push("taskId: first, commitType: submit, instanceVersion: 2")
				if f == needsApproval {
					w.weData.approve(task("first"))
				}
				elapse(10 * time.Minute)
				w.wantRequests(t, "first", 2)
				if rec := w.record("first"); !rec.Done() || rec.Applied.InstanceVersion != 2 {
					t.Errorf("the record is %+v", rec)
				}
				p.halt(t)
			})
		})
	}
}

// A dependant was committed 50 ms after a dependency that was only accepted, and waits
// for an approval; plan, exit code and readiness said that all was done.
func TestProof_DependantOfAnApproval(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(firstOf("first", "commit", needsApproval))
		w.commits("taskId: first, commitType: start, instanceVersion: 1", "taskId: second, commitType: start, instanceVersion: 1, dependsOn: [first]")
		p := w.run(t)
		elapse(time.Hour)
		w.wantRequests(t, "second", 0)
		shown := p.r.Status().Plan
		if c := find(t, shown, "first"); c.Action != plan.ActionFollow || !strings.Contains(said(c), "approval 77") {
			t.Errorf("the plan has first as %+v", c)
		}
		if c := find(t, shown, "second"); c.Hold != plan.HoldDependency || c.Detail != "waits for "+project+"/first to be live" {
			t.Errorf("the plan has second as %+v", c)
		}
		w.weData.approve(task("first"))
		elapse(10 * time.Minute)
		w.wantRequests(t, "second", 1)
		if got := lines(p.r.Status().Plan); len(got) != 0 {
			t.Errorf("left:%s", quoteAll(got))
		}
		p.halt(t)
	})
}

// A rerun at the same version that waits for an approval was reported as approved at the
// first read; somebody's operation meanwhile is no approval either.
func TestProof_RerunThatWaitsForAnApproval(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		w.lose("first", needsApproval)
		p.push("taskId: first, commitType: start, instanceVersion: 1, rerun: again")
		w.weData.change(task("first"), func(l *state.Live) { l.Status = state.TaskRunning })
		elapse(time.Hour)
		if rec := w.record("first"); !rec.Accepted() {
			t.Errorf("the record is %+v", rec)
		}
		w.weData.approve(task("first"))
		elapse(10 * time.Minute)
		if rec := w.record("first"); !rec.Done() {
			t.Errorf("the approval was not noticed: %+v", rec)
		}
		p.halt(t)
	})
}

// After a rejected approval neither retry nor resolve opened a way on.
func TestProof_RejectedApproval(t *testing.T) {
	t.Parallel()
	for verb, arg := range map[state.Verb]string{state.VerbRetry: "", state.VerbResolve: "not-applied"} {
		t.Run(string(verb), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
				w.lose("first", needsApproval)
				p.push("taskId: first, commitType: start, instanceVersion: 2")
				w.weData.do(func() { w.weData.task(task("first")).waiting = nil }) // rejected
				elapse(time.Hour)
				id := w.say(verb, "first", arg)
				elapse(2 * time.Second)
				if a := w.answer(id); !a.OK {
					t.Errorf("answer: %+v", a)
				}
				w.wantRequests(t, "first", 3)
				if rec := w.record("first"); !rec.Done() || rec.Applied.InstanceVersion != 2 {
					t.Errorf("the record is %+v", rec)
				}
				p.halt(t)
			})
		})
	}
}

// Version 2 is committed, its answer is lost, and the job fails at once: that stayed
// unknown for a quarter of an hour, and then needed an operator.
func TestProof_FailsAtOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		w.lose("first", lostAfter)
		w.commits("taskId: first, commitType: start, instanceVersion: 2")
		p.poke <- struct{}{}
		elapse(300 * time.Millisecond)
		w.becomes("first", state.TaskFailed)
		elapse(10 * time.Second)
		w.wantRequests(t, "first", 2)
		w.wantStatus(t, "first", state.StatusApplied)
		p.halt(t)
	})
}

// A lock in Chinese was taken for a refusal for good.
func TestProof_LockInOtherWords(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		now := time.Now()
		w.weData.do(func() { w.weData.foreign = true })
		w.weData.lock(task("first"), now, now.Add(time.Hour))
		p.push("taskId: first, commitType: start, instanceVersion: 2")
		if c := find(t, p.r.Status().Plan, "first"); c.Hold != plan.HoldLocked || !strings.Contains(said(c), lockedBy.Locker) {
			t.Errorf("the plan has it as %+v", c)
		}
		elapse(2 * time.Hour)
		if rec := w.record("first"); !rec.Done() || rec.Applied.InstanceVersion != 2 {
			t.Errorf("the record is %+v", rec)
		}
		p.halt(t)
	})
}
