package report

import (
	"fmt"
	"io"

	"github.com/wedatasync/wedatasync/spec"
)

// Validation is what a check of the specs alone came to.
type Validation struct {
	Files    int // spec files
	Specs    int // usable commits
	Problems spec.Problems
}

// headline says in one sentence how the specs are.
func (v Validation) headline() string {
	where := plural(v.Specs, "usable spec") + " in " + plural(v.Files, "file")
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
	d.member("summary", jsonValidation{v.Files, v.Specs, errors, v.Problems.Len() - errors})
	d.diagnostics(v.Problems)
	return d.close()
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
func (v Validation) GitHub(w io.Writer) error {
	return writeCommands(w, problemAnnotations(v.Problems))
}

// GitLab writes the problems as a Code Quality report, as [GitLab] does. An error
// is w's.
func (v Validation) GitLab(w io.Writer) error {
	return writeQuality(w, problemAnnotations(v.Problems))
}
