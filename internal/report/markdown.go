package report

import (
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"sort"
	"strings"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// The bounds of a comment, in bytes. GitHub takes 65,536 characters.
const (
	DefaultLimit = 60_000
	MinLimit     = 1_000
)

// maxRows bounds the rows of the table, and the lines of each folded section.
const maxRows = 50

// MarkdownOptions say how a comment is written.
type MarkdownOptions struct {
	// Key tells the comments of several plans on one pull request apart, such as
	// the name of an environment.
	Key string
	// Limit bounds the body, in bytes; 0 is DefaultLimit, and less than MinLimit
	// counts as MinLimit.
	Limit int
	// LinkBase is where the source's files are shown, such as
	// https://github.com/acme/tasks/blob/9f1c2e7. Empty makes no links.
	LinkBase string
	// ShowValues writes the values of extConfig, which are masked otherwise.
	ShowValues bool
	// Rate is how many calls a second the estimate is made for; 0 is the API's
	// limit of 20.
	Rate float64
}

// Marker returns the hidden first line of the comment for key, by which the
// comment is found again.
func Marker(key string) string { return marked("plan", key) }

// maxKey bounds the key in a marker; a longer one is named by its digest.
const maxKey = 64

func marked(kind, key string) string {
	// Only what cannot end an HTML comment is left as it is.
	escaped := strings.ReplaceAll(url.QueryEscape(key), "--", "-%2D")
	if len(escaped) > maxKey {
		escaped = digest(key)
	}
	return fmt.Sprintf("<!-- wedatasync:%s key=%s -->", kind, escaped)
}

// Markdown writes the plan as the body of one comment: what is lost and how much
// is done always, then as much detail as the limit allows. What does not fit is
// given up in this order: field diffs, field names, rows and folded lines, the
// names of tasks that lose their state. Their number and all counts stay.
func Markdown(p *reconcile.Plan, o MarkdownOptions) []byte {
	page := newPage(p, o)
	return fit(o.Limit, page.levels(), page.render)
}

// fit returns the richest body that stays within limit. Every comment goes
// through it. Levels are in order, the richest first; the poorest always fits.
func fit[L any](limit int, levels []L, render func(L) []byte) []byte {
	limit = bound(limit)
	i := sort.Search(len(levels), func(i int) bool { return len(render(levels[i])) <= limit })
	return render(levels[min(i, len(levels)-1)])
}

// bound returns the limit that a body has to stay in.
func bound(limit int) int {
	if limit == 0 {
		return DefaultLimit
	}
	return max(limit, MinLimit)
}

// page is one comment about a plan.
type page struct {
	*view
	o        MarkdownOptions
	ranked   []*reconcile.Change // what the table has room for
	losing   []*reconcile.Change // tasks that lose their state with this plan
	heldLose []*reconcile.Change // tasks that lose it once they are no longer held
	named    int                 // how many of both fit
}

// level is how much of a page is written.
type level struct {
	diffs int  // changes with a field diff
	names bool // with the names of the changed fields
	rows  int  // at most so many rows, and lines of a folded section
	bare  bool // nothing but the counts, the guards and the caution
}

func newPage(p *reconcile.Plan, o MarkdownOptions) *page {
	v := newView(p, o.Rate)
	g := &page{view: v, o: o, ranked: v.ranked(maxRows), losing: v.sends[0], heldLose: v.heldDiscards()}
	g.named = g.roomFor(slices.Concat(g.losing, g.heldLose))
	return g
}

// roomFor counts the tasks that can be named when nothing else but the counts
// and the guards is written.
func (g *page) roomFor(tasks []*reconcile.Change) int {
	const around = len(": and 1000000 more.")
	room := bound(g.o.Limit) - len(g.render(level{bare: true})) - 2*around
	for i, c := range tasks {
		if room -= len(taskSpan(c)) + len(", "); room < 0 {
			return i
		}
	}
	return len(tasks)
}

func (g *page) levels() []level {
	var levels []level
	for n := len(g.ranked); n >= 0; n-- {
		levels = append(levels, level{diffs: n, names: true, rows: maxRows})
	}
	for n := maxRows; n >= 0; n-- {
		levels = append(levels, level{rows: n})
	}
	return append(levels, level{bare: true})
}

func (g *page) render(l level) []byte {
	var b builder
	b.line(Marker(g.o.Key))
	b.linef("### %s", g.title())
	b.line("")
	b.line(g.sentence())
	b.guards(g, l)
	b.caution(g)
	if l.bare {
		return b.Bytes()
	}
	b.table(g, l)
	b.diffs(g, l)
	b.problems(g.plan.Problems, l.rows)
	b.held(g, l)
	b.unversioned(g, l)
	b.forgotten(g, l)
	b.line("")
	b.line(origin(g.plan))
	return b.Bytes()
}

// title counts what the plan is about.
func (g *page) title() string {
	name := named("plan", g.o.Key)
	s := g.summary
	var counts []string
	add := func(n int, text string) {
		if n > 0 {
			counts = append(counts, text)
		}
	}
	add(s.commits, plural(s.commits, "commit"))
	add(s.planHeld, plural(s.planHeld, "commit")+" held by a guard")
	add(s.held, fmt.Sprintf("%d held", s.held))
	add(s.unversioned, fmt.Sprintf("%d without a new version", s.unversioned))
	add(s.forgotten, fmt.Sprintf("%d forgotten", s.forgotten))
	add(s.errors, plural(s.errors, "error"))
	add(s.warnings, plural(s.warnings, "warning"))
	if len(counts) == 0 {
		return name + ": nothing to do"
	}
	return name + ": " + strings.Join(counts, ", ") + " · " + codeSpan(shortHash(g.plan.Hash), 40)
}

// sentence says what the title does not count.
func (g *page) sentence() string {
	s := g.summary.headline()
	if g.summary.quiet() {
		return s
	}
	s += " " + strings.ToUpper(g.summary.calls()[:1]) + g.summary.calls()[1:]
	if g.summary.unchanged > 0 {
		s += fmt.Sprintf("; %d unchanged", g.summary.unchanged)
	}
	return s + "."
}

// named is the start of a title.
func named(kind, key string) string {
	if key == "" {
		return "wedatasync " + kind
	}
	return "wedatasync " + kind + " " + codeSpan(key, 40)
}

// origin says what was compared with what. The serial of the state is left out:
// it moves without changing the plan.
func origin(p *reconcile.Plan) string {
	s := "Planned for revision " + codeSpan(shortRevision(p.Source.Revision), 100)
	if p.Source.Branch != "" {
		s += " of " + codeSpan(p.Source.Branch, 200)
	}
	if p.State == (reconcile.StateInfo{}) {
		s += ", compared with another revision and not with what was applied"
	}
	if p.Approved != "" {
		s += ", approved by " + codeSpan(p.Approved, 200)
	}
	return s + "."
}

// maxID bounds an id in markdown, in bytes: an escape can be longer than what it
// stands for.
const maxID = 200

// taskSpan names a task.
func taskSpan(c *reconcile.Change) string { return codeSpan(c.Key.String(), 2*maxID) }

// link returns markdown that names a task by id and leads to its spec.
func link(base string, c *reconcile.Change) string {
	text := codeSpan(c.Key.TaskID, maxID)
	target := fileURL(base, position(c))
	if target == "" {
		return text
	}
	return "[" + text + "](" + target + ")"
}

// fileURL returns where a line of a spec is shown, or "" if that is not known or
// would lead elsewhere.
func fileURL(base string, pos spec.Pos) string {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || !fs.ValidPath(pos.File) {
		return ""
	}
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+"/"+pos.File, ""
	u.RawQuery, u.Fragment = "", fmt.Sprintf("L%d", max(pos.Line, 1))
	// Markdown would read an entity here.
	return strings.ReplaceAll(u.String(), "&", "%26")
}
