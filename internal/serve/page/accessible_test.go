package page_test

import (
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/state"
)

// TestPagesAreAccessible holds every page to what screen readers and keyboards need.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rec := servetest.Record(servetest.Key(3), state.StatusRefused, state.Outcome{Class: state.ClassRefused}, now)
	saved := servetest.SavedReleases(rec, now, servetest.Releases(now)...)
	s := servetest.NewDaemon(t, servetest.TroubledStatus(now), saved...).Serve(t)
	for _, path := range []string{"/", "/tasks", "/files", "/releases", "/release/" + servetest.Revision, "/history", "/task/" + servetest.Key(3).String(), "/nowhere"} {
		t.Run(path, func(t *testing.T) {
			doc := servetest.Parse(t, servetest.Get(t, s, path).Body.String())
			if servetest.Attr(servetest.All(doc, "html")[0], "lang") != "en" {
				t.Error("the language is not said")
			}
			if got := len(servetest.All(doc, "h1")); got != 1 {
				t.Errorf("%d first headings", got)
			}
			for _, landmark := range []string{"header", "nav", "main", "footer"} {
				if len(servetest.All(doc, landmark)) == 0 {
					t.Errorf("no <%s>", landmark)
				}
			}
			if first := servetest.All(doc, "a")[0]; servetest.Attr(first, "href") != "#main" {
				t.Error("the first link does not skip to the content")
			}
			checkNames(t, doc)
		})
	}
}

// checkNames complains about what has no name, and names that lead nowhere.
func checkNames(t *testing.T, doc *html.Node) {
	t.Helper()
	ids, labels := map[string]int{}, map[string]bool{}
	for n := range doc.Descendants() {
		if id := servetest.Attr(n, "id"); id != "" {
			ids[id]++
		}
		if n.Data == "label" {
			labels[servetest.Attr(n, "for")] = true
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q is there %d times", id, n)
		}
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "table":
			if len(servetest.All(n, "caption")) != 1 {
				t.Error("a table has no caption")
			}
		case "section", "nav":
			if servetest.Attr(n, "aria-label") == "" && servetest.Attr(n, "aria-labelledby") == "" {
				t.Errorf("a <%s> has no name", n.Data)
			}
		case "input", "select":
			if !labels[servetest.Attr(n, "id")] {
				t.Errorf("<%s id=%q> has no label", n.Data, servetest.Attr(n, "id"))
			}
		case "button", "a", "h1", "h2", "h3", "th":
			if servetest.Text(n) == "" {
				t.Errorf("a <%s> is empty", n.Data)
			}
		}
		if n.Data == "th" && servetest.Attr(n, "scope") == "" {
			t.Errorf("the heading %q has no scope", servetest.Text(n))
		}
		if by := servetest.Attr(n, "aria-labelledby"); by != "" && ids[by] == 0 {
			t.Errorf("nothing has the id %q", by)
		}
	}
}
