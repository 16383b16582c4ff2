package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/document"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
)

// Export writes the state as a document that [Import] reads, with its history if asked
// for. It holds no more in memory than a record.
func Export(ctx context.Context, r *Reader, to io.Writer, history bool) error {
	control, err := r.Control(ctx)
	if err != nil {
		return err
	}
	var events iter.Seq2[state.Event, error]
	if history {
		events = r.decodedEvents(ctx)
	}
	h := document.Header{Lineage: r.Lineage(), Serial: r.meta.Serial, Identity: r.Identity(), Control: control}
	return document.Write(to, h, r.Records(ctx), events)
}

// decodedEvents yields the whole history, the oldest event first. An error is the last
// thing it yields.
func (r *Reader) decodedEvents(ctx context.Context) iter.Seq2[state.Event, error] {
	return func(yield func(state.Event, error) bool) {
		for row, err := range r.events(ctx) {
			var event state.Event
			if err == nil {
				event, err = row.Decode()
				err = readError(r.files, err)
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// maxRecords bounds an imported state.
const maxRecords = 1_000_000

// Import makes a new state at path from a document that [Export] wrote. The
// document must be of id, and nothing of a state may be at path. The new state has
// the document's lineage and a greater serial. Control.Restored is set, since the
// document may be old: the next plan with a call is held for approval.
//
// Without a history in the document the new one begins with the import.
func Import(ctx context.Context, path string, id state.Identity, from io.Reader, opt Options) (err error) {
	fl, lock, err := hold(path, opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	fresh, err := fl.Fresh()
	if err == nil && !fresh {
		err = fmt.Errorf("%w: give the new one another path", state.ErrExists)
	}
	if err != nil {
		return fmt.Errorf("import state to %s: %w", fl.DB, err)
	}
	doc := document.NewReader(from)
	h, err := doc.Header()
	if err == nil {
		err = h.Identity.Match(fl.DB, id)
	}
	if err == nil {
		m := sqlrow.Meta{Lineage: h.Lineage, Serial: h.Serial, Identity: h.Identity, Created: time.Now()}
		err = create(ctx, fl, m, imported(doc, h, opt), opt.fault)
	}
	if err != nil {
		return fmt.Errorf("import state to %s: %w", fl.DB, err)
	}
	return nil
}

// imported returns what puts the rest of the document into a new state.
func imported(doc *document.Reader, h document.Header, opt Options) filler {
	return func(ctx context.Context, w *writer, m *sqlrow.Meta) error {
		err := doc.Records(func(rec *state.Record) error { return importRecord(ctx, w, m, rec) })
		if err != nil {
			return err
		}
		err = doc.History(func(e *state.Event) error { return importEvent(ctx, w, m, e) })
		if err != nil {
			return err
		}
		if h.Forgetful() {
			if _, err := recoverForgotten(ctx, w, m); err != nil {
				return err
			}
		}
		h.Control.Restored = true
		return w.note(ctx, m, &h.Control, opt, fmt.Sprintf("imported %d records at serial %d of lineage %s", m.Tasks, m.Serial, m.Lineage))
	}
}

func importRecord(ctx context.Context, w *writer, m *sqlrow.Meta, rec *state.Record) error {
	if m.Tasks == maxRecords {
		return fmt.Errorf("more than %d records", maxRecords)
	}
	row, err := sqlrow.NewTask(rec)
	if err != nil {
		return err
	}
	before := m.Tasks
	if _, err := w.putTask(ctx, m, &row, 0); err != nil {
		return err
	}
	if m.Tasks == before {
		return fmt.Errorf("record %s appears twice", rec.Key)
	}
	return nil
}

func importEvent(ctx context.Context, w *writer, m *sqlrow.Meta, e *state.Event) error {
	if e.Seq != m.Events+1 {
		return fmt.Errorf("event %d follows event %d", e.Seq, m.Events)
	}
	row, err := sqlrow.NewEvent(*e)
	if err != nil {
		return err
	}
	return w.putEvent(ctx, m, row, &tailEvent{})
}
