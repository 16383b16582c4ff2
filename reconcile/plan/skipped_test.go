package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestSkipped counts every task once: as unchanged, as a change, or as one that has no usable
// spec, with the error that makes it so.
func TestSkipped(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	parse := func(name, text string) *spec.File { return spec.Parse(name, []byte(text)) }
	const head = "apiVersion: wedatasync/v1\ndefaults: {projectId: p, commitType: start}\ncommits:\n"
	specs := spec.NewSet()
	specs.Put(parse("a.yaml", head+"- {taskId: good, instanceVersion: 1}\n- {taskId: broken, commitTyp: 1}\n- {taskId: new-and-broken, commitTyp: 1}\n"))
	records := state.NewRecords()
	for _, id := range []string{"good", "broken", "suspended", "gone"} {
		rec := &state.Record{Key: spec.Key{ProjectID: "p", TaskID: id}, Status: state.StatusApplied, Applied: &state.Applied{CommitType: spec.Start, InstanceVersion: 1}}
		if c := specs.Get(rec.Key); c != nil {
			*rec.Applied = plan.AppliedOf(c, "r1")
		}
		if id == "suspended" {
			rec.Suspended = &state.Suspension{Actor: "lin", Reason: "r", At: now}
		}
		records.Put(rec)
	}
	skipped := func(keys []spec.Key) []string {
		p := plan.Diff(plan.Input{Specs: specs, Records: records, Keys: keys}, now)
		lines := []string{fmt.Sprintf("%d unchanged, %d changes", p.Unchanged, len(p.Changes))}
		for _, s := range p.Skipped {
			lines = append(lines, fmt.Sprintf("%s %s:%d", s.Key.TaskID, s.Problem.File, s.Problem.Line))
		}
		return lines
	}
	all := slices.Collect(records.Keys())
	for _, keys := range [][]spec.Key{nil, all} {
		want := []string{"1 unchanged, 1 changes", "broken a.yaml:5", "new-and-broken a.yaml:6", "suspended :0"}
		if diff := cmp.Diff(want, skipped(keys)); diff != "" {
			t.Errorf("looking at %d tasks (-want +got):\n%s", len(keys), diff)
		}
	}
	specs.Put(parse("b.yaml", "apiVersion: ["))
	want := []string{"1 unchanged, 0 changes", "broken a.yaml:5", "gone b.yaml:1", "new-and-broken a.yaml:6", "suspended b.yaml:1"}
	if diff := cmp.Diff(want, skipped(nil)); diff != "" {
		t.Errorf("beside a file that cannot be read (-want +got):\n%s", diff)
	}
}
