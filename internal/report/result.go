package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report/annotation"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// ResultText writes what a pass has done for a terminal: one sentence of counts,
// then each task that is not in sync, why, and the next step. An error is w's.
func ResultText(w io.Writer, r *reconcile.Result, o Options) error {
	v := newView(r.Left, o.Rate)
	t := newTextWriter(w, o)
	t.wrapped(bold, "", resultHeadline(r, v))
	t.unverified(v)
	for _, p := range r.Pauses {
		where := "everything"
		if p.ProjectID != "" {
			where = "project " + p.ProjectID
		}
		t.wrapped(yellow, "", text.Visible(fmt.Sprintf("Paused: %s, by %s: %s", where, p.Code, p.Message)))
	}
	t.guards(v)
	t.table(v)
	t.problems(r.Left.Problems)
	return t.flush()
}

// resultHeadline counts what was applied and what is left, by reason.
func resultHeadline(r *reconcile.Result, v *view) string {
	var done []string
	if r.Applied > 0 {
		done = append(done, "applied "+text.Plural(r.Applied, "commit"))
	}
	if r.Forgotten > 0 {
		done = append(done, "removed "+text.Plural(r.Forgotten, "task")+" from the state")
	}
	if r.Returned > 0 {
		done = append(done, "took up "+text.Plural(r.Returned, "task")+" again")
	}
	if len(done) == 0 {
		done = append(done, "applied nothing")
	}
	s := strings.Join(done, ", ")
	if i := strings.LastIndex(s, ", "); i >= 0 {
		s = s[:i] + " and " + s[i+2:]
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if left := left(v); left != "" {
		s += "; left: " + left
	} else {
		s += "; nothing is left to send"
	}
	if r.Superseded {
		s += "; the pass was cut short"
	}
	return s + "."
}

// left counts the commits that are needed and were not made.
func left(v *view) string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	for _, held := range explain.Holds() {
		n := 0
		for _, c := range v.held {
			if explain.StateOf(c) == held {
				n++
			}
		}
		add(n, held.Info().Label)
	}
	add(v.summary.notRunning, "not running")
	add(v.summary.unhealthy, "not healthy")
	add(v.summary.notLive, "not live")
	add(v.summary.accepted, "accepted")
	add(v.summary.starting, "starting")
	add(v.summary.planHeld, "held with the plan")
	add(v.summary.commits, "to send")
	if n := v.summary.errors; n > 0 {
		parts = append(parts, text.Plural(n, "error"))
	}
	return strings.Join(parts, ", ")
}

// Failure is a plan that could not be made, because the source or the state could
// not be read. It is reported in the plan's place, so that no older plan is taken
// for the current one.
type Failure struct {
	Err error
}

// failed is the sentence every report of a failure starts with.
const failed = "The plan could not be made; nothing will be sent."

// maxFailure bounds the lines of an error, and maxFailureLine each of them in bytes.
const (
	maxFailure     = 20
	maxFailureLine = 2_000
)

// lines returns the error as inert lines.
func (f Failure) lines() []string {
	lines := strings.Split(strings.TrimRight(f.Err.Error(), "\n"), "\n")
	lines = lines[:min(len(lines), maxFailure)]
	for i, line := range lines {
		lines[i] = text.Clip(text.Visible(strings.TrimRight(line, "\r")), maxFailureLine)
	}
	return lines
}

// Text writes the failure for a terminal. An error is w's.
func (f Failure) Text(w io.Writer, o Options) error {
	t := newTextWriter(w, o)
	t.wrapped(bold+";"+red, "", failed)
	for _, line := range f.lines() {
		t.wrapped("", "  ", line)
	}
	return t.flush()
}

// JSON writes the failure as the document that [PlanSchema] describes for it. An
// error is w's.
func (f Failure) JSON(w io.Writer, o JSONOptions) error {
	d := newDocument(w, o)
	d.Member("error", jsonError{strings.Join(f.lines(), "\n")})
	return d.Close()
}

type jsonError struct {
	Message string `json:"message"`
}

