package page_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestHeadline: what a person sees first.
func TestHeadline(t *testing.T) {
	t.Parallel()
	now := time.Now()
	with := func(change func(*reconcile.Status)) reconcile.Status {
		s := servetest.Healthy(servetest.EmptyPlan(), now)
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name   string
		status reconcile.Status
		want   string
	}{
		{"before the first plan", reconcile.Status{}, "Starting"},
		{"all is well", servetest.Healthy(servetest.EmptyPlan(), now), "In sync"},
		{"a change without a version", with(func(s *reconcile.Status) {
			s.Plan.Changes = []plan.Change{{Key: servetest.Key(1), Action: plan.ActionUnversioned, Want: servetest.Commit(servetest.Key(1))}}
		}), "In sync"},
		{"one lock", with(func(s *reconcile.Status) { servetest.Held(s.Plan, servetest.Key(1), plan.HoldLocked, nil) }), "1 task waits"},
		{"two locks", with(func(s *reconcile.Status) {
			servetest.Held(s.Plan, servetest.Key(1), plan.HoldLocked, nil)
			servetest.Held(s.Plan, servetest.Key(2), plan.HoldLocked, nil)
		}), "2 tasks wait"},
		{"a refusal", with(func(s *reconcile.Status) { servetest.Held(s.Plan, servetest.Key(1), plan.HoldRefused, nil) }), "Action required"},
		{"a guard", with(func(s *reconcile.Status) { s.Plan.Holds = []plan.GuardHold{{Guard: "empty"}} }), "Action required"},
		{"a pause of the network", with(func(s *reconcile.Status) {
			s.Control.Pauses = []state.Pause{{Code: "Timeout", Until: now.Add(time.Minute)}}
		}), "Paused"},
		{"everything suspended", with(func(s *reconcile.Status) { s.Control.Suspended = &state.Suspension{Reason: "x", Actor: "y"} }), "Suspended"},
		{"calls that are planned", with(func(s *reconcile.Status) { servetest.Calls(s.Plan, 3) }), "Working"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := servetest.Page(t, servetest.NewDaemon(t, tt.status).Serve(t), "/")
			if got := servetest.Texts(t, body, "h1"); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("headline %q, want %q", got, tt.want)
			}
		})
	}
}

// TestProgressOfAPass follows a pass of 40 calls on the page.
func TestProgressOfAPass(t *testing.T) {
	p := servetest.EmptyPlan()
	servetest.Calls(p, 40)
	d := servetest.NewDaemon(t, servetest.Healthy(p, time.Now()))
	s := d.Serve(t)
	o := s.Observer()
	o.Planned(p)
	for i := range 10 {
		c := &p.Changes[i]
		next, out := &state.Record{Key: c.Key, Status: state.StatusApplied, Applied: servetest.Applied(time.Now())}, state.Outcome{Class: state.ClassApplied, RequestID: fmt.Sprintf("request-%d", i)}
		switch i {
		case 8:
			out = state.Outcome{Class: state.ClassWaiting, Code: "UnsupportedOperation", Message: "locked", Locker: "100028625403"}
			next = servetest.Record(c.Key, state.StatusWaiting, out, time.Now())
		case 9:
			out = state.Outcome{Class: state.ClassThrottled, Code: "RequestLimitExceeded"}
			next = servetest.Record(c.Key, state.StatusWaiting, out, time.Now())
		}
		o.Called(c, next, out)
	}
	d.Status.InFlight = []spec.Key{servetest.Key(10), servetest.Key(11)}

	body := servetest.Page(t, s, "/")
	if got := servetest.Texts(t, body, "h1"); !slices.Equal(got, []string{"Committing 40 tasks"}) {
		t.Errorf("headline %q", got)
	}
	if got := servetest.Live(t, body, "progress"); !strings.Contains(got, "9 of 40 done, about 1 s left") || !strings.Contains(got, servetest.Key(10).TaskID) {
		t.Errorf("progress: %s", got)
	}
	// One was over the rate: it is in the queue again, with the 28 that were not tried.
	if got, want := servetest.Live(t, body, "counts"), "Tasks 178 in sync 1 locked 2 sending 29 to send"; got != want {
		t.Errorf("counts: %q, want %q", got, want)
	}
	if got := servetest.Live(t, body, "waits"); !strings.Contains(got, "locked by 100028625403 (for 12 min); next try in 1 min") {
		t.Errorf("waits: %s", got)
	}
	if got := servetest.Live(t, body, "calls"); !strings.Contains(got, "request-7") || !strings.Contains(got, "resume, version 12") {
		t.Errorf("calls: %s", got)
	}

	// The reconciler has its plan of what is left before it says that the pass is over.
	left := servetest.EmptyPlan()
	left.Unchanged = 209
	servetest.Held(left, servetest.Key(8), plan.HoldLocked, servetest.Record(servetest.Key(8), state.StatusWaiting, state.Outcome{Locker: "100028625403"}, time.Now()))
	d.Status = servetest.Healthy(left, time.Now())
	for _, ended := range []bool{false, true} {
		if ended {
			o.Passed(&reconcile.Result{Plan: p, Left: left, Applied: 39})
		}
		body := servetest.Page(t, s, "/")
		if got, want := servetest.Live(t, body, "counts"), "Tasks 208 in sync 1 locked"; got != want {
			t.Errorf("counts after the calls: %q, want %q", got, want)
		}
		if got := servetest.Live(t, body, "progress"); got != "" {
			t.Errorf("progress after the calls: %q", got)
		}
	}
	if got := servetest.Live(t, servetest.Page(t, s, "/"), "about"); !strings.Contains(got, "Last change now 39 commits") {
		t.Errorf("the last pass is not told: %s", got)
	}
}

