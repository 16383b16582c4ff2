package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// An empty volume: 40 of 40 live tasks were committed again, although each read said
// that the task is at exactly that version and runs.
func TestProof_EmptyVolume(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(40, 1)...)
		p := w.run(t)
		elapse(time.Minute)
		p.halt(t)
		w.wantSent(t, 40)
		w.mu.Lock()
		w.disk = disk{records: map[spec.Key]*state.Record{}, answers: map[int64]state.CommandResult{}, arrived: make(chan struct{})}
		w.mu.Unlock()
		p = w.run(t)
		elapse(time.Hour)
		w.wantSent(t, 40)
		shown := p.r.Status().Plan
		if len(shown.Holds) != 1 || shown.Holds[0].Guard != "restored" || shown.Held(plan.HoldAlreadyLive) != plan.RestoredAfter {
			t.Errorf("the plan is not held as restored: %+v", shown.Holds)
		}
		id := w.say(state.VerbResolve, "t000", "applied")
		elapse(2 * time.Second)
		if a := w.answer(id); !a.OK {
			t.Errorf("answer: %+v", a)
		}
		if rec := w.record("t000"); rec == nil || !rec.Done() {
			t.Errorf("it is not marked as applied: %+v", rec)
		}
		p.halt(t)
	})
}

// A state put back from a snapshot: what was committed since was committed again.
func TestProof_SnapshotPutBack(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		snapshot := w.record("first")
		p.push("taskId: first, commitType: restart-discard-state, discardState: 2, instanceVersion: 2")
		p.push("taskId: first, commitType: resume, instanceVersion: 2, rerun: again")
		elapse(time.Minute)
		p.halt(t)
		w.wantRequests(t, "first", 3)
		w.mu.Lock()
		w.disk.records[task("first")] = snapshot
		w.mu.Unlock()
		p = w.run(t)
		elapse(time.Hour)
		w.wantRequests(t, "first", 3)
		if c := find(t, p.r.Status().Plan, "first"); c.Hold != plan.HoldAlreadyLive {
			t.Errorf("the plan has it as %+v", c)
		}
		p.halt(t)
	})
}

// A newer version of another's hand was overwritten with an older one, and nothing said
// so.
func TestProof_NewerByAnother(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 2")
		w.weData.change(task("first"), func(l *state.Live) { l.InstanceVersion = 4 })
		p.push("taskId: first, commitType: start, instanceVersion: 3")
		elapse(time.Hour)
		w.wantRequests(t, "first", 1)
		c := find(t, p.r.Status().Plan, "first")
		if c.Hold != plan.HoldNewerLive || !strings.Contains(said(c), other) {
			t.Fatalf("the plan has it as %+v", c)
		}
		w.say(state.VerbRetry, "first", "")
		elapse(2 * time.Second)
		w.wantRequests(t, "first", 2)
		p.halt(t)
	})
}

// A version that another has made live is not committed once more; where the guards say
// so, it is adopted.
func TestProof_AlreadyLiveByAnother(t *testing.T) {
	t.Parallel()
	for _, adopt := range []bool{false, true} {
		t.Run(fmt.Sprintf("adopt %v", adopt), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.guards.Store(&plan.Guards{AdoptAlreadyLive: adopt})
				p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 2")
				w.weData.change(task("first"), func(l *state.Live) { l.InstanceVersion = 3 })
				p.push("taskId: first, commitType: start, instanceVersion: 3")
				elapse(time.Hour)
				w.wantRequests(t, "first", 1)
				rec := w.record("first")
				if adopt != rec.Done() || adopt && (rec.Applied.InstanceVersion != 3 || rec.Applied.Origin != state.OriginAdopted) {
					t.Errorf("the record is %+v", rec)
				}
				p.halt(t)
			})
		})
	}
}

// A description that somebody changed is no reason to hold a rerun.
func TestProof_RerunAfterAnothersEdit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		p := proofWorld(t, w, "taskId: first, commitType: start, instanceVersion: 1")
		w.weData.change(task("first"), func(*state.Live) {})
		p.push("taskId: first, commitType: start, instanceVersion: 1, rerun: again")
		w.wantRequests(t, "first", 2)
		p.halt(t)
	})
}