// Markdown writes the failure as the comment that [Markdown] writes for a plan.
func (f Failure) Markdown(o MarkdownOptions) []byte {
	lines := f.lines()
	type size struct{ lines, width int }
	levels := []size{{maxFailure, maxFailureLine}, {maxFailure, 500}, {10, 200}, {3, 200}, {1, 400}, {}}
	return fit(o.Limit, levels, func(l size) []byte {
		var b builder
		b.line(Marker(o.Key))
		b.linef("### %s: failed", named("plan", o.Key))
		b.line("")
		b.line(failed)
		if l.lines > 0 {
			b.line("")
			b.line("```diff")
			for _, line := range lines[:min(len(lines), l.lines)] {
				b.linef("- %s", text.Clip(line, l.width))
			}
			b.more(len(lines) - l.lines)
			b.line("```")
		}
		return b.Bytes()
	})
}

// GitHub writes the failure as one workflow command. An error is w's.
func (f Failure) GitHub(w io.Writer) error {
	return annotation.GitHub(w, []annotation.Annotation{{
		Severity: annotation.Error,
		Title:    "The plan could not be made",
		Message:  strings.Join(f.lines(), "; "),
	}})
}

// Validation is what a check of the specs alone came to.
type Validation struct {
	Files    int // spec files
	Specs    int // usable commits
	Problems spec.Problems
}

// headline says in one sentence how the specs are.
func (v Validation) headline() string {
	where := text.Plural(v.Specs, "usable spec") + " in " + text.Plural(v.Files, "file")
	switch errors := v.Problems.Errors(); {
	case len(v.Problems) == 0:
		return fmt.Sprintf("Valid: %s.", where)
	case errors == 0:
		return fmt.Sprintf("Valid, with %s: %s.", faults(v.Problems), where)
	default:
		return fmt.Sprintf("Invalid: %s; %s.", faults(v.Problems), where)
	}
}

// Text writes the problems for a terminal, one a line. An error is w's.
func (v Validation) Text(w io.Writer, o Options) error {
	t := newTextWriter(w, o)
	t.wrapped(bold, "", v.headline())
	t.problems(v.Problems)
	return t.flush()
}

// JSON writes the problems as a document with format_version, tool_version,
// summary and diagnostics, these as in a plan. An error is w's.
func (v Validation) JSON(w io.Writer, o JSONOptions) error {
	d := newDocument(w, o)
	errors := v.Problems.Errors()
	d.Member("summary", jsonValidation{v.Files, v.Specs, errors, v.Problems.Len() - errors})
	writeDiagnostics(d, v.Problems)
	return d.Close()
}

type jsonValidation struct {
	Files    int `json:"files"`
	Specs    int `json:"specs"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
}

// maxValidation bounds the problems in a comment.
const maxValidation = 200

// Markdown writes the problems as the body of one comment, as many as o.Limit
// allows.
func (v Validation) Markdown(o MarkdownOptions) []byte {
	levels := make([]int, 0, maxValidation+1)
	for n := min(len(v.Problems), maxValidation); n >= 0; n-- {
		levels = append(levels, n)
	}
	return fit(o.Limit, levels, func(rows int) []byte {
		var b builder
		b.line(marked("validate", o.Key))
		b.linef("### %s: %s", named("validate", o.Key), faults(v.Problems))
		b.line("")
		b.line(v.headline())
		if len(v.Problems) > 0 {
			b.line("")
			b.problemList(bySeverity(v.Problems), rows, o)
		}
		return b.Bytes()
	})
}

// GitHub writes the problems as workflow commands, as [GitHub] does. An error is w's.
func (v Validation) GitHub(w io.Writer, place Place) error {
	return annotation.GitHub(w, place.all(problemAnnotations(v.Problems)))
}

// GitLab writes the problems as a Code Quality report, as [GitLab] does. An error
// is w's.
func (v Validation) GitLab(w io.Writer, place Place) error {
	return annotation.GitLab(w, place.all(problemAnnotations(v.Problems)))
}
