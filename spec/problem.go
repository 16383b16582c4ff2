package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Severity says whether a problem stops what it is about.
type Severity string

// The severities of a Problem.
const (
	SeverityError   Severity = "error"   // the file or the commit is not used
	SeverityWarning Severity = "warning" // it is used; someone should look
)

// What a complaint may take of other people's text: a spec must not be able to
// flood a log or a comment.
const (
	maxMessage = 512 // bytes of a complaint, position included
	maxName    = 200 // bytes of a file name in it
	maxQuote   = 60  // bytes of a quoted value in it
	maxPlaces  = 10  // places of one task named again and again

	// maxListed is how many complaints of one severity a set lists.
	maxListed = 1000
)

// CodeNotRead is the code of a warning about a file that looks like a spec and is none.
const CodeNotRead = "not-read"

// Problem is one complaint about a spec: where it is and what to do about it.
type Problem struct {
	Pos
	Severity Severity
	Code     string // stable and short, such as "duplicate-task"
	Message  string // printable, at most 512 bytes
	More     int    // how many others it stands for, which are not listed
}

// String returns "file:line:column: message", printable and at most 512 bytes
// long; the front of a very long file name is left out.
func (p Problem) String() string {
	return text.Clip(p.Pos.short()+": "+p.Message, maxMessage)
}

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

// Errors counts the problems of severity error, listed or not.
func (ps Problems) Errors() int {
	n := 0
	for _, p := range ps {
		if p.Severity == SeverityError {
			n += 1 + p.More
		}
	}
	return n
}

// Len counts the problems, listed or not.
func (ps Problems) Len() int {
	n := len(ps)
	for _, p := range ps {
		n += p.More
	}
	return n
}

// Sort puts the problems in order of file, line and column.
func (ps Problems) Sort() {
	slices.SortFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			a.Pos.compare(b.Pos),
			strings.Compare(a.Code, b.Code),
			strings.Compare(a.Message, b.Message),
		)
	})
}

// problemf makes a Problem of severity error.
func problemf(pos Pos, code, format string, args ...any) Problem {
	return Problem{Pos: pos, Severity: SeverityError, Code: code, Message: text.Clip(fmt.Sprintf(format, args...), maxMessage)}
}

// quote shows a value of a spec in a complaint: printable and short.
func quote(s string) string { return text.Quote(s, maxQuote) }
