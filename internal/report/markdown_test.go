package report_test

import (
	"bytes"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	goldtext "github.com/yuin/goldmark/text"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

var long = flag.Bool("long", false, "test all sizes and limits")

// TestMarkdownOfEverySituation reads every comment back: nothing in it does more
// than we meant.
func TestMarkdownOfEverySituation(t *testing.T) {
	for _, s := range situations() {
		for _, limit := range []int{0, 1_000, 1_500, 3_000, 10_000, 1_000_000} {
			t.Run(fmt.Sprintf("%s/%d", s.name, limit), func(t *testing.T) {
				o := report.MarkdownOptions{Key: "prod", Limit: limit, LinkBase: linkBase}
				checkBody(t, report.Markdown(s.plan, o), limit)
			})
		}
	}
}

// TestMarkdownKeepsWhatMatters is the promise of a comment, at any size and limit:
// it fits, it has the counts, and it names every task that loses its state, or
// says how many there are.
func TestMarkdownKeepsWhatMatters(t *testing.T) {
	sizes := []int{1, 50, 51, 400, 3_000}
	limits := []int{1_000, 1_300, 5_000, 60_000, 1_000_000}
	if *long {
		sizes = []int{1, 2, 3, 10, 49, 50, 51, 52, 99, 500, 1_000, 3_000, 10_000, 30_000, 100_000}
		for limit := 1_000; limit <= 1_000_000; limit += limit/7 + 1 {
			limits = append(limits, limit)
		}
	}
	kinds := map[string]func(int) *plan.Plan{"mixed": large, "discards": discards, "held": heldByGuard, "hostile": manyHostile}
	for kind, build := range kinds {
		for _, n := range sizes {
			t.Run(fmt.Sprintf("%s/%d", kind, n), func(t *testing.T) {
				p := build(n)
				for _, limit := range limits {
					keepsWhatMatters(t, p, limit)
				}
			})
		}
	}
}

func keepsWhatMatters(t *testing.T, p *plan.Plan, limit int) {
	t.Helper()
	o := report.MarkdownOptions{Key: strings.Repeat("key ", 30), Limit: limit, LinkBase: linkBase}
	body := report.Markdown(p, o)
	checkBody(t, body, limit)
	if !bytes.Equal(body, report.Markdown(p, o)) {
		t.Errorf("limit %d: the same plan gave other bytes", limit)
	}
	commits := 0
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == plan.ActionCommit || len(p.Holds) > 0 && c.Action == plan.ActionHold {
			commits++
		}
	}
	if title := strings.Split(string(body), "\n")[1]; commits > 0 && !strings.Contains(title, fmt.Sprintf(": %d commit", commits)) {
		t.Errorf("limit %d: the title does not count %d commits: %s", limit, commits, title)
	}
	checkCaution(t, p, string(body), limit)
}

// checkCaution looks for every task that loses its state in the caution, or for
// the number of those that are not named, and then for good use of the space.
func checkCaution(t *testing.T, p *plan.Plan, body string, limit int) {
	t.Helper()
	var losing []string
	projects := map[string]bool{}
	for i := range p.Changes {
		c := &p.Changes[i]
		projects[c.Key.ProjectID] = true
		if c.Impact == plan.ImpactDiscardState && (c.Action == plan.ActionCommit || c.Action == plan.ActionHold) {
			losing = append(losing, c.Key.String())
		}
	}
	_, caution, ok := strings.Cut(body, "> [!CAUTION]\n")
	if ok != (len(losing) > 0) {
		t.Fatalf("limit %d: caution is there: %v, tasks that lose their state: %d", limit, ok, len(losing))
	}
	if !ok {
		return
	}
	caution, _, _ = strings.Cut(caution, "\n\n")
	if !strings.Contains(caution, fmt.Sprintf("**%d task", len(losing))) {
		t.Errorf("limit %d: the caution does not say that %d tasks lose their state:\n%s", limit, len(losing), caution)
	}
	named := 0
	for line := range strings.SplitSeq(caution, "\n") {
		switch {
		case strings.HasPrefix(line, "> - `"):
			named++
		case strings.HasPrefix(line, "> `"):
			named += strings.Count(line, "`") / 2
		}
	}
	switch {
	case named == len(losing):
	case named > 0 && !strings.Contains(caution, fmt.Sprintf("and %d more.", len(losing)-named)):
		t.Errorf("limit %d: the caution names %d of %d tasks and does not count the others:\n%s", limit, named, len(losing), caution)
	case limit-len(body) > 1_000:
		t.Errorf("limit %d: the caution names %d of %d tasks in a body of %d bytes", limit, named, len(losing), len(body))
	}
	// The first one is named as soon as there is room; a project only if there are several.
	if len(projects) == 1 {
		_, losing[0], _ = strings.Cut(losing[0], "/")
	}
	if named > 0 && !strings.ContainsAny(losing[0], "`|\n") && !strings.Contains(caution, "`"+losing[0]+"`") {
		t.Errorf("limit %d: the caution does not start with %s:\n%s", limit, losing[0], caution)
	}
}

