package servetest

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Parse parses a page.
func Parse(t *testing.T, body string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// All returns the elements of that name.
func All(doc *html.Node, name string) []*html.Node {
	var list []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			list = append(list, n)
		}
	}
	return list
}

// Attr returns the value of an attribute, or "".
func Attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Text returns the text of an element, its spaces collapsed and its blocks apart.
func Text(n *html.Node) string {
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

// Texts returns the texts of the elements of that name.
func Texts(t *testing.T, body, name string) []string {
	t.Helper()
	var list []string
	for _, n := range All(Parse(t, body), name) {
		list = append(list, Text(n))
	}
	return list
}

// Live returns the text of a part of the status page.
func Live(t *testing.T, body, name string) string {
	t.Helper()
	for n := range Parse(t, body).Descendants() {
		if n.Type == html.ElementNode && Attr(n, "data-live") == name {
			return Text(n)
		}
	}
	t.Fatalf("the page has no part %q", name)
	return ""
}
