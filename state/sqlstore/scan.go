package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/wedatasync/wedatasync/state"
)

// scan yields the rows of a query. An error is the last thing it yields.
func scan[T any](ctx context.Context, q querier, f func(scanner) (T, error), query string, args ...any) iter.Seq2[T, error] {
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
func one[T any](ctx context.Context, q querier, f func(scanner) (T, error), query string, args ...any) (T, error) {
	for row, err := range scan(ctx, q, f, query, args...) {
		return row, err
	}
	var none T
	return none, sql.ErrNoRows
}

// only returns the row of a table that always has one.
func only[T any](ctx context.Context, q querier, f func(scanner) (T, error), table, query string) (T, error) {
	row, err := one(ctx, q, f, query)
	if errors.Is(err, sql.ErrNoRows) {
		err = &state.DamagedError{Table: table, Detail: "its row is gone"}
	}
	return row, err
}

func readMeta(ctx context.Context, q querier) (meta, error) {
	return only(ctx, q, scanMeta, "meta", selectMeta)
}

// scanValue reads a row of one column.
func scanValue[T any](row scanner) (T, error) {
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
	return only(ctx, q, scanControl, "control", selectControl)
}
