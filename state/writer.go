package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// writer applies changes to a database, on the one connection that does.
type writer struct {
	db    *sql.DB
	conn  *sql.Conn
	meta  meta                     // as of the newest transaction
	fault func(point string) error // what tests have go wrong; nil otherwise

	taskCRC, upsertTask, deleteTask, insertEvent *sql.Stmt
}

// openWriter opens the database for writing.
func openWriter(ctx context.Context, path string, how access, m meta, fault func(string) error) (_ *writer, err error) {
	db, err := openDB(ctx, path, how, 1)
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, meta: m, fault: fault}
	if w.conn, err = db.Conn(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := checkDurable(ctx, w.conn, how); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// resume makes sure that the connection sees what was verified through another
// one, and gets ready to write.
func (w *writer) resume(ctx context.Context) error {
	m, err := scanMeta(w.conn.QueryRowContext(ctx, selectMeta))
	if err != nil {
		return err
	}
	if m != w.meta {
		return fmt.Errorf("%w: it is at serial %d and was at %d a moment ago", ErrChanged, m.serial, w.meta.serial)
	}
	return w.prepare(ctx)
}

// prepare compiles the statements that every transition needs.
func (w *writer) prepare(ctx context.Context) error {
	for _, s := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&w.taskCRC, selectTaskCRC},
		{&w.upsertTask, upsertTask},
		{&w.deleteTask, deleteTask},
		{&w.insertEvent, insertEvent},
	} {
		stmt, err := w.conn.PrepareContext(ctx, s.text)
		if err != nil {
			return fmt.Errorf("prepare statements of the state: %w", err)
		}
		*s.stmt = stmt
	}
	return nil
}

// close lets go of the database, the statements first: while one is open, so is
// the database.
func (w *writer) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{w.taskCRC, w.upsertTask, w.deleteTask, w.insertEvent} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(append(errs, w.conn.Close(), w.db.Close())...)
}

func (w *writer) exec(ctx context.Context, query string, args ...any) error {
	_, err := w.conn.ExecContext(ctx, query, args...)
	return err
}

// apply makes the change in the open transaction, and reckons it into m.
func (w *writer) apply(ctx context.Context, m *meta, c *change) error {
	if c.task != nil {
		if err := w.putTask(ctx, m, c.task); err != nil {
			return fmt.Errorf("save record %s: %w", c.task.key, err)
		}
	}
	if c.forget != nil {
		if err := w.forgetTask(ctx, m, *c.forget); err != nil {
			return fmt.Errorf("forget record %s: %w", *c.forget, err)
		}
	}
	if c.control != "" {
		if err := w.exec(ctx, upsertControl, c.control, checksum("control", c.control)); err != nil {
			return fmt.Errorf("save control: %w", err)
		}
	}
	if c.answered != nil {
		if err := w.answer(ctx, c.answered); err != nil {
			return fmt.Errorf("answer word %d: %w", c.answered.ID, err)
		}
	}
	for _, e := range c.events {
		e.Seq = m.events + 1
		if err := w.putEvent(ctx, m, e); err != nil {
			return fmt.Errorf("save event: %w", err)
		}
	}
	return nil
}

func (w *writer) putTask(ctx context.Context, m *meta, t *taskRow) error {
	if err := w.uncount(ctx, m, t.key); err != nil {
		return err
	}
	columns := t.columns()
	crc := checksum("tasks", columns...)
	if _, err := w.upsertTask.ExecContext(ctx, append(columns, crc)...); err != nil {
		return err
	}
	m.tasks, m.tasksSum = m.tasks+1, m.tasksSum+crc
	return nil
}

func (w *writer) forgetTask(ctx context.Context, m *meta, key spec.Key) error {
	if err := w.uncount(ctx, m, key); err != nil {
		return err
	}
	_, err := w.deleteTask.ExecContext(ctx, key.ProjectID, key.TaskID)
	return err
}

