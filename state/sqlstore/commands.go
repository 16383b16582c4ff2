package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// maxPendingCommands bounds how many commands may wait.
const maxPendingCommands = 1000

// resultPoll is how often WaitResult asks.
const resultPoll = 50 * time.Millisecond

// Enqueue leaves a command for whoever holds the state, now or later, and returns
// its id. It may be called by any process that may write to the state's files.
func Enqueue(ctx context.Context, path string, c state.Command) (id int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("enqueue command: %w", dbError(err))
		}
	}()
	if err := c.Check(); err != nil {
		return 0, err
	}
	fl, err := statefile.Locate(path)
	if err != nil {
		return 0, err
	}
	if err := checkHead(ctx, fl); err != nil {
		return 0, err
	}
	w, err := openForCommands(ctx, fl)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	return enqueue(ctx, w, c)
}

// checkHead makes sure that the state is not one that a daemon would refuse
// for being old: to open such a one for writing could destroy what is left of it.
func checkHead(ctx context.Context, fl statefile.Files) error {
	h, err := fl.ReadHead()
	if err != nil {
		return err
	}
	return inspect(ctx, fl, func(r *Reader) error { return h.Check(fl, r.meta.Head()) })
}

// openForCommands opens a state that another process may hold, to write to its commands
// and to nothing else.
func openForCommands(ctx context.Context, fl statefile.Files) (*writer, error) {
	if !statefile.Exists(fl.DB) {
		return nil, fmt.Errorf("open state %s: %w", fl.DB, state.ErrMissing)
	}
	w, err := openWriter(ctx, fl.DB, readWrite, sqlrow.Meta{}, nil)
	if err != nil {
		return nil, readError(fl, err)
	}
	version, err := readVersion(ctx, w)
	if err == nil && version > schemaVersion { // the table words is the same in those before
		err = &state.NewerError{Path: fl.DB, Have: version, Know: schemaVersion}
	}
	if err != nil {
		return nil, errors.Join(readError(fl, err), w.close())
	}
	return w, nil
}

// enqueue adds the command in a transaction of its own.
func enqueue(ctx context.Context, w *writer, c state.Command) (id int64, err error) {
	if err := w.exec(ctx, beginWrite); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			_ = w.exec(context.WithoutCancel(ctx), rollbackTx) // after a failed commit there may be none
		}
	}()
	open, err := one(ctx, w, scanValue[int64], countPendingCommands)
	if err != nil {
		return 0, err
	}
	if open >= maxPendingCommands {
		return 0, fmt.Errorf("%d commands wait already: is the daemon running?", open)
	}
	last, err := one(ctx, w, scanValue[int64], selectLastCommand)
	if err != nil {
		return 0, err
	}
	row := sqlrow.Command{Command: c}
	row.ID = last + 1
	if row.At.IsZero() {
		row.At = time.Now()
	}
	columns := row.Columns()
	if err := w.exec(ctx, insertCommand, append(columns, sqlrow.Checksum("words", columns...))...); err != nil {
		return 0, err
	}
	return row.ID, w.exec(ctx, commitTx)
}

// WaitResult waits for the result of a command, until ctx ends.
func WaitResult(ctx context.Context, path string, id int64) (_ state.CommandResult, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("wait for the result of command %d: %w", id, dbError(err))
		}
	}()
	fl, err := statefile.Locate(path)
	if err != nil {
		return state.CommandResult{}, err
	}
	w, err := openForCommands(ctx, fl)
	if err != nil {
		return state.CommandResult{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	tick := time.NewTicker(resultPoll)
	defer tick.Stop()
	for {
		row, err := one(ctx, w, sqlrow.ScanCommand, selectCommand, id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return state.CommandResult{}, state.ErrNoCommand
		case err != nil:
			return state.CommandResult{}, err
		case !row.AnsweredAt.IsZero():
			return row.Answer, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return state.CommandResult{}, context.Cause(ctx)
		}
	}
}
