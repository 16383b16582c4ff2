package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// Options say how text is written for a terminal.
type Options struct {
	Color bool // with ANSI colours; without it, no escape sequence is written
	Width int  // columns of the terminal; 0 if there is no bound
	// ShowValues writes every changed field with its values, those of extConfig too.
	// Without it, changed fields are named.
	ShowValues bool
	// Rate is how many calls a second the estimate is made for; 0 is the API's
	// limit of 20.
	Rate float64
}

// Text writes the plan for a terminal: first what will happen in one sentence,
// then one line a change, the worst first, and a count at the end. An error is w's.
func Text(w io.Writer, p *plan.Plan, o Options) error {
	v := newView(p, o.Rate)
	t := newTextWriter(w, o)
	t.wrapped(bold, "", v.summary.headline())
	t.wrapped(faint, "", planOrigin(v))
	t.unverified(v)
	if v.summary.quiet() {
		return t.flush()
	}
	t.guards(v)
	t.table(v)
	t.drift(v)
	t.problems(p.Problems)
	t.line("")
	t.wrapped(bold, "", "Plan "+text.Visible(ShortHash(p.Hash))+": "+v.summary.tally()+".")
	return t.flush()
}

// planOrigin says what was compared with what.
func planOrigin(v *view) string {
	p := v.plan
	var b strings.Builder
	fmt.Fprintf(&b, "Revision %s", text.Visible(shortRevision(p.Source.Revision)))
	if p.Source.Branch != "" {
		fmt.Fprintf(&b, " of %s", text.Visible(p.Source.Branch))
	}
	if p.State.Lineage != "" {
		b.WriteString(", compared with the state")
	}
	if p.State.Serial > 0 { // a daemon's own plan has none
		fmt.Fprintf(&b, " at serial %d", p.State.Serial)
	}
	if p.Against != "" {
		b.WriteString(", base: " + text.Visible(p.Against) + explain.BaseNote(p.Against))
	}
	if project := v.project(); project != "" {
		fmt.Fprintf(&b, ", project %s", text.Visible(project))
	}
	if p.Approved != "" {
		fmt.Fprintf(&b, ", approved by %s", text.Visible(p.Approved))
	}
	return b.String() + "."
}

// unverified says why the revision is not the newest.
func (t *textWriter) unverified(v *view) {
	if s := unverified(v.plan); s != "" {
		t.wrapped(yellow, "", s)
	}
}

// guards says which guards hold the whole plan, and how to let it go.
func (t *textWriter) guards(v *view) {
	if len(v.plan.Holds) == 0 {
		return
	}
	t.line("")
	for _, h := range v.plan.Holds {
		t.wrapped(yellow, "", "Held by guard "+text.Visible(h.Guard)+": "+text.Visible(h.Message))
	}
	if command := approveCommand(v.plan); command != "" {
		t.line("To approve exactly this plan:")
		t.line("  " + t.ink(bold, text.Visible(command)))
	}
}

// group is the lines of one kind of change.
type group struct {
	name, meaning, next string
	ink                 ink
	changes             []*plan.Change
}

// groups returns what the plan lists, in the order of the page.
func (v *view) groups() []group {
	var groups []group
	for i, impact := range plan.Impacts() {
		words := wordsOf(impact)
		next := ""
		if impact == plan.ImpactFreshStart {
			next = keepsState
		}
		groups = append(groups, group{words.name, words.meaning, next, impactInk(impact), v.sends[i]})
	}
	notRunning, unhealthy, notLive := explain.NotRunning.Info(), explain.Unhealthy.Info(), explain.NotLive.Info()
	groups = append(groups,
		group{"Not running", notRunning.Meaning, notRunning.Next, red, v.notRunning},
		group{"Not healthy", unhealthy.Meaning, unhealthy.Next, red, v.unhealthy},
		group{"Not live", notLive.Meaning, notLive.Next, red, v.notLive})
	for rest := v.held; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Hold == rest[0].Hold {
			n++
		}
		info := explain.StateOf(rest[0]).Info()
		name := "Held, " + text.Visible(string(rest[0].Hold))
		groups = append(groups, group{name, info.Meaning, info.Next, yellow, rest[:n]})
		rest = rest[n:]
	}
	return append(groups,
		group{"Accepted", "accepted by WeData, and read until it is live; no call is made", "", cyan, v.accepted},
		group{"Starting", "applied, and followed until healthy; no call is made", "", cyan, v.starting},
		group{"Removed from the state", "the spec was removed; no call is made", "", faint, v.removed},
		group{"Managed again", "the spec is back at the applied version; no call is made", "", faint, v.returned},
		group{"Unversioned", "changed without a new version; nothing will be sent", "", faint, v.unversioned})
}