// TestTroubleIsShownWithTheWayOn reads the status page of a daemon that has
// everything wrong with it.
func TestTroubleIsShownWithTheWayOn(t *testing.T) {
	now := time.Now()
	body := servetest.Page(t, servetest.NewDaemon(t, servetest.TroubledStatus(now)).Serve(t), "/")
	needs := servetest.Live(t, body, "needs")
	for _, want := range []string{
		"sending to project " + servetest.Project + " is paused: UnauthorizedOperation: you may not",
		"wedatasync resolve " + servetest.Key(2).String() + " not-applied",
		"what is live fits neither",
		"wedatasync approve " + servetest.PlanHash,
		"InvalidParameterValue: no such version",
		"1 error in the files below",
		"wedatasync retry " + servetest.Key(3).String(),
		"the source could not be read for 1 h",
		"It would commit 1 task: 1 keeping state.",
	} {
		if !strings.Contains(needs, want) {
			t.Errorf("what requires action does not have %q:\n%s", want, needs)
		}
	}
	waits := servetest.Live(t, body, "waits")
	for _, want := range []string{
		"locked by 100028625403 (for 12 min)", "ResourceInUse: busy", "held by a window 1",
		"waits for another 1", "suspended 1", "paused 1", "no answer in time (for 4 min); read back in 1 min",
	} {
		if !strings.Contains(waits, want) {
			t.Errorf("what waits does not have %q:\n%s", want, waits)
		}
	}
	notes := servetest.Live(t, body, "notes")
	for _, want := range []string{"suspended by grace for 59 min: an incident", "Timeout: no answer; tried again in 59 s", "approved by grace, good for 22 h"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes do not have %q:\n%s", want, notes)
		}
	}
	if got := servetest.Live(t, body, "problems"); !strings.Contains(got, "1 error, 1 warning error tasks/clicks.yaml:12:7 commitType 2 needs discardState: add it") || !strings.Contains(got, "taskType 1 is not documented") {
		t.Errorf("problems: %s", got)
	}
	if got, want := servetest.Live(t, body, "sub"), "WeData does not take the credentials; an outcome is unknown; a guard holds the plan; a commit was refused; a task has drifted; specs have errors; the source cannot be read"; got != want {
		t.Errorf("below the headline: %q, want %q", got, want)
	}
	if got := servetest.Live(t, body, "about"); !strings.Contains(got, "9fceb02d0ae5 degraded Move orders to the new sink Ada Lovelace") || strings.Contains(got, "ada@example.com") {
		t.Errorf("revision: %s", got)
	}
	if strings.Contains(body, "hunter-") {
		t.Error("a value of extConfig is shown")
	}
}

