package document

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/wedatasync/wedatasync/state"
)

// Format is the format_version of documents that [Write] writes.
const Format = "1.2"

// Header is what comes before the records.
type Header struct {
	Format   string // as read; Write writes [Format]
	Lineage  string
	Serial   int64
	Identity state.Identity
	Control  state.Control
}

// Write writes a document that a [Reader] reads. With a nil history it has none. An error of
// the sequences ends it, and is returned as it is.
func Write(to io.Writer, h Header, records iter.Seq2[state.Record, error], history iter.Seq2[state.Event, error]) error {
	w := newWriter(to)
	w.text(`{`)
	w.field("format_version", Format)
	w.text(",\n")
	w.field("lineage", h.Lineage)
	w.text(",\n")
	w.field("serial", h.Serial)
	w.text(",\n")
	w.field("identity", h.Identity)
	w.text(",\n")
	w.field("control", h.Control)
	if err := elements(w, "records", records); err != nil {
		return err
	}
	if history != nil {
		if err := elements(w, "history", history); err != nil {
			return err
		}
	}
	w.text("}\n")
	if err := w.flush(); err != nil {
		return fmt.Errorf("write export of state: %w", err)
	}
	return nil
}

func elements[T any](w *writer, name string, list iter.Seq2[T, error]) error {
	w.text(",\n")
	w.value(name)
	w.text(": [")
	separator := "\n"
	for v, err := range list {
		if err != nil {
			return err
		}
		w.text(separator)
		w.value(v)
		separator = ",\n"
	}
	w.text("]")
	return nil
}

// writer writes JSON piece by piece and remembers the first error.
type writer struct {
	w   *bufio.Writer
	enc *json.Encoder
	err error
}

func newWriter(to io.Writer) *writer {
	w := &writer{w: bufio.NewWriter(to)}
	w.enc = json.NewEncoder(trimmed{w.w})
	w.enc.SetEscapeHTML(false)
	return w
}

func (w *writer) text(s string) {
	if w.err == nil {
		_, w.err = w.w.WriteString(s)
	}
}

func (w *writer) value(v any) {
	if w.err == nil {
		w.err = w.enc.Encode(v)
	}
}

func (w *writer) field(name string, v any) {
	w.value(name)
	w.text(": ")
	w.value(v)
}

func (w *writer) flush() error {
	if w.err != nil {
		return w.err
	}
	return w.w.Flush()
}

// trimmed leaves out the newline with which a json.Encoder ends each value.
type trimmed struct{ w *bufio.Writer }

func (t trimmed) Write(value []byte) (int, error) {
	if n, err := t.w.Write(value[:len(value)-1]); err != nil {
		return n, err
	}
	return len(value), nil
}
