package browser_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// troubled makes a world with everything in it that a page can show, and settles it.
func troubled(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.write("../wedatasync.yaml", "guards: {maxChangePercent: 0, allowCommitTypes: [submit, start, restart-discard-state, resume]}\n")
	w.settled(16)
	commit := func(n int, f wedatasim.Fault) {
		f.Action, f.ProjectID, f.TaskID = "CommitIntegrationTask", project, taskID(n)
		w.sim.Inject(f)
	}
	w.sim.Lock(project, taskID(0), locker)
	commit(1, wedatasim.Fault{Code: "InvalidParameterValue", Message: "The instance version 2 does not exist."})
	w.sim.Inject(wedatasim.Fault{Action: "DescribeIntegrationTask", TaskID: taskID(2), Code: "UnauthorizedOperation", Message: "no permission to read"})
	commit(2, wedatasim.Fault{Times: 1, Answer: wedatasim.ReplyDrop})
	commit(3, wedatasim.Fault{Code: "ResourceInUse", Message: "The cluster is being changed."})
	commit(4, wedatasim.Fault{ApproveID: "ap-118"})
	w.sh("wedatasync suspend " + taskID(5) + " --reason 'a backfill is running' --for 6h --as grace")
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: wedatasync/v1\ndefaults: {projectId: %q, taskType: realtime}\ncommits:\n", project)
	for n := range 16 {
		version, more := 1, ""
		switch {
		case n < 6:
			version = 2
		case n == 6:
			version, more = 2, ", dependsOn: ["+taskID(0)+"]"
		case n == 9:
			version, more = 2, ", dependsOn: ["+taskID(6)+", "+taskID(11)+"]"
		case n == 7:
			more = ", versionDesc: the new sink"
		}
		kind := "resume"
		if n == 8 {
			version, kind = 2, "pause-resume"
		}
		fmt.Fprintf(&b, "  - {taskId: %s, name: %s, commitType: %s, instanceVersion: %d%s}\n", taskID(n), taskName(n), kind, version, more)
	}
	w.write("tasks/orders.yaml", b.String())
	w.write("tasks/users.yaml", "apiVersion: wedatasync/v1\ncommits:\n  - {taskId: users, projectId: \""+project+"\", commitType: start, taskType: 1, instanceVersion: 1}\n")
	w.write("tasks/clicks.yaml", "apiVersion: wedatasync/v1\ncommits:\n  - {taskId: clicks, projectId: \""+project+"\", commitType: restart-discard-state, instanceVersion: 4}\n")
	w.push("Move the streams to the new sink")
	w.eventually("all has gone wrong that can", func() bool {
		status := w.get("/api/v1/status")
		for _, want := range []string{`"locked":1`, `"refused":1`, `"unknown":1`, `"waiting":1`, `"suspended":1`, `"dependency":2`, `"guard":1`, `"unversioned":1`, `"to-send":0`, `"sending":0`, `"code":"unknown"`} {
			if !strings.Contains(status, want) {
				return false
			}
		}
		return true
	})
	return w
}

// pagesOf are one page of each kind.
func pagesOf(w *world) []string {
	return []string{"/", "/tasks", "/tasks?q=no-such-task", "/tasks?standing=locked", "/files", "/releases", "/release/" + w.head(), "/history", "/task/" + project + "/" + taskID(2), "/task/" + project + "/" + taskID(9), "/task/" + project + "/" + taskID(8)}
}

// TestPagesAreForEveryone holds each page, light and dark, on a desk and on a phone, to
// the rules of axe-core, and to the width of its window.
func TestPagesAreForEveryone(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	w := troubled(t)
	p := w.open("/")
	check := func(scheme, device string) {
		t.Helper()
		p.scheme(scheme)
		for _, path := range pagesOf(w) {
			p.visit(path)
			where := fmt.Sprintf("%s, %s, on a %s", path, scheme, device)
			for _, v := range violations(p, axe) {
				t.Errorf("%s: %s", where, v)
			}
			for _, wide := range overflowing(p) {
				t.Errorf("%s: wider than the window: %s", where, wide)
			}
		}
	}
	check("light", "desk")
	if *long {
		check("dark", "desk")
	}
	p.phone()
	if *long {
		check("light", "phone")
	}
	check("dark", "phone")
}

