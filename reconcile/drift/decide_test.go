package drift

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// The answers of a policy that does not do what its name says.
const (
	isOpenNow     = "report: somebody has it open"
	asksAnyway    = "report: its spec asks for a commit anyway"
	noSpec        = "report: it has no spec that can be used"
	notSettled    = "report: its last commit is not settled"
	isGone        = "report: it is missing"
	outOfSight    = "report: it is not in production"
	neverRan      = "report: it did not come to run after its last commit"
	cannotStop    = "report: no commit stops a task"
	isSuspended   = "report: it is suspended"
	discardsState = "report: its spec discards state, which only an operator may request"
	noVersion     = "report: its spec names no version to go back to"
	adoptedOnce   = "report: an earlier change of it was adopted"
)

// answerRows say what is done about each situation of driftRows that is drift, and about
// some more, under the policies adopt and heal. Under report nothing is, ever.
var answerRows = []struct{ git, applied, live, adopt, heal string }{
	// Another version.
	{"start 3", "start 3", "running 4", "adopt", "heal"},
	{"start 3", "start 3", "running 2", "adopt", "heal"},
	{"start 3", "start 3 imported", "running 4", "adopt", "heal"},
	{"start 3", "start 3 adopted", "running 4", "adopt", "heal"},
	{"start 3", "start 3", "running 5 draft", "adopt", "heal"},
	{"start 3", "start 3", "failed 5", "adopt", "heal"},
	{"start 3", "start 3", "status-not-told 5", "adopt", "heal"},
	{"submit 3", "submit 3", "not-started 4", "adopt", "heal"},
	{"submit 3 offline", "submit 3 offline", "not-started 4 offline", "adopt", "heal"},
	{"start 3", "start 3", "stopped 5", "adopt", "heal"},
	{"start 3", "start 3", "paused 2", "adopt", "heal"},
	{"submit 3", "submit 3 idle", "running 4", "adopt", "heal"}, // the version; it goes on running
	{"start 3", "start 3 just imported", "running 4", "adopt", "heal"},

	// Started and stopped by hand.
	{"start 3", "start 3", "stopped 3", "adopt", "heal"},
	{"start 3", "start 3", "paused 3", "adopt", "heal"},
	{"start 3", "start 3", "not-started 3", "adopt", "heal"},
	{"resume 3", "resume 3", "stopped 3", "adopt", "heal"},
	{"pause-resume 3", "pause-resume 3", "paused 3", "adopt", "heal"},
	{"start 3", "start 3 imported", "stopped 3", "adopt", "heal"},
	{"start 3", "start 3", "stopped", "adopt", "heal"},
	{"start 3", "start 3 just adopted", "stopped 3", "adopt", "heal"},
	{"submit 3", "submit 3 idle", "running 3", "adopt", cannotStop},
	{"submit 3", "submit 3 idle imported", "running 3", "adopt", cannotStop},

	// Git is ahead: its commit goes its way, unless it is live already.
	{"start 4", "start 3", "running 4", "adopt", asksAnyway},
	{"start 3", "submit 3 idle", "running 3", "adopt", asksAnyway},
	{"start 4", "start 3", "running 2", asksAnyway, asksAnyway},
	{"start 4", "start 3", "running 5", asksAnyway, asksAnyway},
	{"start 4", "start 3", "stopped 3", asksAnyway, asksAnyway},
	{"start 4", "start 3", "stopped 4", asksAnyway, asksAnyway},
	{"submit 4", "start 3", "stopped 3", asksAnyway, asksAnyway},

	// What was adopted stays, and is only ever adopted anew.
	{"start 3", "start 5 over", "running 6", "adopt", adoptedOnce},
	{"start 3", "start 5 over", "running 3", "adopt", adoptedOnce}, // back to what git says
	{"start 3", "start 5 over", "stopped 5", "adopt", adoptedOnce},
	{"start 4", "start 5 over", "running 6", asksAnyway, asksAnyway},

	// Somebody is at it, or has a word to say first.
	{"start 3", "start 3", "running 5 locked", isOpenNow, isOpenNow},
	{"start 3", "start 3", "stopped 3 locked", isOpenNow, isOpenNow},
	{"start 3", "start 3 suspended", "running 4", isSuspended, isSuspended},
	{"start 3", "start 3 not-running", "stopped 3", neverRan, neverRan},
	{"start 4", "start 3 refused", "running 5", notSettled, notSettled},
	{"start 4", "start 3 waiting", "running 5", notSettled, notSettled},
	{"restart-discard-state 3", "restart-discard-state 3", "running 4", "adopt", discardsState},
	{"restart-discard-state 3", "start 3", "stopped 3", "adopt", discardsState},

	// There is nothing to act by.
	{"-", "start 3", "running 4", noSpec, noSpec},
	{"-", "start 3", "stopped 3", noSpec, noSpec},
	{"start", "start", "stopped 9", "adopt", noVersion},
	{"start 3", "start 3", "gone", isGone, isGone},
	{"start 3", "start 3", "missing", isGone, isGone},
	{"-", "start 3", "gone", isGone, isGone},
	{"start 4", "start 3", "gone", isGone, isGone},
	{"start 4", "start 3 refused", "gone", isGone, isGone},
	{"start 3", "start 3", "not-submitted", outOfSight, outOfSight},
	{"submit offline", "submit offline", "not-submitted offline", outOfSight, outOfSight},
}

