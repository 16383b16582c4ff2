package spec

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec/internal/decode"
)

// Parse reads one spec file. It never fails as a whole: what is wrong is in
// File.Problems, and what is right beside it is usable. The name is only used in
// positions. The file keeps nothing of data.
func Parse(name string, data []byte) *File {
	r := newReader(&File{Name: name, Size: len(data)})
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
	nodeReader
	unusable bool // the file as a whole
}

func newReader(f *File) *reader {
	return &reader{nodeReader: nodeReader{complaints: complaints{file: f}}}
}

// halvedSize is from how many bytes on a file is decoded in two halves, on two processors:
// 10,000 commits take the YAML library 0.2 s.
var halvedSize = 128 << 10

// documents reads one document after the other.
func (r *reader) documents(data []byte) {
	if len(data) >= halvedSize {
		if doc := decode.Halves(data); doc != nil {
			r.document(doc)
			return
		}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for n := 0; !r.hopeless(); n++ {
		var doc yaml.Node
		switch err := decode.Next(dec, &doc); {
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
	r.sayMore()
	return f
}

// syntaxFaults say what the YAML library's words mean for the writer of a spec;
// the first that fits counts. The library names the line where something began.
// Where late is set, the line where it gave up is the better one.
var syntaxFaults = [...]struct {
	words, code string
	late        bool
	hint        string
}{
	{"unknown anchor", "alias", true, "aliases (*name) are not used in specs: write the value out"},
	{"tag ", "tag", true, "tags (such as !!str) are not used in specs: quote a text that begins with !"},
	{"expected '!'", "tag", true, "tags (such as !!str) are not used in specs: quote a text that begins with !"},
	{"expected '>'", "tag", true, "tags (such as !!str) are not used in specs: quote a text that begins with !"},
	{"exceeded max depth", "nesting", true, "brackets or dashes are nested thousands deep: no spec needs that; correct them"},
	{"found a tab", "syntax", true, "there is a tab in the indentation: indent with spaces"},
	{"unexpected end of stream", "syntax", false, "the quote opened here is never closed: close it"},
	{"unexpected document indicator", "syntax", false, "the quote opened here is not closed before the next document: close it"},
	{"mapping values are not allowed", "syntax", false, `a ": " does not belong here: indent the line like the keys it goes with, put a space after the colon of the line above, or quote a text that holds ": "`},
	{"are not allowed in this context", "syntax", true, `a "- " or "? " does not belong here: begin a list on a line of its own, or quote the text`},
	{"could not find expected ':'", "syntax", false, "this is neither a key with its colon nor the rest of a value: write \"key: value\""},
	{"found character that cannot start", "syntax", false, "a value cannot begin with this character: quote it"},
	{"alphabetic or numeric character", "syntax", true, "a value cannot begin with * or &: quote it"},
	{"comment or line break", "syntax", true, "text after | or > begins on the next line"},
	{"escape", "syntax", false, `a "text in double quotes" has a backslash that means nothing: double it, or use single quotes`},
	{"expected ',' or", "syntax", true, "a [ or { is not closed before here, or a comma is missing"},
	{"expected node content", "syntax", true, "a value is missing here, or a [ or { is not closed"},
	{"expected <document start>", "syntax", true, "there is text after the end of a document: begin a new one with ---, or remove it"},
	{"did not find expected", "syntax", true, "this does not fit the lines above: indent it like them, or check for a quote inside a quoted text"},
	{"", "syntax", false, "this is not YAML, here or just above"},
}

// syntax reports what the YAML library found. It knows no columns, and often
// only the line where something began.
func (r *reader) syntax(data []byte, err error) {
	words, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if rest, ok := strings.CutPrefix(words, "line "); ok {
		if number, rest, ok := strings.Cut(rest, ": "); ok {
			words = rest
			line, _ = strconv.Atoi(number)
		}
	}
	if strings.Contains(words, "unknown anchor") {
		words = "unknown anchor" // a value that begins with * would be repeated
	}
	if bytes.Contains(indentation(nthLine(data, line)), []byte("\t")) {
		words = "found a tab"
	}
	if strings.Contains(words, "escape") || strings.Contains(words, "hexdecimal") {
		if line, column, advice := decode.BadEscape(data); line > 0 {
			r.errorAt(Pos{r.file.Name, line, column}, "syntax", "%s", advice)
			return
		}
	}
	for _, f := range syntaxFaults {
		if !strings.Contains(words, f.words) {
			continue
		}
		if f.late {
			line = decode.GaveUp(data)
		}
		r.errorAt(r.startOf(data, line), f.code, "%s (YAML: %s)", f.hint, text.Printable(text.Clip(words, maxQuote)))
		return
	}
}

// startOf returns the place of the first character of a line.
func (r *reader) startOf(data []byte, line int) Pos {
	return Pos{r.file.Name, max(line, 1), 1 + len(indentation(nthLine(data, line)))}
}

// nthLine returns a line of data, counting from 1, or nothing.
func nthLine(data []byte, n int) []byte {
	i := 0
	for row := range bytes.Lines(data) {
		if i++; i == n {
			return bytes.TrimRight(row, "\r\n")
		}
	}
	return nil
}

// indentation returns the blanks a line begins with.
func indentation(row []byte) []byte {
	return row[:len(row)-len(bytes.TrimLeft(row, " \t"))]
}
