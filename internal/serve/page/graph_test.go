package page_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// named is the plan's spec of the nth task, which has a name and depends on others.
func named(n int, name string, on ...int) *spec.Commit {
	c := servetest.Commit(servetest.Key(n))
	c.Name, c.Pos.File = name, fmt.Sprintf("tasks/%d.yaml", n%3)
	for _, dep := range on {
		c.DependsOn = append(c.DependsOn, servetest.Key(dep))
	}
	return c
}

// chain is a daemon with clicks <- orders <- report <- mail, where orders is locked, and
// sessions, which orders depends on and is in sync.
func chain(t *testing.T) string {
	t.Helper()
	now := time.Now()
	p := servetest.EmptyPlan()
	p.Wanted = spec.Commits{named(1, "clicks"), named(2, "orders", 1, 5), named(3, "report", 2), named(4, "mail", 3), named(5, "sessions")}
	hold := func(n int, why plan.HoldReason, rec *state.Record) {
		servetest.Held(p, servetest.Key(n), why, rec).Want = p.Wanted[n-1]
	}
	hold(2, plan.HoldLocked, servetest.Record(servetest.Key(2), state.StatusWaiting, state.Outcome{Class: state.ClassWaiting, Locker: "100028625403"}, now))
	hold(3, plan.HoldDependency, nil)
	hold(4, plan.HoldDependency, nil)
	s := servetest.NewDaemon(t, servetest.Healthy(p, now)).Serve(t)
	return servetest.Page(t, s, "/task/"+servetest.Key(3).String()) + servetest.Page(t, s, "/task/"+servetest.Key(4).String())
}

// TestGraphShowsWhatBlocks: a task's page draws what it waits for, back to what blocks that,
// and what waits for it, and says the same in words.
func TestGraphShowsWhatBlocks(t *testing.T) {
	t.Parallel()
	body := chain(t)
	for _, want := range []string{
		"<p class=\"soft\">Depends on orders (locked).</p>", "<p class=\"soft\">Blocked by orders (locked).</p>",
		"<p class=\"soft\">1 task depends on it: mail (waits for another).</p>", "<p class=\"soft\">It blocks 1 task.</p>",
		`<title id="graph-name">Dependencies of report</title>`, `>orders</text> <text class="state" y="36">locked, blocks</text>`, `class="node wait here"`,
		`href="/task/` + servetest.Key(2).String() + `"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	_, mail, _ := strings.Cut(body, "Dependencies of mail")
	if !strings.Contains(mail, `>orders</text> <text class="state" y="36">locked, blocks</text>`) {
		t.Error("the page of mail does not lead back to orders, which blocks report")
	}
	if !strings.Contains(mail, "Blocked by report (waits for another).</p>\n<p class=\"soft\">In turn blocked by orders (locked).</p>") {
		t.Error("the page of mail does not say that orders blocks report")
	}
	if strings.Contains(mail, "sessions") {
		t.Error("the page of mail shows what does not block it")
	}
}

// TestGraphIsBounded: a task that everything depends on has a page that can be read.
func TestGraphIsBounded(t *testing.T) {
	t.Parallel()
	p := servetest.EmptyPlan()
	p.Wanted = spec.Commits{named(0, "hub")}
	for n := 1; n <= 3000; n++ {
		p.Wanted = append(p.Wanted, named(n, fmt.Sprintf("spoke %d", n), 0))
	}
	rec := &state.Record{Key: servetest.Key(0), Status: state.StatusApplied, Applied: servetest.Applied(time.Now())}
	s := servetest.NewDaemon(t, servetest.Healthy(p, time.Now()), servetest.Saved(rec, state.Event{Kind: state.EventAdopted, Key: rec.Key})).Serve(t)
	body := servetest.Page(t, s, "/task/"+servetest.Key(0).String())
	if !strings.Contains(body, "and 2,992 more") || strings.Count(body, "spoke ") > 60 || len(body) > 30<<10 {
		t.Errorf("%d bytes, and %d spokes", len(body), strings.Count(body, "spoke "))
	}
}

// TestSkippedTasksAreListed: a task whose spec is invalid is in the list, has a page, and
// counts for its file, also where the state does not know it.
func TestSkippedTasksAreListed(t *testing.T) {
	t.Parallel()
	p := servetest.EmptyPlan()
	p.Skipped = []plan.Skipped{{Key: servetest.Key(7), Problem: spec.Problem{
		Pos: spec.Pos{File: "tasks/bad.yaml", Line: 3, Column: 5}, Severity: spec.SeverityError, Code: "discard", Message: "commitType 2 needs discardState",
	}}}
	p.Problems = spec.Problems{p.Skipped[0].Problem}
	s := servetest.NewDaemon(t, servetest.Healthy(p, time.Now())).Serve(t)
	for path, want := range map[string]string{
		"/tasks?standing=invalid": "1 to 1 of 1", "/files": "tasks/bad.yaml", "/task/" + servetest.Key(7).String(): "tasks/bad.yaml:3:5",
	} {
		if body := servetest.Page(t, s, path); !strings.Contains(body, want) || !strings.Contains(body, "invalid spec") {
			t.Errorf("%s does not show the skipped task:\n%s", path, body)
		}
	}
}

// TestFilesCountTheirTasks: the files with tasks that need attention come first, each with
// its counts, and lead to their tasks.
func TestFilesCountTheirTasks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := servetest.EmptyPlan()
	for n := range 9 {
		p.Wanted = append(p.Wanted, named(n, ""))
	}
	var saved []state.Transition
	for n := range 9 {
		rec := &state.Record{Key: servetest.Key(n), Status: state.StatusApplied, Applied: servetest.Applied(now)}
		saved = append(saved, servetest.Saved(rec, state.Event{Kind: state.EventAdopted, Key: rec.Key}))
	}
	servetest.Held(p, servetest.Key(5), plan.HoldRefused, servetest.Record(servetest.Key(5), state.StatusRefused, state.Outcome{Class: state.ClassRefused}, now)).Want = p.Wanted[5]
	s := servetest.NewDaemon(t, servetest.Healthy(p, now), saved...).Serve(t)
	page := func(path string) string { return servetest.Page(t, s, path) }
	body := page("/files")
	if got := strings.Join(servetest.Texts(t, body, "tr"), "|"); !strings.Contains(got, "|tasks/2.yaml 3 2 in sync 1 refused|tasks/0.yaml 3 3 in sync|") {
		t.Errorf("the files are %s", got)
	}
	if body := page("/tasks?file=tasks%2F2.yaml&standing=refused"); !strings.Contains(body, servetest.Key(5).TaskID) || !strings.Contains(body, "1 to 1 of 1") {
		t.Error("the file does not lead to its refused task")
	}
	if body := page("/files?page=2"); !strings.Contains(body, "No file matches") {
		t.Error("there is a second page")
	}
	if body := page("/files?q=1.YAML"); !strings.Contains(body, "1 to 1 of 1") {
		t.Error("a file is not found by its name")
	}
	if body := servetest.Page(t, servetest.NewDaemon(t, reconcile.Status{}).Serve(t), "/files"); !strings.Contains(body, "Nothing is known yet") {
		t.Error("files are shown before the first plan")
	}
}
