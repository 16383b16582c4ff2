// Package jsondoc writes JSON documents piece by piece, so that the largest takes no more
// memory than one of its elements, and inert: printed to a terminal or the log of a CI job,
// they do nothing.
//
// What may enter: how JSON is written. Not what a document says.
package jsondoc

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Document writes one JSON object, member by member. The first error stays.
type Document struct {
	w       *bufio.Writer
	buf     bytes.Buffer
	enc     *json.Encoder
	started bool
	err     error
}

// New returns a document that is written to w.
func New(w io.Writer) *Document {
	d := &Document{w: bufio.NewWriter(w)}
	d.enc = json.NewEncoder(&d.buf)
	d.enc.SetEscapeHTML(false)
	return d
}

func (d *Document) name(name string) {
	if d.started {
		d.w.WriteString(",\n")
	} else {
		d.w.WriteString("{\n")
	}
	d.started = true
	d.w.WriteString(`"` + name + `":`)
}

// Member writes a member.
func (d *Document) Member(name string, v any) {
	d.name(name)
	d.value(v)
}

// List writes a member that is a list, one element a line.
func List[T any](d *Document, name string, elements iter.Seq[T], element func(T) any) {
	d.name(name)
	d.Elements(func(yield func(any) bool) {
		for e := range elements {
			if !yield(element(e)) {
				return
			}
		}
	})
}

// Elements writes a list, one element a line.
func (d *Document) Elements(elements iter.Seq[any]) {
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

func (d *Document) value(v any) {
	d.buf.Reset()
	if err := d.enc.Encode(v); err != nil && d.err == nil {
		d.err = fmt.Errorf("encode report: %w", err)
	}
	d.w.Write(inert(bytes.TrimSuffix(d.buf.Bytes(), []byte("\n"))))
}

// Close ends the object and writes what is left.
func (d *Document) Close() error {
	d.w.WriteString("\n}\n")
	return d.Flush()
}

// Line ends a line.
func (d *Document) Line() { d.w.WriteByte('\n') }

// Flush writes what is left.
func (d *Document) Flush() error {
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
