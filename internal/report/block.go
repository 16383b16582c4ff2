package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// maxMessage bounds a message on a page, in bytes.
const maxMessage = 600

// builder writes the blocks of a page. Each begins with an empty line.
type builder struct{ bytes.Buffer }

func (b *builder) line(s string) {
	b.WriteString(s)
	b.WriteByte('\n')
}

func (b *builder) linef(format string, args ...any) { b.line(fmt.Sprintf(format, args...)) }

// maxGuards bounds the guards that are written out.
const maxGuards = 5

// guards says which guards hold the plan, and how to let it go.
func (b *builder) guards(g *page, l level) {
	holds := g.plan.Holds
	if len(holds) == 0 {
		return
	}
	b.line("")
	b.line("> [!IMPORTANT]")
	shown := holds[:min(len(holds), maxGuards)]
	if l.bare {
		shown = nil
	}
	for _, h := range shown {
		b.linef("> Held by guard %s: %s", codeSpan(h.Guard, maxID), codeSpan(h.Message, maxMessage))
		b.line(">")
	}
	if n := len(holds) - len(shown); n > 0 {
		b.linef("> Held by %s.", plural(n, "guard"))
		b.line(">")
	}
	if command := approveCommand(g.plan); command != "" {
		b.linef("> To let exactly this plan go: %s", codeSpan(command, 120))
	} else {
		b.line("> No approval goes past this.")
	}
}

// caution names every task that loses its state, or as many as there is room for.
func (b *builder) caution(g *page) {
	now, later := len(g.losing), len(g.heldLose)
	if now+later == 0 {
		return
	}
	b.line("")
	b.line("> [!CAUTION]")
	named := min(g.named, now)
	if now > 0 {
		b.line("> " + losing(now, g.summary.planHeld > 0) + naming(g.losing, named))
	}
	if now > 0 && later > 0 {
		b.line(">")
	}
	if later > 0 {
		b.line("> " + losingLater(later) + naming(g.heldLose, g.named-named))
	}
}

func losing(n int, would bool) string {
	switch {
	case would && n == 1:
		return "**1 task would lose its state** and start again from nothing"
	case would:
		return fmt.Sprintf("**%d tasks would lose their state** and start again from nothing", n)
	case n == 1:
		return "**1 task loses its state** and starts again from nothing"
	default:
		return fmt.Sprintf("**%d tasks lose their state** and start again from nothing", n)
	}
}

func losingLater(n int) string {
	if n == 1 {
		return "**1 held task loses its state** when it is sent"
	}
	return fmt.Sprintf("**%d held tasks lose their state** when they are sent", n)
}

// naming ends a sentence about tasks with the names of the first n.
func naming(tasks []*reconcile.Change, n int) string {
	if n == 0 {
		return "."
	}
	spans := make([]string, n)
	for i, c := range tasks[:n] {
		spans[i] = taskSpan(c)
	}
	s := ": " + strings.Join(spans, ", ")
	if more := len(tasks) - n; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s + "."
}

// table lists the commits, the worst first.
func (b *builder) table(g *page, l level) {
	rows := g.ranked[:min(len(g.ranked), l.rows)]
	total := g.summary.commits + g.summary.planHeld
	if len(rows) > 0 {
		b.line("")
		b.line("| | Task | Project | What happens | Version | Why |")
		b.line("|---|---|---|---|---|---|")
	}
	for _, c := range rows {
		b.linef("| %s | %s | %s | %s | %s | %s |", icon(c.Impact), link(g.o.LinkBase, c),
			codeSpan(c.Key.ProjectID, maxID), happens(c.Impact), versionSpan(c), why(c, l.names))
	}
	if more := total - len(rows); more > 0 {
		b.line("")
		b.linef("+ %d more", more)
	}
}

// icon is the colour of an impact.
func icon(i reconcile.Impact) string {
	switch i {
	case reconcile.ImpactDiscardState:
		return "🔴"
	case reconcile.ImpactPause:
		return "🟠"
	case reconcile.ImpactStart:
		return "🟢"
	case reconcile.ImpactKeepState:
		return "🔵"
	default:
		return "⚪"
	}
}

func versionSpan(c *reconcile.Change) string {
	before, after := versionBefore(c), versionAfter(c)
	if before == after {
		return version(before, "–")
	}
	return version(before, "–") + " → " + version(after, "–")
}

func why(c *reconcile.Change, names bool) string {
	s := reasonWords(c.Reason)
	if !names {
		return s
	}
	separator := ": "
	for _, name := range fieldNames(c) {
		s += separator + codeSpan(name, maxValue)
		separator = ", "
	}
	return s
}

