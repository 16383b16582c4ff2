package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
)

// writer applies changes to a database, on the one connection that does.
type writer struct {
	db           *sql.DB
	conn         *sql.Conn
	meta         sqlrow.Meta            // as of the newest transaction
	stmts        map[string]driver.Stmt // compiled, by text
	args         []driver.NamedValue    // of the statement that runs
	recent       map[spec.Key]taskEnd   // tasks that were written lately: an outcome follows its intent
	identity     state.Identity         // whose JSON is identityText, unless that is empty
	identityText string
	fault        func(point string) error // what tests have go wrong; nil otherwise
}

// openWriter opens the database for writing.
func openWriter(ctx context.Context, path string, how access, m sqlrow.Meta, fault func(string) error) (_ *writer, err error) {
	db, err := openDB(ctx, path, how, 1)
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, meta: m, stmts: map[string]driver.Stmt{}, recent: map[spec.Key]taskEnd{}, fault: fault}
	if w.conn, err = db.Conn(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := checkDurable(ctx, w.conn, how); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// resume makes sure that the connection sees what was verified through another one.
func (w *writer) resume(ctx context.Context) error {
	m, err := readMeta(ctx, w)
	if err == nil && m != w.meta {
		err = fmt.Errorf("%w: it is at serial %d and was at %d a moment ago", state.ErrChanged, m.Serial, w.meta.Serial)
	}
	return err
}

// note records what was done to the state as a whole, with the control that it left, if any.
func (w *writer) note(ctx context.Context, next *sqlrow.Meta, control *state.Control, opt Options, text string) error {
	c, err := newChange(state.Transition{Control: control, Events: []state.Event{
		{At: time.Now(), Kind: state.EventState, Actor: opt.Actor, Note: text},
	}})
	if err != nil {
		return err
	}
	return w.apply(ctx, next, &c)
}

// close lets go of the database, the statements first: while one is open, so is
// the database.
func (w *writer) close() error {
	err := w.conn.Raw(func(any) error {
		var errs []error
		for _, s := range w.stmts {
			errs = append(errs, s.Close())
		}
		return errors.Join(errs...)
	})
	return errors.Join(err, w.conn.Close(), w.db.Close())
}

// QueryContext makes a writer a querier.
func (w *writer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return w.conn.QueryContext(ctx, query, args...)
}

// do runs f on the compiled statement. What every transaction does goes past
// database/sql, whose care for pools and types costs as much as a small statement.
// A value is a string or an int64.
func (w *writer) do(ctx context.Context, query string, values []any, f func(driver.Stmt, []driver.NamedValue) error) error {
	return w.conn.Raw(func(conn any) error {
		s := w.stmts[query]
		if s == nil {
			var err error
			s, err = conn.(driver.ConnPrepareContext).PrepareContext(ctx, dialectStatement(query))
			if err != nil {
				return fmt.Errorf("prepare statement: %w", err)
			}
			w.stmts[query] = s
		}
		w.args = w.args[:0]
		for i, v := range values {
			w.args = append(w.args, driver.NamedValue{Ordinal: i + 1, Value: v})
		}
		return f(s, w.args)
	})
}

// change runs a statement and returns how many rows it has changed.
func (w *writer) change(ctx context.Context, query string, values ...any) (n int64, err error) {
	err = w.do(ctx, query, values, func(s driver.Stmt, args []driver.NamedValue) error {
		res, err := s.(driver.StmtExecContext).ExecContext(ctx, args)
		if err == nil {
			n, err = res.RowsAffected()
		}
		return err
	})
	return n, err
}

// numbers puts the row that a query finds, of numbers alone, into row, and reports
// whether there is one.
func (w *writer) numbers(ctx context.Context, row []int64, query string, values ...any) (found bool, err error) {
	err = w.do(ctx, query, values, func(s driver.Stmt, args []driver.NamedValue) error {
		rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, args)
		if err != nil {
			return err
		}
		values := make([]driver.Value, len(row))
		err = rows.Next(values)
		if err == io.EOF { //nolint:errorlint // what database/sql/driver asks for
			return rows.Close()
		}
		found = err == nil
		for i := range row {
			v, ok := values[i].(int64)
			if row[i] = v; !ok && err == nil {
				err = rowError(fmt.Errorf("%T in place of a number", values[i]))
			}
		}
		return errors.Join(err, rows.Close())
	})
	return found, err
}

// exec runs a statement.
func (w *writer) exec(ctx context.Context, query string, args ...any) error {
	_, err := w.change(ctx, query, args...)
	return err
}

// putMeta writes the row of meta, if it is still as this writer left it.
func (w *writer) putMeta(ctx context.Context, m *sqlrow.Meta) error {
	columns, err := w.metaColumns(m)
	if err != nil {
		return err
	}
	if m.Identity != w.meta.Identity {
		if err := w.exec(ctx, updateIdentity, w.identityText); err != nil {
			return err
		}
	}
	n, err := w.change(ctx, updateMeta, append(columns[sqlrow.ConstantMeta:], sqlrow.Checksum("meta", columns...), w.meta.Serial)...)
	if err == nil && n != 1 {
		err = fmt.Errorf("save serial %d: the state is not at serial %d any more: another program has changed it", m.Serial, w.meta.Serial)
	}
	return err
}

// metaColumns returns the columns of the row. The JSON of the identity is kept for
// the next time: it hardly ever changes.
func (w *writer) metaColumns(m *sqlrow.Meta) (_ []any, err error) {
	if w.identity != m.Identity || w.identityText == "" {
		if w.identityText, err = sqlrow.Marshal(m.Identity); err != nil {
			return nil, err
		}
		w.identity = m.Identity
	}
	return m.Columns(w.identityText), nil
}

// rejected is an error of a change: nothing is wrong with the database.
type rejected struct{ error }

func (r rejected) Unwrap() error { return r.error }

// transact makes what apply does, and the next serial, durable together. After an
// error nothing of it is, or, unless harmless says otherwise, that is not known.
func (w *writer) transact(ctx context.Context, apply func(*sqlrow.Meta) error) error {
	if err := w.at("begin"); err != nil {
		return err
	}
	if err := w.exec(ctx, beginWrite); err != nil {
		return fmt.Errorf("begin transaction: %w", dbError(err))
	}
	next := w.meta
	err := apply(&next)
	if err == nil {
		next.Serial++
		err = w.putMeta(ctx, &next)
	}
	if err == nil {
		err = w.commit(ctx)
	}
	if err != nil {
		// SQLite may have rolled back by itself. If neither has, the next BEGIN fails.
		_ = w.exec(ctx, rollbackTx)
		clear(w.recent)
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
	return ok || errors.Is(err, state.ErrFull) || errors.Is(err, state.ErrBusy)
}
