package progress_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/progress"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// at returns the time of second s.
func at(s int) time.Time { return time.Date(2026, 3, 9, 12, 0, s, 0, time.UTC) }

// planFor is a plan for a revision with changes.
func planFor(revision string, changes ...plan.Change) *plan.Plan {
	return &plan.Plan{Source: plan.SourceInfo{Revision: revision}, Changes: changes, Hash: "sha256:0"}
}

func call() plan.Change {
	return plan.Change{Action: plan.ActionCommit, Reason: plan.ReasonNew, Want: &spec.Commit{}}
}

func hold(why plan.HoldReason) plan.Change {
	return plan.Change{Action: plan.ActionHold, Reason: plan.ReasonNew, Hold: why, Want: &spec.Commit{}}
}

// TestJudge: what a pass leaves says how far the release is.
func TestJudge(t *testing.T) {
	t.Parallel()
	guarded := planFor("a", call(), hold(plan.HoldRefused))
	guarded.Holds = []plan.GuardHold{{Guard: "maxChanges", Message: "2 of 2"}}
	suspended := hold(plan.HoldSuspended)
	suspended.Want = &spec.Commit{Suspend: true}
	operator := hold(plan.HoldUnknown)
	operator.Have = &state.Record{Status: state.StatusUnknown, Attempt: &state.Attempt{NeedsOperator: "why"}}
	invalid := planFor("a")
	invalid.Problems = spec.Problems{{Severity: spec.SeverityError}}
	for _, c := range []struct {
		name string
		left *plan.Plan
		want state.ReleaseOutcome
		note string
	}{
		{"nothing", planFor("a"), state.ReleaseDone, "done"},
		{"suspended by its spec", planFor("a", suspended), state.ReleaseDone, "done"},
		{"changed without a version", planFor("a", plan.Change{Action: plan.ActionUnversioned}), state.ReleaseDone, "done"},
		{"suspended by an operator", planFor("a", hold(plan.HoldSuspended)), state.ReleaseHeld, "held: 1 suspended"},
		{"a window", planFor("a", hold(plan.HoldWindow), call()), state.ReleaseHeld, "held: 1 to send, 1 window"},
		{"a guard", guarded, state.ReleaseHeld, "held: maxChanges: 2 of 2, 1 refused, 1 to send"},
		{"a refusal", planFor("a", hold(plan.HoldRefused), hold(plan.HoldLocked)), state.ReleaseFailed, "failed: 1 locked, 1 refused"},
		{"an error in a spec", invalid, state.ReleaseFailed, "failed: 1 invalid"},
		{"an unknown outcome that only an operator can settle", planFor("a", operator), state.ReleaseFailed, "failed: 1 unknown"},
		{"a lock", planFor("a", hold(plan.HoldLocked)), state.ReleaseUnderWay, ""},
		{"an unknown outcome that is read back", planFor("a", hold(plan.HoldUnknown)), state.ReleaseUnderWay, "under way: 1 unknown"},
	} {
		began := progress.Begin(nil, state.Release{Revision: "a", SeenAt: at(0)}, planFor("a", call()), at(1))
		next, note := progress.Judge(began, c.left, at(5))
		if r := next[0]; r.Outcome != c.want || note != c.note || r.Commits != 1 || !r.StartedAt.Equal(at(1)) {
			t.Errorf("%s: %q, %+v, want %s and %q", c.name, note, r, c.want, c.note)
		}
		if ended := c.want == state.ReleaseDone || c.want == state.ReleaseFailed; ended != next[0].EndedAt.Equal(at(5)) {
			t.Errorf("%s: ended at %s", c.name, next[0].EndedAt)
		}
		if _, again := progress.Judge(next, c.left, at(6)); again != "" {
			t.Errorf("%s: %q is said twice", c.name, again)
		}
	}
}

// TestCourse follows releases from the first plan until they end.
func TestCourse(t *testing.T) {
	t.Parallel()
	held := planFor("b", call())
	held.Holds = []plan.GuardHold{{Guard: "maxChanges", Message: "1 of 1"}}
	list := progress.Begin(nil, state.Release{Revision: "a", SeenAt: at(0)}, planFor("a", call(), hold(plan.HoldRefused)), at(1))
	if list[0].Outcome != state.ReleaseUnderWay {
		t.Errorf("before its calls it is %s: what an earlier revision left refused is not its end", list[0].Outcome)
	}
	list = progress.Begin(list, state.Release{Revision: "b", SeenAt: at(2)}, held, at(3))
	if a, b := list[0], list[1]; a.Outcome != state.ReleaseOvertaken || a.OvertakenBy != "b" || b.Outcome != state.ReleaseHeld || !b.StartedAt.IsZero() {
		t.Errorf("overtaken: %+v, held: %+v", a, b)
	}
	approved := planFor("b", call())
	approved.Approved = "lin"
	list = progress.Begin(list, state.Release{Revision: "b"}, approved, at(4))
	if b := list[1]; len(list) != 2 || b.Approver != "lin" || !b.StartedAt.Equal(at(4)) || !b.SeenAt.Equal(at(2)) || b.Guard != "" {
		t.Errorf("approved: %+v", b)
	}
	failed, _ := progress.Judge(list, planFor("b", hold(plan.HoldRefused)), at(5))
	done, note := progress.Judge(failed, planFor("b"), at(9))
	if note != "done" || done[1].Left != nil || !done[1].EndedAt.Equal(at(9)) {
		t.Errorf("retried: %q, %+v", note, done[1])
	}
	if _, note := progress.Judge(done, planFor("b", call()), at(10)); note != "" {
		t.Errorf("a release that was done is not done any more: %s", note)
	}
	if _, note := progress.Judge(list, planFor("c", call()), at(10)); note != "" {
		t.Errorf("the plan of another revision says %q", note)
	}
	if diff := cmp.Diff(state.ReleaseHeld, progress.Begin(list[:1], state.Release{Revision: "b"}, held, at(3))[1].Outcome); diff != "" {
		t.Error(diff)
	}
}

// TestBegin_BoundsTheList: of many releases, those that asked for nothing go first.
func TestBegin_BoundsTheList(t *testing.T) {
	t.Parallel()
	var list []state.Release
	asked := 0
	for i := range 3 * state.MaxReleases {
		p := planFor(fmt.Sprint(i))
		if i%5 == 0 {
			p = planFor(fmt.Sprint(i), call())
			asked++
		}
		list = progress.Begin(list, state.Release{Revision: fmt.Sprint(i)}, p, at(i))
	}
	if len(list) != state.MaxReleases || list[len(list)-1].Revision != fmt.Sprint(3*state.MaxReleases-1) {
		t.Fatalf("%d releases are kept, the newest %s", len(list), list[len(list)-1].Revision)
	}
	kept := 0
	for _, r := range list {
		kept += r.Commits
	}
	if kept != asked {
		t.Errorf("%d of %d releases that asked for something are kept: %s", kept, asked, strings.Join(revisions(list), " "))
	}
}

func revisions(list []state.Release) []string {
	var names []string
	for _, r := range list {
		names = append(names, r.Revision)
	}
	return names
}
