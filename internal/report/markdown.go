package report

import (
	"fmt"
	"io/fs"
	"net/url"
	"sort"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report/annotation"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
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

	// Of a comment on a pull request.
	PullRequest bool   // says who can take the next step
	Commit      string // the newest of it; empty is the plan's revision
	CommitURL   string // where people see it; empty makes no link
	RunURL      string // where people see the job that made the plan
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
		escaped = annotation.Fingerprint(key)
	}
	return fmt.Sprintf("<!-- wedatasync:%s key=%s -->", kind, escaped)
}

// Markdown writes the plan as the body of one comment: what is lost and how much
// is done always, then as much detail as the limit allows. What does not fit is
// given up in this order: field diffs, field names, rows and folded lines, the
// names of tasks that lose their state. Their number and all counts stay.
func Markdown(p *plan.Plan, o MarkdownOptions) []byte {
	page := newPage(p, o)
	return fit(o.Limit, page.levels(), page.render)
}

// fit returns the richest body that stays within limit. Every comment goes
// through it. Levels are in order, the richest first; the poorest always fits.
func fit[L any](limit int, levels []L, render func(L) []byte) []byte {
	limit = bound(limit)
	// Most plans are small.
	if body := render(levels[0]); len(body) <= limit {
		return body
	}
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
	project  string         // of all tasks; "" if there are several
	ranked   []*plan.Change // what the table has room for
	losing   []*plan.Change // tasks that lose their state with this plan
	heldLose []*plan.Change // tasks that lose it once they are no longer held
	named    int            // how many of both fit
}

// level is how much of a page is written.
type level struct {
	diffs int  // changes with a field diff
	names bool // with the names of the changed fields
	rows  int  // at most so many rows, and lines of a folded section
	bare  bool // nothing but the counts, the guards and the caution
}

func newPage(p *plan.Plan, o MarkdownOptions) *page {
	v := newView(p, o.Rate)
	g := &page{view: v, o: o, project: v.project(), ranked: v.ranked(maxRows), losing: v.sends[0], heldLose: v.heldDiscards()}
	g.named = g.room()
	return g
}

// room counts the tasks that a caution can name when nothing else but the counts
// and the guards is written.
func (g *page) room() int {
	const around = len(":\n>\n>\n> <details><summary>and 1000000 more</summary>\n>\n>  and 1000000 more.\n>\n> </details>\n")
	room := bound(g.o.Limit) - len(g.render(level{bare: true})) - 2*around
	named := 0
	for _, tasks := range [][]*plan.Change{g.losing, g.heldLose} {
		for i, c := range tasks {
			if i < maxListed {
				room -= len("> - \n") + len(g.losingItem(c))
			} else {
				room -= len(", ") + len(g.span(c))
			}
			if room < 0 {
				return named
			}
			named++
		}
	}
	return named
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
	b.next(g)
	b.unverified(g, l)
	b.guards(g, l)
	b.caution(g)
	b.fresh(g)
	if l.bare {
		return b.Bytes()
	}
	b.errors(g.plan.Problems, l.rows, g.o)
	b.table(g, l)
	b.order(g, l)
	b.diffs(g, l)
	b.problems(g.plan.Problems, l.rows, g.o)
	b.followed(g, l, "Not running: applied, and did not come to run", g.notRunning)
	b.followed(g, l, "Not healthy: running, but not as their wait requires", g.unhealthy)
	b.followed(g, l, "Not live: accepted by WeData, and not seen live", g.notLive)
	b.held(g, l)
	b.followed(g, l, "Accepted by WeData, and read until it is live, no call is made", g.accepted)
	b.followed(g, l, "Starting: applied, and followed until healthy, no call is made", g.starting)
	b.unversioned(g, l)
	b.removed(g, l)
	b.returned(g, l)
	b.drift(g, l)
	b.line("")
	b.line(g.origin())
	return b.Bytes()
}

