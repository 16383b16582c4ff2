package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
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

// next says what comes next on a pull request, and who can do it.
func (b *builder) next(g *page) {
	if !g.o.PullRequest {
		return
	}
	if s := nextStep(g); s != "" {
		b.line("")
		b.line("**Next step:** " + s)
	}
}

// unverified says why the plan is not for the newest revision.
func (b *builder) unverified(g *page, l level) {
	if g.plan.Source.Unverified == "" {
		return
	}
	b.line("")
	b.line("> [!IMPORTANT]")
	b.line("> The newest revision is not verified. This plan is for the last one that was.")
	if !l.bare {
		b.line(">")
		b.linef("> %s", codeSpan(g.plan.Source.Unverified, maxMessage))
	}
}

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
		b.linef("> Held by %s.", text.Plural(n, "guard"))
		b.line(">")
	}
	if command := approveCommand(g.plan); command != "" {
		b.line("> To approve exactly this plan:")
		b.line("> ```sh")
		b.linef("> %s", text.Clip(text.Visible(command), 120))
		b.line("> ```")
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
		b.naming(g, losing(now, g.summary.planHeld > 0), g.losing, named)
	}
	if now > 0 && later > 0 {
		b.line(">")
	}
	if later > 0 {
		b.naming(g, losingLater(later), g.heldLose, g.named-named)
	}
}

// fresh warns of tasks that run and are started anew.
func (b *builder) fresh(g *page) {
	n := len(g.sends[impactRank(plan.ImpactFreshStart)])
	if n == 0 {
		return
	}
	b.line("")
	b.line("> [!WARNING]")
	which := "**1 task that runs starts fresh:** its state is"
	if n > 1 {
		which = fmt.Sprintf("**%d tasks that run start fresh:** their state is", n)
	}
	b.linef("> %s not continued. To keep the state, write `commitType: resume`, or `pause-resume`.", which)
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

// maxListed bounds the tasks that a caution lists one a line, and the errors that
// are listed outside of a fold.
const maxListed = 10

// naming ends a sentence about tasks with the names of the first n: a few in a
// list, the others folded.
func (b *builder) naming(g *page, sentence string, tasks []*plan.Change, n int) {
	if n == 0 {
		b.linef("> %s.", sentence)
		return
	}
	b.linef("> %s:", sentence)
	b.line(">")
	listed := min(n, maxListed)
	for _, c := range tasks[:listed] {
		b.linef("> - %s", g.losingItem(c))
	}
	rest, folded := len(tasks)-listed, tasks[listed:n]
	switch {
	case len(folded) > 0:
		b.line(">")
		b.linef("> <details><summary>and %d more</summary>", rest)
		b.line(">")
		b.linef("> %s", g.spans(folded, rest))
		b.line(">")
		b.line("> </details>")
	case rest > 0:
		b.line(">")
		b.linef("> and %d more.", rest)
	}
}

// losingItem names a task in the list of a caution.
func (g *page) losingItem(c *plan.Change) string {
	s := g.span(c)
	if versions := arrowed(c); versions != none {
		s += " " + versions
	}
	if place := place(c); place != "" {
		s += ", " + codeSpan(place, maxID)
	}
	return s
}

// spans names the first of n tasks in a sentence of their own.
func (g *page) spans(tasks []*plan.Change, n int) string {
	spans := make([]string, len(tasks))
	for i, c := range tasks {
		spans[i] = g.span(c)
	}
	s := strings.Join(spans, ", ")
	if more := n - len(tasks); more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s + "."
}

// errors lists the first errors in the specs where everyone sees them.
func (b *builder) errors(ps spec.Problems, rows int, o MarkdownOptions) {
	shown := min(ps.Errors(), rows, maxListed)
	if shown == 0 {
		return
	}
	b.line("")
	b.linef("❌ **%s**", text.Plural(ps.Errors(), "error"))
	b.line("")
	for _, p := range bySeverity(ps)[:shown] {
		b.linef("- %s", o.item(p))
	}
}

// table lists the commits, the worst first.
func (b *builder) table(g *page, l level) {
	rows := g.ranked[:min(len(g.ranked), l.rows)]
	if len(rows) > 0 {
		b.line("")
		b.line("| What happens | Task | Version | Reason | Changed fields |")
		b.line("|---|---|---|---|---|")
	}
	for _, c := range rows {
		b.linef("| %s&nbsp;%s | %s | %s | %s | %s |", icon(c.Impact), verb(c.Impact, 1), g.task(c), versionCell(c, l.names), why(c), fieldsCell(c, l.names))
	}
	if more := g.summary.commits + g.summary.planHeld - len(rows); more > 0 {
		b.line("")
		b.linef(`\+ %d more: %s`, more, g.summary.without(rows).does())
	}
}

// icon is the colour of an impact.
func icon(i plan.Impact) string {
	switch i {
	case plan.ImpactDiscardState:
		return "🔴"
	case plan.ImpactFreshStart, plan.ImpactPause:
		return "🟠"
	case plan.ImpactStart:
		return "🟢"
	case plan.ImpactKeepState:
		return "🔵"
	default:
		return "⚪"
	}
}

// none stands for a version that is not.
const none = "–"

// versionSpan writes the versions of a change.
func versionSpan(c *plan.Change) string {
	before, after := versionBefore(c), versionAfter(c)
	if before == after {
		return version(before, none)
	}
	return version(before, none) + " → " + version(after, none)
}

// arrowed is versionSpan for markdown, where it stays on one line.
func arrowed(c *plan.Change) string { return strings.ReplaceAll(versionSpan(c), " ", "&nbsp;") }

// versionCell writes the versions of a change, and what its spec says of the new one.
func versionCell(c *plan.Change, described bool) string {
	if !described || c.Want == nil || c.Want.VersionDesc == "" {
		return arrowed(c)
	}
	return arrowed(c) + "<br>" + codeSpan(c.Want.VersionDesc, maxValue)
}

// fieldsCell names the fields that differ beside what the reason says.
func fieldsCell(c *plan.Change, names bool) string {
	if !names {
		return ""
	}
	var spans []string
	for _, name := range fieldNames(c) {
		spans = append(spans, codeSpan(name, maxValue))
	}
	return strings.Join(spans, "<br>")
}
