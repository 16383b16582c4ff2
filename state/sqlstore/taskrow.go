package sqlstore

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// taskRow is a row of tasks. A row of a schema before 3 has all of what was applied as
// JSON, and none of appliedColumns.
type taskRow struct {
	key                         spec.Key
	status, commitType          string // no commitType: nothing was applied
	version                     int64
	appliedAt, since, nextAt    int64
	applied, attempt, suspended string
	removed                     string
	event                       int64 // the newest of the task's events, 0 without one

	nanos, taskType                              int64
	versionDesc, eventDesc, content, ext         string
	revision, requestID, operateID, origin, name string

	crc    int64 // as read
	schema int64 // whose checksum crc is
}

// appliedRest is what few tasks have of state.Applied: the JSON of the column applied.
type appliedRest struct {
	Rerun         string         `json:"rerun,omitempty"`
	TaskApproveID string         `json:"task_approve_id,omitempty"`
	Wait          int64          `json:"wait_s,omitempty"`
	Run           *state.Run     `json:"run,omitempty"`
	Idle          bool           `json:"idle,omitempty"`
	Drift         *state.Drifted `json:"drift,omitempty"`
	Spent         *state.Spent   `json:"spent,omitempty"`
	Request       spec.Digest    `json:"request_digest,omitzero"`
}

func newTaskRow(r *state.Record) (taskRow, error) {
	row := taskRow{key: r.Key, status: string(r.Status), schema: schemaVersion}
	var err error
	if a := r.Applied; a != nil {
		if err := row.setApplied(boundApplied(*a)); err != nil {
			return taskRow{}, err
		}
	}
	if a := r.Attempt; a != nil {
		row.since, row.nextAt = unixMilli(a.Since), unixMilli(a.NextAt)
		if row.attempt, err = marshal(boundAttempt(*a)); err != nil {
			return taskRow{}, err
		}
	}
	if r.Suspended != nil {
		if row.suspended, err = marshal(boundSuspension(*r.Suspended)); err != nil {
			return taskRow{}, err
		}
	}
	if r.Removed != nil {
		if row.removed, err = marshal(r.Removed); err != nil {
			return taskRow{}, err
		}
	}
	size := 0
	for _, c := range row.columns() {
		if text, ok := c.(string); ok {
			size += len(text)
		}
	}
	return row, checkSize(size, maxRow)
}

// setApplied sets the columns of what was applied.
func (t *taskRow) setApplied(a state.Applied) (err error) {
	t.commitType, t.taskType, t.version = a.CommitType.String(), int64(a.TaskType), a.InstanceVersion
	t.appliedAt, t.nanos = a.At.UnixMilli(), int64(a.At.Nanosecond())%int64(time.Millisecond)
	if a.At.IsZero() {
		t.appliedAt, t.nanos = 0, -1
	}
	t.versionDesc, t.eventDesc, t.content, t.ext = validUTF8(a.VersionDesc), validUTF8(a.EventDesc), fromDigest(a.Content), fromDigest(a.Ext)
	t.revision, t.requestID, t.operateID, t.origin = validUTF8(a.Revision), validUTF8(a.RequestID), validUTF8(a.OperateID), validUTF8(string(a.Origin))
	t.name = validUTF8(a.Name)
	rest := appliedRest{a.Rerun, a.TaskApproveID, a.Wait, a.Run, a.Idle, a.Drift, a.Spent, a.Request}
	if rest != (appliedRest{}) {
		t.applied, err = marshal(rest)
	}
	return err
}

// taskColumnNames are the columns of tasks, but for row_crc, in the order of
// taskRow.columns.
var taskColumnNames = append([]string{
	"project_id", "task_id", "status", "commit_type", "instance_version", "applied_at", "since", "next_at", "applied", "attempt", "suspended", "removed", "event",
}, appliedColumns...)

// appliedColumns are those that a database of a schema before 3 does not have.
var appliedColumns = []string{"applied_ns", "task_type", "version_desc", "event_desc", "content", "ext_config", "revision", "request_id", "operate_id", "origin", "name"}

