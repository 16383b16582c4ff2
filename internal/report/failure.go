package report

import (
	"io"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

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
		lines[i] = text.Clip(Visible(strings.TrimRight(line, "\r")), maxFailureLine)
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
	d.member("error", jsonError{strings.Join(f.lines(), "\n")})
	return d.close()
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
	return writeCommands(w, []annotation{{
		severity: severityError,
		title:    "The plan could not be made",
		message:  strings.Join(f.lines(), "; "),
		pos:      spec.Pos{},
	}})
}
