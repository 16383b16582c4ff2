package serve_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// long asks for the tests that take a while.
var long = flag.Bool("long", false, "run the tests with 100,000 tasks in a state, too")

// manyTasks is how many tasks a daemon may have.
const manyTasks = 100_000

// large is a server of a daemon with many tasks to send, of which none is in the state.
func large(t testing.TB) (*serve.Server, *servetest.Daemon) {
	p := servetest.EmptyPlan()
	servetest.Calls(p, manyTasks)
	for i := range p.Changes { // one task a file, and all but the first depend on that
		want := p.Changes[i].Want
		want.Name, want.Pos.File = fmt.Sprintf("orders to warehouse %d", i), fmt.Sprintf("tasks/%06d.yaml", i)
		if i > 0 {
			want.DependsOn = []spec.Key{servetest.Key(0)}
		}
		p.Wanted = append(p.Wanted, want)
	}
	status := servetest.Healthy(p, time.Now())
	for len(status.Control.Releases) < state.MaxReleases {
		status.Control.Releases = append(status.Control.Releases, servetest.Releases(time.Now())...)
	}
	d := servetest.NewDaemon(t, status)
	s := d.Serve(t)
	s.Observer().Planned(p)
	for i := range 200 {
		c := &p.Changes[i]
		s.Observer().Called(c, &state.Record{Key: c.Key, Status: state.StatusApplied}, state.Outcome{Class: state.ClassApplied, RequestID: "eac6b301-a322-493a-8e36-83b295459397"})
	}
	return s, d
}

// TestPagesOfManyTasksAreSmall: 500 KB is the bound for each.
func TestPagesOfManyTasksAreSmall(t *testing.T) {
	t.Parallel()
	s, _ := large(t)
	for _, path := range largePaths() {
		body := servetest.Page(t, s, path)
		t.Logf("%s: %d bytes", path, len(body))
		if len(body) > 500<<10 {
			t.Errorf("%s has %d bytes", path, len(body))
		}
	}
	if got := servetest.Live(t, servetest.Page(t, s, "/tasks?q=99999"), "tasks"); !strings.HasPrefix(got, "1 to 1 of 1") {
		t.Errorf("the search finds %.60s", got)
	}
	if got := servetest.Live(t, servetest.Page(t, s, "/tasks?page=1000"), "tasks"); !strings.HasPrefix(got, "99,901 to 100,000 of 100,000") {
		t.Errorf("the last page has %.60s", got)
	}
}

func largePaths() []string {
	return []string{
		"/", "/tasks", "/tasks?page=1000", "/tasks?q=4242", "/tasks?standing=to-send", "/tasks?standing=in-sync&q=no-such-task",
		"/files", "/files?page=2000", "/files?q=4242", "/releases", "/task/" + servetest.Key(0).String(), "/api/v1/status", "/readyz", "/metrics",
	}
}

// BenchmarkManyTasks is how long an answer takes with 100,000 tasks: 200 ms is the
// bound for what a person waits for.
func BenchmarkManyTasks(b *testing.B) {
	s, _ := large(b)
	for _, path := range largePaths() {
		b.Run(strings.ReplaceAll(path, "/", ":"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				servetest.Page(b, s, path)
			}
		})
	}
}

// TestManyTasksInTheState times the first look and the looks that follow.
func TestManyTasksInTheState(t *testing.T) {
	if !*long {
		t.Skip("it writes 100,000 tasks: run it with -long")
	}
	now := time.Now()
	var known []state.Transition
	for i := range manyTasks {
		known = append(known, servetest.Saved(&state.Record{Key: servetest.Key(i), Status: state.StatusApplied, Applied: servetest.Applied(now)}, state.Event{At: now, Kind: state.EventAdopted}))
	}
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), now), known...).Serve(t)
	for i, path := range []string{"/tasks", "/tasks", "/", "/tasks?q=77777", "/tasks?page=1000", "/task/" + servetest.Key(5).String(), "/history"} {
		begun := time.Now()
		body := servetest.Page(t, s, path)
		took := time.Since(begun)
		t.Logf("%s: %v, %d bytes", path, took, len(body))
		if i > 0 && took > 200*time.Millisecond {
			t.Errorf("%s took %v", path, took)
		}
	}
}

// BenchmarkObserver is what a call costs the reconciler.
func BenchmarkObserver(b *testing.B) {
	s, d := large(b)
	o := s.Observer()
	for i := 0; b.Loop(); i++ {
		c := &d.Status.Plan.Changes[i%manyTasks]
		o.Called(c, &state.Record{Key: c.Key, Status: state.StatusApplied}, state.Outcome{Class: state.ClassApplied})
	}
}

// BenchmarkReadiness is what a probe costs when there is a new plan each time.
func BenchmarkReadiness(b *testing.B) {
	_, d := large(b)
	status := d.Status
	status.Plan.Holds = []plan.GuardHold{{Guard: "maxChanges", Message: fmt.Sprint(manyTasks)}}
	for b.Loop() {
		snapshot.Readiness(status, time.Now(), servetest.Interval)
	}
}
