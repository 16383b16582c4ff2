package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity says whether a problem stops what it is about.
type Severity string

// The severities of a Problem.
const (
	SeverityError   Severity = "error"   // the file or the commit is not used
	SeverityWarning Severity = "warning" // it is used; someone should look
)

// maxMessage bounds a complaint in bytes, position included: a spec must not be
// able to flood a log or a comment with its own text.
const maxMessage = 512

// Problem is one complaint about a spec: where it is and what to do about it.
type Problem struct {
	Pos
	Severity Severity
	Code     string // stable and short, such as "duplicate-task"
	Message  string
}

// String returns "file:line:column: message", at most 512 bytes long.
func (p Problem) String() string { return clip(p.Pos.String()+": "+p.Message, maxMessage) }

// Error makes a Problem an error.
func (p Problem) Error() string { return p.String() }

// Problems is a list of complaints.
type Problems []Problem

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors counts the problems of severity error.
func (ps Problems) Errors() int {
	n := 0
	for _, p := range ps {
		if p.Severity == SeverityError {
			n++
		}
	}
	return n
}

// Sort puts the problems in order of file, line and column.
func (ps Problems) Sort() {
	slices.SortFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			strings.Compare(a.Code, b.Code),
			strings.Compare(a.Message, b.Message),
		)
	})
}

// problemf makes a Problem of severity error.
func problemf(pos Pos, code, format string, args ...any) Problem {
	return Problem{Pos: pos, Severity: SeverityError, Code: code, Message: fmt.Sprintf(format, args...)}
}

// clip cuts s to at most limit bytes without breaking a character.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "…"
	cut := limit - len(more)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + more
}
