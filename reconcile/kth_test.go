package reconcile

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/state"
)

// scenario is a short story of a daemon. Whatever happens to any one of its steps,
// it has to come to the same end.
type scenario struct {
	name  string
	begin func(t testing.TB, w *world) // brings the world to where the story starts, with nothing going wrong
	tell  func(t testing.TB, w *world) // the story
	fault func(step) fault             // what goes wrong in any case; nil is nothing
}

// scenarios are what the daemon is for.
var scenarios = []scenario{
	{name: "a new task", tell: func(t testing.TB, w *world) {
		w.commits("taskId: a, commitType: start, instanceVersion: 1")
		w.daemon(t, 3*time.Second)
	}},
	{name: "several new tasks", tell: func(t testing.TB, w *world) {
		w.commits(tasks(4, 1)...)
		w.daemon(t, 3*time.Second)
	}},
	{name: "a new version", begin: at("taskId: a, commitType: start, instanceVersion: 1"), tell: func(t testing.TB, w *world) {
		w.commits("taskId: a, commitType: resume, instanceVersion: 2")
		w.daemon(t, 3*time.Second)
	}},
	{name: "a revert", begin: at("taskId: a, commitType: start, instanceVersion: 2"), tell: func(t testing.TB, w *world) {
		w.commits("taskId: a, commitType: start, instanceVersion: 1")
		w.daemon(t, 3*time.Second)
	}},
	{name: "discarded state", begin: at("taskId: a, commitType: start, instanceVersion: 1"), tell: func(t testing.TB, w *world) {
		w.commits("taskId: a, commitType: restart-discard-state, instanceVersion: 2, discardState: 2")
		w.daemon(t, 3*time.Second)
	}},
	{name: "submitted, then started", tell: func(t testing.TB, w *world) {
		w.commits("taskId: a, commitType: submit, instanceVersion: 1")
		w.daemon(t, 2*time.Second)
		w.commits("taskId: a, commitType: start, instanceVersion: 1")
		w.daemon(t, 2*time.Second)
	}},
	{name: "content without a version", begin: at("taskId: a, commitType: start, extConfig: {k: v}"), tell: func(t testing.TB, w *world) {
		w.commits("taskId: a, commitType: start, extConfig: {k: w}")
		w.daemon(t, 3*time.Second)
	}},
	{name: "run again", begin: at("taskId: a, commitType: start, instanceVersion: 1"), tell: func(t testing.TB, w *world) {
		w.commits("taskId: a, commitType: start, instanceVersion: 1, rerun: monday")
		w.daemon(t, 3*time.Second)
	}},
	{name: "a chain of dependencies", tell: func(t testing.TB, w *world) {
		w.commits(
			"taskId: a, commitType: start, instanceVersion: 1, dependsOn: [b]",
			"taskId: b, commitType: start, instanceVersion: 1, dependsOn: [c]",
			"taskId: c, commitType: start, instanceVersion: 1")
		w.daemon(t, 3*time.Second)
	}},
	{name: "forgotten", begin: at(tasks(3, 1)...), tell: func(t testing.TB, w *world) {
		w.commits(tasks(2, 1)...)
		w.daemon(t, 3*time.Second)
		if len(w.weData.applied) > 3 {
			t.Error("absence made a call")
		}
	}},
	{name: "a newer revision while calls are made", tell: func(t testing.TB, w *world) {
		w.commits(tasks(6, 1)...)
		w.daemon(t, 300*time.Millisecond)
		w.commits(tasks(6, 2)...)
		w.daemon(t, 3*time.Second)
	}},
	{
		name: "a lost answer", fault: first("commit", lostAfter), tell: func(t testing.TB, w *world) {
			w.commits(tasks(2, 1)...)
			w.daemon(t, 10*time.Second)
		},
	},
	{
		name: "a lost request", fault: first("commit", lostBefore), tell: func(t testing.TB, w *world) {
			w.commits(tasks(2, 1)...)
			w.daemon(t, 90*time.Second)
		},
	},
	{
		name: "a lock", fault: first("commit", inUseNow), tell: func(t testing.TB, w *world) {
			w.commits(tasks(2, 1)...)
			w.daemon(t, 40*time.Second)
		},
	},
	{
		name: "over the rate", fault: first("commit", throttle), tell: func(t testing.TB, w *world) {
			w.commits(tasks(3, 1)...)
			w.daemon(t, 5*time.Second)
		},
	},
	{
		name: "no connection", fault: first("commit", notSent), tell: func(t testing.TB, w *world) {
			w.commits(tasks(2, 1)...)
			w.daemon(t, 5*time.Second)
		},
	},
	{
		name: "credentials that were exchanged", tell: func(t testing.TB, w *world) {
			w.weData.do(func() { w.weData.expired, w.weData.fresh = true, true })
			w.commits(tasks(2, 1)...)
			w.daemon(t, 5*time.Second)
		},
	},
	{
		name: "an approval in WeData", fault: first("commit", needsApproval), tell: func(t testing.TB, w *world) {
			w.commits(tasks(1, 1)...)
			w.daemon(t, 3*time.Second)
			w.sayTruth()
			w.daemon(t, 8*time.Second)
		},
	},
	{
		name: "a guard and its approval", begin: func(t testing.TB, w *world) {
			at(tasks(3, 1)...)(t, w)
			w.guards.Store(&plan.Guards{MaxChanges: 2})
		}, tell: func(t testing.TB, w *world) {
			w.commits(tasks(3, 2)...)
			w.daemon(t, 2*time.Second)
			w.say(state.VerbApprove, w.planHash(), "")
			w.daemon(t, 4*time.Second)
			w.guards.Store(new(plan.Guards))
		},
	},
	{
		name: "suspended and let go", tell: func(t testing.TB, w *world) {
			w.say(state.VerbSuspend, "", "maintenance")
			w.commits(tasks(2, 1)...)
			w.daemon(t, 2*time.Second)
			w.say(state.VerbUnsuspend, "", "")
			w.daemon(t, 3*time.Second)
		},
	},
	{
		name: "a change by others that is healed", begin: changed(plan.PolicyHeal), tell: func(t testing.TB, w *world) {
			w.daemon(t, 3*time.Second)
			w.daemon(t, 3*time.Second)
		},
	},
	{
		name: "a heal whose answer is lost", begin: changed(plan.PolicyHeal), fault: second("commit", lostAfter), tell: func(t testing.TB, w *world) {
			w.daemon(t, 10*time.Second)
		},
	},
	{
		name: "a change by others that is adopted, and taken back", begin: changed(plan.PolicyAdopt), tell: func(t testing.TB, w *world) {
			w.daemon(t, 3*time.Second)
			if n := len(w.weData.applied); n > 2 {
				t.Errorf("%d commits: to adopt something made one", n)
			}
			w.say(state.VerbRetry, "t000", "")
			w.daemon(t, 3*time.Second)
		},
	},
	{
		name: "refused, and tried again", fault: first("commit", refuse), tell: func(t testing.TB, w *world) {
			w.commits(tasks(2, 1)...)
			w.daemon(t, 2*time.Second)
			w.say(state.VerbRetry, "t000", "")
			w.daemon(t, 3*time.Second)
		},
	},
}

