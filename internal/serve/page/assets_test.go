package page_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/servetest"
)

// TestAssets: the files of a page are found by the names that it has for them, and may
// be kept.
func TestAssets(t *testing.T) {
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
	doc := servetest.Parse(t, servetest.Page(t, s, "/"))
	names := []string{servetest.Attr(servetest.All(doc, "script")[0], "src")}
	for _, l := range servetest.All(doc, "link") {
		names = append(names, servetest.Attr(l, "href"))
	}
	if len(names) != 3 {
		t.Errorf("the page loads %q", names)
	}
	for _, name := range names {
		w := servetest.Get(t, s, name)
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("GET %s = %d, %s", name, w.Code, w.Header().Get("Cache-Control"))
		}
	}
}
