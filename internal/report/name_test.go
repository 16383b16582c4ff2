package report

import (
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// A plan names a task as people do, and then by its id, also one whose spec is missing.
func TestPlanShowsNames(t *testing.T) {
	key := spec.Key{ProjectID: "1", TaskID: "t1"}
	named := plan.Change{Key: key, Action: plan.ActionCommit, Want: &spec.Commit{Key: key, Name: "orders *to* warehouse"}}
	gone := plan.Change{Key: key, Action: plan.ActionForget, Have: &state.Record{Key: key, Applied: &state.Applied{Name: "the old one"}}}
	for name, c := range map[string]*plan.Change{"orders *to* warehouse": &named, "the old one": &gone} {
		if got := newJSONChange(c, false).Name; got != name {
			t.Errorf("in JSON it is called %q, want %q", got, name)
		}
		if got := newRow(c, "1", true).task; !strings.HasPrefix(got, name+" (") {
			t.Errorf("in text it is %q, want %q in it", got, name)
		}
		if got := new(page).task(c); !strings.HasPrefix(got, "`"+name+"`<br>") {
			t.Errorf("in markdown it is %q, want %q in it", got, name)
		}
	}
}