// at brings the tasks to the commits.
func at(commits ...string) func(testing.TB, *world) {
	return func(t testing.TB, w *world) {
		w.commits(commits...)
		w.daemon(t, 3*time.Second)
	}
}

// changed brings two tasks to their commits. Long after, somebody changes one of them,
// and each process looks at that when it starts.
func changed(policy plan.DriftPolicy) func(testing.TB, *world) {
	return func(t testing.TB, w *world) {
		at(tasks(2, 2)...)(t, w)
		elapse(proof.SettleTime)
		w.weData.change(task("t000"), func(l *state.Live) { l.InstanceVersion = 7 })
		w.policy.Store(&policy)
		w.watched = true
	}
}

// first makes the first step of a kind with each task go wrong.
func first(kind string, f fault) func(step) fault {
	return func(s step) fault {
		if s.kind == kind && s.n == 0 {
			return f
		}
		return sound
	}
}

// firstOf is first for one task.
func firstOf(id, kind string, f fault) func(step) fault {
	all := first(kind, f)
	return func(s step) fault {
		if s.key.TaskID != id {
			return sound
		}
		return all(s)
	}
}

// second is first for the step after it.
func second(kind string, f fault) func(step) fault {
	return func(s step) fault {
		if s.kind == kind && s.n == 1 {
			return f
		}
		return sound
	}
}

// planHash is the hash of the newest plan.
func (w *world) planHash() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.planned == nil {
		return "00000000"
	}
	return w.planned.Hash
}

// faultsAt are the faults that can befall a step, and the deaths.
func faultsAt(s step) []fault {
	kind, _, _ := strings.Cut(s.kind, " ")
	all := []fault{killBefore}
	switch kind {
	case "save":
		return append(all, killAfter, full, busy, brokenBefore, brokenAfter)
	case "dial":
		return append(all, notSent)
	case "commit":
		return append(all, killAfter, notSent, lostBefore, lostAfter, lateApply, slowAnswer, throttle, refuse, inUseNow, badAuth, noAuth, errorBefore, errorAfter, needsApproval)
	case "read":
		return append(all, readFails, readDenied, throttle, readNotSent, readBadAuth, slowRead, slowFail)
	default:
		return append(all, pollFails)
	}
}

// play tells the story with one step gone wrong, and returns the steps it took.
func (sc *scenario) play(t testing.TB, seed uint64, k int, wrong fault) (steps []step) {
	w := newWorld(seed)
	w.horizon = time.Minute
	if sc.begin != nil {
		sc.begin(t, w)
	}
	start := w.seq
	w.setFault(func(s step) fault {
		steps = append(steps, s)
		if s.seq-start == k && wrong != sound {
			return wrong
		}
		if sc.fault != nil {
			return sc.fault(s)
		}
		return sound
	})
	sc.tell(t, w)
	w.setFault(nil)
	w.rest(t)
	return steps
}

// TestP05_EveryStep lets every single step of every scenario go wrong in every way:
// the disk is full, or fails before or after it has written; the connection fails
// before or after the request has an effect; a read fails; the process dies.
func TestP05_EveryStep(t *testing.T) {
	t.Parallel()
	cases := 0
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			for seed := range uint64(seeds(1, fixture.Drawn(5), 5)) {
				cases += sc.everyStep(t, seed)
			}
		})
	}
	t.Logf("%d cases", cases)
}

// everyStep plays the story once as it is, and then again and again with one step
// gone wrong. It returns how often.
func (sc *scenario) everyStep(t *testing.T, seed uint64) (cases int) {
	var steps []step
	synctest.Test(t, func(t *testing.T) { steps = sc.play(t, seed, 0, sound) })
	if len(steps) < 3 {
		t.Fatalf("the story has %d steps", len(steps))
	}
	for k, s := range steps {
		for _, wrong := range faultsAt(s) {
			cases++
			synctest.Test(t, func(t *testing.T) {
				sc.play(t, seed, k, wrong)
				if t.Failed() {
					t.Logf("seed %d, step %d of %d, %s %s, fault %d", seed, k, len(steps), s.kind, s.key.TaskID, wrong)
				}
			})
		}
	}
	return cases
}