// answeredBy is a policy's answer in the words of answerRows.
func answeredBy(p plan.DriftPolicy, git, applied, live string) string {
	seen, err := seenOf(live)
	want, have := wantOf(git), haveOf(applied)
	d := Of(want, have, seen, err, driftNow)
	a, why := Decide(p, &d, want, have, seen, driftNow)
	if why != "" {
		return string(a) + ": " + why
	}
	return string(a)
}

// TestAnswerTo is the table of what is done about drift: every situation of the table of
// verdicts, under each of the policies.
func TestAnswerTo(t *testing.T) {
	listed := map[string]bool{}
	for _, row := range answerRows {
		listed[row.git+"|"+row.applied+"|"+row.live] = true
		for p, want := range map[plan.DriftPolicy]string{plan.PolicyReport: "report", "": "report", plan.PolicyAdopt: row.adopt, plan.PolicyHeal: row.heal} {
			if got := answeredBy(p, row.git, row.applied, row.live); got != want {
				t.Errorf("git %q, applied %q, live %q: %q %ss it, want %q", row.git, row.applied, row.live, p, got, want)
			}
		}
	}
	situations := len(answerRows)
	for _, row := range driftRows {
		if listed[row.git+"|"+row.applied+"|"+row.live] {
			continue
		}
		situations++
		for _, p := range plan.DriftPolicies() {
			// What is no drift is left alone; what is has a row above.
			if got := answeredBy(p, row.git, row.applied, row.live); got != "" {
				t.Errorf("git %q, applied %q, live %q is %s: under %s it is %q", row.git, row.applied, row.live, row.want, p, got)
			}
		}
	}
	if situations < 100 {
		t.Errorf("%d situations, want 100 at the least", situations)
	}
}

// TestAnswerTo_Laws: under report nothing changes. To adopt never makes a call, and
// leaves no drift. To heal makes no other call than the one that the spec has already
// been applied with, never one that discards state, and none of a task that is gone, out
// of production, open, or not read.
func TestAnswerTo_Laws(t *testing.T) {
	var gits, applieds, lives []string
	for _, row := range driftRows {
		gits, applieds, lives = append(gits, row.git), append(applieds, row.applied), append(lives, row.live)
	}
	for _, row := range answerRows {
		gits, applieds, lives = append(gits, row.git), append(applieds, row.applied), append(lives, row.live)
	}
	rapid.Check(t, func(t *rapid.T) {
		git := rapid.SampledFrom(gits).Draw(t, "git")
		want, have := wantOf(git), haveOf(rapid.SampledFrom(applieds).Draw(t, "applied"))
		seen, err := seenOf(rapid.SampledFrom(lives).Draw(t, "live"))
		policy := rapid.SampledFrom(plan.DriftPolicies()).Draw(t, "policy")
		after := rapid.SampledFrom(plan.DriftPolicies()).Draw(t, "policy then")
		d := Of(want, have, seen, err, driftNow)
		answer, _ := Decide(policy, &d, want, have, seen, driftNow)
		if (answer == DecideNone) == d.Kind.Drifted() {
			t.Fatalf("%s is answered with %q", d.Kind, answer)
		}
		if answer != DecideAdopt && answer != DecideHeal {
			return
		}
		if seen == nil || seen.Live.Missing || seen.NotSubmitted || seen.Live.Locked || err != nil {
			t.Fatalf("%s, of %+v, %v", answer, seen, err)
		}
		if answer == DecideAdopt {
			applied := afterAdoption(want, have.Applied, seen)
			rec := &state.Record{Key: driftKey, Status: state.StatusApplied, Applied: &applied}
			for c := range planned(want, rec, after).Calls() {
				t.Fatalf("adopted, and then there is a call: %s", c.Reason)
			}
			if d := Of(want, rec, seen, nil, driftNow); d.Kind.Drifted() {
				t.Fatalf("adopted, and then it is %s: %+v", d.Kind, d.Fields)
			}
			return
		}
		if len(callsOf(planned(want, have, policy))) > 0 {
			t.Fatal("what was not noted is healed")
		}
		p := planned(want, noteUndo(have, d, driftNow), after)
		calls := callsOf(p)
		if after != plan.PolicyHeal {
			if len(calls) > 0 {
				t.Fatalf("a call under %s", after)
			}
			return
		}
		if len(calls) != 1 || calls[0].Reason != plan.ReasonDrift || calls[0].Want != want || want.CommitType == spec.RestartDiscardState || want.InstanceVersion != have.Applied.InstanceVersion {
			t.Fatalf("the calls are %v", planLines(p))
		}
	})
}

