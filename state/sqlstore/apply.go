package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/document"
)

// Bounds of what the state keeps, in bytes.
const (
	maxRow = 1 << 20 // the JSON of a record or an event: far above what specs allow
	// maxControl is more: an approval lists the calls of its plan.
	maxControl = document.MaxElement
)

// change is a Transition, checked and in the form in which it is written.
type change struct {
	task     *taskRow
	forget   *spec.Key
	control  string // empty: stays
	answered *state.CarriedOut
	events   []eventRow // without their place in the history
}

// newChange checks a transition before it meets the transactions of others.
func newChange(t state.Transition) (change, error) {
	c := change{forget: t.Forget, answered: t.CarriedOut, events: make([]eventRow, len(t.Events))}
	if err := t.Check(); err != nil {
		return change{}, err
	}
	if t.Record != nil {
		row, err := newTaskRow(t.Record)
		if err != nil {
			return change{}, fmt.Errorf("save record %s: %w", t.Record.Key, err)
		}
		c.task = &row
	}
	if t.Control != nil {
		text, err := marshal(boundControl(*t.Control))
		if err != nil {
			return change{}, fmt.Errorf("save control: %w", err)
		}
		if err := checkSize(len(text), maxControl); err != nil {
			return change{}, fmt.Errorf("save control: %w", err)
		}
		c.control = text
	}
	for i, e := range t.Events {
		var err error
		if c.events[i], err = newEventRow(e); err != nil {
			return change{}, fmt.Errorf("save event: %w", err)
		}
	}
	return c, nil
}

// checkSize reports that a row of that many bytes is too much.
func checkSize(size, limit int) error {
	if size > limit {
		return fmt.Errorf("it has %d bytes, at most %d are kept", size, limit)
	}
	return nil
}

// apply makes the change in the open transaction, and reckons it into m.
func (w *writer) apply(ctx context.Context, m *meta, c *change) error {
	var t tailEvent
	var err error
	if c.task != nil {
		if t, err = w.putTask(ctx, m, c.task, c.newest(c.task.key, m.events)); err != nil {
			return fmt.Errorf("save record %s: %w", c.task.key, err)
		}
	}
	if c.forget != nil {
		if t, err = w.forgetTask(ctx, m, *c.forget); err != nil {
			return fmt.Errorf("remove record %s: %w", *c.forget, err)
		}
	}
	if c.control != "" {
		if err := w.exec(ctx, upsertControl, c.control, checksum("control", c.control)); err != nil {
			return fmt.Errorf("save control: %w", err)
		}
	}
	if c.answered != nil {
		if err := w.endCommand(ctx, c.answered); err != nil {
			return fmt.Errorf("end command %d: %w", c.answered.ID, err)
		}
	}
	for _, e := range c.events {
		if err := w.putEvent(ctx, m, e, &t); err != nil {
			return fmt.Errorf("save event: %w", err)
		}
	}
	return nil
}

// tailEvent is where the events of a task end, for the one that comes next.
type tailEvent struct {
	key    spec.Key
	newest int64 // the event, 0 for none
	loose  int64 // 1 if no record of the task leads to the next event
}

// newest returns which event the task's newest will be after those of the change,
// the first of which follows the event seq; 0 if none is the task's.
func (c *change) newest(key spec.Key, seq int64) int64 {
	for i, e := range slices.Backward(c.events) {
		if e.key == key {
			return seq + int64(i) + 1
		}
	}
	return 0
}

// putTask writes the row, which leads to the event newest, or if that is 0 to the one
// that is the task's newest now. It returns the tail event before.
func (w *writer) putTask(ctx context.Context, m *meta, row *taskRow, newest int64) (tailEvent, error) {
	t := tailEvent{key: row.key}
	found, err := w.uncount(ctx, m, &t)
	if err != nil {
		return tailEvent{}, err
	}
	row.event = cmp.Or(newest, t.newest)
	return t, w.writeTask(ctx, m, row, found)
}

// writeTask writes the row in the place of the uncounted one, or as a new one.
func (w *writer) writeTask(ctx context.Context, m *meta, row *taskRow, there bool) error {
	columns, crc := row.columns(), row.checksum()
	query := insertTask
	if there {
		query = updateTask
	}
	n, err := w.change(ctx, query, append(columns[2:], crc, columns[0], columns[1])...)
	if err == nil && n != 1 {
		err = errors.New("its row is missing: another program has changed the state")
	}
	if err != nil {
		return err
	}
	if len(w.recent) == maxRecent {
		clear(w.recent)
	}
	w.recent[row.key] = taskEnd{crc, row.event}
	m.tasks, m.tasksSum = m.tasks+1, m.tasksSum+crc
	return nil
}

