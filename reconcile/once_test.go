package reconcile

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// TestOnce: a single pass waits a few seconds for what is soon to be known, and says
// what is left.
func TestOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		fault   func(step) fault
		prepare func(w *world)
		applied int
		left    []string
		within  time.Duration
	}{
		{name: "all well", applied: 3, left: []string{}, within: 2 * time.Second},
		{name: "a lost answer", fault: only("commit", lostAfter, "t001"), applied: 3, left: []string{}, within: 6 * time.Second},
		{name: "a lost request", fault: only("commit", lostBefore, "t001"), applied: 2, left: []string{"t001 hold new held unknown"}, within: 8 * time.Second},
		{name: "refused", fault: only("commit", refuse, "t001"), applied: 2, left: []string{"t001 hold new held refused"}, within: 2 * time.Second},
		{name: "in use", fault: only("commit", inUseNow, "t001"), applied: 2, left: []string{"t001 hold new held waiting"}, within: 2 * time.Second},
		{name: "over the rate", fault: first("commit", throttle), applied: 3, left: []string{}, within: 4 * time.Second},
		{
			name: "no connection", fault: only("commit", notSent), applied: 0,
			left:   []string{"t000 hold new held paused", "t001 hold new held paused", "t002 hold new held paused"},
			within: 8 * time.Second,
		},
		{name: "no connection for a moment", fault: first("commit", notSent), applied: 3, left: []string{}, within: 8 * time.Second},
		{name: "a connection soon", fault: func(s step) fault {
			if s.kind == "commit" && s.at < time.Second {
				return notSent
			}
			return sound
		}, applied: 3, left: []string{}, within: 8 * time.Second},
		{
			name: "a guard", prepare: func(w *world) { w.guards.Store(&plan.Guards{MaxChanges: 2}) }, applied: 0,
			left:   []string{"t000 hold new held guard", "t001 hold new held guard", "t002 hold new held guard"},
			within: time.Second,
		},
		{name: "credentials that were exchanged", prepare: func(w *world) { w.weData.expired, w.weData.fresh = true, true }, applied: 3, left: []string{}, within: 3 * time.Second},
		{
			name: "a word in between", fault: only("commit", slowAnswer, "t000"), prepare: func(w *world) {
				time.AfterFunc(time.Second, func() { w.say(state.VerbSuspend, "t002", "move") })
			}, applied: 2, left: []string{"t002 hold new held suspended"}, within: 12 * time.Second,
		},
	}
	for _, tt := range tests {
		inBubble(t, tt.name, func(t *testing.T) {
			w := newWorld(1)
			w.setFault(tt.fault)
			if tt.prepare != nil {
				tt.prepare(w)
			}
			w.commits(tasks(3, 1)...)
			r, err := w.once(t)
			if err != nil {
				t.Fatal(err)
			}
			if r.Applied != tt.applied {
				t.Errorf("applied %d, want %d", r.Applied, tt.applied)
			}
			if got := lines(r.Left); quoteAll(got) != quoteAll(tt.left) {
				t.Errorf("left:%s\nwant:%s", quoteAll(got), quoteAll(tt.left))
			}
			if n := r.Plan.Count(plan.ActionCommit) + r.Plan.Count(plan.ActionHold); n != 3 {
				t.Errorf("the plan is not the first one:%s", quoteAll(lines(r.Plan)))
			}
			if took := time.Since(w.start); took > tt.within {
				t.Errorf("it took %s", took)
			}
			w.check(t)
		})
	}
}

// TestOnceAfterCrash: what the last process left open is settled in the same pass.
func TestOnceAfterCrash(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(only("commit", killAfter, "t001"))
		w.commits(tasks(3, 1)...)
		if _, err := w.once(t); err == nil {
			t.Error("the process was not killed")
		}
		elapse(time.Second)
		w.setFault(nil)
		r, err := w.once(t)
		if err != nil {
			t.Fatal(err)
		}
		if r.Applied != 2 || len(r.Left.Changes) > 0 {
			t.Errorf("applied %d, left:%s", r.Applied, quoteAll(lines(r.Left)))
		}
		w.wantSent(t, 3)
	})
}

// TestOnceErrors: without a source, or a state that can be written, there is no result.
func TestOnceErrors(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(only("poll", pollFails))
		if _, err := w.once(t); err == nil {
			t.Error("a pass without a source")
		}
		w.setFault(only("save intent", full))
		w.commits(tasks(1, 1)...)
		if _, err := w.once(t); !errors.Is(err, state.ErrFull) {
			t.Errorf("with a full disk: %v", err)
		}
		w.wantSent(t, 0)
	})
}

// TestOnceCanceled: a pass that is cut short says so.
func TestOnceCanceled(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(60, 1)...)
		p := w.newProcess()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		r, err := p.r.Once(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Superseded || r.Applied != w.applied() || r.Left.Count(plan.ActionCommit) != 60-r.Applied {
			t.Errorf("superseded %v, applied %d, left %d", r.Superseded, r.Applied, r.Left.Count(plan.ActionCommit))
		}
		if got := r.Holds(plan.HoldUnknown); got != 0 {
			t.Errorf("%d are unknown", got)
		}
	})
}

// TestStatus: what is under way can be seen while it is.
func TestStatus(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(only("commit", slowAnswer))
		w.commits(tasks(20, 1)...)
		p := w.run(t)
		elapse(11 * time.Second)
		s := p.r.Status()
		if len(s.InFlight) != 2 || s.InFlight[0] != task("t001") || s.InFlight[1] != task("t002") {
			t.Errorf("flying: %v", s.InFlight)
		}
		if s.Plan.Count(plan.ActionCommit) != 20 || s.Source.OK.IsZero() {
			t.Errorf("%d calls in the plan; source %+v", s.Plan.Count(plan.ActionCommit), s.Source)
		}
		elapse(10 * time.Minute)
		s = p.r.Status()
		if len(s.InFlight) != 0 || len(s.Plan.Changes) != 0 || s.Store.Err != nil || s.Store.OK.IsZero() {
			t.Errorf("at rest: %+v", s)
		}
		p.halt(t)
	})
}
