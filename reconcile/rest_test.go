package reconcile

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// elapse lets time pass, and everything come to rest that is due by then.
func elapse(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// setFault changes what goes wrong from now on.
func (w *world) setFault(f func(step) fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

// rest lets all late requests, back-offs and pauses pass without a daemon. Then it makes
// three passes, so far apart that reads see what the one before has committed, between which
// an operator says what only an operator can know, and looks that every task is where its
// spec says, and that no promise was broken.
func (w *world) rest(t testing.TB) {
	t.Helper()
	elapse(w.horizon + proof.SettleTime + 16*time.Minute)
	for range 3 {
		w.sayTruth()
		if _, err := w.once(t); err != nil {
			t.Errorf("seed %d: Once: %v", w.seed, err)
		}
		elapse(proof.ReadLag)
	}
	w.settled(t)
	w.check(t)
}

// sayTruth is a person who looks into WeData's ledger and says what is there, who
// gives the approvals that are asked for, and lets go on what was refused or
// suspended.
func (w *world) sayTruth() {
	w.weData.do(func() {
		for _, key := range slices.SortedFunc(maps.Keys(w.weData.tasks), spec.Key.Compare) {
			if live := w.weData.tasks[key]; live.waiting != nil {
				w.weData.apply(live.waiting)
			}
		}
	})
	if w.disk.control.Suspended != nil {
		w.say(state.VerbUnsuspend, "", "")
	}
	for _, key := range slices.SortedFunc(maps.Keys(w.disk.records), spec.Key.Compare) {
		rec := w.disk.records[key]
		if rec.Suspended != nil {
			w.say(state.VerbUnsuspend, key.String(), "")
		}
		switch rec.Status {
		case state.StatusUnknown:
			if rec.Attempt.NeedsOperator == "" {
				continue
			}
			said := "not-applied"
			if w.weData.truth[rec.Attempt.ID] {
				said = "applied"
			}
			w.say(state.VerbResolve, key.String(), said)
		case state.StatusRefused:
			w.say(state.VerbRetry, key.String(), "")
		case state.StatusApplied:
			if rec.Accepted() && rec.Attempt.Outcome.TaskApproveID != "" {
				w.say(state.VerbResolve, key.String(), "applied") // it was approved
			}
			if rec.Attempt == nil && rec.Applied.Run != nil && rec.Applied.Run.Status != state.RunRunning ||
				plan.OverOf(rec.Applied) != nil || plan.Contested(rec.Applied) != "" {
				w.say(state.VerbRetry, key.String(), "")
			}
		}
	}
}

// stuck returns the tasks that no operator can bring where their specs say: those whose
// acknowledgement of lost state was used already, and those that depend on them.
func (w *world) stuck() map[spec.Key]bool {
	stuck := map[spec.Key]bool{}
	for before := -1; before < len(stuck); {
		before = len(stuck)
		for want := range w.repo.set.All() {
			rec := w.disk.records[want.Key]
			spent := rec != nil && plan.ReasonFor(want, rec.Applied) != "" && plan.SpentDiscard(want, rec.Applied)
			if spent || slices.ContainsFunc(want.DependsOn, func(on spec.Key) bool { return stuck[on] }) {
				stuck[want.Key] = true
			}
		}
	}
	return stuck
}

// settled looks that every task matches its spec, by the ledger of the state and
// by that of WeData.
func (w *world) settled(t testing.TB) {
	t.Helper()
	stuck := w.stuck()
	for want := range w.repo.set.All() {
		if stuck[want.Key] {
			continue
		}
		rec, live := w.disk.records[want.Key], w.weData.tasks[want.Key]
		switch {
		case rec == nil || rec.Status != state.StatusApplied || plan.ReasonFor(want, rec.Applied) != "":
			t.Errorf("seed %d: the state of %s does not match its spec: %+v", w.seed, want.TaskID, rec)
		case live == nil || live.last == nil:
			t.Errorf("seed %d: %s was lost: it was never applied", w.seed, want.TaskID)
		case plan.ReasonFor(want, new(plan.AppliedOf(live.last.commit, ""))) != "":
			t.Errorf("seed %d: %s is to be at %+v, and is at %+v", w.seed, want.TaskID, want, live.last.commit)
		case w.watched && drift.Compare(want, rec.Applied, &drift.LiveTask{Live: live.live}).Kind != state.DriftNone:
			t.Errorf("seed %d: %s is to be at %+v, and is live as %+v", w.seed, want.TaskID, want, live.live)
		}
	}
	if n := w.repo.set.Problems().Errors(); n > 0 {
		t.Errorf("seed %d: %v", w.seed, w.repo.set.Problems())
	}
}

// passesMade counts the passes that ended.
func (w *world) passesMade() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.passes)
}

// daemon runs for a while. When it dies, or its disk does, it is started again.
func (w *world) daemon(t testing.TB, d time.Duration) {
	t.Helper()
	until := time.Now().Add(d)
	for time.Now().Before(until) {
		p := w.run(t)
		select {
		case <-p.done:
		case <-time.After(time.Until(until)):
		}
		p.stop()
		<-p.done
		elapse(time.Second)
	}
}

// tasks returns n commits t000, t001 ... at the version.
func tasks(n, version int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = taskAt(i, version)
	}
	return all
}
