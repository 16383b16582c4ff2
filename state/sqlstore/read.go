package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// readQueries is what a Store and a Reader have in common: all that a state tells.
type readQueries struct {
	files    statefile.Files
	schema   int64 // of the database
	lineage  string
	identity state.Identity
	// begin starts a transaction that sees one moment of the state; end ends it.
	begin func(context.Context) (tx *sql.Tx, end func(), err error)
	// settled reports ErrChanged if what was read since begin may be of two moments.
	settled func() error
}

// Identity returns what the state belongs to.
func (r *readQueries) Identity() state.Identity { return r.identity }

// Lineage returns the name that the state got when it was created.
func (r *readQueries) Lineage() string { return r.lineage }

// Serial returns the number of the newest transaction.
func (r *readQueries) Serial(ctx context.Context) (int64, error) {
	var m sqlrow.Meta
	err := r.view(ctx, func(tx *sql.Tx) (err error) {
		m, err = readMeta(ctx, tx)
		return err
	})
	return m.Serial, err
}

// Control returns what the daemon as a whole remembers.
func (r *readQueries) Control(ctx context.Context) (state.Control, error) {
	var c state.Control
	err := r.view(ctx, func(tx *sql.Tx) (err error) {
		c, err = readControl(ctx, tx)
		return err
	})
	return c, err
}

