package browser_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// TestFirstStart looks at the daemon while it clones a repository for the first time:
// nothing is known yet, and nobody is needed.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.spec("tasks/orders.yaml", 0, ones(6)...)
	w.push("Add the streams")
	w.start()
	p := w.open("/")
	p.shows("Starting", "for the first time", "Nothing is known yet", source, "not yet")
	p.picture("status-start", 430)
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ready", "/metrics": "wedatasync_ready 1", "/api/v1/status": `"ready":true`,
		"/tasks": "Nothing is known yet", "/history": "Nothing yet",
	} {
		if got := w.get(path); !strings.Contains(got, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, got)
		}
	}
	w.answerGit()
	p.shows("In sync", "6 in sync", "Add the streams")
}

// TestPassIsSeenProgressing follows a pass on the page, which is never loaded again.
func TestPassIsSeenProgressing(t *testing.T) {
	t.Parallel()
	n := 40
	if *long {
		n = 200
	}
	w := newWorld(t)
	w.settled(1)
	p := w.open("/")
	p.shows("In sync")
	eval[bool](p, `window.same = true`)
	w.spec("tasks/many.yaml", 1000, ones(n)...)
	w.push("Release all of them")

	var seen []int
	taken := false
	p.until("several steps, and then In sync", func(text string) bool {
		done := eval[int](p, `document.querySelector("progress")?.value ?? -1`)
		if done >= 0 && !slices.Contains(seen, done) {
			seen = append(seen, done)
			if done >= n/2 && !taken {
				p.picture("status-pass", 760)
				taken = true
			}
		}
		return done < 0 && len(seen) > 0 && strings.Contains(text, "In sync")
	})
	if len(seen) < 2 || !slices.IsSorted(seen) {
		t.Errorf("the progress of %d commits was seen at %v", n, seen)
	}
	t.Logf("the progress was seen at %v", seen)
	if !eval[bool](p, `window.same === true`) {
		t.Error("the page was loaded again")
	}
}

// ones are n versions that are 1.
func ones(n int) []int { return slices.Repeat([]int{1}, n) }

// TestLockIsShownWithItsHolder: who has the task open, and that it ends by itself.
func TestLockIsShownWithItsHolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled(6)
	w.sim.Lock(project, taskID(2), locker)
	p := w.open("/")
	w.spec("tasks/orders.yaml", 0, 1, 2, 2, 1, 1, 1)
	w.push("Move orders to the new sink")
	p.shows("1 task waits", "locked by "+locker, "next try in")
	p.picture("status-lock", 620)
	w.sim.Lock(project, taskID(2), "")
	w.sh("wedatasync retry " + taskID(2))
	p.shows("In sync")
}

// TestUnknownIsResolvedAtTheCommandLine: the answer was lost and nobody may read, so a
// person says what has happened.
func TestUnknownIsResolvedAtTheCommandLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled(6)
	w.sim.Inject(wedatasim.Fault{Action: "DescribeIntegrationTask", Code: "UnauthorizedOperation", Message: "no permission to read"})
	w.sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", Times: 1, Answer: wedatasim.ReplyDrop})
	p := w.open("/")
	w.spec("tasks/orders.yaml", 0, 1, 1, 2, 1, 1, 1)
	w.push("Move orders to the new sink")
	p.shows("Action required", "check the task in WeData")
	p.picture("status-unknown", 640)
	commands := p.commands()
	if len(commands) != 2 {
		t.Fatalf("the page tells to type %q", commands)
	}
	w.sh(commands[0])
	p.shows("In sync")
	if got := len(w.sim.Applied(project, taskID(2))); got != 2 {
		t.Errorf("the task was committed %d times, want 2", got)
	}
}

// TestGuardIsApprovedAsThePageSays types the very text that the page shows.
func TestGuardIsApprovedAsThePageSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write("../wedatasync.yaml", "guards: {maxChanges: 6}\n")
	w.settled(6)
	p := w.open("/")
	w.spec("tasks/orders.yaml", 0, 2, 2, 2, 2, 2, 2, 1)
	w.push("Move everything to the new cluster")
	p.shows("Action required", "maxChanges", "wedatasync approve sha256:")
	p.picture("status-guard", 700)
	commands := p.commands()
	if len(commands) == 0 {
		t.Fatal("the page does not tell what to type")
	}
	w.sh(commands[0] + " --as grace")
	p.shows("In sync")
	p.visit("/history")
	p.shows("grace", "approve")
}

// TestBrokenRevisionIsShownWithItsPlace: one file cannot be used, the other goes on.
func TestBrokenRevisionIsShownWithItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled(6)
	p := w.open("/")
	w.spec("tasks/users.yaml", 10, 1, 1)
	w.write("tasks/clicks.yaml", "apiVersion: wedatasync/v1\ncommits:\n  - taskId: clicks\n    projectId: \"1\"\n    commitType: restart-discard-state\n    instanceVersion: 4\n")
	w.push("Add users and clicks")
	p.shows("Action required", "degraded", "tasks/clicks.yaml:3:5", "discardState", "8 in sync", "2 commits")
	p.picture("status-broken", 640)
	w.sh("rm streams/tasks/clicks.yaml")
	w.push("Take clicks out again")
	p.shows("In sync")
}
