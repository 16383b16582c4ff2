package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

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
	for i, c := range g.ranked[:l.diffs] {
		if i > 0 {
			b.line("")
		}
		b.diff(g, c)
	}
	b.line("```")
	b.unfold()
}

// diff writes the fields of one change. The sign in the first column is what
// colours a line, and keeps text from outside from ending the fence.
func (b *builder) diff(g *page, c *plan.Change) {
	sign := "!"
	switch {
	case c.Impact == plan.ImpactDiscardState:
		sign = "-"
	case c.Reason == plan.ReasonNew:
		sign = "+"
	}
	b.linef("%s %s  %s%s", sign, g.line(c), wordsOf(c.Impact).happens, endPlace(c))
	lines, more := fieldLines(c, g.o.ShowValues)
	for _, f := range lines {
		if f.added {
			b.linef("+   %s: %s", f.name, f.after)
		} else {
			b.linef("!   %s: %s -> %s", f.name, f.before, f.after)
		}
	}
	if more > 0 {
		b.linef("    and %s", text.Plural(more, "more field"))
	}
}

// line names a task in a fence.
func (g *page) line(c *plan.Change) string { return text.Clip(text.Visible(g.name(c)), 2*maxID) }

// endPlace ends a line of a fence with where a change's spec stands.
func endPlace(c *plan.Change) string {
	if s := place(c); s != "" {
		return "  " + text.Clip(text.Visible(s), maxMessage)
	}
	return ""
}

// problems folds away what is wrong with the specs and is not written above.
func (b *builder) problems(ps spec.Problems, rows int, o MarkdownOptions) {
	shown := min(ps.Errors(), rows, maxListed)
	rest := bySeverity(ps)[shown:]
	if len(rest) == 0 {
		return
	}
	title := "Problems: "
	if shown > 0 {
		title = "More problems: "
	}
	b.fold(title + faults(rest))
	b.problemList(rest, rows, o)
	b.unfold()
}

// bySeverity returns the problems with the errors first.
func bySeverity(ps spec.Problems) spec.Problems {
	rank := func(p spec.Problem) int {
		if p.Severity == spec.SeverityError {
			return 0
		}
		return 1
	}
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b spec.Problem) int { return rank(a) - rank(b) })
	return sorted
}

// problemList lists the first rows of problems.
func (b *builder) problemList(ps spec.Problems, rows int, o MarkdownOptions) {
	shown := ps[:min(len(ps), rows)]
	for _, p := range shown {
		severity := "warning"
		if p.Severity == spec.SeverityError {
			severity = "**error**"
		}
		b.linef("- %s: %s", severity, o.item(p))
	}
	b.moreItems(ps.Len() - shown.Len())
}

// item is a problem in a list. Its message is code so that it stays text, and not
// in a fence so that it wraps.
func (o MarkdownOptions) item(p spec.Problem) string {
	where, ok := strings.CutSuffix(p.String(), ": "+p.Message)
	if !ok { // a message that was too long
		return codeSpan(p.String(), maxMessage)
	}
	return o.link(p.Pos, where) + " " + codeSpan(p.Message, maxMessage)
}

// order folds away which commits wait for others, in the order in which they are sent.
func (b *builder) order(g *page, l level) {
	commits := map[spec.Key]*plan.Change{}
	for _, group := range g.sends {
		for _, c := range group {
			commits[c.Key] = c
		}
	}
	waiting := map[spec.Key][]spec.Key{} // for other commits of the plan
	for key, c := range commits {
		for _, other := range c.Want.DependsOn {
			if commits[other] != nil {
				waiting[key] = append(waiting[key], other)
			}
		}
	}
	if len(waiting) == 0 {
		return
	}
	sorted := inOrder(waiting)
	b.fold("Order: " + pick(len(sorted), "1 commit waits for others", strconv.Itoa(len(sorted))+" commits wait for others"))
	for _, key := range sorted[:min(len(sorted), l.rows)] {
		var after []string
		for _, other := range waiting[key][:min(len(waiting[key]), maxListed)] {
			after = append(after, g.span(commits[other]))
		}
		if more := len(waiting[key]) - len(after); more > 0 {
			after = append(after, strconv.Itoa(more)+" more")
		}
		b.linef("1. %s after %s", g.span(commits[key]), strings.Join(after, ", "))
	}
	b.moreItems(len(sorted) - l.rows)
	b.unfold()
}

// held folds away what is needed and not sent, with what lifts it.
func (b *builder) held(g *page, l level) {
	if len(g.held) == 0 {
		return
	}
	b.fold(fmt.Sprintf("Held: needed, and not sent now (%d)", len(g.held)))
	for i, c := range g.held {
		if i == 0 || c.Hold != g.held[i-1].Hold {
			info := explain.StateOf(c).Info()
			b.linef("- %s: %s; %s", codeSpan(string(c.Hold), maxID), info.Meaning, info.Next)
		}
		if i < l.rows {
			b.linef("  - %s", g.heldItem(c))
		}
	}
	b.moreItems(len(g.held) - l.rows)
	b.unfold()
}

// heldItem is a held change in a list.
func (g *page) heldItem(c *plan.Change) string {
	s := g.span(c) + " " + wordsOf(c.Impact).happens + ", " + arrowed(c)
	if spec := g.spec(c); spec != "" {
		s += ", " + spec
	}
	if why := because(c); why != "" {
		s += ": " + codeSpan(why, maxMessage)
	}
	return s
}

// followed folds away tasks that were started and do not run, or not yet.
func (b *builder) followed(g *page, l level, title string, changes []*plan.Change) {
	if len(changes) == 0 {
		return
	}
	b.fold(fmt.Sprintf("%s (%d)", title, len(changes)))
	for _, c := range changes[:min(len(changes), l.rows)] {
		b.linef("- %s, %s: %s", g.span(c), arrowed(c), codeSpan(detail(c), maxMessage))
	}
	b.moreItems(len(changes) - l.rows)
	b.unfold()
}

func (b *builder) unversioned(g *page, l level) {
	b.listed("Changed without a new version: nothing will be sent", g.unversioned, l, func(c *plan.Change) string {
		return fmt.Sprintf("= %s  %s%s", g.line(c), text.Clip(text.Visible(strings.Join(fieldNames(c), ", ")), maxMessage), endPlace(c))
	})
}

func (b *builder) removed(g *page, l level) {
	b.listed("Removed from state: the spec was removed, no call is made", g.removed, l, func(c *plan.Change) string { return "# " + g.line(c) })
}

func (b *builder) returned(g *page, l level) {
	b.listed("Managed again: the spec is back, as it was applied, no call is made", g.returned, l, func(c *plan.Change) string {
		return fmt.Sprintf("^ %s%s%s", g.line(c), prefixed("  ", text.Clip(text.Visible(c.Detail), maxMessage)), endPlace(c))
	})
}

// listed folds changes away, a line each.
func (b *builder) listed(title string, changes []*plan.Change, l level, line func(*plan.Change) string) {
	if len(changes) == 0 {
		return
	}
	b.fold(fmt.Sprintf("%s (%d)", title, len(changes)))
	b.list(changes, l.rows, line)
	b.unfold()
}

// prefixed returns s after the prefix, or nothing for nothing.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// list writes the first rows of changes in a fence. Each line starts with a sign
// of ours.
func (b *builder) list(changes []*plan.Change, rows int, line func(*plan.Change) string) {
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

// moreItems ends a list with how many items were left out.
func (b *builder) moreItems(n int) {
	if n > 0 {
		b.line("")
		b.linef(`\+ %d more`, n)
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