// Record returns the task's record, or nil if there is none.
func (r *readQueries) Record(ctx context.Context, key spec.Key) (*state.Record, error) {
	var rec *state.Record
	err := r.view(ctx, func(tx *sql.Tx) error {
		row, err := one(ctx, tx, sqlrow.ScanTask(r.schema), tasksIn(r.schema, selectTask), key.ProjectID, key.TaskID)
		if errors.Is(err, sql.ErrNoRows) {
			if r.schema < schemaOfTombstones {
				rec, err = r.forgottenRecord(ctx, tx, key)
				return err
			}
			return nil
		}
		if err != nil {
			return err
		}
		rec, err = sqlrow.Decode(&row)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rec, nil
}

// Records yields all records in order of key. An error is the last thing it
// yields. That records are missing is found at the end: nothing may be concluded
// from the records before all are read.
func (r *readQueries) Records(ctx context.Context) iter.Seq2[state.Record, error] {
	return func(yield func(state.Record, error) bool) {
		for rec, err := range r.records(ctx) {
			if err != nil {
				yield(state.Record{}, err)
				return
			}
			if !yield(*rec, nil) {
				return
			}
		}
	}
}

// Load returns all records. Every row is verified.
func (r *readQueries) Load(ctx context.Context) (*state.Records, error) {
	var records []*state.Record
	for rec, err := range r.records(ctx) {
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	return state.NewRecords(records...), nil
}

// records yields what Records does, without copies.
func (r *readQueries) records(ctx context.Context) iter.Seq2[*state.Record, error] {
	return func(yield func(*state.Record, error) bool) {
		stopped := false
		err := r.view(ctx, func(tx *sql.Tx) error {
			m, err := readMeta(ctx, tx)
			if err != nil {
				return err
			}
			var lost []*state.Record // in order of key
			if r.schema < schemaOfTombstones {
				if lost, err = forgottenRecords(ctx, tx); err != nil {
					return err
				}
			}
			reader := sqlrow.NewDecoder()
			for row, err := range tasks(ctx, tx, &m, r.schema) {
				if err != nil {
					return err
				}
				rec, err := reader.Record(&row)
				if err != nil {
					return err
				}
				for ; len(lost) > 0 && lost[0].Key.Compare(rec.Key) < 0; lost = lost[1:] {
					if stopped = !yield(lost[0], nil); stopped {
						return nil
					}
				}
				if stopped = !yield(rec, nil); stopped {
					return nil
				}
			}
			for ; len(lost) > 0 && !stopped; lost = lost[1:] {
				stopped = !yield(lost[0], nil)
			}
			return nil
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// History returns events, the newest first. That none of them is missing is made
// sure of.
func (r *readQueries) History(ctx context.Context, q state.HistoryQuery) ([]state.Event, error) {
	if q.Limit < 0 || q.Limit > state.MaxHistory {
		return nil, fmt.Errorf("read history: limit %d is not between 0 and %d", q.Limit, state.MaxHistory)
	}
	q.Before, q.Limit = cmp.Or(q.Before, math.MaxInt64), cmp.Or(q.Limit, 100)
	var events []state.Event
	err := r.view(ctx, func(tx *sql.Tx) (err error) {
		if q.Key != nil {
			events, err = r.taskHistory(ctx, tx, q)
		} else {
			events, err = history(ctx, tx, q)
		}
		return err
	})
	return events, err
}

// history returns events of all tasks. Their numbers have no gaps.
func history(ctx context.Context, tx *sql.Tx, q state.HistoryQuery) ([]state.Event, error) {
	m, err := readMeta(ctx, tx)
	if err != nil {
		return nil, err
	}
	next := min(q.Before-1, m.Events)
	end := max(next-int64(q.Limit), 0)
	var events []state.Event
	for row, err := range scan(ctx, tx, sqlrow.ScanEvent, selectEvents, q.Before, q.Limit) {
		if err != nil {
			return nil, err
		}
		if row.Seq != next {
			return nil, misplaced(row.Seq)
		}
		e, err := row.Decode()
		if err != nil {
			return nil, err
		}
		events, next = append(events, e), row.Seq-1
	}
	if next > end {
		return nil, misplaced(next)
	}
	return events, nil
}

// taskHistory returns events of one task. Each leads to the one before it.
func (r *readQueries) taskHistory(ctx context.Context, tx *sql.Tx, q state.HistoryQuery) ([]state.Event, error) {
	next, err := r.newestEvent(ctx, tx, *q.Key)
	if err != nil || next == 0 {
		return nil, err
	}
	var events []state.Event
	for row, err := range scan(ctx, tx, sqlrow.ScanEvent, selectTrail, next) {
		if err != nil {
			return nil, err
		}
		if row.Seq != next || row.Key != *q.Key || row.Prev >= row.Seq {
			return nil, misplaced(row.Seq)
		}
		next = row.Prev
		if row.Seq >= q.Before {
			continue
		}
		e, err := row.Decode()
		if err != nil {
			return nil, err
		}
		if events = append(events, e); len(events) == q.Limit {
			return events, nil
		}
	}
	if next != 0 {
		return nil, misplaced(next)
	}
	return events, nil
}

// newestEvent returns where the events of a task end, or 0 if it has none.
func (r *readQueries) newestEvent(ctx context.Context, tx *sql.Tx, key spec.Key) (int64, error) {
	row, err := one(ctx, tx, sqlrow.ScanTask(r.schema), tasksIn(r.schema, selectTask), key.ProjectID, key.TaskID)
	if err == nil {
		return row.Event, row.Verify()
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	seq, err := one(ctx, tx, scanValue[int64], selectLoose, key.ProjectID, key.TaskID)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, err
}

// misplaced says that an event is not where its number puts it.
func misplaced(seq int64) error {
	return &state.DamagedError{Table: "history", Row: strconv.FormatInt(seq, 10), Detail: "the event is not in its place"}
}

// PendingCommands returns what people asked for and was not answered yet, oldest first.
func (r *readQueries) PendingCommands(ctx context.Context) ([]state.Command, error) {
	var commands []state.Command
	err := r.view(ctx, func(tx *sql.Tx) error {
		for row, err := range scan(ctx, tx, sqlrow.ScanCommand, selectPendingCommands) {
			if err != nil {
				return err
			}
			commands = append(commands, row.Command)
		}
		return nil
	})
	return commands, err
}

// view runs f in one moment of the state, and says of its error where it is.
func (r *readQueries) view(ctx context.Context, f func(*sql.Tx) error) error {
	tx, end, err := r.begin(ctx)
	if err != nil {
		return readError(r.files, err)
	}
	defer end()
	err = f(tx)
	// What was read in two moments may look damaged.
	if changed := r.settled(); changed != nil {
		return changed
	}
	return readError(r.files, err)
}

// readError says where and what an error is that was met while reading.
func readError(fl statefile.Files, err error) error {
	err = dbError(err)
	if err == nil {
		return nil
	}
	if d, ok := errors.AsType[*state.DamagedError](err); ok {
		d.Path = cmp.Or(d.Path, fl.DB)
		return err
	}
	return fmt.Errorf("read state %s: %w", fl.DB, err)
}

// scan yields the rows of a query. An error is the last thing it yields.
func scan[T any](ctx context.Context, q querier, f func(sqlrow.Scanner) (T, error), query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := q.QueryContext(ctx, query, args...)
		if err != nil {
			yield(none, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := f(rows)
			if err != nil {
				yield(none, cmp.Or(rows.Err(), context.Cause(ctx), rowError(err)))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, err)
		}
	}
}

// rowError says of an error that a row gave which the database could read: what
// is in it is not what was written.
func rowError(err error) error {
	if _, ok := errors.AsType[*state.DamagedError](err); ok {
		return err
	}
	return &state.DamagedError{Detail: "a row cannot be read", Err: err}
}

// one returns the row of a query that has one at most, or sql.ErrNoRows.
func one[T any](ctx context.Context, q querier, f func(sqlrow.Scanner) (T, error), query string, args ...any) (T, error) {
	for row, err := range scan(ctx, q, f, query, args...) {
		return row, err
	}
	var none T
	return none, sql.ErrNoRows
}

// only returns the row of a table that always has one.
func only[T any](ctx context.Context, q querier, f func(sqlrow.Scanner) (T, error), table, query string) (T, error) {
	row, err := one(ctx, q, f, query)
	if errors.Is(err, sql.ErrNoRows) {
		err = &state.DamagedError{Table: table, Detail: "its row is missing"}
	}
	return row, err
}

func readMeta(ctx context.Context, q querier) (sqlrow.Meta, error) {
	return only(ctx, q, sqlrow.ScanMeta, "meta", selectMeta)
}

// scanValue reads a row of one column.
func scanValue[T any](row sqlrow.Scanner) (T, error) {
	var v T
	err := row.Scan(&v)
	return v, err
}

// readVersion returns the schema of the state in the database.
func readVersion(ctx context.Context, q querier) (int64, error) {
	ok, err := hasTable(ctx, q, "schema_version")
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, &state.DamagedError{Detail: "there is no state of wedatasync in it"}
	}
	version, err := only(ctx, q, scanValue[int64], "schema_version", selectVersion)
	if err == nil && version < 1 {
		err = &state.DamagedError{Table: "schema_version", Detail: fmt.Sprintf("there is no schema %d", version)}
	}
	return version, err
}

func readControl(ctx context.Context, q querier) (state.Control, error) {
	return only(ctx, q, sqlrow.ScanControl, "control", selectControl)
}