// diffs folds the changed fields away, in the colours of a diff.
func (b *builder) diffs(g *page, l level) {
	if l.diffs == 0 {
		return
	}
	title := fmt.Sprintf("Field diffs (%d)", l.diffs)
	if total := g.summary.commits + g.summary.planHeld; l.diffs < total {
		title = fmt.Sprintf("Field diffs (%d of %d)", l.diffs, total)
	}
	b.fold(title)
	b.line("```diff")
	for _, c := range g.ranked[:l.diffs] {
		b.diff(c, g.o.ShowValues)
	}
	b.line("```")
	b.unfold()
}

// diff writes the fields of one change. The sign in the first column is what
// colours a line, and keeps text from outside from ending the fence.
func (b *builder) diff(c *reconcile.Change, showValues bool) {
	sign := "!"
	switch {
	case c.Impact == reconcile.ImpactDiscardState:
		sign = "-"
	case c.Reason == reconcile.ReasonNew:
		sign = "+"
	}
	b.linef("%s %s  %s%s", sign, taskLine(c), happens(c.Impact), place(c))
	lines, more := fieldLines(c, showValues)
	for _, f := range lines {
		if f.added {
			b.linef("+   %s: %s", f.name, f.after)
		} else {
			b.linef("!   %s: %s -> %s", f.name, f.before, f.after)
		}
	}
	if more > 0 {
		b.linef("    and %s", plural(more, "more field"))
	}
}

// taskLine names a task in a fence.
func taskLine(c *reconcile.Change) string { return clip(Visible(c.Key.String()), 2*maxID) }

// place says where a change's spec stands, in a fence.
func place(c *reconcile.Change) string {
	pos := position(c)
	if pos.File == "" {
		return ""
	}
	return "  " + clip(Visible(fmt.Sprintf("%s:%d", pos.File, pos.Line)), maxMessage)
}

// problems folds away what is wrong with the specs, errors first.
func (b *builder) problems(ps spec.Problems, rows int) {
	if len(ps) == 0 {
		return
	}
	b.fold("Problems: " + faults(ps))
	b.line("```diff")
	b.problemLines(ps, rows)
	b.line("```")
	b.unfold()
}

func (b *builder) problemLines(ps spec.Problems, rows int) {
	written := 0
	for _, severity := range []struct {
		isError bool
		sign    string
	}{{true, "-"}, {false, "!"}} {
		for _, p := range ps {
			if written == rows {
				break
			}
			if (p.Severity == spec.SeverityError) == severity.isError {
				b.linef("%s %s", severity.sign, clip(Visible(p.String()), maxMessage))
				written++
			}
		}
	}
	b.more(len(ps) - written)
}

// held folds away what is needed and not sent, with what lifts it.
func (b *builder) held(g *page, l level) {
	if len(g.held) == 0 {
		return
	}
	b.fold(fmt.Sprintf("Held: needed, and not sent now (%d)", len(g.held)))
	for i, c := range g.held {
		if i == 0 || c.Hold != g.held[i-1].Hold {
			meaning, wayOn := holdWords(c.Hold, anyTask)
			b.linef("- %s: %s; %s", codeSpan(string(c.Hold), maxID), meaning, wayOn)
		}
	}
	b.line("")
	b.list(g.held, l.rows, func(c *reconcile.Change) string {
		return fmt.Sprintf("%s %s  %s  %s: %s%s", heldMarker(c), taskLine(c), happens(c.Impact),
			clip(Visible(string(c.Hold)), maxID), clip(Visible(c.Detail), maxMessage), place(c))
	})
	b.unfold()
}

func (b *builder) unversioned(g *page, l level) {
	if len(g.unversioned) == 0 {
		return
	}
	b.fold(fmt.Sprintf("Changed without a new version: nothing will be sent (%d)", len(g.unversioned)))
	b.list(g.unversioned, l.rows, func(c *reconcile.Change) string {
		return fmt.Sprintf("= %s  %s%s", taskLine(c), clip(Visible(strings.Join(fieldNames(c), ", ")), maxMessage), place(c))
	})
	b.unfold()
}

func (b *builder) forgotten(g *page, l level) {
	if len(g.forgotten) == 0 {
		return
	}
	b.fold(fmt.Sprintf("Forgotten: the spec is gone, no call is made (%d)", len(g.forgotten)))
	b.list(g.forgotten, l.rows, func(c *reconcile.Change) string { return "# " + taskLine(c) })
	b.unfold()
}

// list writes the first rows of changes in a fence. Each line starts with a sign
// of ours.
func (b *builder) list(changes []*reconcile.Change, rows int, line func(*reconcile.Change) string) {
	shown := changes[:min(len(changes), rows)]
	b.line("```text")
	for _, c := range shown {
		b.line(line(c))
	}
	b.more(len(changes) - len(shown))
	b.line("```")
}

// more ends a fence's lines with how many were left out.
func (b *builder) more(n int) {
	if n > 0 {
		b.linef("  + %d more", n)
	}
}

func (b *builder) fold(title string) {
	b.line("")
	b.linef("<details><summary>%s</summary>", title)
	b.line("")
}

func (b *builder) unfold() {
	b.line("")
	b.line("</details>")
}
