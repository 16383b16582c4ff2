package page_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/internal/weblink"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// attacks are texts that do something to a page that does not escape them.
func attacks() []string {
	return []string{
		`<script>alert(1)</script>`,
		`</script><script>alert(1)</script>`,
		`<ScRiPt src=//evil.example/x.js></sCrIpT>`,
		`<img src=x onerror=alert(1)>`,
		`<img/src=x/onerror=alert(1)//`,
		`"><svg onload=alert(1)>`,
		`'><svg onload=alert(1)>`,
		`<svg><script>alert(1)</script></svg>`,
		`<svg><animate onbegin=alert(1) attributeName=x dur=1s>`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
		`<iframe src=javascript:alert(1)>`,
		`<iframe srcdoc="<script>alert(1)</script>">`,
		`<object data=javascript:alert(1)>`,
		`<embed src=javascript:alert(1)>`,
		`<a href=javascript:alert(1)>x</a>`,
		`javascript:alert(1)`,
		`JaVaScRiPt:alert(1)`,
		`java&#x09;script:alert(1)`,
		`data:text/html,<script>alert(1)</script>`,
		`vbscript:msgbox(1)`,
		`//evil.example/path`,
		`https://evil.example/?q=1`,
		`\\evil.example\share`,
		`" onmouseover="alert(1)`,
		`' onmouseover='alert(1)`,
		"` onmouseover=`alert(1)",
		`" autofocus onfocus=alert(1) x="`,
		`" style="background:url(//evil.example)`,
		`<style>*{background:url(//evil.example)}</style>`,
		`<link rel=stylesheet href=//evil.example/x.css>`,
		`<meta http-equiv=refresh content="0;url=//evil.example">`,
		`<base href=//evil.example/>`,
		`<form action=//evil.example><input name=q>`,
		`</title><script>alert(1)</script>`,
		`</textarea><script>alert(1)</script>`,
		`</code></td></tr></table><script>alert(1)</script>`,
		`--><script>alert(1)</script><!--`,
		`<!--<img src="--><img src=x onerror=alert(1)//">`,
		`<![CDATA[<script>alert(1)</script>]]>`,
		`<?xml version="1.0"?><script>alert(1)</script>`,
		`{{.Version}}{{template "head" .}}`,
		`{{printf "%s" "<script>"}}`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`,
		`&#60;script&#62;alert(1)&#60;/script&#62;`,
		`%3Cscript%3Ealert(1)%3C/script%3E`,
		"\u202e<script>alert(1)</script>",
		"\x00<script>alert(1)</script>",
		"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
		"<script\x0d\x0a>alert(1)</script>",
		`<details open ontoggle=alert(1)>`,
	}
}

// TestNothingFromOutsideIsMarkup puts each text in every field that comes from
// outside. A page then has the very elements and attributes that it has with a
// harmless text: whatever the text says is text.
func TestNothingFromOutsideIsMarkup(t *testing.T) {
	if n := len(attacks()); n < 50 {
		t.Fatalf("%d texts", n)
	}
	want := shapes(t, "harmless")
	for i, text := range attacks() {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			got := shapes(t, text)
			for _, name := range slices.Sorted(maps.Keys(want)) {
				if diff := cmp.Diff(want[name], got[name]); diff != "" {
					t.Errorf("page %s is another one with %q (-want +got):\n%s", name, text, diff)
				}
			}
		})
	}
}

