package sqlstore

import (
	"context"
	"iter"
	"strconv"
	"strings"

	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
)

// tasks yields the rows of all tasks of a database of the schema in order of key, each
// verified. That rows are missing is its last error.
func tasks(ctx context.Context, q querier, m *sqlrow.Meta, schema int64) iter.Seq2[sqlrow.Task, error] {
	return func(yield func(sqlrow.Task, error) bool) {
		var n, sum int64
		for row, err := range scan(ctx, q, joinedTaskScanner(ctx, q, schema), tasksIn(schema, selectAllTasks)) {
			if err == nil {
				err = row.Verify()
			}
			if !yield(row, err) || err != nil {
				return
			}
			n, sum = n+1, sum+row.CRC
		}
		if err := m.CheckTasks(n, sum); err != nil {
			yield(sqlrow.Task{}, err)
		}
	}
}

// selectAllTasks reads each row as one text: to read a column costs the driver as much as
// to take it from a text ten times.
var selectAllTasks = `SELECT concat_ws('` + sqlrow.Separator + `', ` + taskColumns + `) FROM tasks ORDER BY project_id, task_id`

// joinedTaskScanner returns what reads the rows of selectAllTasks from a database of the
// schema. A row in whose texts there is a separator is read again, column by column.
func joinedTaskScanner(ctx context.Context, q querier, schema int64) func(sqlrow.Scanner) (sqlrow.Task, error) {
	t := sqlrow.Task{Schema: schema}
	fields := t.Fields()
	var text string // of one row after the other; the texts of its columns are parts of it
	joined := []any{&text}
	return func(row sqlrow.Scanner) (_ sqlrow.Task, err error) {
		if err := row.Scan(joined...); err != nil {
			return sqlrow.Task{}, err
		}
		if strings.Count(text, sqlrow.Separator) >= len(fields) {
			key := strings.SplitN(text, sqlrow.Separator, 3) // ids have none
			return one(ctx, q, sqlrow.ScanTask(schema), tasksIn(schema, selectTask), key[0], key[1])
		}
		rest := text
		for _, field := range fields {
			column, after, _ := strings.Cut(rest, sqlrow.Separator)
			rest = after
			switch field := field.(type) {
			case *string:
				*field = column
			case *int64:
				if *field, err = strconv.ParseInt(column, 10, 64); err != nil {
					return sqlrow.Task{}, err
				}
			}
		}
		return t, nil
	}
}
