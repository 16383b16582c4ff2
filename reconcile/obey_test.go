package reconcile

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/state"
)

// TestApproveAgain keeps one approval of a plan: the newest, past all the guards that it
// was approved for.
func TestApproveAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Config{Store: nowhere{}, Logger: silent, Horizon: func() time.Duration { return time.Minute }}, nil, state.Control{
			Approvals: []state.Approval{{PlanHash: "old", Expires: time.Now().Add(time.Minute)}},
		})
		if err := r.Recover(t.Context()); err != nil { // which drops what an earlier version took
			t.Fatal(err)
		}
		held, ledger := heldPlan(t, time.Now()), &ledgerOf{}
		r.desired.newest.Store(&newestPlan{plan: held})
		r.applied.store, r.cfg.Store = ledger, ledger
		for _, guard := range []string{"maxChanges", "rewritten", "maxChanges"} {
			held.Holds[0].Guard = guard
			ledger.words = []state.Command{{Verb: state.VerbApprove, Target: held.Hash}}
			if _, err := r.Obey(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		got := r.applied.Control().Approvals
		if len(got) != 1 || got[0].PlanHash != held.Hash || !slices.Equal(got[0].Guards, []string{"maxChanges", "rewritten"}) || len(got[0].Calls) != 5 || got[0].Expires.Sub(got[0].At) != 24*time.Hour {
			t.Errorf("approvals: %+v", got)
		}
	})
}

// TestSuspendBeforeThereIsASpec: an operator's command waits for the spec, and outlives it.
func TestSuspendBeforeThereIsASpec(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(2, 1)...)
		w.daemon(t, 5*time.Second)
		p := w.run(t)
		w.say(state.VerbSuspend, "t001", "move")
		elapse(time.Second)
		w.commits(tasks(1, 1)...)
		elapse(15 * time.Second)
		if rec := w.record("t001"); rec == nil {
			t.Error("it was forgotten with its spec")
		}
		w.commits(tasks(2, 2)...)
		elapse(15 * time.Second)
		w.wantSent(t, 3)
		w.say(state.VerbUnsuspend, "t001", "")
		elapse(2 * time.Second)
		w.wantSent(t, 4)
		p.halt(t)
	})
}

// TestSuspendUntil: a suspension ends by itself.
func TestSuspendUntil(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.say(state.VerbSuspend, "", "move")
		w.disk.words[0].Until = time.Now().Add(time.Hour)
		w.commits(tasks(2, 1)...)
		p := w.run(t)
		elapse(59 * time.Minute)
		w.wantSent(t, 0)
		elapse(2 * time.Minute)
		w.wantSent(t, 2)
		p.halt(t)
	})
}

// TestObey_History: a command is answered in the transition that does what it asks for, and
// the history has who gave it, whether it was done or not.
func TestObey_History(t *testing.T) {
	t.Parallel()
	for target, ok := range map[string]bool{"": true, "nowhere": false} {
		ledger := &ledgerOf{words: []state.Command{{ID: 7, Verb: state.VerbSuspend, Target: target, Arg: "move", Actor: "lin"}}}
		r := New(Config{Store: ledger, Logger: silent, Horizon: func() time.Duration { return time.Minute }}, state.NewRecords(), state.Control{})
		before := r.applied.Control()
		if n, err := r.Obey(t.Context()); n != 1 || err != nil || len(ledger.saved) != 1 {
			t.Fatalf("obeyed %d, saved %d: %v", n, len(ledger.saved), err)
		}
		got := ledger.saved[0]
		if a := got.CarriedOut; a == nil || a.ID != 7 || a.Result.OK != ok {
			t.Errorf("answer: %+v", a)
		}
		if len(got.Events) != 1 || got.Events[0].Kind != state.EventCommand || got.Events[0].Actor != "lin" || got.Events[0].Note == "" {
			t.Errorf("events: %+v", got.Events)
		}
		if changed := got.Record != nil || got.Forget != nil || got.Control != nil; changed != ok {
			t.Errorf("changed something: %v", changed)
		}
		if changed := !cmp.Equal(before, r.applied.Control()); changed != ok {
			t.Errorf("control was changed: %v", changed)
		}
	}
}