func (w *writer) forgetTask(ctx context.Context, m *meta, key spec.Key) (tailEvent, error) {
	t := tailEvent{key: key, loose: 1}
	found, err := w.uncount(ctx, m, &t)
	delete(w.recent, key)
	if err == nil && found {
		err = w.exec(ctx, deleteTask, key.ProjectID, key.TaskID)
	}
	return t, err
}

// uncount takes the row that is about to change, if there is one, out of the sum, and
// finds the task's newest event.
func (w *writer) uncount(ctx context.Context, m *meta, t *tailEvent) (found bool, err error) {
	end, found := w.recent[t.key]
	if !found {
		var row [2]int64
		if found, err = w.numbers(ctx, row[:], selectTaskEnd, t.key.ProjectID, t.key.TaskID); err != nil {
			return false, err
		}
		end = taskEnd{row[0], row[1]}
	}
	if !found {
		return false, w.findLoose(ctx, t)
	}
	m.tasks, m.tasksSum = m.tasks-1, m.tasksSum-end.crc
	t.newest = end.event
	return true, nil
}

// taskEnd is what the next change of a task needs of its row.
type taskEnd struct{ crc, event int64 }

// maxRecent bounds how many tasks the writer remembers: more than are under way.
const maxRecent = 1 << 10

// findLoose finds the newest event of a task that has no record.
func (w *writer) findLoose(ctx context.Context, t *tailEvent) error {
	var seq [1]int64
	_, err := w.numbers(ctx, seq[:], selectLoose, t.key.ProjectID, t.key.TaskID)
	t.newest = seq[0]
	return err
}

// putEvent appends an event. t is the tail event of the task whose record the same change
// wrote, or took away.
func (w *writer) putEvent(ctx context.Context, m *meta, row eventRow, t *tailEvent) error {
	switch row.key {
	case spec.Key{}:
	case t.key:
		row.prev, row.loose = t.newest, t.loose
		t.newest = m.events + 1
	default:
		other, err := w.leadTo(ctx, m, row.key, m.events+1)
		if err != nil {
			return err
		}
		row.prev, row.loose = other.newest, other.loose
	}
	row.follow(m.events, m.hash)
	columns := row.columns()
	if err := w.exec(ctx, insertEvent, append(columns, checksum("history", columns...))...); err != nil {
		return err
	}
	m.events, m.hash = row.seq, row.hash
	return nil
}

// leadTo has the record of a task, if there is one, lead to a new event without any
// other change. It returns the tail event before.
func (w *writer) leadTo(ctx context.Context, m *meta, key spec.Key, event int64) (tailEvent, error) {
	row, err := one(ctx, w, taskScanner(schemaVersion), selectTask, key.ProjectID, key.TaskID)
	if errors.Is(err, sql.ErrNoRows) {
		t := tailEvent{key: key, loose: 1}
		return t, w.findLoose(ctx, &t)
	}
	if err == nil {
		err = row.verify()
	}
	if err != nil {
		return tailEvent{}, err
	}
	t := tailEvent{key: key, newest: row.event}
	m.tasks, m.tasksSum = m.tasks-1, m.tasksSum-row.crc
	row.event = event
	return t, w.writeTask(ctx, m, &row, true)
}

// endCommand writes the result of a command into its row, and deletes old ones.
func (w *writer) endCommand(ctx context.Context, a *state.CarriedOut) error {
	row, err := one(ctx, w, scanCommand, selectCommand, a.ID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !row.answeredAt.IsZero() {
		return rejected{state.ErrNoCommand}
	}
	if _, ok := errors.AsType[*state.DamagedError](err); ok {
		return rejected{err} // by whoever wrote it; the disk is well
	}
	if err != nil {
		return err
	}
	row.answeredAt, row.answer = time.Now(), state.CommandResult{OK: a.Result.OK, Message: state.Clip(a.Result.Message)}
	err = w.exec(ctx, updateCommand, unixMilli(row.answeredAt), fromBool(row.answer.OK), row.answer.Message,
		checksum("words", row.columns()...), a.ID)
	if err != nil {
		return err
	}
	return w.exec(ctx, pruneCommands, a.ID-keepCommands)
}

// keepCommands is how many ended commands are kept at the least.
const keepCommands = 1000
