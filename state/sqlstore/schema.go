package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore/sqlrow"
)

// migrations holds N.sql for each schema version N: what makes a schema N of the
// one before, the version in schema_version included.
//
//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion is the schema this version writes, and the newest it reads.
const schemaVersion = sqlrow.Schema

// schemaOfTombstones is the first in which removed tasks keep their rows.
const schemaOfTombstones = 2

// schemaOfNames is the first in which the names of tasks are a column.
const schemaOfNames = 3

// The statements, in SQL that SQLite and PostgreSQL share: numbered parameters
// in order, upserts by ON CONFLICT, no functions of the clock.
const (
	selectVersion = `SELECT version FROM schema_version`

	selectMeta = `SELECT lineage, identity, created_at, serial, tasks, tasks_sum, events, events_hash, row_crc FROM meta WHERE id = 1`
	insertMeta = `INSERT INTO meta (id, lineage, identity, created_at, serial, tasks, tasks_sum, events, events_hash, row_crc)
		VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)`
	// The serial before makes sure that nothing else has written in between.
	updateMeta = `UPDATE meta SET serial = $1, tasks = $2, tasks_sum = $3, events = $4, events_hash = $5, row_crc = $6 WHERE id = 1 AND serial = $7`
	// What hardly ever changes is not written with each transaction.
	updateIdentity = `UPDATE meta SET identity = $1 WHERE id = 1`

	selectControl = `SELECT control, row_crc FROM control WHERE id = 1`
	upsertControl = `INSERT INTO control (id, control, row_crc) VALUES (1, $1, $2)
		ON CONFLICT (id) DO UPDATE SET control = excluded.control, row_crc = excluded.row_crc`

	selectTaskEnd = `SELECT row_crc, event FROM tasks WHERE project_id = $1 AND task_id = $2`
	selectTrails  = `SELECT project_id, task_id, event FROM tasks`
	deleteTask    = `DELETE FROM tasks WHERE project_id = $1 AND task_id = $2`

	eventColumns = `seq, at, kind, project_id, task_id, prev, loose, event, hash, row_crc`
	insertEvent  = `INSERT INTO history (` + eventColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	selectEvents = `SELECT ` + eventColumns + ` FROM history WHERE seq < $1 ORDER BY seq DESC LIMIT $2`
	// From an event of a task to its first.
	selectTrail = `WITH RECURSIVE trail (` + eventColumns + `) AS (SELECT ` + eventColumns + ` FROM history WHERE seq = $1
		UNION ALL SELECT h.seq, h.at, h.kind, h.project_id, h.task_id, h.prev, h.loose, h.event, h.hash, h.row_crc
		FROM history h JOIN trail ON h.seq = trail.prev) SELECT ` + eventColumns + ` FROM trail`
	selectLoose = `SELECT seq FROM history WHERE project_id = $1 AND task_id = $2 AND loose = 1 ORDER BY seq DESC LIMIT 1`
	// The newest events of the tasks that have no record.
	selectLooseEnds = `SELECT project_id, task_id, MAX(seq) FROM history h WHERE loose = 1 AND NOT EXISTS
		(SELECT 1 FROM tasks t WHERE t.project_id = h.project_id AND t.task_id = h.task_id) GROUP BY project_id, task_id`
	selectAllEvents = `SELECT ` + eventColumns + ` FROM history ORDER BY seq`

	commandColumns        = `id, at, actor, verb, target, arg, until, answered_at, ok, message, row_crc`
	selectLastCommand     = `SELECT COALESCE(MAX(id), 0) FROM words`
	countPendingCommands  = `SELECT COUNT(*) FROM words WHERE answered_at = 0`
	insertCommand         = `INSERT INTO words (` + commandColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	selectCommand         = `SELECT ` + commandColumns + ` FROM words WHERE id = $1`
	selectAllCommands     = `SELECT ` + commandColumns + ` FROM words ORDER BY id`
	selectPendingCommands = `SELECT ` + commandColumns + ` FROM words WHERE answered_at = 0 ORDER BY id`
	updateCommand         = `UPDATE words SET answered_at = $1, ok = $2, message = $3, row_crc = $4 WHERE id = $5`
	pruneCommands         = `DELETE FROM words WHERE answered_at > 0 AND id <= $1`

	// The indexes by which tasks are found are no part of the schema: earlier programs keep
	// them without knowing them.
	createTaskIDs   = `CREATE INDEX IF NOT EXISTS tasks_task_id ON tasks (task_id)`
	createTaskNames = `CREATE INDEX IF NOT EXISTS tasks_name ON tasks (name) WHERE name <> ''`
	createAttempts  = `CREATE INDEX IF NOT EXISTS tasks_attempt ON tasks (status) WHERE attempt <> ''`

	// What receivers are notified of. The table is made when it is first needed: it is no
	// part of what was applied, and earlier programs do not look at it.
	createNotices = `CREATE TABLE IF NOT EXISTS notices (receiver TEXT NOT NULL, id TEXT NOT NULL, at BIGINT NOT NULL,
		body TEXT NOT NULL, row_crc BIGINT NOT NULL, PRIMARY KEY (receiver, id)) /* clustered */`
	selectNotices = `SELECT receiver, id, at, body, row_crc FROM notices ORDER BY receiver, at, id`
	upsertNotice  = `INSERT INTO notices (receiver, id, at, body, row_crc) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (receiver, id) DO UPDATE SET at = excluded.at, body = excluded.body, row_crc = excluded.row_crc`
	deleteNotice = `DELETE FROM notices WHERE receiver = $1 AND id = $2`
)