// uncount takes the row that is about to change, if there is one, out of the sum.
func (w *writer) uncount(ctx context.Context, m *meta, key spec.Key) error {
	var crc int64
	err := w.taskCRC.QueryRowContext(ctx, key.ProjectID, key.TaskID).Scan(&crc)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	m.tasks, m.tasksSum = m.tasks-1, m.tasksSum-crc
	return err
}

func (w *writer) putEvent(ctx context.Context, m *meta, e Event) error {
	row, err := newEventRow(e, m.hash)
	if err != nil {
		return rejected{err}
	}
	columns := row.columns()
	if _, err := w.insertEvent.ExecContext(ctx, append(columns, checksum("history", columns...))...); err != nil {
		return err
	}
	m.events, m.hash = row.seq, row.hash
	return nil
}

// answer carries the answer of a word into its row, and lets old words go.
func (w *writer) answer(ctx context.Context, a *AnsweredWord) error {
	row, err := scanWord(w.conn.QueryRowContext(ctx, selectWord, a.ID))
	if errors.Is(err, sql.ErrNoRows) || err == nil && !row.answeredAt.IsZero() {
		return rejected{ErrNoWord}
	}
	if err != nil {
		return err
	}
	row.answeredAt, row.answer = time.Now(), Answer{OK: a.Answer.OK, Message: Clip(a.Answer.Message)}
	err = w.exec(ctx, answerWord, unixMilli(row.answeredAt), fromBool(row.answer.OK), row.answer.Message,
		checksum("words", row.columns()...), a.ID)
	if err != nil {
		return err
	}
	return w.exec(ctx, pruneWords, a.ID-keepWords)
}

// keepWords is how many answered words are kept at the least.
const keepWords = 1000

// putMeta writes the row of meta, if it is still as this writer left it.
func (w *writer) putMeta(ctx context.Context, m *meta) error {
	columns, err := m.columns()
	if err != nil {
		return err
	}
	res, err := w.conn.ExecContext(ctx, updateMeta, append(columns, checksum("meta", columns...), w.meta.serial)...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return fmt.Errorf("save serial %d: the state is not at serial %d any more: another program has changed it", m.serial, w.meta.serial)
	}
	return err
}

// rejected is an error of a change: nothing is wrong with the database.
type rejected struct{ error }

func (r rejected) Unwrap() error { return r.error }

// transact makes what apply does, and the next serial, durable together. After an
// error nothing of it is, or, unless harmless says otherwise, that is not known.
func (w *writer) transact(ctx context.Context, apply func(*meta) error) error {
	if err := w.at("begin"); err != nil {
		return err
	}
	if err := w.exec(ctx, beginWrite); err != nil {
		return fmt.Errorf("begin transaction: %w", dbError(err))
	}
	next := w.meta
	err := apply(&next)
	if err == nil {
		next.serial++
		err = w.putMeta(ctx, &next)
	}
	if err == nil {
		err = w.commit(ctx)
	}
	if err != nil {
		// SQLite may have rolled back by itself. If neither has, the next BEGIN fails.
		_ = w.exec(ctx, rollbackTx)
		return dbError(err)
	}
	w.meta = next
	return nil
}

func (w *writer) commit(ctx context.Context) error {
	if err := w.at("commit"); err != nil {
		return err
	}
	if err := w.exec(ctx, commitTx); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

// at calls the fault that a test has set for a point of the way.
func (w *writer) at(point string) error {
	if w.fault == nil {
		return nil
	}
	return w.fault(point)
}

// harmless reports whether an error of transact means that nothing was written and
// that the next transaction may succeed. A full disk is found before the commit
// is complete; after any other error of the disk, what it holds is not known.
func harmless(err error) bool {
	_, ok := errors.AsType[rejected](err)
	return ok || errors.Is(err, ErrFull) || errors.Is(err, ErrBusy)
}
