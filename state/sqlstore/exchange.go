package sqlstore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// exportFormat is the format_version of exported documents.
const exportFormat = "1.2"

// exportFormats are those that [Import] reads.
var exportFormats = []string{exportFormat, "1.1", forgetfulFormat}

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

// Bounds of an imported document.
const (
	maxElement = maxControl // bytes of one value in it
	maxRecords = 1_000_000
	maxLineage = 64
	maxSerial  = 1 << 53
)

// forgetfulFormat is that of documents in which removed tasks have no record.
const forgetfulFormat = "1.0"

// Import makes a new state at path from a document that [Export] wrote. The
// document must be of id, and nothing of a state may be at path. The new state has
// the document's lineage and a greater serial. Control.Restored is set, since the
// document may be old: the next plan with a call is held for approval.
//
// Without a history in the document the new one begins with the import. A field
// that Export does not write is an error, and so is any order but its own.
func Import(ctx context.Context, path string, id state.Identity, from io.Reader, opt Options) (err error) {
	fl, lock, err := hold(path, opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	fresh, err := fl.fresh()
	if err == nil && !fresh {
		err = fmt.Errorf("%w: give the new one another path", state.ErrExists)
	}
	if err != nil {
		return fmt.Errorf("import state to %s: %w", fl.db, err)
	}
	doc := newDocument(from)
	m, control, err := doc.header()
	if err == nil {
		err = m.identity.Match(fl.db, id)
	}
	if err == nil {
		err = create(ctx, fl, m, doc.filler(control, opt), opt.fault)
	}
	if err != nil {
		return fmt.Errorf("import state to %s: %w", fl.db, err)
	}
	return nil
}

// document is an exported state that is being read.
type document struct {
	dec    *json.Decoder
	budget *budget
	format string
}

func newDocument(from io.Reader) *document {
	b := &budget{r: from}
	dec := json.NewDecoder(b)
	dec.DisallowUnknownFields()
	return &document{dec: dec, budget: b}
}

// header reads all that comes before the records.
func (d *document) header() (meta, state.Control, error) {
	m := meta{created: time.Now()}
	var control state.Control
	if err := d.delim('{'); err != nil {
		return meta{}, state.Control{}, err
	}
	for _, f := range []struct {
		name string
		v    any
	}{
		{"format_version", &d.format},
		{"lineage", &m.lineage},
		{"serial", &m.serial},
		{"identity", &m.identity},
		{"control", &control},
	} {
		if err := d.name(f.name); err != nil {
			return meta{}, state.Control{}, err
		}
		if err := d.value(f.v); err != nil {
			return meta{}, state.Control{}, fmt.Errorf("read %s: %w", f.name, err)
		}
		if !slices.Contains(exportFormats, d.format) {
			return meta{}, state.Control{}, fmt.Errorf("format_version is %q, want %q", state.Clip(d.format), exportFormat)
		}
	}
	if m.lineage == "" || len(m.lineage) > maxLineage || strings.ContainsFunc(m.lineage, notInLineage) {
		return meta{}, state.Control{}, fmt.Errorf("%q is not a lineage", state.Clip(m.lineage))
	}
	if m.serial < 1 || m.serial > maxSerial {
		return meta{}, state.Control{}, fmt.Errorf("%d is not a serial", m.serial)
	}
	return m, control, nil
}

func notInLineage(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }

// filler returns what puts the rest of the document into a new state.
func (d *document) filler(control state.Control, opt Options) filler {
	return func(ctx context.Context, w *writer, m *meta) error {
		if err := d.records(ctx, w, m); err != nil {
			return err
		}
		if err := d.history(ctx, w, m); err != nil {
			return err
		}
		if d.format == forgetfulFormat {
			if _, err := recoverForgotten(ctx, w, m); err != nil {
				return err
			}
		}
		control.Restored = true
		c, err := newChange(state.Transition{Control: &control, Events: []state.Event{{
			At: time.Now(), Kind: state.EventState, Actor: opt.Actor,
			Note: fmt.Sprintf("imported %d records at serial %d of lineage %s", m.tasks, m.serial, m.lineage),
		}}})
		if err != nil {
			return err
		}
		return w.apply(ctx, m, &c)
	}
}

func (d *document) records(ctx context.Context, w *writer, m *meta) error {
	return list(d, "records", func(rec *state.Record) error {
		if err := rec.Check(); err != nil {
			return fmt.Errorf("record %s: %w", state.Clip(rec.Key.String()), err)
		}
		if m.tasks == maxRecords {
			return fmt.Errorf("more than %d records", maxRecords)
		}
		row, err := newTaskRow(rec)
		if err != nil {
			return err
		}
		before := m.tasks
		if _, err := w.putTask(ctx, m, &row, 0); err != nil {
			return err
		}
		if m.tasks == before {
			return fmt.Errorf("record %s appears twice", rec.Key)
		}
		return nil
	})
}

// history reads the history, if the document has one, and what ends the document.
func (d *document) history(ctx context.Context, w *writer, m *meta) error {
	if d.more() {
		err := list(d, "history", func(e *state.Event) error {
			if e.Seq != m.events+1 {
				return fmt.Errorf("event %d follows event %d", e.Seq, m.events)
			}
			row, err := newEventRow(*e)
			if err != nil {
				return err
			}
			return w.putEvent(ctx, m, row, &tailEvent{})
		})
		if err != nil {
			return err
		}
	}
	if err := d.delim('}'); err != nil {
		return err
	}
	if t, err := d.token(); err != io.EOF { //nolint:errorlint // the end itself, not a document that ends early
		return errors.Join(unexpected(t, "the end"), err)
	}
	return nil
}

// list reads a name and the list that is its value, one element at a time.
func list[T any](d *document, name string, each func(*T) error) error {
	if err := d.name(name); err != nil {
		return err
	}
	if err := d.delim('['); err != nil {
		return err
	}
	for n := 1; d.more(); n++ {
		var v T
		err := d.value(&v)
		if err == nil {
			err = each(&v)
		}
		if err != nil {
			return fmt.Errorf("read %s, element %d: %w", name, n, err)
		}
	}
	return d.delim(']')
}

func (d *document) value(v any) error {
	d.budget.left = maxElement
	return d.dec.Decode(v)
}

func (d *document) token() (json.Token, error) {
	d.budget.left = maxElement
	return d.dec.Token()
}

// more reports whether the object or list goes on.
func (d *document) more() bool {
	d.budget.left = maxElement
	return d.dec.More()
}

func (d *document) delim(want json.Delim) error {
	t, err := d.token()
	if err == nil && t != want {
		err = unexpected(t, want)
	}
	return err
}

func (d *document) name(want string) error {
	t, err := d.token()
	if err == nil && t != want {
		err = unexpected(t, want)
	}
	return err
}

// unexpected says that the document is not in the order in which Export writes.
func unexpected(have, want any) error {
	return fmt.Errorf("%s was found in place of %q", state.Clip(fmt.Sprintf("%q", have)), want)
}

// budget bounds how much may be read for one value.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a value is larger than %d bytes", maxElement)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