// violations are what axe-core complains of.
func violations(p *tab, axe string) []string {
	p.Helper()
	eval[bool](p, axe+"; true")
	return eval[[]string](p, `axe.run(document).then(r => r.violations.flatMap(v => v.nodes.map(n => v.impact + " " + v.id + ": " + v.help + ": " + n.html)))`)
}

// overflowing are the elements that reach beyond the window's sides.
func overflowing(p *tab) []string {
	p.Helper()
	return eval[[]string](p, `[...document.querySelectorAll("body, body *:not(.skip, .unseen, .wide-picture, .wide-picture *, thead, thead *)")]
		.filter(e => { const r = e.getBoundingClientRect(); return r.width > 0 && (r.right > innerWidth + 1 || r.left < -1) || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline" })
		.map(e => e.outerHTML.slice(0, 200))`)
}

// TestTablesStayTablesOnAPhone: they are laid out as lists there, and a screen reader
// has still rows and columns.
func TestTablesStayTablesOnAPhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled(6)
	p := w.open("/")
	p.phone()
	p.visit("/")
	tree, err := chromedp.Call(p.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	p.check(err)
	count := map[string]int{}
	for _, n := range tree.Nodes {
		if !n.Ignored && n.Role != nil {
			count[strings.Trim(string(n.Role.Value), `"`)]++
		}
	}
	for role, least := range map[string]int{
		"table": 1, "row": 7, "columnheader": 5, "cell": 30,
		"banner": 1, "navigation": 1, "main": 1, "contentinfo": 1, "heading": 3, "status": 1,
	} {
		if count[role] < least {
			t.Errorf("a screen reader meets %d of %s, want %d: %v", count[role], role, least, count)
		}
	}
}

// TestKeyboard goes through the page with nothing but a keyboard.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	w := troubled(t)
	p := w.open("/")
	press := func(keys string) {
		t.Helper()
		p.check(chromedp.Do(p.ctx, chromedp.KeyEvent(keys)))
	}
	// focused describes what has the focus, and complains if that cannot be seen.
	focused := func() string {
		t.Helper()
		f := eval[struct {
			Name, Outline string
			Inside        bool
		}](p, `(() => {
			const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
			return {Name: e.tagName + "#" + e.id + " " + (e.innerText ?? "").slice(0, 60), Outline: s.outlineStyle + " " + s.outlineWidth,
				// The browser scrolls by whole pixels, and lays out in parts of one.
				Inside: r.top > -1 && r.left > -1 && r.bottom < innerHeight + 1 && r.right < innerWidth + 1 && r.width > 0};
		})()`)
		if !f.Inside || strings.HasPrefix(f.Outline, "none") || strings.HasSuffix(f.Outline, " 0px") {
			t.Errorf("the focus on %s cannot be seen: outline %s, in the window: %v", f.Name, f.Outline, f.Inside)
		}
		return f.Name
	}
	press(kb.Tab)
	if got := focused(); !strings.Contains(got, "Skip to the content") {
		t.Errorf("the first stop is %s", got)
	}
	press(kb.Enter)
	if got := eval[string](p, `document.activeElement.id`); got != "main" {
		t.Errorf("the skip link leads to %q", got)
	}
	p.visit("/")
	stops := 0
	for name := ""; !strings.Contains(name, "readiness") && stops < 200; stops++ {
		press(kb.Tab)
		name = focused()
	}
	if stops < 40 || stops == 200 {
		t.Errorf("%d stops to the last link", stops)
	}

	// The page keeps itself current, and the focus stays where it is.
	for _, stop := range []string{`[data-live=needs] button.copy:last-of-type`, `[data-live=calls] tbody tr:last-child a`} {
		eval[bool](p, "window.was = document.querySelector(`"+stop+"`); was.focus(); window.name = nameOf(was); was.closest('[data-live]').append(document.createComment('differs')); true")
		w.eventually("the part is there anew", func() bool { return eval[bool](p, `!was.isConnected`) })
		if got := eval[bool](p, `nameOf(document.activeElement) === window.name`); !got {
			t.Errorf("the focus has left %s for %s", stop, eval[string](p, `document.activeElement.outerHTML.slice(0, 200)`))
		}
	}

	p.visit("/tasks")
	for range 10 {
		press(kb.Tab)
		if strings.HasPrefix(focused(), "INPUT#q") {
			break
		}
	}
	press(taskID(3)[:12])
	press(kb.Enter)
	p.shows("1 to 1 of 1", taskID(3), "backing off")
}

