package app_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// TestDrift_Policies has people use the console under each policy, and counts in the
// endpoint's ledger what was committed because of it: nothing to report and to adopt, and
// to heal one commit for each change; but who changes a task again and again is left to
// have their way.
func TestDrift_Policies(t *testing.T) {
	for policy, want := range map[plan.DriftPolicy]struct{ once, fought int }{
		plan.PolicyReport: {0, 0},
		plan.PolicyAdopt:  {0, 0},
		plan.PolicyHeal:   {1, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newConsole(t, policy)
			stop := c.run(t)
			time.Sleep(2 * time.Hour)
			act := func(i int, deeds ...wedatasim.Deed) {
				for _, do := range deeds {
					a := wedatasim.Act{Do: do, Operator: "100028625403"}
					if _, err := c.sim.Act(keyOf(i).ProjectID, keyOf(i).TaskID, a); err != nil {
						t.Error(err)
					}
				}
			}
			act(0, wedatasim.DeedCommit)
			act(1, wedatasim.DeedPause)
			act(2, wedatasim.DeedStop)
			act(3, wedatasim.DeedCommit, wedatasim.DeedStop)
			act(4, wedatasim.DeedWithdraw)
			act(5, wedatasim.DeedDelete)
			act(6, wedatasim.DeedLock, wedatasim.DeedCommit)
			for range 5 {
				act(7, wedatasim.DeedCommit)
				time.Sleep(2 * lookEvery)
			}
			time.Sleep(36 * time.Hour)
			stop()
			for i, commits := range []int{want.once, want.once, want.once, want.once, 0, 0, 0, want.fought, 0, 0} {
				if got := len(c.sim.Applied(keyOf(i).ProjectID, keyOf(i).TaskID)) - 1; got != commits {
					t.Errorf("%s: %d commits of task %d, want %d", policy, got, i, commits)
				}
			}
			if task, _ := c.sim.Task(keyOf(3).ProjectID, keyOf(3).TaskID); policy == plan.PolicyHeal && (task.InstanceVersion != 1 || task.Status != wedatasim.StatusRunning) {
				t.Errorf("healed, and it is %+v", task)
			}
			if reported := len(c.reports); reported < 8 {
				t.Errorf("%s: %d reports: %q", policy, reported, c.reports)
			}
			kinds := map[plan.HoldReason]int{}
			for _, change := range c.reconciler.Status().Plan.Changes {
				kinds[change.Hold]++
			}
			if kinds[plan.HoldAdopted] > 0 != (policy == plan.PolicyAdopt) || kinds[plan.HoldContested] > 0 != (policy == plan.PolicyHeal) {
				t.Errorf("%s: the plan has %v", policy, kinds)
			}
		})
	}
}
