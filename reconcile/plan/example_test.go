package plan_test

import (
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// The specs say what should be, the records what was applied. A plan says what has to
// be done for the one to become the other, and why.
func ExampleDiff() {
	specs := spec.NewSet()
	specs.Put(spec.Parse("tasks/orders.yaml", []byte(`
apiVersion: wedatasync/v1
defaults: {projectId: "1"}
commits:
  - {taskId: orders, commitType: pause-resume, instanceVersion: 4}
  - {taskId: users, commitType: start, instanceVersion: 2, versionDesc: a better word}
  - {taskId: report, commitType: submit, instanceVersion: 1, dependsOn: [orders]}
`)))

	now := time.Now()
	records := state.NewRecords()
	for _, applied := range []spec.Commit{
		{Key: spec.Key{ProjectID: "1", TaskID: "orders"}, CommitType: spec.Start, InstanceVersion: 3},
		{Key: spec.Key{ProjectID: "1", TaskID: "users"}, CommitType: spec.Start, InstanceVersion: 2},
		{Key: spec.Key{ProjectID: "1", TaskID: "old"}, CommitType: spec.Start, InstanceVersion: 9},
	} {
		records.Put(plan.Adopt(nil, &applied, "", now).Record)
	}

	p := plan.Diff(plan.Input{Specs: specs, Records: records}, now)
	for _, c := range p.Changes {
		fmt.Printf("%s %s %q\n", c.Key, c.Action, c.Reason)
	}

	// Two calls are one too many for this daemon: a person has to look.
	guards := plan.Guards{MaxChanges: 1}
	held := guards.Check(p, plan.Facts{}, now)
	fmt.Println("held:", held.Holds[0].Message)

	// Output:
	// 1/old forget ""
	// 1/orders commit "version"
	// 1/report commit "new"
	// 1/users unversioned ""
	// held: 2 calls, 1 removal, and guards.maxChanges is 1
}