// appliedNumbers is how many of appliedColumns, the first ones, are numbers.
const appliedNumbers = 2

func (t *taskRow) columns() []any {
	return []any{
		t.key.ProjectID, t.key.TaskID, t.status, t.commitType, t.version, t.appliedAt, t.since, t.nextAt, t.applied, t.attempt, t.suspended, t.removed, t.event,
		t.nanos, t.taskType, t.versionDesc, t.eventDesc, t.content, t.ext, t.revision, t.requestID, t.operateID, t.origin, t.name,
	}
}

// fields are where the columns of a row go, and then its row_crc.
func (t *taskRow) fields() []any {
	return []any{
		&t.key.ProjectID, &t.key.TaskID, &t.status, &t.commitType, &t.version, &t.appliedAt, &t.since, &t.nextAt, &t.applied, &t.attempt, &t.suspended, &t.removed, &t.event,
		&t.nanos, &t.taskType, &t.versionDesc, &t.eventDesc, &t.content, &t.ext, &t.revision, &t.requestID, &t.operateID, &t.origin, &t.name, &t.crc,
	}
}

// taskScanner returns what reads rows of tasks of a database of the schema.
func taskScanner(schema int64) func(scanner) (taskRow, error) {
	t := taskRow{schema: schema}
	fields := t.fields()
	return func(row scanner) (taskRow, error) {
		err := row.Scan(fields...)
		return t, err
	}
}

// appendColumns appends to b what checksum does of the columns. Before schema 3 a row
// that is not removed had the bytes that it had before there was such a column.
func (t *taskRow) appendColumns(b []byte) []byte {
	b = appendTexts(b, t.key.ProjectID, t.key.TaskID, t.status, t.commitType)
	b = appendNumbers(b, t.version, t.appliedAt, t.since, t.nextAt)
	b = appendTexts(b, t.applied, t.attempt, t.suspended)
	if t.removed != "" || t.schema >= 3 {
		b = appendTexts(b, t.removed)
	}
	b = appendNumbers(b, t.event)
	if t.schema < 3 {
		return b
	}
	b = appendNumbers(b, t.nanos, t.taskType)
	return appendTexts(b, t.versionDesc, t.eventDesc, t.content, t.ext, t.revision, t.requestID, t.operateID, t.origin, t.name)
}

// checksum is the row_crc of the row.
func (t *taskRow) checksum() int64 {
	kept := rowBytes.Get().(*[]byte)
	*kept = t.appendColumns(append((*kept)[:0], "tasks"...))
	sum := castagnoli(*kept)
	if cap(*kept) <= maxKept {
		rowBytes.Put(kept)
	}
	return sum
}

// verify reports whether the row is as it was written.
func (t *taskRow) verify() error {
	if t.crc != t.checksum() {
		return unfit("tasks", t.key.String())
	}
	return nil
}

// rowDecoder makes records of rows. It keeps once what many of them say.
type rowDecoder struct {
	texts map[string]string
}

func newRowDecoder() *rowDecoder { return &rowDecoder{texts: map[string]string{}} }

// maxTexts bounds how many texts a rowDecoder shares.
const maxTexts = 1 << 12

// shared returns a text that other records may have as well.
func (r *rowDecoder) shared(s string) string {
	if s == "" {
		return ""
	}
	have, ok := r.texts[s]
	if ok {
		return have
	}
	s = strings.Clone(s) // and not the row that it is a part of
	if len(r.texts) < maxTexts {
		r.texts[s] = s
	}
	return s
}

// decodeRow verifies a row that was read alone and returns what it says.
func decodeRow(t *taskRow) (*state.Record, error) {
	if err := t.verify(); err != nil {
		return nil, err
	}
	return newRowDecoder().record(t)
}

