package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"gopkg.in/yaml.v3"
)

// Parse reads one spec file. It never fails as a whole: what is wrong is in
// File.Problems, and what is right beside it is usable. The name is only used in
// positions. The file keeps nothing of data.
func Parse(name string, data []byte) *File {
	r := &reader{file: &File{Name: name, Size: len(data)}}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
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
	for n := 0; !r.hopeless(); n++ {
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
		r.document(&doc)
	}
}

// hopeless reports whether nothing more can be learnt from the file.
func (r *reader) hopeless() bool { return r.unusable && r.errors > maxProblems }

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
		for _, c := range f.Commits {
			f.Broken = append(f.Broken, Named{c.Key, c.Pos})
		}
		f.Commits = nil
		slices.SortFunc(f.Broken, func(a, b Named) int { return a.Pos.compare(b.Pos) })
	}
	if r.errors > maxProblems {
		f.Problems = append(f.Problems, problemf(r.cut[0], "more-problems", "there are more errors from here on: correct the first %d", maxProblems))
	}
	if r.warnings > maxProblems {
		p := problemf(r.cut[1], "more-problems", "there are more warnings from here on")
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