// TestTaskPage tells the whole story of one task.
func TestTaskPage(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rec := servetest.Record(servetest.Key(10), state.StatusRefused, state.Outcome{Class: state.ClassRefused, Code: "InvalidParameterValue", Message: "no such version", RequestID: "f1"}, now)
	var history []state.Transition
	for i := range 60 {
		history = append(history, servetest.Saved(rec, state.Event{
			At: now.Add(time.Duration(i-60) * time.Minute), Kind: state.EventOutcome, Actor: "Ada Lovelace <ada@example.com>", Revision: servetest.Revision,
			Outcome: state.Outcome{Class: state.ClassRefused, Code: "InvalidParameterValue", RequestID: fmt.Sprintf("request-%d", i)},
		}))
	}
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.Troubled(now), now), history...).Serve(t)
	path := "/task/" + servetest.Key(10).String()
	body := servetest.Page(t, s, path)
	if strings.Contains(body, "hunter-") {
		t.Error("a value of extConfig is shown")
	}
	got := servetest.Text(servetest.Parse(t, body))
	for _, want := range []string{
		"held by a guard", "38 calls, and guards.maxChanges is 30", "wedatasync approve " + servetest.PlanHash,
		"start, version 11", "resume, version 12", "tasks/orders.yaml:4:5", "extConfig.password masked masked, changed",
		"version 11, running", "request-59", "request-10",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not have %q:\n%s", want, got)
		}
	}
	older := ""
	for _, a := range servetest.All(servetest.Parse(t, body), "a") {
		if servetest.Text(a) == "Older" {
			older = servetest.Attr(a, "href")
		}
	}
	if got := servetest.Page(t, s, older); !strings.Contains(got, "request-9<") || strings.Contains(got, "request-10<") {
		t.Errorf("the older rows at %q are not the 10 oldest", older)
	}
	if got := servetest.Get(t, s, "/task/1/none").Code; got != http.StatusNotFound {
		t.Errorf("a task that nobody knows is %d, want 404", got)
	}
}

// TestTasksAreFound narrows the list by text and by standing, over what the state and
// the plan know.
func TestTasksAreFound(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var known []state.Transition
	for i := range 250 {
		rec := &state.Record{Key: servetest.Key(i), Status: state.StatusApplied, Applied: servetest.Applied(now)}
		if i == 100 {
			rec = servetest.Record(servetest.Key(i), state.StatusApplied, state.Outcome{Class: state.ClassApplied, TaskApproveID: "ap-118"}, now)
		}
		known = append(known, servetest.Saved(rec, state.Event{At: now, Kind: state.EventAdopted}))
	}
	p := servetest.EmptyPlan()
	servetest.Held(p, servetest.Key(7), plan.HoldLocked, servetest.Record(servetest.Key(7), state.StatusWaiting, state.Outcome{Locker: "100028625403"}, now))
	p.Changes = append(p.Changes, plan.Change{Key: servetest.Key(100), Action: plan.ActionFollow, Want: servetest.Commit(servetest.Key(100)), Have: known[100].Record})
	p.Unchanged--
	p.Changes = append(p.Changes, plan.Change{Key: servetest.Key(900), Action: plan.ActionCommit, Reason: plan.ReasonNew, Want: servetest.Commit(servetest.Key(900))})
	s := servetest.NewDaemon(t, servetest.Healthy(p, now), known...).Serve(t)

	for _, tt := range []struct {
		query string
		found string
		first string // the first row
	}{
		{"", "1 to 100 of 251", servetest.Key(0).TaskID + " " + servetest.Project + " in sync 11 1 h ago"},
		{"?page=3", "201 to 251 of 251", servetest.Key(200).TaskID},
		{"?q=000249", "1 to 1 of 1", servetest.Key(249).TaskID},
		{"?q=KB947C997", "1 to 100 of 251", servetest.Key(0).TaskID},
		{"?q=" + servetest.Project, "1 to 100 of 251", servetest.Key(0).TaskID},
		{"?standing=locked", "1 to 1 of 1", servetest.Key(7).TaskID + " " + servetest.Project + " locked 11 → 12 1 h ago locked by 100028625403"},
		{"?standing=to-send", "1 to 1 of 1", servetest.Key(900).TaskID + " " + servetest.Project + " to send – → 12 resume, version 12; first commit"},
		{"?standing=approval", "1 to 1 of 1", servetest.Key(100).TaskID + " " + servetest.Project + " awaits approval"},
		{"?standing=in-sync", "1 to 100 of 248", servetest.Key(0).TaskID},
		{"?standing=locked&q=nothing", "No task is like that.", ""},
		{"?standing=no-such", "No task is like that.", ""},
		{"?page=99999999999", "No task is like that.", ""},
	} {
		body := servetest.Page(t, s, "/tasks"+tt.query)
		if got := servetest.Live(t, body, "tasks"); !strings.HasPrefix(got, tt.found) {
			t.Errorf("%q finds %.40q, want %q", tt.query, got, tt.found)
		}
		rows := servetest.Texts(t, body, "tr")
		if tt.first != "" && !strings.HasPrefix(rows[1], tt.first) {
			t.Errorf("%q: first row %q, want %q", tt.query, rows[1], tt.first)
		}
	}
	if got := servetest.Live(t, servetest.Page(t, s, "/"), "waits"); !strings.Contains(got, "accepted, waits for approval ap-118 in WeData (for 12 min)") {
		t.Errorf("the status page does not tell of the approval: %s", got)
	}
}