// record returns what a verified row says.
func (r *rowDecoder) record(t *taskRow) (*state.Record, error) {
	rec := &state.Record{
		Key:    spec.Key{ProjectID: r.shared(t.key.ProjectID), TaskID: strings.Clone(t.key.TaskID)},
		Status: state.Status(r.shared(t.status)),
	}
	if t.commitType != "" {
		var err error
		if rec.Applied, err = r.applied(t); err != nil {
			return nil, err
		}
	}
	if err := optional("tasks", t.key, t.attempt, &rec.Attempt); err != nil {
		return nil, err
	}
	if err := optional("tasks", t.key, t.removed, &rec.Removed); err != nil {
		return nil, err
	}
	return rec, optional("tasks", t.key, t.suspended, &rec.Suspended)
}

// applied returns what the row says was applied.
func (r *rowDecoder) applied(t *taskRow) (*state.Applied, error) {
	a := &state.Applied{
		TaskType: spec.TaskType(t.taskType), InstanceVersion: t.version, VersionDesc: r.shared(t.versionDesc), EventDesc: r.shared(t.eventDesc),
		Revision: r.shared(t.revision), RequestID: strings.Clone(t.requestID), OperateID: strings.Clone(t.operateID), Origin: state.Origin(r.shared(t.origin)), Name: strings.Clone(t.name),
	}
	if t.nanos >= 0 {
		a.At = time.UnixMilli(t.appliedAt).Add(time.Duration(t.nanos)).UTC()
	}
	ok := toCommitType(t.commitType, &a.CommitType) && toDigest(t.content, &a.Content) && toDigest(t.ext, &a.Ext)
	if !ok {
		return nil, &state.DamagedError{Table: "tasks", Row: t.key.String(), Detail: "what was applied cannot be read"}
	}
	if t.applied == "" {
		return a, nil
	}
	return a, unmarshal("tasks", t.key.String(), t.applied, a)
}

// toCommitType reads what CommitType.String wrote.
func toCommitType(text string, t *spec.CommitType) (ok bool) {
	if *t, ok = spec.ParseCommitType(text); ok {
		return true
	}
	number, isNumber := strings.CutPrefix(strings.TrimSuffix(text, ")"), "commitType(")
	n, err := strconv.Atoi(number)
	*t = spec.CommitType(n)
	return isNumber && err == nil
}

// fromDigest returns the digest as the columns have it: no text for no digest.
func fromDigest(d spec.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func toDigest(text string, d *spec.Digest) bool {
	if text == "" {
		return true
	}
	if len(text) != hex.EncodedLen(len(d)) {
		return false
	}
	_, err := hex.Decode(d[:], []byte(text))
	return err == nil
}

func validUTF8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// separator stands between the columns of a row that is read as one text.
const separator = "\x1f"

// selectAllTasks reads each row as one text: to read a column costs the driver as much as
// to take it from a text ten times.
var selectAllTasks = `SELECT concat_ws('` + separator + `', ` + taskColumns + `) FROM tasks ORDER BY project_id, task_id`

// joinedTaskScanner returns what reads the rows of selectAllTasks from a database of the
// schema. A row in whose texts there is a separator is read again, column by column.
func joinedTaskScanner(ctx context.Context, q querier, schema int64) func(scanner) (taskRow, error) {
	t := taskRow{schema: schema}
	fields := t.fields()
	var text string // of one row after the other; the texts of its columns are parts of it
	joined := []any{&text}
	return func(row scanner) (_ taskRow, err error) {
		if err := row.Scan(joined...); err != nil {
			return taskRow{}, err
		}
		if strings.Count(text, separator) >= len(fields) {
			key := strings.SplitN(text, separator, 3) // ids have none
			return one(ctx, q, taskScanner(schema), tasksIn(schema, selectTask), key[0], key[1])
		}
		rest := text
		for _, field := range fields {
			column, after, _ := strings.Cut(rest, separator)
			rest = after
			switch field := field.(type) {
			case *string:
				*field = column
			case *int64:
				if *field, err = strconv.ParseInt(column, 10, 64); err != nil {
					return taskRow{}, err
				}
			}
		}
		return t, nil
	}
}