// planned is the plan for one task.
func planned(want *spec.Commit, rec *state.Record, policy plan.DriftPolicy) *plan.Plan {
	set := spec.NewSet()
	if want != nil {
		set.Put(&spec.File{Name: "a.yaml", Commits: []*spec.Commit{want}})
	}
	p := plan.Diff(plan.Input{Specs: set, Records: state.NewRecords(rec), Policy: policy}, driftNow)
	for i := range p.Changes {
		if p.Changes[i].Want != nil {
			p.Changes[i].Want = want
		}
	}
	return p
}

func callsOf(p *plan.Plan) []*plan.Change {
	var calls []*plan.Change
	for c := range p.Calls() {
		calls = append(calls, c)
	}
	return calls
}

// TestDiff_Adopted: what was adopted is held until the spec asks for something else than
// before. A description is nothing else.
func TestDiff_Adopted(t *testing.T) {
	for _, tt := range []struct{ name, applied, live, spec, want string }{
		{"git says what it said", "start 3", "running 5", "start 3", "a hold rollback held adopted"},
		{"and stopped is not started", "start 3", "stopped 3", "start 3", "a hold start held adopted"},
		{"another way to the same place", "start 3", "running 5", "resume 3", "a hold rollback held adopted"},
		{"git has caught up", "start 3", "running 5", "start 5", ""},
		{"git has caught up with the stop", "start 3", "stopped 3", "submit 3", ""},
		{"a newer release", "start 3", "running 5", "start 6", "a commit version"},
		{"back to a version before", "start 3", "running 5", "start 2", "a commit rollback"},
		{"a new version of what is stopped", "start 3", "stopped 3", "start 4", "a commit version"},
		{"what git was ahead to", "start 3", "running 5", "start 4", "a commit rollback"},
	} {
		rec := haveOf(tt.applied)
		seen, _ := seenOf(tt.live)
		applied := afterAdoption(wantOf(tt.applied), rec.Applied, seen)
		rec.Applied = &applied
		for _, p := range plan.DriftPolicies() {
			if got := strings.Join(planLines(planned(wantOf(tt.spec), rec, p)), "; "); got != tt.want {
				t.Errorf("%s, under %s: %q, want %q", tt.name, p, got, tt.want)
			}
		}
	}
}

// TestDiff_Contested: a task is healed twice in 24 hours. The third change is held, and
// stays so, until a person says retry.
func TestDiff_Contested(t *testing.T) {
	at := func(h float64) time.Time { return driftNow.Add(time.Duration(h * float64(time.Hour))) }
	heals := func(hours ...float64) (list []state.Heal) {
		for _, h := range hours {
			list = append(list, state.Heal{At: at(h), OperatedAt: fmt.Sprint(h)})
		}
		return list
	}
	for _, tt := range []struct {
		name  string
		heals []state.Heal
		since float64 // of the change
		edit  string  // when it was, as WeData tells it
		held  bool
	}{
		{"the first change", nil, 0, "x", false},
		{"the second", heals(-3), 0, "x", false},
		{"the third", heals(-5, -3), 0, "x", true},
		{"the third, long ago", heals(-105, -103), -100, "x", true},
		{"the third after a day", heals(-26, -3), 0, "x", false},
		{"both after a day", heals(-27, -26), 0, "x", false},
		{"the same change, after it was healed", heals(-3), 0, "-3", true},
		{"the time is not told", heals(-3), 0, "", false},
	} {
		rec := haveOf("start 3")
		seen, _ := seenOf("running 5")
		d := Of(wantOf("start 3"), rec, seen, nil, driftNow)
		rec = noteUndo(rec, d, at(tt.since))
		rec.Applied.Drift.Heals, rec.Applied.Drift.Undo.OperatedAt = tt.heals, tt.edit
		want := "a commit drift"
		if tt.held {
			want = "a hold drift held contested"
		}
		if got := strings.Join(planLines(planned(wantOf("start 3"), rec, plan.PolicyHeal)), "; "); got != want {
			t.Errorf("%s: %q, want %q", tt.name, got, want)
		}
		tr, answer := plan.Retry(driftKey, rec, driftNow)
		if answer.OK != tt.held {
			t.Errorf("%s: retry: %v", tt.name, answer)
		}
		if answer.OK {
			if got := planLines(planned(wantOf("start 3"), tr.Record, plan.PolicyHeal)); len(got) != 1 || got[0] != "a commit drift" {
				t.Errorf("%s: after retry %q", tt.name, got)
			}
		}
	}
}