// title counts what will be done, and what someone has to look at.
func (g *page) title() string {
	name := named("plan", g.o.Key)
	s := g.summary
	if s.quiet() {
		return name + ": nothing to do"
	}
	var counts []string
	add := func(n int, text string) {
		if n > 0 {
			counts = append(counts, text)
		}
	}
	add(s.commits, text.Plural(s.commits, "commit"))
	add(s.planHeld, text.Plural(s.planHeld, "commit")+" held by a guard")
	add(s.held, fmt.Sprintf("%d held", s.held))
	add(s.notRunning, fmt.Sprintf("%d not running", s.notRunning))
	add(s.unhealthy, fmt.Sprintf("%d not healthy", s.unhealthy))
	add(s.drifted, fmt.Sprintf("%d drifted", s.drifted))
	add(s.errors, text.Plural(s.errors, "error"))
	add(s.warnings, text.Plural(s.warnings, "warning"))
	if len(counts) == 0 {
		counts = []string{"no commits"}
	}
	return name + ": " + strings.Join(counts, ", ") + " · " + codeSpan(ShortHash(g.plan.Hash), 40)
}

// sentence says what the commits do, and counts what the title does not.
func (g *page) sentence() string {
	s := g.summary
	if s.quiet() {
		return s.headline()
	}
	calls := s.calls()
	parts := append([]string{strings.ToUpper(calls[:1]) + calls[1:]}, s.others()...)
	return s.headline() + " " + strings.Join(parts, "; ") + "."
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
func (g *page) origin() string {
	p := g.plan
	s := "Planned for revision " + codeSpan(shortRevision(p.Source.Revision), 100)
	if g.o.Commit != "" {
		s = "Planned for commit " + linked(codeSpan(shortRevision(g.o.Commit), 100), g.o.CommitURL)
	} else if p.Source.Branch != "" {
		s += " of " + codeSpan(p.Source.Branch, 200)
	}
	if g.project != "" {
		s += ", project " + codeSpan(g.project, maxID)
	}
	if p.Against != "" {
		s += ", base: " + codeSpan(p.Against, 200) + explain.BaseNote(p.Against)
	}
	if p.Approved != "" {
		s += ", approved by " + codeSpan(p.Approved, 200)
	}
	if run := linked("run", g.o.RunURL); run != "run" {
		s += ", by this " + run
	}
	return s + "."
}

// linked leads from text to an address, if that is one that markdown keeps whole.
func linked(text, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || strings.ContainsAny(address, "()<>[] \"'`\\") {
		return text
	}
	return "[" + text + "](" + strings.ReplaceAll(u.String(), "&", "%26") + ")"
}

// maxID bounds an id in markdown, in bytes: an escape can be longer than what it
// stands for.
const maxID = 200

// maxName bounds what people call a task where its id follows, in bytes.
const maxName = 100

// name tells a task from the others of the page.
func (g *page) name(c *plan.Change) string {
	name := text.Clip(c.Name(), maxName) // the id, which follows, is never cut
	if g.project != "" {
		return explain.Label(name, c.Key.TaskID)
	}
	return explain.Label(name, c.Key.String())
}

// span is the task's name in a sentence.
func (g *page) span(c *plan.Change) string { return codeSpan(g.name(c), 2*maxID) }

// spec says where a change's spec stands, and leads there.
func (g *page) spec(c *plan.Change) string {
	if s := place(c); s != "" {
		return g.o.link(position(c), s)
	}
	return ""
}

// place says where a change's spec stands, or "" if that is not known.
func place(c *plan.Change) string {
	pos := position(c)
	if pos.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", pos.File, pos.Line)
}

// link returns markdown that shows text and leads to where a spec stands.
func (o MarkdownOptions) link(pos spec.Pos, text string) string {
	text = codeSpan(text, maxID)
	if target := fileURL(o.LinkBase, pos); target != "" {
		return "[" + text + "](" + target + ")"
	}
	return text
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

// task names a task in a row, and says where its spec is. Each stands on a line of
// its own: an id that is broken over two is hard to read.
func (g *page) task(c *plan.Change) string {
	s := codeSpan(c.Key.TaskID, maxID)
	if name := c.Name(); name != "" {
		s = codeSpan(name, maxID) + "<br>" + s
	}
	if spec := g.spec(c); spec != "" {
		s += "<br>" + spec
	}
	if g.project == "" {
		s += "<br>project " + codeSpan(c.Key.ProjectID, maxID)
	}
	return s
}
