package spec

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// syntaxHints say what the YAML library's words mean for the writer of a spec.
// Where lasting is set, the library names the line where something began, and the
// place where it gave up is the better one.
var syntaxHints = [...]struct {
	about   string
	lasting bool
	hint    string
}{
	{"found unexpected end of stream", false, "the quote opened here is never closed: close it"},
	{"found unexpected document indicator", false, "the quote opened here is not closed before the next document: close it"},
	{"mapping values are not allowed", false, `a ": " does not belong here: indent the line like the keys it goes with, put a space after the colon of the line above, or quote a text that holds ": "`},
	{"could not find expected ':'", false, "this is neither a key with its colon nor the rest of a value: write `key: value`"},
	{"found character that cannot start", false, "a value cannot begin with this character: quote it; indent with spaces, not tabs"},
	{"escape", false, `a "text in double quotes" has a backslash that means nothing: double it, or use single quotes`},
	{"found a tab", true, "there is a tab in the indentation: indent with spaces"},
	{"did not find expected ',' or", true, "a [ or { is not closed before here, or a comma is missing"},
	{"did not find expected node content", true, "a value is missing here, or a [ or { is not closed"},
	{"did not find expected <document start>", true, "there is text after the end of a document: begin a new one with ---, or remove it"},
	{"did not find expected", true, "this does not fit the lines above: indent it like them, or look for a quote inside a quoted text"},
}

// syntax reports what the YAML library found. It knows no columns, and often
// only the line where something began.
func (r *reader) syntax(data []byte, err error) {
	what, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if rest, ok := strings.CutPrefix(what, "line "); ok {
		if number, rest, ok := strings.Cut(rest, ": "); ok {
			what = rest
			line, _ = strconv.Atoi(number)
		}
	}
	switch {
	case strings.HasPrefix(what, "unknown anchor"):
		r.errorAt(r.startOf(data, gaveUp(data)), "alias", "aliases (*name) are not used in specs: write the value out")
		return
	case strings.HasPrefix(what, "exceeded max depth"):
		r.errorAt(r.startOf(data, gaveUp(data)), "nesting", "brackets or dashes are nested thousands deep: no spec needs that; correct them")
		return
	}
	if blank := indentation(nthLine(data, line)); bytes.Contains(blank, []byte("\t")) {
		what = "found a tab"
	}
	for _, h := range syntaxHints {
		if strings.Contains(what, h.about) {
			if h.lasting {
				line = gaveUp(data)
			}
			r.errorAt(r.startOf(data, line), "syntax", "%s (YAML: %s)", h.hint, printable(what))
			return
		}
	}
	r.errorAt(r.startOf(data, line), "syntax", "this is not YAML, here or just above: %s", printable(what))
}

// gaveUp returns the line where the YAML library gives up on data, by handing it
// one byte after the other and looking how far it came.
func gaveUp(data []byte) int {
	src := &byteReader{data: data}
	dec := yaml.NewDecoder(src)
	for decode(dec, new(yaml.Node)) == nil {
	}
	read := bytes.TrimRight(data[:src.read], " \r\n") // it looks a little ahead
	return 1 + bytes.Count(read, []byte("\n"))
}

// byteReader reads one byte at a time.
type byteReader struct {
	data []byte
	read int
}

// Read reads one byte.
func (b *byteReader) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), 1)], b.data[b.read:])
	b.read += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
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