// The statements of the table with many columns.
var (
	taskColumns = strings.Join(sqlrow.TaskColumns, ", ") + ", row_crc"
	selectTask  = `SELECT ` + taskColumns + ` FROM tasks WHERE project_id = $1 AND task_id = $2`
	// Some tasks, those that follow one in order of key.
	selectTasksAfter = `SELECT ` + taskColumns + ` FROM tasks WHERE (project_id, task_id) > ($1, $2) ORDER BY project_id, task_id LIMIT $3`

	// Tasks by what somebody may call them, and by how that begins.
	selectTasksWhere      = `SELECT ` + taskColumns + ` FROM tasks WHERE `
	someTasks             = fmt.Sprintf(` LIMIT %d`, MaxFound+1)
	selectTasksOfID       = selectTasksWhere + `task_id = $1` + someTasks
	selectTasksOfName     = selectTasksWhere + `name = $1 AND name <> ''` + someTasks
	selectTasksInProject  = selectTasksWhere + `project_id = $1 AND task_id >= $2 AND task_id < $3` + someTasks
	selectTasksInProjects = selectTasksWhere + `project_id >= $1 AND project_id < $2` + someTasks
	selectTasksByID       = selectTasksWhere + `task_id >= $1 AND task_id < $2` + someTasks
	selectTasksTried      = selectTasksWhere + `attempt <> ''`
	selectTasksByName     = selectTasksWhere + `name >= $1 AND name < $2 AND name <> ''` + someTasks

	// The columns that change, then row_crc, then the key.
	changedColumns = append(slices.Clone(sqlrow.TaskColumns[2:]), "row_crc")
	insertTask     = `INSERT INTO tasks (` + strings.Join(changedColumns, ", ") + `, project_id, task_id) VALUES (` + parameters(len(changedColumns)+2) + `)`
	updateTask     = fmt.Sprintf(`UPDATE tasks SET (%s) = (%s) WHERE project_id = $%d AND task_id = $%d`,
		strings.Join(changedColumns, ", "), parameters(len(changedColumns)), len(changedColumns)+1, len(changedColumns)+2)
)

