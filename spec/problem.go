package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

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

// CodeUnknownDependency is the code of an error about a task that another one depends on
// and that is in no spec.
const CodeUnknownDependency = "unknown-dependency"

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

// complaints are those about one file, which keeps a bounded number of them.
type complaints struct {
	file     *File
	errors   int // kept or not
	warnings int
	cut      [2]Pos // where complaints were first left out: errors, warnings
}

// report keeps the complaint, if the file has not too many.
func (c *complaints) report(p Problem) {
	count, cut := &c.errors, &c.cut[0]
	if p.Severity == SeverityWarning {
		count, cut = &c.warnings, &c.cut[1]
	}
	if *count++; *count <= maxProblems {
		c.file.Problems = append(c.file.Problems, p)
	} else if *count == maxProblems+1 {
		*cut = p.Pos
	}
}

func (c *complaints) errorAt(pos Pos, code, format string, args ...any) {
	c.report(problemf(pos, code, format, args...))
}

func (c *complaints) errorf(n *yaml.Node, code, format string, args ...any) {
	c.errorAt(c.pos(n), code, format, args...)
}

func (c *complaints) warnf(n *yaml.Node, code, format string, args ...any) {
	p := problemf(c.pos(n), code, format, args...)
	p.Severity = SeverityWarning
	c.report(p)
}

func (c *complaints) pos(n *yaml.Node) Pos { return Pos{c.file.Name, max(n.Line, 1), max(n.Column, 1)} }

// sayMore complains that there are more complaints than are kept.
func (c *complaints) sayMore() {
	if c.errors > maxProblems {
		c.file.Problems = append(c.file.Problems, problemf(c.cut[0], "more-problems", "there are more errors from here on: correct the first %d", maxProblems))
	}
	if c.warnings > maxProblems {
		p := problemf(c.cut[1], "more-problems", "there are more warnings from here on")
		p.Severity = SeverityWarning
		c.file.Problems = append(c.file.Problems, p)
	}
}

// listing keeps the first complaints of each severity, and counts the others: a
// repository must not be able to flood a report.
type listing struct{ errors, warnings first }

func (l *listing) add(p Problem) {
	if p.Severity == SeverityError {
		l.errors.add(p)
	} else {
		l.warnings.add(p)
	}
}

// problems returns what was kept, in order of place.
func (l *listing) problems() Problems {
	all := append(l.errors.problems(), l.warnings.problems()...)
	all.Sort()
	return all
}

// first keeps the complaints that come first.
type first struct {
	kept  Problems
	count int
}

// add sorts only now and then, so that many cost little each.
func (f *first) add(p Problem) {
	f.count++
	f.kept = append(f.kept, p)
	if len(f.kept) >= 4*maxListed {
		f.cut()
	}
}

// cut leaves those that are listed, and the one after them.
func (f *first) cut() {
	f.kept.Sort()
	f.kept = slices.Clip(f.kept[:min(len(f.kept), maxListed+1)])
}

func (f *first) problems() Problems {
	f.cut()
	if f.count > maxListed {
		last := &f.kept[maxListed]
		last.More = f.count - len(f.kept)
		last.Code = "more-problems"
		last.Message = fmt.Sprintf("there are %d more %ss from here on: correct the ones before first", f.count-maxListed, last.Severity)
	}
	return f.kept
}