// shapes returns the elements of each page of a daemon that has the text everywhere.
func shapes(t *testing.T, text string) map[string][]string {
	now := time.Now()
	k := servetest.KeyOf(text)
	d := servetest.NewDaemon(t, servetest.Poisoned(text, now), servetest.PoisonedHistory(text, now)...)
	d.Config.Links = weblink.New(weblink.Settings{Source: "https://github.com/acme/tasks", Folder: "wedata", Console: "https://console.example.com/{taskId}?p={projectId}"})
	s := d.Serve(t)
	o := s.Observer()
	o.Planned(d.Status.Plan)
	for i := range d.Status.Plan.Changes {
		c := &d.Status.Plan.Changes[i]
		if c.Have != nil && c.Have.Attempt != nil {
			o.Called(c, c.Have, c.Have.Attempt.Outcome)
		}
	}
	o.Passed(&reconcile.Result{Plan: d.Status.Plan, Left: d.Status.Plan})
	return map[string][]string{
		"home":     elements(t, servetest.Page(t, s, "/")),
		"tasks":    elements(t, servetest.Page(t, s, "/tasks?q="+url.QueryEscape(k.TaskID))),
		"search":   elements(t, servetest.Page(t, s, "/tasks?q="+url.QueryEscape(text)+"&standing="+url.QueryEscape(text))),
		"task":     elements(t, servetest.Page(t, s, "/task/"+url.PathEscape(k.ProjectID)+"/"+url.PathEscape(k.TaskID))),
		"files":    elements(t, servetest.Page(t, s, "/files")),
		"infile":   elements(t, servetest.Page(t, s, "/tasks?file="+url.QueryEscape(text)+"&q="+url.QueryEscape(k.TaskID))),
		"releases": elements(t, servetest.Page(t, s, "/releases")),
		"release":  elements(t, servetest.Page(t, s, "/release/"+servetest.Revision)),
		"history":  elements(t, servetest.Page(t, s, "/history")),
		"missing":  elements(t, servetest.Get(t, s, "/"+url.PathEscape(text)).Body.String()),
	}
}

// elements returns the elements of a page in order, each with the names of its
// attributes, and complains about what no page may have.
func elements(t *testing.T, body string) []string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		var line strings.Builder
		line.WriteString(n.Data)
		for _, a := range n.Attr {
			line.WriteString(" " + a.Key)
			checkAttribute(t, n, a)
		}
		if (n.Data == "script" || n.Data == "style") && n.FirstChild != nil {
			t.Errorf("<%s> has a text: %s", n.Data, n.FirstChild.Data)
		}
		list = append(list, line.String())
	}
	return list
}

// checkAttribute holds attributes to what the page's policy relies on.
func checkAttribute(t *testing.T, n *html.Node, a html.Attribute) {
	t.Helper()
	switch {
	case strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc":
		t.Errorf("<%s> has the attribute %s", n.Data, a.Key)
	case a.Key == "href" || a.Key == "src" || a.Key == "action":
		address := strings.TrimPrefix(a.Val, "https://console.example.com")
		address = strings.TrimPrefix(address, "https://github.com/acme/tasks")
		if a.Val != "#main" && (!strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.HasPrefix(address, `/\`)) {
			t.Errorf("<%s %s=%q> leads elsewhere", n.Data, a.Key, a.Val)
		}
	}
}

// TestPagesOfTasksWithOddNames finds a task by its link, whatever it is called.
func TestPagesOfTasksWithOddNames(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, id := range []string{"a/b", "a%2Fb", "a?b#c", "a//b", "..a", "{x}", "a+b&c=d", "任务", `a"b'c<d>`, "%", "a;b"} {
		k := spec.Key{ProjectID: servetest.Project, TaskID: id}
		s := servetest.Healthy(servetest.EmptyPlan(), now)
		servetest.Held(s.Plan, k, plan.HoldRefused, nil)
		srv := servetest.NewDaemon(t, s).Serve(t)
		if got := servetest.Texts(t, servetest.Page(t, srv, taskLink(t, srv, id)), "h1"); !slices.Equal(got, []string{id}) {
			t.Errorf("the page of %q has the headings %q", id, got)
		}
	}
	for _, id := range []string{".", ".."} {
		s := servetest.Healthy(servetest.EmptyPlan(), now)
		servetest.Held(s.Plan, spec.Key{ProjectID: servetest.Project, TaskID: id}, plan.HoldRefused, nil)
		if body := servetest.Page(t, servetest.NewDaemon(t, s).Serve(t), "/"); strings.Contains(body, `href="/task/`) {
			t.Errorf("task %q has a link, which browsers would resolve to another page", id)
		}
	}
}

// taskLink returns the one link to a task that the status page has.
func taskLink(t *testing.T, s *serve.Server, id string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(servetest.Page(t, s, "/")))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "href" && strings.HasPrefix(a.Val, "/task/") {
				return a.Val
			}
		}
	}
	t.Fatalf("task %q has no link", id)
	return ""
}
