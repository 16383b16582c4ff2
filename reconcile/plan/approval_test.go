package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestLeftOf has what becomes of an approval for a call, a removal and a return.
func TestLeftOf(t *testing.T) {
	p := churn(t, 20, 1, 1, 1)
	a := approvalOf(p, "maxChanges")
	left := func(keep ...Action) *Plan {
		q := &Plan{}
		for c := range p.effects() {
			for _, action := range keep {
				if c.Action == action {
					q.Changes = append(q.Changes, *c)
				}
			}
		}
		return q
	}
	unknown := left(ActionCommit)
	unknown.Changes[0].Action, unknown.Changes[0].Hold = ActionHold, HoldUnknown
	locked := left(ActionCommit, ActionForget, ActionReturn)
	for i := range locked.Changes {
		if c := &locked.Changes[i]; c.Action == ActionCommit {
			c.Action, c.Hold = ActionHold, HoldLocked
		}
	}
	call := func() []spec.Digest {
		for c := range p.Calls() {
			return []spec.Digest{c.Effect()}
		}
		return nil
	}()
	tests := []struct {
		name  string
		spent []spec.Digest
		left  *Plan
		now   time.Time
		calls int    // left of it
		says  string // in the history, when it is over
	}{
		{name: "nothing was done", left: locked, now: noon, calls: 3},
		{name: "the call was made", spent: call, left: left(ActionForget, ActionReturn), now: noon, calls: 2},
		{name: "the call was made, and is asked for again", spent: call, left: locked, now: noon, calls: 2},
		{name: "all was done", spent: a.Calls, left: left(), now: noon, says: "past maxChanges is used up; it approved 3 change"},
		{name: "what came of the call is not known", left: unknown, now: noon, says: "nothing of the plan is requested any more; it approved 0 changes"},
		{name: "the rest is not asked for", spent: call, left: left(), now: noon, says: "the rest of the plan is no longer requested; it approved 1 change"},
		{name: "24 hours are over", left: locked, now: a.Expires, says: "has ended after 24 h; it approved 0 changes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next, ended := leftOf([]state.Approval{a}, tt.spent, tt.left, tt.now)
			if tt.says == "" {
				if len(next) != 1 || len(next[0].Calls) != tt.calls || next[0].Used != len(tt.spent) || len(ended) > 0 {
					t.Errorf("left: %+v, ended: %+v", next, ended)
				}
				return
			}
			if len(next) > 0 || len(ended) != 1 || !strings.Contains(ended[0].Note, tt.says) || ended[0].PlanHash != p.Hash || ended[0].Actor != "lin" {
				t.Errorf("left: %+v, ended: %+v", next, ended)
			}
		})
	}
}

// TestRecalled has a spec that comes back to a task of which an earlier version kept the
// request alone, or not even that.
func TestRecalled(t *testing.T) {
	const was = "taskId: a, commitType: restart-discard-state, instanceVersion: 5, discardState: 5"
	record := func(request spec.Digest) *state.Record {
		return &state.Record{
			Key: task("a"), Status: state.StatusApplied, Removed: &state.Removal{At: noon},
			Applied: &state.Applied{Origin: state.OriginHistory, At: noon.Add(-time.Hour), Revision: "r1", RequestID: "7", Request: request},
		}
	}
	request := specs(t, was).Get(task("a")).Request()
	tests := []struct {
		name, text string
		request    spec.Digest
		want       string
	}{
		{"the same request", was, request, "return"},
		{"another version", "taskId: a, commitType: resume, instanceVersion: 6", request, "hold recalled"},
		{"another description", was + ", versionDesc: x", request, "hold recalled"},
		{"a request that is not known", was, spec.Digest{}, "hold recalled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, rec := specs(t, tt.text), record(tt.request)
			p := Diff(Input{Specs: set, Records: state.NewRecords(rec)}, noon)
			c := &p.Changes[0]
			if got := strings.TrimSpace(string(c.Action) + " " + string(c.Hold)); got != tt.want {
				t.Fatalf("%s, want %s", got, tt.want)
			}
			if c.Action == ActionReturn {
				next := Returned(rec, c.Want)
				if next.Applied.InstanceVersion != 5 || next.Applied.RequestID != "7" || !next.Applied.At.Equal(rec.Applied.At) || !SpentDiscard(c.Want, next.Applied) {
					t.Errorf("%+v", next.Applied)
				}
				if again := Diff(Input{Specs: set, Records: state.NewRecords(next)}, noon); len(again.Changes) > 0 {
					t.Errorf("left: %s", lines(again))
				}
				return
			}
			tr, answer := Retry(c.Key, rec, noon)
			if !answer.OK || tr.Forget == nil {
				t.Errorf("retry: %+v, %+v", tr, answer)
			}
		})
	}
}
