package page_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/internal/weblink"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// released is a daemon with two releases, the newest of which a guard holds, and with links.
func released(t *testing.T) *servetest.Daemon {
	t.Helper()
	now := time.Now()
	rec := servetest.Record(servetest.Key(10), state.StatusWaiting, state.Outcome{Class: state.ClassWaiting, Locker: "100028625403"}, now)
	rec.Attempt.Wanted.Name = "orders to warehouse"
	status := servetest.Healthy(servetest.Troubled(now), now)
	status.Control.Releases = servetest.Releases(now)
	d := servetest.NewDaemon(t, status, servetest.SavedReleases(rec, now, servetest.Releases(now)...)...)
	d.Config.Links = weblink.New(weblink.Settings{Source: "https://github.com/acme/tasks.git", Console: "https://console.example.com/{taskId}?p={projectId}"})
	return d
}

// TestReleaseHasItsStory: what was asked for, by whom, what was sent and waited for, and what
// to do; with links to the forge, its CI and the console.
func TestReleaseHasItsStory(t *testing.T) {
	t.Parallel()
	s := released(t).Serve(t)
	body := servetest.Page(t, s, "/release/"+servetest.Revision)
	text := servetest.Text(servetest.Parse(t, body))
	for _, want := range []string{
		"Move orders to the new sink", "held", "maxChanges: 38 calls, and guards.maxChanges is 30", "wedatasync approve " + servetest.PlanHash,
		"Author Ada Lovelace", "Approved by grace", "Took 10 min so far", "Asked for 38 commits, 1 task managed again", "Sent 1 request",
		"orders to warehouse", "tasks/orders.yaml:4", "resume, version 12", "waits: locked by 100028625403", "1 locked",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
	for _, link := range []string{
		"https://github.com/acme/tasks/commit/" + servetest.Revision, "https://github.com/acme/tasks/commit/" + servetest.Revision + "/checks",
		"https://github.com/acme/tasks/blob/" + servetest.Revision + "/tasks/orders.yaml#L4", "/task/" + servetest.Key(10).String(),
	} {
		if !strings.Contains(body, `href="`+link+`"`) {
			t.Errorf("the page does not lead to %s", link)
		}
	}
	task := servetest.Page(t, s, "/task/"+servetest.Key(10).String())
	for _, link := range []string{"https://console.example.com/" + servetest.Key(10).TaskID + "?p=" + servetest.Project, "/release/" + servetest.Revision} {
		if !strings.Contains(task, `href="`+link+`"`) {
			t.Errorf("the task's page does not lead to %s", link)
		}
	}
	for path, want := range map[string]int{"/release/9fceb02d": http.StatusOK, "/release/9f": http.StatusNotFound, "/release/abcdabcd": http.StatusNotFound, "/release/newest": http.StatusNotFound} {
		if got := servetest.Get(t, s, path).Code; got != want {
			t.Errorf("%s is answered with %d, want %d", path, got, want)
		}
	}
}

// TestTimelineShowsHowLongReleasesTook: the newest first, each with its outcome in words and a
// bar, and bounded on the status page.
func TestTimelineShowsHowLongReleasesTook(t *testing.T) {
	t.Parallel()
	d := released(t)
	body := servetest.Page(t, d.Serve(t), "/")
	rows := strings.Join(servetest.Texts(t, body, "tr"), "|")
	for _, want := range []string{"9fceb02d0ae5 Move orders to the new sink Ada Lovelace held 38 commits 10 min so far", "1b2c3d4e5f60 Add the streams Ada Lovelace done 210 commits 42 s"} {
		if !strings.Contains(rows, want) {
			t.Errorf("no row says %q: %s", want, rows)
		}
	}
	if !strings.Contains(body, `role="img" aria-label="done, 42 s"`) || !strings.Contains(body, `<rect class="wait open"`) {
		t.Error("the bars do not tell what they show")
	}
	for len(d.Status.Control.Releases) < state.MaxReleases {
		d.Status.Control.Releases = append(d.Status.Control.Releases, d.Status.Control.Releases[1])
	}
	s := d.Serve(t)
	if body := servetest.Page(t, s, "/"); strings.Count(body, `class="release"`) != 6 || !strings.Contains(body, "94 more") {
		t.Errorf("the status page has %d releases", strings.Count(body, `class="release"`))
	}
	if body := servetest.Page(t, s, "/releases"); strings.Count(body, `class="release"`) != 100 {
		t.Errorf("the list has %d releases", strings.Count(body, `class="release"`))
	}
}

// TestWithoutLinks: what no setting tells leads nowhere, and everything is there.
func TestWithoutLinks(t *testing.T) {
	t.Parallel()
	d := released(t)
	d.Config.Links = weblink.Links{}
	s := d.Serve(t)
	for _, path := range []string{"/", "/release/" + servetest.Revision, "/task/" + (spec.Key{ProjectID: servetest.Project, TaskID: servetest.Key(10).TaskID}).String()} {
		if body := servetest.Page(t, s, path); strings.Contains(body, `href=""`) || strings.Contains(body, `href="http`) {
			t.Errorf("%s leads elsewhere", path)
		}
	}
}