// TestDiff_Heals: what is healed goes the way of any call: a suspension, a refusal, a
// pause and the guards hold it, and it holds nobody who depends on it.
func TestDiff_Heals(t *testing.T) {
	want := wantOf("start 3")
	seen, _ := seenOf("running 5")
	noted := func() *state.Record {
		rec := haveOf("start 3")
		d := Of(want, rec, seen, nil, driftNow)
		return noteUndo(rec, d, driftNow)
	}
	healing := planned(want, noted(), plan.PolicyHeal)
	if got := healing.Changes[0].Fields; len(got) != 1 || got[0] != (plan.Field{Name: "instanceVersion", Before: int64(5), After: int64(3)}) {
		t.Errorf("fields %+v", got)
	}
	if got := healing.Changes[0].Detail; got != "undoes: newer, instanceVersion 3 -> 5, by 100028625403" {
		t.Errorf("detail %q", got)
	}
	suspended := noted()
	suspended.Suspended = &state.Suspension{Actor: "lin"}
	if got := planLines(planned(want, suspended, plan.PolicyHeal)); got[0] != "a hold drift held suspended" {
		t.Errorf("suspended: %q", got)
	}
	for name, g := range map[string]*plan.Guards{
		"maxChanges":       {MaxChanges: 1},
		"maxChangePercent": {MaxChangePercent: 10},
		"windows":          {Windows: []calendar.Window{{Name: "always", Location: time.UTC, To: 24 * time.Hour}}},
	} {
		set, records := spec.NewSet(), state.NewRecords()
		for i := range 10 {
			c, rec := *want, noted()
			c.TaskID = fmt.Sprint(i)
			rec.Key = c.Key
			if i >= 2 {
				rec = plan.WithUndo(rec, nil)
			}
			records.Put(rec)
			set.Put(&spec.File{Name: c.TaskID, Commits: []*spec.Commit{&c}})
		}
		p := g.Check(plan.Diff(plan.Input{Specs: set, Records: records, Policy: plan.PolicyHeal}, driftNow), plan.Facts{}, driftNow)
		if len(callsOf(p)) > 0 || len(p.Holds) != 1 || p.Holds[0].Guard != name {
			t.Errorf("%s: %v, %+v", name, planLines(p), p.Holds)
		}
	}
	g := &plan.Guards{AllowTasks: []string{"b"}}
	if got := planLines(g.Check(planned(want, noted(), plan.PolicyHeal), plan.Facts{}, driftNow)); got[0] != "a hold drift held guard" {
		t.Errorf("not allowed: %q", got)
	}

	depends := spec.Commit{Key: spec.Key{ProjectID: "1", TaskID: "b"}, CommitType: spec.Start, InstanceVersion: 1, DependsOn: []spec.Key{driftKey}}
	set := spec.NewSet()
	set.Put(&spec.File{Name: "a.yaml", Commits: []*spec.Commit{want, &depends}})
	contested := noted()
	contested.Applied.Drift.Heals = []state.Heal{{At: driftNow.Add(-2 * time.Hour)}, {At: driftNow.Add(-time.Hour)}}
	p := plan.Diff(plan.Input{Specs: set, Records: state.NewRecords(contested), Policy: plan.PolicyHeal}, driftNow)
	if got := strings.Join(planLines(p), "; "); got != "a hold drift held contested; b commit new" {
		t.Errorf("a task that depends on it: %q", got)
	}
}

// planLines says what a plan does, a line for each change: action, reason, hold.
func planLines(p *plan.Plan) []string {
	all := []string{}
	for i := range p.Changes {
		c := &p.Changes[i]
		parts := []string{c.Key.TaskID, string(c.Action)}
		if c.Reason != "" {
			parts = append(parts, string(c.Reason))
		}
		if c.Hold != "" {
			parts = append(parts, "held", string(c.Hold))
		}
		all = append(all, strings.Join(parts, " "))
	}
	return all
}
