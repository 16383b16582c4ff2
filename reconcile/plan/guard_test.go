package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// managedTasks returns commits for n tasks t00, t01 ... of which the first changed
// ones are at version 2 and the others at version 1.
func managedTasks(n, changed int) []string {
	commits := make([]string, n)
	for i := range commits {
		version := 1
		if i < changed {
			version = 2
		}
		commits[i] = fmt.Sprintf("taskId: t%02d, commitType: start, instanceVersion: %d", i, version)
	}
	return commits
}

// changing is the plan for n managed tasks of which changed get a new version, and
// added tasks that are new.
func changing(t testing.TB, n, changed, added int) *Plan {
	t.Helper()
	want := managedTasks(n, changed)
	for i := range added {
		want = append(want, fmt.Sprintf("taskId: new%02d, commitType: start, instanceVersion: 1", i))
	}
	p := Diff(Input{Specs: specs(t, want...), Records: adopted(t, managedTasks(n, 0)...)}, noon)
	p.Source.Revision = "2222222222222222222222222222222222222222"
	return p
}

// churn is the plan for n managed tasks of which changed get a new version and removals
// have no spec any more, and for tasks whose specs come back.
func churn(t testing.TB, n, changed, removals, returns int) *Plan {
	t.Helper()
	want := managedTasks(n, changed)[:n-removals]
	records := adopted(t, managedTasks(n, 0)...)
	for i := range returns {
		back := fmt.Sprintf("taskId: back%02d, commitType: start, instanceVersion: 1", i)
		want = append(want, back)
		for key := range adopted(t, back).Keys() {
			records.Put(Removed(adopted(t, back).Get(key), "r1", noon))
		}
	}
	return Diff(Input{Specs: specs(t, want...), Records: records}, noon)
}

func guardNames(p *Plan) string {
	var names []string
	for _, h := range p.Holds {
		names = append(names, h.Guard)
	}
	return strings.Join(names, " ")
}

// TestGuards has each guard of the whole plan, at and around its bound.
func TestGuards(t *testing.T) {
	always := []calendar.Window{{Name: "freeze", To: 24 * time.Hour}}
	tests := []struct {
		name      string
		plan      *Plan
		guards    Guards
		control   state.Control
		rewritten bool
		want      string // the guards that hold it
	}{
		{name: "no guards", plan: changing(t, 100, 100, 0)},
		{name: "maxChanges, at it", plan: changing(t, 100, 5, 0), guards: Guards{MaxChanges: 5}},
		{name: "maxChanges, over it", plan: changing(t, 100, 6, 0), guards: Guards{MaxChanges: 5}, want: "maxChanges"},
		{name: "maxChanges counts new tasks", plan: changing(t, 100, 3, 3), guards: Guards{MaxChanges: 5}, want: "maxChanges"},
		{name: "maxChangePercent, at it", plan: changing(t, 10, 3, 0), guards: Guards{MaxChangePercent: 30}},
		{name: "maxChangePercent, over it", plan: changing(t, 10, 4, 0), guards: Guards{MaxChangePercent: 30}, want: "maxChangePercent"},
		{name: "maxChangePercent of too few", plan: changing(t, 9, 9, 0), guards: Guards{MaxChangePercent: 30}},
		{name: "maxChangePercent, new tasks do not count", plan: changing(t, 10, 3, 50), guards: Guards{MaxChangePercent: 30}},
		{name: "maxChangePercent of a fraction", plan: changing(t, 11, 4, 0), guards: Guards{MaxChangePercent: 36}, want: "maxChangePercent"},
		{name: "a window", plan: changing(t, 10, 1, 0), guards: Guards{Windows: always}, want: "windows"},
		{name: "a window, and nothing to call", plan: changing(t, 10, 0, 0), guards: Guards{Windows: always}},
		{name: "maxChanges counts removals and returns", plan: churn(t, 100, 2, 3, 1), guards: Guards{MaxChanges: 5}, want: "maxChanges"},
		{name: "maxChangePercent counts removals and returns", plan: churn(t, 100, 2, 3, 1), guards: Guards{MaxChangePercent: 5}, want: "maxChangePercent"},
		{name: "most of the tasks are removed", plan: churn(t, 20, 0, 11, 0), guards: Guards{MaxChangePercent: 30}, want: "maxChangePercent"},
		{name: "most of the tasks come back", plan: churn(t, 10, 0, 0, 11), guards: Guards{MaxChangePercent: 30}, want: "maxChangePercent"},
		{name: "few of many come back", plan: churn(t, 10, 0, 0, 3), guards: Guards{MaxChangePercent: 30}},
		{name: "a window, and only removals and returns", plan: churn(t, 20, 0, 3, 3), guards: Guards{Windows: always}},
		{name: "rewritten", plan: changing(t, 10, 1, 0), rewritten: true, want: "rewritten"},
		{name: "rewritten, and nothing to call", plan: changing(t, 10, 0, 0), rewritten: true, want: "rewritten"},
		{name: "rewritten, and something to forget", plan: without(t, "t00"), rewritten: true, want: "rewritten"},
		{name: "restored", plan: changing(t, 10, 1, 0), control: state.Control{Restored: true}, want: "restored"},
		{name: "restored, and nothing to call", plan: changing(t, 10, 0, 0), control: state.Control{Restored: true}},
		{name: "the source is empty", plan: emptied(t, ""), want: "empty"},
		{name: "the source has only a broken spec left", plan: emptied(t, document("taskId: t00, commitType: 9")), want: "empty"},
		{name: "the source cannot be read", plan: emptied(t, "\t{")},
		{name: "the state is new and the source is empty", plan: Diff(Input{Specs: specs(t)}, noon)},
		{
			name: "several", plan: changing(t, 10, 9, 0), rewritten: true, control: state.Control{Restored: true},
			guards: Guards{MaxChanges: 1, MaxChangePercent: 1, Windows: always}, want: "rewritten restored maxChanges maxChangePercent windows",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := bytesOf(t, tt.plan)
			tt.control.Revision = "1111111111111111111111111111111111111111"
			p := tt.guards.Check(tt.plan, Facts{Control: &tt.control, Rewritten: tt.rewritten}, noon)
			if got := guardNames(p); got != tt.want {
				t.Fatalf("held by %q, want %q: %+v", got, tt.want, p.Holds)
			}
			if bytesOf(t, tt.plan) != before {
				t.Error("the plan that was given was changed")
			}
			calls := tt.plan.Count(ActionCommit)
			if tt.want != "" {
				if p.Count(ActionCommit) > 0 || p.Count(ActionHold) != calls {
					t.Errorf("%d calls and %d holds, want 0 and %d", p.Count(ActionCommit), p.Count(ActionHold), calls)
				}
				calls = 0
			}
			if got := p.Count(ActionCommit); got != calls {
				t.Errorf("%d calls, want %d", got, calls)
			}
			if p.Hash != tt.plan.Hash && !tt.rewritten { // to take over a history is an effect of its own
				t.Error("a guard of the whole plan changed the hash: it could not be approved")
			}
		})
	}
}