// TestBeforeThereIsAState: a source that is read for the first time is no trouble, and
// what is there after it is shown at once.
func TestBeforeThereIsAState(t *testing.T) {
	now := time.Now()
	d := servetest.NewDaemon(t, reconcile.Status{}, servetest.Saved(&state.Record{Key: servetest.Key(1), Status: state.StatusApplied, Applied: servetest.Applied(now)}, state.Event{At: now, Kind: state.EventAdopted}))
	d.Config.Source = servetest.EmptyPlan().Source
	var read atomic.Bool
	d.Config.Daemon.Status = func() reconcile.Status {
		if !read.Load() {
			return reconcile.Status{}
		}
		return servetest.Healthy(servetest.EmptyPlan(), now)
	}
	d.Config.State = func(ctx context.Context) (serve.Reader, error) {
		if !read.Load() {
			return nil, fmt.Errorf("open state: %w", state.ErrMissing)
		}
		return servetest.OpenReader(ctx, d.Path)
	}
	s := d.Serve(t)
	body := servetest.Page(t, s, "/")
	for part, want := range map[string]string{
		"sub": "reading the source for the first time (1 s)", "about": "Source https://git.example.com/data/streams.git main Polled not yet",
		"counts": "Tasks Nothing is known yet.", "notes": "", "needs": "",
	} {
		if got := servetest.Live(t, body, part); got != want {
			t.Errorf("part %s: %q, want %q", part, got, want)
		}
	}
	if got := servetest.Live(t, servetest.Page(t, s, "/tasks"), "tasks"); got != "Nothing is known yet: the source is being read for the first time." {
		t.Errorf("tasks: %q", got)
	}
	if got := servetest.Live(t, servetest.Page(t, s, "/history"), "history"); got != "Nothing yet." {
		t.Errorf("history: %q", got)
	}

	read.Store(true)
	for begun := time.Now(); !strings.HasPrefix(servetest.Live(t, servetest.Page(t, s, "/tasks"), "tasks"), "1 to 1 of 1"); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("tasks: %s", servetest.Live(t, servetest.Page(t, s, "/tasks"), "tasks"))
		}
	}
	if got := servetest.Live(t, servetest.Page(t, s, "/"), "notes"); got != "" {
		t.Errorf("notes: %s", got)
	}
}

// TestPageWithoutAState: what the daemon knows is shown, and why the rest is not.
func TestPageWithoutAState(t *testing.T) {
	now := time.Now()
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.Troubled(now), now))
	d.Path += ".gone"
	s := d.Serve(t)
	if got := servetest.Live(t, servetest.Page(t, s, "/tasks"), "tasks"); !strings.Contains(got, "state is missing") || !strings.Contains(got, "1 to 12 of 12") {
		t.Errorf("tasks: %s", got)
	}
	if got := servetest.Live(t, servetest.Page(t, s, "/"), "notes"); !strings.Contains(got, "state is missing") {
		t.Errorf("notes: %s", got)
	}
	for _, path := range []string{"/history", "/task/" + servetest.Key(1).String()} {
		if got := servetest.Live(t, servetest.Page(t, s, path), "history"); !strings.Contains(got, "state is missing") {
			t.Errorf("%s: %s", path, got)
		}
	}
}
