package plan

import (
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// FuzzDiff takes two spec files, one that was applied and one that is to be. Whatever
// they say, the plan is the same each time, calls only for usable specs, and leaves
// nothing to do once it is carried out.
func FuzzDiff(f *testing.F) {
	f.Add(document("taskId: a, commitType: 1, instanceVersion: 1"), document("taskId: a, commitType: 2, instanceVersion: 2, discardState: 2"))
	f.Add(document("taskId: a, commitType: 0", "taskId: b, commitType: 1, dependsOn: [a]"), document("taskId: b, commitType: 3, extConfig: {k: v}"))
	f.Add(document("taskId: a, commitType: 1, rerun: x"), "\t{")
	f.Fuzz(func(t *testing.T, before, after string) {
		records := state.NewRecords()
		had := spec.NewSet()
		had.Put(spec.Parse("tasks.yaml", []byte(before)))
		for c := range had.All() {
			records.Put(Adopt(nil, c, "r0", noon.Add(-time.Hour)).Record)
		}
		in := Input{Specs: spec.NewSet(), Records: records}
		in.Specs.Put(spec.Parse("tasks.yaml", []byte(after)))

		p := Diff(in, noon)
		if again := Diff(in, noon); bytesOf(t, p) != bytesOf(t, again) {
			t.Fatal("two plans for the same")
		}
		for c := range p.Calls() {
			if in.Specs.Get(c.Key) == nil {
				t.Fatalf("a call without a spec: %s", line(c))
			}
		}
		in.Records = apply(p, records)
		done := Diff(in, noon)
		for i := range done.Changes {
			c := &done.Changes[i]
			if c.Action == ActionCommit || c.Action == ActionForget {
				t.Fatalf("left: %s", line(c))
			}
		}
	})
}
