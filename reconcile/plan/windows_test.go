package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/state"
)

// TestGuards_Windows: windows forbid, or allow, the commits of all tasks or of some. At
// noon, on a Tuesday.
func TestGuards_Windows(t *testing.T) {
	const h = time.Hour
	commits := []string{
		"taskId: orders-a, commitType: start, instanceVersion: 1",
		"taskId: users-a, commitType: start, instanceVersion: 1",
		"taskId: users-b, commitType: start, instanceVersion: 1, dependsOn: [orders-a]",
		`taskId: orders-a, projectId: "2", commitType: start, instanceVersion: 1`,
	}
	mondays := []time.Weekday{time.Monday}
	const (
		ordersA, usersB, elsewhere = project + "/orders-a", project + "/users-b", "2/orders-a"
		lunch                      = `freeze window "lunch" until 2026-12-01T13:00:00Z`
	)
	tests := []struct {
		name    string
		windows []calendar.Window
		plan    []string          // why the whole plan is held
		held    map[string]string // why single tasks are
	}{
		{name: "a freeze", windows: []calendar.Window{{Name: "lunch", From: 12 * h, To: 13 * h}}, plan: []string{lunch}},
		{name: "a freeze at another time", windows: []calendar.Window{{Name: "tea", From: 16 * h, To: 17 * h}}},
		{name: "a freeze that never ends", windows: []calendar.Window{{Name: "for good", To: 24 * h}}, plan: []string{`freeze window "for good" until the configuration changes`}},
		{
			name: "a freeze of some tasks, and what depends on them", windows: []calendar.Window{{Name: "lunch", From: 12 * h, To: 13 * h, Tasks: []string{"orders-*"}}},
			held: map[string]string{ordersA: lunch, elsewhere: lunch, usersB: "waits for " + ordersA},
		},
		{
			name: "a freeze of tasks of one project", windows: []calendar.Window{{Name: "lunch", From: 12 * h, To: 13 * h, Tasks: []string{"orders-*"}, Projects: []string{"2"}}},
			held: map[string]string{elsewhere: lunch},
		},
		{
			name: "a freeze of no task of the plan", windows: []calendar.Window{{Name: "lunch", From: 12 * h, To: 13 * h, Tasks: []string{"orders"}}},
		},
		{
			name: "freezes of all tasks, one by one", windows: []calendar.Window{
				{Name: "lunch", From: 12 * h, To: 13 * h, Tasks: []string{"orders-*"}},
				{Name: "users", From: 11 * h, To: 15 * h, Tasks: []string{"users-*"}},
			},
			plan: []string{lunch, `freeze window "users" until 2026-12-01T15:00:00Z`},
		},
		{name: "inside of what is allowed", windows: []calendar.Window{{Name: "noon", Allow: true, From: 12 * h, To: 13 * h}}},
		{
			name: "outside of what is allowed", windows: []calendar.Window{{Name: "mondays", Allow: true, Days: mondays, To: 24 * h}},
			plan: []string{`outside of the allow window "mondays" until 2026-12-07T00:00:00Z`},
		},
		{
			name: "inside of one of those", windows: []calendar.Window{
				{Name: "mondays", Allow: true, Days: mondays, To: 24 * h},
				{Name: "noon", Allow: true, From: 12 * h, To: 13 * h},
			},
		},
		{
			name: "outside of all, with one that is over", windows: []calendar.Window{
				{Name: "mondays", Allow: true, Days: mondays, To: 24 * h},
				{Name: "evening", Allow: true, From: 18 * h, To: 19 * h},
				{Name: "once", Allow: true, Start: noon.Add(-2 * h), End: noon},
			},
			plan: []string{`outside of the allow windows "mondays", "evening", "once" until 2026-12-01T18:00:00Z`},
		},
		{
			name: "outside of one that was once", windows: []calendar.Window{{Name: "once", Allow: true, Start: noon.Add(-2 * h), End: noon}},
			plan: []string{`outside of the allow window "once" until the configuration changes`},
		},
		{
			name: "what is allowed to some does not bind the others", windows: []calendar.Window{{Name: "mondays", Allow: true, Days: mondays, To: 24 * h, Projects: []string{"2"}}},
			held: map[string]string{elsewhere: `outside of the allow window "mondays" until 2026-12-07T00:00:00Z`},
		},
		{
			name: "a freeze goes over what is allowed", windows: []calendar.Window{
				{Name: "noon", Allow: true, From: 12 * h, To: 13 * h},
				{Name: "lunch", From: 12 * h, To: 13 * h},
			},
			plan: []string{lunch},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			whole := Diff(Input{Specs: specs(t, commits...)}, noon)
			guards := Guards{Windows: tt.windows}
			p := guards.Check(whole, Facts{}, noon)
			var plan []string
			for _, hold := range p.Holds {
				plan = append(plan, hold.Message)
			}
			if diff := cmp.Diff(tt.plan, plan); diff != "" {
				t.Errorf("the plan is held (-want +got):\n%s", diff)
			}
			if plan != nil {
				if p.Count(ActionCommit) > 0 || p.Hash != whole.Hash {
					t.Errorf("%d calls are left, hash %s", p.Count(ActionCommit), p.Hash)
				}
				approval := approvalOf(whole)
				for _, hold := range p.Holds {
					approval.Guards = append(approval.Guards, hold.key())
				}
				control := state.Control{Approvals: []state.Approval{approval}}
				if p := guards.Check(whole, Facts{Control: &control}, noon); p.Count(ActionCommit) != len(commits) {
					t.Errorf("an approval lets %d calls go", p.Count(ActionCommit))
				}
				return
			}
			var held map[string]string
			for i := range p.Changes {
				if c := &p.Changes[i]; c.Action == ActionHold {
					if held == nil {
						held = map[string]string{}
					}
					held[c.Key.String()] = c.Detail
				}
			}
			if diff := cmp.Diff(tt.held, held); diff != "" {
				t.Errorf("held (-want +got):\n%s", diff)
			}
			if want := hashOf(p); p.Hash != want {
				t.Error("the hash is not that of the calls that are left")
			}
		})
	}
}

// TestNextTurn_WallClock: what is waited for is a time of the clock on the wall, so that it
// is met after that was set, or has gone on while the machine slept.
func TestNextTurn_WallClock(t *testing.T) {
	now := time.Now()
	g := &Guards{Windows: []calendar.Window{{Name: "once", Start: now.Add(time.Hour), End: now.Add(2 * time.Hour)}}}
	got := NextTurn(g, &state.Control{Suspended: &state.Suspension{Until: now.Add(3 * time.Hour)}}, func(func(*state.Record) bool) {}, now)
	if want := now.Add(time.Hour).Round(0); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