// without is the plan for ten managed tasks of which one has no spec any more.
func without(t testing.TB, id string) *Plan {
	t.Helper()
	want := slices.DeleteFunc(managedTasks(10, 0), func(c string) bool { return strings.Contains(c, id) })
	return Diff(Input{Specs: specs(t, want...), Records: adopted(t, managedTasks(10, 0)...)}, noon)
}

// emptied is the plan for a source of which nothing but one file is left.
func emptied(t testing.TB, text string) *Plan {
	t.Helper()
	set := spec.NewSet()
	if text != "" {
		set.Put(spec.Parse("tasks.yaml", []byte(text)))
	}
	return Diff(Input{Specs: set, Records: adopted(t, managedTasks(10, 0)...)}, noon)
}

// TestGuardMessages words why a plan is held, with the figures.
func TestGuardMessages(t *testing.T) {
	guards := Guards{
		MaxChanges: 1, MaxChangePercent: 30,
		Windows: []calendar.Window{{Name: "year end", Start: noon.Add(-time.Hour), End: noon.Add(time.Hour)}},
	}
	control := state.Control{Revision: "1111111111111111111111111111111111111111", Restored: true}
	p := guards.Check(changing(t, 10, 9, 0), Facts{Control: &control, Rewritten: true}, noon)
	var got []string
	for _, h := range p.Holds {
		got = append(got, h.Message)
	}
	want := []string{
		"the history was rewritten: 222222222222 does not come after 111111111111, the revision of the last pass; it asks for 9 commits",
		"the state was taken back from an older or damaged one: its plan may repeat commits",
		"9 calls, and guards.maxChanges is 1",
		"9 of 10 managed tasks change, and guards.maxChangePercent is 30",
		`freeze window "year end" until 2026-12-01T13:00:00Z`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if c := p.Changes[0]; c.Hold != HoldGuard || c.Detail != want[0] {
		t.Errorf("a call is held for %s: %s", c.Hold, c.Detail)
	}
	guards = Guards{Windows: guards.Windows}
	if c := guards.Check(changing(t, 10, 1, 0), Facts{}, noon).Changes[0]; c.Hold != HoldWindow || c.Detail != want[4] {
		t.Errorf("in a window a call is held for %s: %s", c.Hold, c.Detail)
	}
}

// TestAllowLists hold the tasks that are outside, and what waits for these; no
// approval goes past them.
func TestAllowLists(t *testing.T) {
	commits := []string{
		"taskId: orders-a, commitType: start, instanceVersion: 1",
		"taskId: orders-b, commitType: submit, instanceVersion: 1",
		"taskId: users-a, commitType: start, instanceVersion: 1",
		`taskId: orders-a, projectId: "2", commitType: start, instanceVersion: 1`,
		"taskId: after, commitType: start, instanceVersion: 1, dependsOn: [users-a]",
		"taskId: last, commitType: start, instanceVersion: 1, dependsOn: [after]",
	}
	tests := []struct {
		name   string
		guards Guards
		held   []string // task: why
	}{
		{"everything", Guards{}, nil},
		{
			"projects",
			Guards{AllowProjects: []string{project}},
			[]string{"2/orders-a: project 2 is not in guards.allowProjects of this daemon's configuration"},
		},
		{
			"tasks",
			Guards{AllowTasks: []string{"orders-*", "after", "last"}},
			[]string{
				project + "/after: waits for " + project + "/users-a",
				project + "/last: waits for " + project + "/after",
				project + "/users-a: task users-a is not in guards.allowTasks of this daemon's configuration",
			},
		},
		{
			"commit types",
			Guards{AllowCommitTypes: []spec.CommitType{spec.Start}},
			[]string{project + "/orders-b: commitType submit is not in guards.allowCommitTypes of this daemon's configuration"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			whole := Diff(Input{Specs: specs(t, commits...)}, noon)
			p := tt.guards.Check(whole, Facts{}, noon)
			var held []string
			for i := range p.Changes {
				if c := &p.Changes[i]; c.Action == ActionHold {
					held = append(held, c.Key.String()+": "+c.Detail)
				}
			}
			if diff := cmp.Diff(tt.held, held); diff != "" {
				t.Errorf("held (-want +got):\n%s", diff)
			}
			if len(p.Holds) > 0 {
				t.Errorf("the whole plan is held: %+v", p.Holds)
			}
			if want := hashOf(p); p.Hash != want {
				t.Error("the hash is not that of the calls that are left")
			}
			control := state.Control{Approvals: []state.Approval{approvalOf(whole, "allowTasks", "allowProjects", "allowCommitTypes"), approvalOf(p, "allowTasks")}}
			again := tt.guards.Check(whole, Facts{Control: &control}, noon)
			if again.Count(ActionHold) != len(tt.held) {
				t.Errorf("an approval let %d go that are outside", len(tt.held)-again.Count(ActionHold))
			}
		})
	}
}

// approvalOf is what lin has approved of a plan, past the guards.
func approvalOf(p *Plan, guards ...string) state.Approval {
	a := state.Approval{PlanHash: p.Hash, Actor: "lin", At: noon, Expires: noon.Add(time.Hour), Guards: guards}
	for c := range p.effects() {
		a.Calls = append(a.Calls, c.Effect())
	}
	return a
}

// TestApprovals has who gets past a guard, and who does not.
func TestApprovals(t *testing.T) {
	guards := Guards{MaxChanges: 2}
	p := changing(t, 10, 5, 0)
	given := func(change func(*state.Approval)) state.Approval {
		a := approvalOf(p, "maxChanges")
		change(&a)
		return a
	}
	part := given(func(a *state.Approval) { a.Calls = a.Calls[:4] })
	tests := []struct {
		name     string
		approval state.Approval
		plan     *Plan
		want     bool
	}{
		{"the plan", given(func(*state.Approval) {}), p, true},
		{"what is left of it", given(func(*state.Approval) {}), changing(t, 10, 3, 0), true},
		{"another guard", approvalOf(p, "windows", "maxChangePercent"), p, false},
		{"no guard", approvalOf(p), p, false},
		{"more than is left of it", part, p, false},
		{"the same hash, and another plan", given(func(a *state.Approval) { a.Calls = a.Calls[1:] }), p, false},
		{"its hash alone", given(func(a *state.Approval) { a.Calls = nil }), p, false},
		{"until now", given(func(a *state.Approval) { a.Expires = noon }), p, false},
		{"until a moment later", given(func(a *state.Approval) { a.Expires = noon.Add(1) }), p, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			control := state.Control{Approvals: []state.Approval{tt.approval}}
			got := guards.Check(tt.plan, Facts{Control: &control}, noon)
			if (len(got.Holds) == 0) != tt.want {
				t.Fatalf("passes: %v, want %v", !tt.want, tt.want)
			}
			if want := map[bool]string{true: "lin"}[tt.want]; got.Approved != want {
				t.Errorf("approved by %q, want %q", got.Approved, want)
			}
		})
	}
	t.Run("nobody had to", func(t *testing.T) {
		control := state.Control{Approvals: []state.Approval{approvalOf(p, "maxChanges")}}
		if got := new(Guards).Check(p, Facts{Control: &control}, noon); got.Approved != "" {
			t.Errorf("approved by %q", got.Approved)
		}
	})
	t.Run("another window", func(t *testing.T) {
		begun := Guards{MaxChanges: 2, Windows: []calendar.Window{{Name: "release day", Start: noon, End: noon.Add(time.Hour)}}}
		control := state.Control{Approvals: []state.Approval{approvalOf(p, "maxChanges", guardKey(guardWindows, "sunday"))}}
		got := begun.Check(p, Facts{Control: &control}, noon)
		if len(got.Holds) != 1 || got.Holds[0].Guard != guardWindows || got.Approved != "" {
			t.Errorf("held by %+v, approved by %q; want the window that began later", got.Holds, got.Approved)
		}
	})
}
