package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// migrate brings a verified state of an earlier schema up to this one, in one
// transaction. From then on earlier programs refuse it.
func (w *writer) migrate(ctx context.Context, opt Options) error {
	version, err := readVersion(ctx, w)
	if err != nil || version == schemaVersion {
		return err
	}
	err = w.transact(ctx, func(next *meta) error {
		if err := makeSchema(ctx, w.conn, version); err != nil {
			return err
		}
		if err := w.rewriteTasks(ctx, next, version); err != nil {
			return err
		}
		note := fmt.Sprintf("migrated from schema %d to %d", version, schemaVersion)
		if version < schemaOfTombstones {
			n, err := w.recoverForgotten(ctx, next)
			if err != nil {
				return err
			}
			note += fmt.Sprintf("; %d removed tasks are known from the history", n)
		}
		return w.record(ctx, next, state.Event{At: time.Now(), Kind: state.EventState, Actor: opt.Actor, Note: note})
	})
	if err != nil {
		return fmt.Errorf("migrate from schema %d: %w", version, err)
	}
	return nil
}

// rewriteAtOnce is how many rows rewriteTasks holds in memory.
var rewriteAtOnce = 1000

// rewriteTasks writes each row of an earlier schema anew, so that its columns have what
// was applied, and its checksum covers them.
func (w *writer) rewriteTasks(ctx context.Context, m *meta, schema int64) error {
	decoder := newRowDecoder()
	for last := (spec.Key{}); ; {
		var rows []taskRow
		for row, err := range scan(ctx, w, taskScanner(schema), selectTasksAfter, last.ProjectID, last.TaskID, rewriteAtOnce) {
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		for i := range rows {
			if err := w.rewriteTask(ctx, m, &rows[i], decoder); err != nil {
				return err
			}
		}
		if len(rows) < rewriteAtOnce {
			return nil
		}
		last = rows[len(rows)-1].key
	}
}

func (w *writer) rewriteTask(ctx context.Context, m *meta, old *taskRow, decoder *rowDecoder) error {
	if err := old.verify(); err != nil {
		return err
	}
	rec, err := decoder.record(old)
	if err != nil {
		return err
	}
	row, err := newTaskRow(rec)
	if err != nil {
		return err
	}
	row.event = old.event
	m.tasks, m.tasksSum = m.tasks-1, m.tasksSum-old.crc
	return w.writeTask(ctx, m, &row, true)
}

// record appends an event that no record changes with.
func (w *writer) record(ctx context.Context, m *meta, e state.Event) error {
	c, err := newChange(state.Transition{Events: []state.Event{e}})
	if err != nil {
		return err
	}
	return w.apply(ctx, m, &c)
}

// recoverForgotten writes the records of the tasks that an earlier version forgot, and returns how
// many there are.
func (w *writer) recoverForgotten(ctx context.Context, m *meta) (n int, err error) {
	lost, err := forgottenRecords(ctx, w)
	for _, rec := range lost {
		row, err := newTaskRow(rec)
		if err != nil {
			return 0, err
		}
		if _, err := w.putTask(ctx, m, &row, 0); err != nil {
			return 0, err
		}
	}
	return len(lost), err
}

// forgottenRecords returns records of the tasks that an earlier version forgot with their specs, in
// order of key, as far as the history tells what was applied to them.
func forgottenRecords(ctx context.Context, q querier) ([]*state.Record, error) {
	var ends []tailEvent
	for end, err := range scan(ctx, q, scanTailEvent, selectLooseEnds) {
		if err != nil {
			return nil, err
		}
		ends = append(ends, end)
	}
	var lost []*state.Record
	for _, end := range ends {
		rec, err := forgottenRecordOf(ctx, q, end.key, end.newest)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			lost = append(lost, rec)
		}
	}
	slices.SortFunc(lost, func(a, b *state.Record) int { return a.Key.Compare(b.Key) })
	return lost, nil
}

// forgottenRecord is recall for one task, which has no row.
func (r *readQueries) forgottenRecord(ctx context.Context, tx *sql.Tx, key spec.Key) (*state.Record, error) {
	newest, err := r.newestEvent(ctx, tx, key)
	if err != nil || newest == 0 {
		return nil, err
	}
	return forgottenRecordOf(ctx, tx, key, newest)
}

// forgottenRecordOf returns the record of a removed task, as its events tell: when something was
// last applied to it, in which revision, and by which request. It is nil if nothing was.
func forgottenRecordOf(ctx context.Context, q querier, key spec.Key, newest int64) (*state.Record, error) {
	rec := &state.Record{Key: key, Status: state.StatusApplied}
	for row, err := range scan(ctx, q, scanEventRow, selectTrail, newest) {
		if err != nil {
			return nil, err
		}
		e, err := row.decode()
		if err != nil {
			return nil, err
		}
		switch {
		case e.Kind == state.EventForgotten && rec.Removed == nil:
			rec.Removed = &state.Removal{At: e.At, Revision: e.Revision}
		case applies(&e):
			rec.Applied = &state.Applied{Origin: state.OriginHistory, At: e.At, Revision: e.Revision, RequestID: e.Outcome.RequestID}
			if e.Outcome.Class == state.ClassApplied {
				rec.Applied.Request = e.Request
			}
			if rec.Removed == nil {
				rec.Removed = &state.Removal{At: e.At, Revision: e.Revision}
			}
			return rec, nil
		}
	}
	return nil, nil
}

// applies reports whether an event says that something was applied to its task. What
// was only tried and is in doubt counts as well: it may have been.
func applies(e *state.Event) bool {
	switch e.Kind {
	case state.EventAdopted:
		return true
	case state.EventOutcome:
		return e.Outcome.Class == state.ClassApplied || e.Outcome.Class == state.ClassUnknown
	default:
		return false
	}
}
