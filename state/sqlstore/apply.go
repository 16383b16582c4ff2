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
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
)

// change is a Transition, checked and in the form in which it is written.
type change struct {
	task     *sqlrow.Task
	forget   *spec.Key
	control  string // empty: stays
	answered *state.CarriedOut
	events   []sqlrow.Event // without their place in the history
}

// newChange checks a transition before it meets the transactions of others.
func newChange(t state.Transition) (change, error) {
	c := change{forget: t.Forget, answered: t.CarriedOut, events: make([]sqlrow.Event, len(t.Events))}
	if err := t.Check(); err != nil {
		return change{}, err
	}
	if t.Record != nil {
		row, err := sqlrow.NewTask(t.Record)
		if err != nil {
			return change{}, fmt.Errorf("save record %s: %w", t.Record.Key, err)
		}
		c.task = &row
	}
	if t.Control != nil {
		text, err := sqlrow.Marshal(sqlrow.BoundControl(*t.Control))
		if err != nil {
			return change{}, fmt.Errorf("save control: %w", err)
		}
		if err := sqlrow.CheckSize(len(text), sqlrow.MaxControl); err != nil {
			return change{}, fmt.Errorf("save control: %w", err)
		}
		c.control = text
	}
	for i, e := range t.Events {
		var err error
		if c.events[i], err = sqlrow.NewEvent(e); err != nil {
			return change{}, fmt.Errorf("save event: %w", err)
		}
	}
	return c, nil
}

// apply makes the change in the open transaction, and reckons it into m.
func (w *writer) apply(ctx context.Context, m *sqlrow.Meta, c *change) error {
	var t tailEvent
	var err error
	if c.task != nil {
		if t, err = w.putTask(ctx, m, c.task, c.newest(c.task.Key, m.Events)); err != nil {
			return fmt.Errorf("save record %s: %w", c.task.Key, err)
		}
	}
	if c.forget != nil {
		if t, err = w.forgetTask(ctx, m, *c.forget); err != nil {
			return fmt.Errorf("remove record %s: %w", *c.forget, err)
		}
	}
	if c.control != "" {
		if err := w.exec(ctx, upsertControl, c.control, sqlrow.Checksum("control", c.control)); err != nil {
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
		if e.Key == key {
			return seq + int64(i) + 1
		}
	}
	return 0
}

// putTask writes the row, which leads to the event newest, or if that is 0 to the one
// that is the task's newest now. It returns the tail event before.
func (w *writer) putTask(ctx context.Context, m *sqlrow.Meta, row *sqlrow.Task, newest int64) (tailEvent, error) {
	t := tailEvent{key: row.Key}
	found, err := w.uncount(ctx, m, &t)
	if err != nil {
		return tailEvent{}, err
	}
	row.Event = cmp.Or(newest, t.newest)
	return t, w.writeTask(ctx, m, row, found)
}

// writeTask writes the row in the place of the uncounted one, or as a new one.
func (w *writer) writeTask(ctx context.Context, m *sqlrow.Meta, row *sqlrow.Task, there bool) error {
	columns, crc := row.Columns(), row.Checksum()
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
	w.recent[row.Key] = taskEnd{crc, row.Event}
	m.Tasks, m.TasksSum = m.Tasks+1, m.TasksSum+crc
	return nil
}

func (w *writer) forgetTask(ctx context.Context, m *sqlrow.Meta, key spec.Key) (tailEvent, error) {
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
func (w *writer) uncount(ctx context.Context, m *sqlrow.Meta, t *tailEvent) (found bool, err error) {
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
	m.Tasks, m.TasksSum = m.Tasks-1, m.TasksSum-end.crc
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
func (w *writer) putEvent(ctx context.Context, m *sqlrow.Meta, row sqlrow.Event, t *tailEvent) error {
	switch row.Key {
	case spec.Key{}:
	case t.key:
		row.Prev, row.Loose = t.newest, t.loose
		t.newest = m.Events + 1
	default:
		other, err := w.leadTo(ctx, m, row.Key, m.Events+1)
		if err != nil {
			return err
		}
		row.Prev, row.Loose = other.newest, other.loose
	}
	row.Follow(m.Events, m.Hash)
	columns := row.Columns()
	if err := w.exec(ctx, insertEvent, append(columns, sqlrow.Checksum("history", columns...))...); err != nil {
		return err
	}
	m.Events, m.Hash = row.Seq, row.Hash
	return nil
}

// leadTo has the record of a task, if there is one, lead to a new event without any
// other change. It returns the tail event before.
func (w *writer) leadTo(ctx context.Context, m *sqlrow.Meta, key spec.Key, event int64) (tailEvent, error) {
	row, err := one(ctx, w, sqlrow.ScanTask(schemaVersion), selectTask, key.ProjectID, key.TaskID)
	if errors.Is(err, sql.ErrNoRows) {
		t := tailEvent{key: key, loose: 1}
		return t, w.findLoose(ctx, &t)
	}
	if err == nil {
		err = row.Verify()
	}
	if err != nil {
		return tailEvent{}, err
	}
	t := tailEvent{key: key, newest: row.Event}
	m.Tasks, m.TasksSum = m.Tasks-1, m.TasksSum-row.CRC
	row.Event = event
	return t, w.writeTask(ctx, m, &row, true)
}

// endCommand writes the result of a command into its row, and deletes old ones.
func (w *writer) endCommand(ctx context.Context, a *state.CarriedOut) error {
	row, err := one(ctx, w, sqlrow.ScanCommand, selectCommand, a.ID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !row.AnsweredAt.IsZero() {
		return rejected{state.ErrNoCommand}
	}
	if _, ok := errors.AsType[*state.DamagedError](err); ok {
		return rejected{err} // by whoever wrote it; the disk is well
	}
	if err != nil {
		return err
	}
	row.AnsweredAt, row.Answer = time.Now(), state.CommandResult{OK: a.Result.OK, Message: state.Clip(a.Result.Message)}
	err = w.exec(ctx, updateCommand, sqlrow.UnixMilli(row.AnsweredAt), sqlrow.FromBool(row.Answer.OK), row.Answer.Message,
		sqlrow.Checksum("words", row.Columns()...), a.ID)
	if err != nil {
		return err
	}
	return w.exec(ctx, pruneCommands, a.ID-keepCommands)
}

// keepCommands is how many ended commands are kept at the least.
const keepCommands = 1000
