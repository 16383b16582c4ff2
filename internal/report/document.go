package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

// document writes one JSON object, member by member. The first error stays.
type document struct {
	w       *bufio.Writer
	buf     bytes.Buffer
	enc     *json.Encoder
	started bool
	err     error
}

func bareDocument(w *bufio.Writer) *document {
	d := &document{w: w}
	d.enc = json.NewEncoder(&d.buf)
	d.enc.SetEscapeHTML(false)
	return d
}

// newDocument starts the object with what all documents have.
func newDocument(w io.Writer, o JSONOptions) *document {
	d := bareDocument(bufio.NewWriter(w))
	d.member("format_version", FormatVersion)
	d.member("tool_version", o.ToolVersion)
	return d
}

func (d *document) name(name string) {
	if d.started {
		d.w.WriteString(",\n")
	} else {
		d.w.WriteString("{\n")
	}
	d.started = true
	d.w.WriteString(`"` + name + `":`)
}

func (d *document) member(name string, v any) {
	d.name(name)
	d.value(v)
}

// list writes a member that is a list, one element a line.
func list[T any](d *document, name string, elements iter.Seq[T], element func(T) any) {
	d.name(name)
	d.elements(func(yield func(any) bool) {
		for e := range elements {
			if !yield(element(e)) {
				return
			}
		}
	})
}

func (d *document) elements(elements iter.Seq[any]) {
	separator := "[\n"
	for e := range elements {
		d.w.WriteString(separator)
		d.value(e)
		separator = ",\n"
	}
	if separator == "[\n" {
		d.w.WriteString("[")
	}
	d.w.WriteString("]")
}

func (d *document) diagnostics(ps spec.Problems) {
	list(d, "diagnostics", slices.Values(ps), func(p spec.Problem) any {
		return jsonDiagnostic{p.Severity, p.File, p.Line, p.Column, p.Code, p.Message}
	})
}

func (d *document) value(v any) {
	d.buf.Reset()
	if err := d.enc.Encode(v); err != nil && d.err == nil {
		d.err = fmt.Errorf("encode report: %w", err)
	}
	d.w.Write(inert(bytes.TrimSuffix(d.buf.Bytes(), []byte("\n"))))
}

func (d *document) close() error {
	d.w.WriteString("\n}\n")
	return d.flush()
}

func (d *document) flush() error {
	if err := d.w.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return d.err
}

// inert returns JSON of the same meaning that does nothing to who prints it:
// characters that do not print become escapes, as does what starts a command in
// the log of a CI job. Both can only stand in strings.
func inert(b []byte) []byte {
	if isInert(b) {
		return b
	}
	out := make([]byte, 0, len(b)+len(b)/8)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case bytes.HasPrefix(b, []byte("##")), r == 0x7f, r > 0x7f && text.Hidden(r):
			out = appendEscape(out, r)
		default:
			out = append(out, b[:size]...)
		}
		b = b[size:]
	}
	return out
}

func isInert(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r >= 0x7f }) && !bytes.Contains(b, []byte("##"))
}

// appendEscape writes r as JSON escapes, in UTF-16 as they are.
func appendEscape(b []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return fmt.Appendf(b, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}

func pointers[T any](s []T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range s {
			if !yield(&s[i]) {
				return
			}
		}
	}
}