// table writes the groups in columns that line up over the whole page.
func (t *textWriter) table(v *view) {
	groups := v.groups()
	rows := make([][]row, len(groups))
	project := v.project()
	for i, g := range groups {
		for _, c := range g.changes {
			rows[i] = append(rows[i], newRow(c, project, explain.HeldWithPlan(v.plan, c)))
		}
	}
	layouts := newLayouts(rows, t.Width)
	for i, g := range groups {
		if len(g.changes) == 0 {
			continue
		}
		t.heading(g.name, len(g.changes), g.meaning, g.ink)
		if g.next != "" {
			t.wrapped(faint, "  ", "Next: "+g.next+".")
		}
		for k, c := range g.changes {
			t.row(rows[i][k], layouts[i], g.ink)
			t.detail(v, c)
		}
	}
}

// detail writes what belongs to a change below its line.
func (t *textWriter) detail(v *view, c *plan.Change) {
	if why := because(c); why != "" && !explain.HeldWithPlan(v.plan, c) {
		t.wrapped("", rowIndent, text.Visible(why))
	}
	if !t.ShowValues {
		return
	}
	lines, more := fieldLines(c, true)
	for _, f := range lines {
		if f.added {
			t.line(rowIndent + t.ink(faint, f.name+": "+f.after))
		} else {
			t.line(rowIndent + t.ink(faint, f.name+": "+f.before+" -> "+f.after))
		}
	}
	if more > 0 {
		t.line(rowIndent + t.ink(faint, "and "+text.Plural(more, "more field")))
	}
}

// problems lists what is wrong with the specs, one line each, so that editors
// and people find the place.
func (t *textWriter) problems(ps spec.Problems) {
	errors := ps.Errors()
	t.severity(ps, spec.SeverityError, errors, "Errors", "these specs are skipped", red)
	t.severity(ps, spec.SeverityWarning, ps.Len()-errors, "Warnings", "sent as they are; review them", yellow)
}

func (t *textWriter) severity(ps spec.Problems, s spec.Severity, n int, name, meaning string, color ink) {
	if n == 0 {
		return
	}
	t.heading(name, n, meaning, color)
	for _, p := range ps {
		if (p.Severity == spec.SeverityError) == (s == spec.SeverityError) {
			t.line("  " + text.Visible(p.String()))
		}
	}
}

// textWriter writes lines; the first error of the writer below stays.
type textWriter struct {
	*bufio.Writer
	Options
}

func newTextWriter(w io.Writer, o Options) *textWriter {
	return &textWriter{bufio.NewWriter(w), o}
}

func (t *textWriter) line(s string) {
	t.WriteString(s)
	t.WriteByte('\n')
}

func (t *textWriter) heading(name string, n int, meaning string, color ink) {
	t.line("")
	t.line(t.ink(bold+";"+color, fmt.Sprintf("%s (%d)", name, n)) + t.ink(faint, ": "+meaning))
}

func (t *textWriter) flush() error {
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// ink is an ANSI colour or weight.
type ink string

const (
	bold   ink = "1"
	faint  ink = "2"
	red    ink = "31"
	green  ink = "32"
	yellow ink = "33"
	cyan   ink = "36"
)

// ink colours s if colours are wanted.
func (t *textWriter) ink(i ink, s string) string {
	if !t.Color || s == "" || i == "" {
		return s
	}
	return "\x1b[" + string(i) + "m" + s + "\x1b[0m"
}

func impactInk(i plan.Impact) ink {
	switch i {
	case plan.ImpactDiscardState, plan.ImpactFreshStart:
		return red
	case plan.ImpactPause:
		return yellow
	case plan.ImpactStart:
		return green
	default:
		return cyan
	}
}

// codeSpan returns s as markdown's inline code, at most limit bytes of it. A
// backtick would end it and a bar would end a table's cell, even when escaped: the
// parsers do not agree on an escape inside code. So neither is left in it.
func codeSpan(s string, limit int) string {
	s = strings.ReplaceAll(text.Visible(s), "`", `\u0060`)
	s = strings.ReplaceAll(s, "|", `\u007c`)
	if s = text.Clip(s, limit); s == "" {
		return "–"
	}
	return "`" + s + "`"
}
