package browser_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// TestHealthIsShown follows a release until its jobs are healthy, or are not: on the page of a
// task is why, with a chart, and what depends on it waits.
func TestHealthIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled(1)
	for n, life := range map[int]wedatasim.Life{1: {RestartEvery: 4}, 2: {Lag: 340}, 3: {Lag: 900, CatchUp: 12}} {
		w.sim.Edit(project, taskID(n), func(t *wedatasim.Task) { t.Life = &life })
	}
	err := w.sim.SetBehavior(wedatasim.Behavior{Approvals: wedatasim.Approvals{Tasks: []string{taskID(4)}}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: wedatasync/v1\ndefaults:\n  projectId: %q\n  commitType: start\n  wait: {status: running, lag: 60s, restarts: 1, for: 10s, timeout: 40s}\ncommits:\n", project)
	for n := 1; n <= 4; n++ {
		fmt.Fprintf(&b, "  - {taskId: %s, name: %s, instanceVersion: 1}\n", taskID(n), taskName(n))
		fmt.Fprintf(&b, "  - {taskId: %s, name: %s, instanceVersion: 1, dependsOn: [%s]}\n", taskID(10+n), taskName(10+n), taskID(n))
	}
	w.write("tasks/healthy.yaml", b.String())
	w.push("Release four streams and what depends on them")
	w.eventually("an approval is asked for", func() bool { return len(w.sim.Approvals()) == 1 })
	if err := w.sim.EndApproval(w.sim.Approvals()[0].ID, wedatasim.ApprovalRejected, locker, "not before the holidays"); err != nil {
		t.Fatal(err)
	}

	task := func(n int) string { return "/task/" + project + "/" + taskID(n) }
	p := w.open(task(1))
	p.shows("is not healthy: restarted", "wait allows 1", "Lag and restarts since the commit")
	p.picture("task-restarts", 900)
	p.visit(task(2))
	p.shows("is not healthy: its lag is 5m40s; wait asks for less than 1m", "Lag and restarts since the commit")
	p.picture("task-lag", 900)
	p.visit(task(3))
	p.shows("in sync", "Lag and restarts since the commit")
	p.picture("task-healthy", 900)
	p.visit(task(4))
	p.shows("refused", "was rejected by user "+locker, "not before the holidays")
	p.picture("task-rejected", 900)

	w.sim.Edit(project, taskID(0), func(t *wedatasim.Task) { t.NoSavepoint = true })
	w.spec("tasks/orders.yaml", 0, 2)
	w.push("Raise a stream without a savepoint")
	p.visit(task(0))
	p.shows("WeData has no savepoint of the task", "Next: take a savepoint in WeData")
	p.picture("task-no-savepoint", 900)
	for _, n := range []int{11, 12, 14} {
		if sent := w.sim.Applied(project, taskID(n)); len(sent) > 0 {
			t.Errorf("%s depends on what is not healthy, and was sent %s", taskName(n), sent[0].At.Format(time.RFC3339))
		}
	}
}