// parameters returns the numbered parameters $1 to $n.
func parameters(n int) string {
	p := make([]string, n)
	for i := range p {
		p[i] = fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(p, ", ")
}

// tasksIn returns a query of taskColumns for a database of an earlier schema. Who opens
// that for writing migrates it; who only reads takes it as it is.
func tasksIn(schema int64, query string) string {
	return strings.Replace(query, taskColumns, strings.Join(columnsIn(schema, sqlrow.TaskColumns), ", ")+", row_crc", 1)
}

// columnsIn returns the columns of tasks, or what stands for those that a database of
// the schema does not have.
func columnsIn(schema int64, names []string) []string {
	in := slices.Clone(names)
	for i, name := range in {
		switch n := slices.Index(sqlrow.AppliedColumns, name); {
		case schema < 3 && n >= sqlrow.AppliedNumbers, schema < 2 && name == "removed":
			in[i] = "''"
		case schema < 3 && n >= 0:
			in[i] = "0"
		}
	}
	return in
}

// makeSchema makes what a database of the schema before lacks, in the caller's
// transaction, one version at a time.
func makeSchema(ctx context.Context, tx execer, before int64) error {
	for v := before + 1; v <= schemaVersion; v++ {
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

// migrate brings a verified state of an earlier schema up to this one, in one
// transaction. From then on earlier programs refuse it.
func migrate(ctx context.Context, w *writer, opt Options) error {
	version, err := readVersion(ctx, w)
	if err != nil || version == schemaVersion {
		return err
	}
	err = w.transact(ctx, func(next *sqlrow.Meta) error {
		if err := makeSchema(ctx, w.conn, version); err != nil {
			return err
		}
		if err := rewriteTasks(ctx, w, next, version); err != nil {
			return err
		}
		note := fmt.Sprintf("migrated from schema %d to %d", version, schemaVersion)
		if version < schemaOfTombstones {
			n, err := recoverForgotten(ctx, w, next)
			if err != nil {
				return err
			}
			note += fmt.Sprintf("; %d removed tasks are known from the history", n)
		}
		return w.note(ctx, next, nil, opt, note)
	})
	if err != nil {
		return fmt.Errorf("migrate from schema %d: %w", version, err)
	}
	return nil
}

// rewriteAtOnce is how many rows rewriteTasks holds in memory.
var rewriteAtOnce = 1000

// rewriteTasks writes each row of an earlier schema anew, so that its columns have what
// was applied, and its checksum covers them.
func rewriteTasks(ctx context.Context, w *writer, m *sqlrow.Meta, schema int64) error {
	decoder := sqlrow.NewDecoder()
	for last := (spec.Key{}); ; {
		var rows []sqlrow.Task
		for row, err := range scan(ctx, w, sqlrow.ScanTask(schema), selectTasksAfter, last.ProjectID, last.TaskID, rewriteAtOnce) {
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		for i := range rows {
			if err := rewriteTask(ctx, w, m, &rows[i], decoder); err != nil {
				return err
			}
		}
		if len(rows) < rewriteAtOnce {
			return nil
		}
		last = rows[len(rows)-1].Key
	}
}

func rewriteTask(ctx context.Context, w *writer, m *sqlrow.Meta, old *sqlrow.Task, decoder *sqlrow.Decoder) error {
	if err := old.Verify(); err != nil {
		return err
	}
	rec, err := decoder.Record(old)
	if err != nil {
		return err
	}
	row, err := sqlrow.NewTask(rec)
	if err != nil {
		return err
	}
	row.Event = old.Event
	m.Tasks, m.TasksSum = m.Tasks-1, m.TasksSum-old.CRC
	return w.writeTask(ctx, m, &row, true)
}

// recoverForgotten writes the records of the tasks that an earlier version forgot, and returns how
// many there are.
func recoverForgotten(ctx context.Context, w *writer, m *sqlrow.Meta) (n int, err error) {
	lost, err := forgottenRecords(ctx, w)
	for _, rec := range lost {
		row, err := sqlrow.NewTask(rec)
		if err != nil {
			return 0, err
		}
		if _, err := w.putTask(ctx, m, &row, 0); err != nil {
			return 0, err
		}
	}
	return len(lost), err
}

// forgottenRecords returns records of the tasks that an earlier version forgot with their specs, in
// order of key, as far as the history tells what was applied to them.
func forgottenRecords(ctx context.Context, q querier) ([]*state.Record, error) {
	var ends []tailEvent
	for end, err := range scan(ctx, q, scanTailEvent, selectLooseEnds) {
		if err != nil {
			return nil, err
		}
		ends = append(ends, end)
	}
	var lost []*state.Record
	for _, end := range ends {
		rec, err := forgottenRecordOf(ctx, q, end.key, end.newest)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			lost = append(lost, rec)
		}
	}
	slices.SortFunc(lost, func(a, b *state.Record) int { return a.Key.Compare(b.Key) })
	return lost, nil
}

// forgottenRecord returns the record of one task that has no row.
func (r *readQueries) forgottenRecord(ctx context.Context, tx *sql.Tx, key spec.Key) (*state.Record, error) {
	newest, err := r.newestEvent(ctx, tx, key)
	if err != nil || newest == 0 {
		return nil, err
	}
	return forgottenRecordOf(ctx, tx, key, newest)
}

// forgottenRecordOf returns the record of a removed task, as its events tell: when something was
// last applied to it, in which revision, and by which request. It is nil if nothing was.
func forgottenRecordOf(ctx context.Context, q querier, key spec.Key, newest int64) (*state.Record, error) {
	rec := &state.Record{Key: key, Status: state.StatusApplied}
	for row, err := range scan(ctx, q, sqlrow.ScanEvent, selectTrail, newest) {
		if err != nil {
			return nil, err
		}
		e, err := row.Decode()
		if err != nil {
			return nil, err
		}
		switch {
		case e.Kind == state.EventForgotten && rec.Removed == nil:
			rec.Removed = &state.Removal{At: e.At, Revision: e.Revision}
		case applies(&e):
			rec.Applied = &state.Applied{Origin: state.OriginHistory, At: e.At, Revision: e.Revision, RequestID: e.Outcome.RequestID}
			if e.Outcome.Class == state.ClassApplied {
				rec.Applied.Request = e.Request
			}
			if rec.Removed == nil {
				rec.Removed = &state.Removal{At: e.At, Revision: e.Revision}
			}
			return rec, nil
		}
	}
	return nil, nil
}

// applies reports whether an event says that something was applied to its task. What
// was only tried and is in doubt counts as well: it may have been.
func applies(e *state.Event) bool {
	switch e.Kind {
	case state.EventAdopted:
		return true
	case state.EventOutcome:
		return e.Outcome.Class == state.ClassApplied || e.Outcome.Class == state.ClassUnknown
	default:
		return false
	}
}