func discards(n int) *plan.Plan {
	changes := make([]plan.Change, n)
	for i := range changes {
		changes[i] = next(fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", i), spec.RestartDiscardState, 1, 2)
	}
	return planOf(changes...)
}

func heldByGuard(n int) *plan.Plan {
	p := planOf()
	for i := range n {
		c := next(fmt.Sprintf("task-%d", i), spec.CommitType(i%5), 1, 2, field("versionDesc", "a", nasty))
		p.Changes = append(p.Changes, held(c, plan.HoldGuard, "too many"))
	}
	for range 9 {
		p.Holds = append(p.Holds, plan.GuardHold{Guard: "maxChanges", Message: "too many", Approvable: true})
	}
	return p
}

func manyHostile(n int) *plan.Plan {
	p := planOf()
	for i := range n {
		c := next(fmt.Sprintf("%.*s|`\n%d", i%120, nasty, i), spec.CommitType(1+i%3), 1, 2, field(nasty, nasty, nasty))
		p.Changes = append(p.Changes, c)
	}
	p.Problems = slices.Repeat(hostile().Problems, min(n, 100))
	return p
}

// FuzzMarkdown puts any text into every field that others write.
func FuzzMarkdown(f *testing.F) {
	f.Add(nasty, 0)
	for i, s := range []string{"`", "```\n", "|", `\|`, "@a", "\u202e", "\xff", "-->", "</details>\n\n", "    code", "> [!NOTE]", "```diff", "\x00", "##[x]", "::x::"} {
		f.Add(s, i*700)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		p := hostileWith(text)
		checkBody(t, report.Markdown(p, report.MarkdownOptions{Key: text, Limit: limit, LinkBase: linkBase, ShowValues: true}), limit)
		v := report.Validation{Files: 1, Specs: 1, Problems: p.Problems}
		checkBody(t, v.Markdown(report.MarkdownOptions{Key: text, Limit: limit}), limit)
		checkBody(t, report.Failure{Err: fmt.Errorf("%s", text)}.Markdown(report.MarkdownOptions{Key: text, Limit: limit}), limit)
	})
}

var (
	// mention is what GitHub or GitLab turn into a link or a ping outside of code.
	mention = regexp.MustCompile(`@|#[0-9]|GH-[0-9]|![0-9]|://|www\.|\b[0-9]*[a-f][0-9a-f]{6,}\b|:[a-z]+:`)
	// ours are the only blocks of HTML that a body may have.
	ours = regexp.MustCompile(`^(<!-- wedatasync:[a-z]+ key=([^->]|-[^->])*-? -->|<details><summary>[A-Za-z0-9:,() ]*</summary>|</details>)\n?$`)
	sign = regexp.MustCompile(`^([-+!=#?x^] |  )`)
)

// checkBody parses a comment as GitHub does, and fails for all that is not meant
// to be there.
func checkBody(t *testing.T, body []byte, limit int) {
	t.Helper()
	switch {
	case limit == 0:
		limit = report.DefaultLimit
	case limit < report.MinLimit:
		limit = report.MinLimit
	}
	if len(body) > limit {
		t.Errorf("body has %d bytes, limit is %d", len(body), limit)
	}
	if !utf8.Valid(body) {
		t.Error("body is not valid UTF-8")
	}
	checkPrintable(t, body)
	checkFences(t, string(body))
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(goldtext.NewReader(body))
	r := reader{t: t, source: body}
	if err := ast.Walk(root, r.visit); err != nil {
		t.Fatal(err)
	}
	if r.tables > 1 || r.opened != r.closed {
		t.Errorf("%d tables, %d folds opened and %d closed", r.tables, r.opened, r.closed)
	}
	if found := mention.FindString(r.prose.String()); found != "" {
		t.Errorf("text outside of code has %q:\n%s", found, r.prose.String())
	}
	if t.Failed() {
		t.Logf("body:\n%s", body)
	}
}

// checkFences reads the body by lines: every fence is closed by us, every line in
// one starts with a sign of ours, and every row has the cells of the first.
func checkFences(t *testing.T, body string) {
	t.Helper()
	inside, bars := false, 0
	for line := range strings.SplitSeq(body, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			if ours := []string{"```", "```diff", "```text"}; !slices.Contains(ours, line) || inside != (line == "```") {
				t.Errorf("fence %q, inside one: %v", line, inside)
			}
			inside = !inside
		case inside && line != "" && !sign.MatchString(line):
			t.Errorf("line in a fence has no sign: %q", line)
		case strings.HasPrefix(line, "| What happens |"):
			bars = strings.Count(line, "|")
		case strings.HasPrefix(line, "| ") && strings.Count(line, "|") != bars:
			t.Errorf("row has %d bars and the first has %d: %q", strings.Count(line, "|"), bars, line)
		}
	}
	if inside {
		t.Error("a fence is open at the end")
	}
}

// reader walks a parsed comment.
type reader struct {
	t              *testing.T
	source         []byte
	tables         int
	opened, closed int
	prose          strings.Builder // text outside of code
}

func (r *reader) visit(n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	switch n := n.(type) {
	case *ast.CodeSpan, *ast.FencedCodeBlock:
		return ast.WalkSkipChildren, nil
	case *ast.RawHTML:
		if html := string(n.Segments.Value(r.source)); html != "<br>" {
			r.t.Errorf("body has HTML that is not ours: %q", html)
		}
	case *ast.CodeBlock, *ast.AutoLink, *ast.Image, *table.Strikethrough:
		r.t.Errorf("body has a %s", n.Kind())
	case *ast.Link:
		if !strings.HasPrefix(string(n.Destination), linkBase+"/") {
			r.t.Errorf("body links to %q", n.Destination)
		}
	case *ast.HTMLBlock:
		html := string(n.Lines().Value(r.source))
		if n.HasClosure() {
			html += string(n.ClosureLine.Value(r.source))
		}
		if !ours.MatchString(html) {
			r.t.Errorf("body has HTML that is not ours: %q", html)
		}
		r.opened += strings.Count(html, "<details>")
		r.closed += strings.Count(html, "</details>")
	case *table.Table:
		r.tables++
	case *ast.Text:
		r.prose.Write(n.Segment.Value(r.source))
		r.prose.WriteByte(' ')
	}
	return ast.WalkContinue, nil
}
