package serve_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/wedatasync/wedatasync/state"
)

// parse parses a page.
func parse(t *testing.T, body string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// all returns the elements of that name.
func all(doc *html.Node, name string) []*html.Node {
	var list []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			list = append(list, n)
		}
	}
	return list
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text returns the text of an element, its spaces collapsed and its blocks apart.
func text(n *html.Node) string {
	blocks := []string{"td", "th", "dt", "dd", "li", "p", "h1", "h2", "h3", "div", "button"}
	var b strings.Builder
	for d := range n.Descendants() {
		switch {
		case d.Type == html.TextNode:
			b.WriteString(d.Data)
		case slices.Contains(blocks, d.Data):
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// texts returns the texts of the elements of that name.
func texts(t *testing.T, body, name string) []string {
	t.Helper()
	var list []string
	for _, n := range all(parse(t, body), name) {
		list = append(list, text(n))
	}
	return list
}

// live returns the text of a part of the status page.
func live(t *testing.T, body, name string) string {
	t.Helper()
	for n := range parse(t, body).Descendants() {
		if n.Type == html.ElementNode && attr(n, "data-live") == name {
			return text(n)
		}
	}
	t.Fatalf("the page has no part %q", name)
	return ""
}

// TestPagesAreAccessible holds every page to what screen readers and keyboards need.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rec := record(key(3), state.StatusRefused, state.Outcome{Class: state.ClassRefused}, now)
	s := newDaemon(t, troubledStatus(now), saved(rec, state.Event{At: now, Kind: state.EventOutcome})).serve(t)
	for _, path := range []string{"/", "/tasks", "/history", "/task/" + key(3).String(), "/nowhere"} {
		t.Run(path, func(t *testing.T) {
			doc := parse(t, get(t, s, path).Body.String())
			if attr(all(doc, "html")[0], "lang") != "en" {
				t.Error("the language is not said")
			}
			if got := len(all(doc, "h1")); got != 1 {
				t.Errorf("%d first headings", got)
			}
			for _, landmark := range []string{"header", "nav", "main", "footer"} {
				if len(all(doc, landmark)) == 0 {
					t.Errorf("no <%s>", landmark)
				}
			}
			if first := all(doc, "a")[0]; attr(first, "href") != "#main" {
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
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
		if n.Data == "label" {
			labels[attr(n, "for")] = true
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
		case "section", "nav":
			if attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "" {
				t.Errorf("a <%s> has no name", n.Data)
			}
		case "input", "select":
			if !labels[attr(n, "id")] {
				t.Errorf("<%s id=%q> has no label", n.Data, attr(n, "id"))
			}
		case "button", "a", "h1", "h2", "h3", "th":
			if text(n) == "" {
				t.Errorf("a <%s> is empty", n.Data)
			}
		}
		if n.Data == "th" && attr(n, "scope") == "" {
			t.Errorf("the heading %q has no scope", text(n))
		}
		if by := attr(n, "aria-labelledby"); by != "" && ids[by] == 0 {
			t.Errorf("nothing has the id %q", by)
		}
	}
}
