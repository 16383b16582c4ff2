package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Parse reads one spec file. It never fails as a whole: what is wrong is in
// File.Problems, and what is right beside it is usable. The name is only used in
// positions. The file keeps nothing of data.
func Parse(name string, data []byte) *File {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r := &reader{file: &File{Name: name}}
	if p := checkText(name, data); p != nil {
		r.report(*p)
		r.unusable = true
	} else {
		r.documents(data)
	}
	return r.finish()
}

// reader reads the documents of one file into a File.
type reader struct {
	file     *File
	unusable bool // the file as a whole
	errors   int  // kept or not
	warnings int
	cut      [2]Pos   // where complaints were first left out: errors, warnings
	guesses  []string // what the unknown keys of the mapping read last were meant to be
}

// documents reads one document after the other.
func (r *reader) documents(data []byte) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for n := 0; ; n++ {
		var doc yaml.Node
		switch err := decode(dec, &doc); {
		case errors.Is(err, io.EOF):
			if n == 0 {
				r.unusable = true
				r.errorAt(Pos{r.file.Name, 1, 1}, "no-document",
					"the file has no document: write specs into it, or name it in .wedatasyncignore")
			}
			return
		case err != nil: // the decoder would repeat it for ever
			r.unusable = true
			r.syntax(data, err)
			return
		}
		r.document(doc.Content[0])
	}
}

// decode reads the next document. The YAML library reports by panicking inside;
// one that escapes must not take the daemon down.
func decode(dec *yaml.Decoder, doc *yaml.Node) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("yaml: the parser gave up: %v", v)
		}
	}()
	return dec.Decode(doc)
}

// finish returns the file. One that is unusable as a whole keeps the names of
// its tasks, and nothing to act on.
func (r *reader) finish() *File {
	f := r.file
	if r.unusable {
		f.Unread = true
		for i := range f.Commits {
			f.Broken = append(f.Broken, Named{f.Commits[i].Key, f.Commits[i].Pos})
		}
		f.Commits = nil
	}
	if n := r.errors - maxProblems; n > 0 {
		f.Problems = append(f.Problems, problemf(r.cut[0], "more-problems", "%d more errors from here on are not shown: correct the first ones", n))
	}
	if n := r.warnings - maxProblems; n > 0 {
		p := problemf(r.cut[1], "more-problems", "%d more warnings from here on are not shown", n)
		p.Severity = SeverityWarning
		f.Problems = append(f.Problems, p)
	}
	return f
}

// report keeps the complaint, if the file has not too many.
func (r *reader) report(p Problem) {
	count, cut := &r.errors, &r.cut[0]
	if p.Severity == SeverityWarning {
		count, cut = &r.warnings, &r.cut[1]
	}
	if *count++; *count <= maxProblems {
		r.file.Problems = append(r.file.Problems, p)
	} else if *count == maxProblems+1 {
		*cut = p.Pos
	}
}

func (r *reader) errorAt(pos Pos, code, format string, args ...any) {
	r.report(problemf(pos, code, format, args...))
}

func (r *reader) errorf(n *yaml.Node, code, format string, args ...any) {
	r.errorAt(r.pos(n), code, format, args...)
}

func (r *reader) warnf(n *yaml.Node, code, format string, args ...any) {
	p := problemf(r.pos(n), code, format, args...)
	p.Severity = SeverityWarning
	r.report(p)
}

func (r *reader) pos(n *yaml.Node) Pos { return Pos{r.file.Name, max(n.Line, 1), max(n.Column, 1)} }

// syntax reports what the YAML library says, where it says so: it knows the
// line, often the one after the fault, and no column.
func (r *reader) syntax(data []byte, err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if number, rest, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				line, message = n, rest
			}
		}
	}
	row := nthLine(data, line)
	pos := Pos{r.file.Name, line, 1 + len(row) - len(bytes.TrimLeft(row, " \t"))}
	message = printable(message)
	switch {
	case strings.HasPrefix(message, "unknown anchor"):
		r.errorAt(pos, "alias", "aliases (*name) are not used in specs: write the value out")
	case bytes.HasPrefix(bytes.TrimLeft(row, " "), []byte("\t")):
		r.errorAt(pos, "syntax", "the line is indented with a tab: indent with spaces")
	default:
		r.errorAt(pos, "syntax", "this is not YAML, here or just above: %s; look for a quote or bracket that is not closed, a missing \"- \" or wrong indentation", message)
	}
}

// nthLine returns a line of the data, counting from 1, or nothing.
func nthLine(data []byte, n int) []byte {
	i := 1
	for row := range bytes.Lines(data) {
		if i == n {
			return bytes.TrimRight(row, "\r\n")
		}
		i++
	}
	return nil
}
