package state

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
)

// migrations holds N.sql for each schema version N: what makes a schema N of the
// one before, the version in schema_version included.
//
//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion is the schema this version writes, and the newest it reads.
const schemaVersion = 1

// The statements, in SQL that SQLite and PostgreSQL share: numbered parameters
// in order, upserts by ON CONFLICT, no functions of the clock.
const (
	selectVersion = `SELECT version FROM schema_version`

	selectMeta = `SELECT lineage, identity, created_at, serial, tasks, tasks_sum, events, events_hash, row_crc FROM meta WHERE id = 1`
	insertMeta = `INSERT INTO meta (id, lineage, identity, created_at, serial, tasks, tasks_sum, events, events_hash, row_crc)
		VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)`
	// The serial before makes sure that nothing else has written in between.
	updateMeta = `UPDATE meta SET lineage = $1, identity = $2, created_at = $3, serial = $4, tasks = $5, tasks_sum = $6, events = $7, events_hash = $8, row_crc = $9
		WHERE id = 1 AND serial = $10`

	selectControl = `SELECT control, row_crc FROM control WHERE id = 1`
	upsertControl = `INSERT INTO control (id, control, row_crc) VALUES (1, $1, $2)
		ON CONFLICT (id) DO UPDATE SET control = excluded.control, row_crc = excluded.row_crc`

	taskColumns   = `project_id, task_id, status, commit_type, instance_version, applied_at, since, next_at, applied, attempt, suspended, row_crc`
	selectTasks   = `SELECT ` + taskColumns + ` FROM tasks ORDER BY project_id, task_id`
	selectTask    = `SELECT ` + taskColumns + ` FROM tasks WHERE project_id = $1 AND task_id = $2`
	selectTaskCRC = `SELECT row_crc FROM tasks WHERE project_id = $1 AND task_id = $2`
	upsertTask    = `INSERT INTO tasks (` + taskColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (project_id, task_id) DO UPDATE SET status = excluded.status, commit_type = excluded.commit_type,
		instance_version = excluded.instance_version, applied_at = excluded.applied_at, since = excluded.since, next_at = excluded.next_at,
		applied = excluded.applied, attempt = excluded.attempt, suspended = excluded.suspended, row_crc = excluded.row_crc`
	// The tasks that have changed since an event, at most one more than are asked for.
	selectChanged   = `SELECT DISTINCT project_id, task_id FROM history WHERE seq > $1 AND task_id <> '' LIMIT $2`
	selectEventHash = `SELECT hash FROM history WHERE seq = $1`
	deleteTask      = `DELETE FROM tasks WHERE project_id = $1 AND task_id = $2`

	eventColumns     = `seq, at, kind, project_id, task_id, event, hash, row_crc`
	insertEvent      = `INSERT INTO history (` + eventColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	selectEvents     = `SELECT ` + eventColumns + ` FROM history WHERE seq < $1 ORDER BY seq DESC LIMIT $2`
	selectTaskEvents = `SELECT ` + eventColumns + ` FROM history WHERE project_id = $1 AND task_id = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4`
	selectAllEvents  = `SELECT ` + eventColumns + ` FROM history ORDER BY seq`

	wordColumns     = `id, at, actor, verb, target, arg, until, answered_at, ok, message, row_crc`
	selectLastWord  = `SELECT COALESCE(MAX(id), 0) FROM words`
	countOpenWords  = `SELECT COUNT(*) FROM words WHERE answered_at = 0`
	insertWord      = `INSERT INTO words (` + wordColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	selectWord      = `SELECT ` + wordColumns + ` FROM words WHERE id = $1`
	selectAllWords  = `SELECT ` + wordColumns + ` FROM words ORDER BY id`
	selectOpenWords = `SELECT ` + wordColumns + ` FROM words WHERE answered_at = 0 ORDER BY id`
	answerWord      = `UPDATE words SET answered_at = $1, ok = $2, message = $3, row_crc = $4 WHERE id = $5`
	pruneWords      = `DELETE FROM words WHERE answered_at > 0 AND id <= $1`
)

// makeSchema makes the tables in the caller's transaction, one version at a time.
func makeSchema(ctx context.Context, tx execer) error {
	for v := 1; v <= schemaVersion; v++ {
		ddl, err := migrations.ReadFile(fmt.Sprintf("migrations/%d.sql", v))
		if err != nil {
			return fmt.Errorf("find schema %d: %w", v, err)
		}
		if _, err := tx.ExecContext(ctx, dialect(string(ddl))); err != nil {
			return fmt.Errorf("make schema %d: %w", v, err)
		}
	}
	return nil
}

// execer is a connection or a transaction that can write.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// querier is a connection, a transaction or a writer.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}