// TestWithoutAScript: all is there, and the page comes again by itself.
func TestWithoutAScript(t *testing.T) {
	t.Parallel()
	w := troubled(t)
	p := w.blank()
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.check(err)
	p.visit("/")
	p.shows("Action required", "as of 20", "locked by "+locker, "wedatasync resolve", "InvalidParameterValue", "a backfill is running", "ap-118")
	if p := p.text(); strings.Contains(p, "Copy") {
		t.Error("there are buttons that do nothing")
	}
	if got := eval[string](p, `document.querySelector("meta[http-equiv=refresh]").content`); got != "30" {
		t.Errorf("the page comes again after %q seconds", got)
	}
	p.visit("/tasks")
	p.check(chromedp.Do(p.ctx, chromedp.SendKeys(chromedp.CSS("#q"), taskID(3)[:12]+kb.Enter)))
	p.shows("1 to 1 of 1", taskID(3))
}

// TestScreenReadersHearLittle counts what is said aloud during a pass: the headline when
// it is another one, and no number that moves.
func TestScreenReadersHearLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled(1)
	p := w.open("/")
	p.shows("In sync", "live")
	eval[bool](p, `(() => {
		window.heard = [];
		for (const region of document.querySelectorAll("[aria-live], [role=status]")) {
			new MutationObserver(() => window.heard.push(region.innerText.trim())).observe(region, {childList: true, subtree: true, characterData: true});
		}
		return true;
	})()`)
	w.spec("tasks/many.yaml", 1000, ones(60)...)
	w.push("Release all of them")
	p.shows("Committing")
	p.shows("In sync", "61 in sync")
	heard := slices.Compact(eval[[]string](p, `window.heard`))
	if len(heard) < 2 || len(heard) > 4 || !slices.Contains(heard, "In sync") {
		t.Errorf("heard %q", heard)
	}
	if got := eval[string](p, `document.querySelector("[aria-live]").getAttribute("aria-live")`); got != "polite" {
		t.Errorf("the headline is told in a %s way", got)
	}
}

// TestSituationsAreShown makes pictures of what a daemon with many troubles shows.
func TestSituationsAreShown(t *testing.T) {
	t.Parallel()
	if *pictures == "" {
		t.Skip("it makes pictures: run it with -pictures")
	}
	w := troubled(t)
	p := w.open("/")
	p.shows("1 awaits approval")
	p.picture("status", 1000)
	p.scheme("dark")
	p.picture("status-dark", 900)
	p.scheme("light")
	p.visit("/task/" + project + "/" + taskID(2))
	p.picture("task", 0)
	p.visit("/task/" + project + "/" + taskID(6))
	p.picture("task-graph", 0)
	p.scheme("dark")
	p.visit("/task/" + project + "/" + taskID(9))
	p.picture("task-graph-dark", 0)
	p.scheme("light")
	p.visit("/files")
	p.picture("files", 480)
	p.visit("/release/" + w.head())
	p.picture("release", 900)
	p.visit("/tasks")
	p.picture("tasks", 0)
	p.visit("/history")
	p.picture("history", 700)
	p.phone()
	p.visit("/")
	p.picture("status-phone", 1500)
	p.visit("/task/" + project + "/" + taskID(9))
	p.picture("task-graph-phone", 0)
}
