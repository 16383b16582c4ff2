package sqlstore

import (
	"bufio"
	"context"
	"fmt"
	"io"
)

// exportFormat is the format_version of exported documents.
const exportFormat = "1.1"

// Export writes the state as one JSON document that [Import] reads, with its
// history if asked for: format_version, lineage, serial, identity, control,
// records and history, in this order. It holds no more in memory than a record.
func Export(ctx context.Context, r *Reader, to io.Writer, history bool) error {
	e := exporter{w: bufio.NewWriter(to)}
	e.text(`{`)
	e.field("format_version", exportFormat)
	e.text(",\n")
	e.field("lineage", r.Lineage())
	e.text(",\n")
	e.field("serial", r.meta.serial)
	e.text(",\n")
	e.field("identity", r.Identity())
	control, err := r.Control(ctx)
	if err != nil {
		return err
	}
	e.text(",\n")
	e.field("control", control)
	e.list("records")
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return err
		}
		e.element(rec)
	}
	e.text("]")
	if history {
		e.list("history")
		for row, err := range r.events(ctx) {
			if err != nil {
				return err
			}
			event, err := row.decode()
			if err != nil {
				return readError(r.files, err)
			}
			e.element(event)
		}
		e.text("]")
	}
	e.text("}\n")
	if err := e.flush(); err != nil {
		return fmt.Errorf("write export of state: %w", err)
	}
	return nil
}

// exporter writes JSON piece by piece and remembers the first error.
type exporter struct {
	w     *bufio.Writer
	first bool // the next element is the first of its list
	err   error
}

func (e *exporter) text(s string) {
	if e.err == nil {
		_, e.err = e.w.WriteString(s)
	}
}

func (e *exporter) value(v any) {
	text, err := marshal(v)
	if e.err == nil {
		e.err = err
	}
	e.text(text)
}

func (e *exporter) field(name string, v any) {
	e.value(name)
	e.text(": ")
	e.value(v)
}

func (e *exporter) list(name string) {
	e.text(",\n")
	e.value(name)
	e.text(": [")
	e.first = true
}

func (e *exporter) element(v any) {
	if !e.first {
		e.text(",")
	}
	e.first = false
	e.text("\n")
	e.value(v)
}

func (e *exporter) flush() error {
	if e.err != nil {
		return e.err
	}
	return e.w.Flush()
}
