package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
)

// MaxFound bounds what Find returns.
const MaxFound = 1000

// Find returns tasks that somebody may mean, by id, as projectId/taskId, or by name; with
// prefixes also by the beginning of one of them. There are at most one more than [MaxFound] of each kind.
// Each row is verified, and each is found by an index: the cost does not grow with the state.
func (r *readQueries) Find(ctx context.Context, said string, prefixes bool) ([]*state.Record, error) {
	if said == "" {
		return nil, nil
	}
	if r.schema < schemaOfNames {
		return r.findByReading(ctx, said, prefixes)
	}
	var found []*state.Record
	err := r.view(ctx, func(tx *sql.Tx) error {
		seen := map[spec.Key]bool{}
		for _, q := range finding(said, prefixes) {
			for row, err := range scan(ctx, tx, sqlrow.ScanTask(r.schema), q.query, q.args...) {
				if err != nil {
					return err
				}
				rec, err := sqlrow.Decode(&row)
				if err != nil {
					return err
				}
				if !seen[rec.Key] && matches(rec, said, prefixes) {
					seen[rec.Key] = true
					found = append(found, rec)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// lookup is one query for tasks.
type lookup struct {
	query string
	args  []any
}

// finding returns the queries for what somebody said. The name that a task has in an open
// attempt is in no column: these few tasks are all read.
func finding(said string, prefixes bool) []lookup {
	end := said + lastRune
	q := []lookup{{selectTasksOfID, []any{said}}, {selectTasksOfName, []any{said}}, {selectTasksTried, nil}}
	project, task, isKey := strings.Cut(said, "/")
	if isKey {
		q = append(q, lookup{selectTask, []any{project, task}})
	}
	switch {
	case !prefixes:
		return q
	case isKey:
		q = append(q, lookup{selectTasksInProject, []any{project, task, task + lastRune}})
	default:
		q = append(q, lookup{selectTasksInProjects, []any{said, end}}, lookup{selectTasksByID, []any{said, end}})
	}
	return append(q, lookup{selectTasksByName, []any{said, end}})
}

// lastRune comes after every other one in the order of the columns, which is that of bytes.
const lastRune = "\U0010FFFF"

// findByReading is Find in a database of an earlier schema, which has no names.
func (r *readQueries) findByReading(ctx context.Context, said string, prefixes bool) ([]*state.Record, error) {
	var found []*state.Record
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return nil, err
		}
		if matches(&rec, said, prefixes) {
			found = append(found, &rec)
		}
	}
	return found, nil
}

// matches reports whether somebody may mean the task.
func matches(rec *state.Record, said string, prefixes bool) bool {
	for _, s := range []string{rec.Key.TaskID, rec.Key.String(), rec.Name()} {
		if s == said || prefixes && strings.HasPrefix(s, said) {
			return true
		}
	}
	return false
}

// makeIndexes makes the indexes by which Find finds, where a database of this schema has
// none yet. Earlier programs keep them up to date without looking at them.
func makeIndexes(ctx context.Context, w *writer) error {
	return errors.Join(w.exec(ctx, createTaskIDs), w.exec(ctx, createTaskNames), w.exec(ctx, createAttempts))
}
