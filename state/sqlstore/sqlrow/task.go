package sqlrow

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Task is a row of tasks. A row of a schema before 3 has all of what was applied as
// JSON, and none of AppliedColumns.
type Task struct {
	Key                         spec.Key
	status, commitType          string // no commitType: nothing was applied
	version                     int64
	appliedAt, since, nextAt    int64
	applied, attempt, suspended string
	removed                     string
	Event                       int64 // the newest of the task's events, 0 without one

	nanos, taskType                              int64
	versionDesc, eventDesc, content, ext         string
	revision, requestID, operateID, origin, name string

	CRC    int64 // as read
	Schema int64 // whose checksum crc is
}

// appliedRest is what few tasks have of state.Applied: the JSON of the column applied.
type appliedRest struct {
	Rerun         string         `json:"rerun,omitempty"`
	TaskApproveID string         `json:"task_approve_id,omitempty"`
	Wait          int64          `json:"wait_s,omitempty"`
	Healthy       *state.Healthy `json:"healthy,omitempty"`
	Run           *state.Run     `json:"run,omitempty"`
	Idle          bool           `json:"idle,omitempty"`
	Drift         *state.Drifted `json:"drift,omitempty"`
	Spent         *state.Spent   `json:"spent,omitempty"`
	Request       spec.Digest    `json:"request_digest,omitzero"`
}

// NewTask makes the row of a record, but for its event.
func NewTask(r *state.Record) (Task, error) {
	row := Task{Key: r.Key, status: string(r.Status), Schema: Schema}
	var err error
	if a := r.Applied; a != nil {
		if err := row.setApplied(boundApplied(*a)); err != nil {
			return Task{}, err
		}
	}
	if a := r.Attempt; a != nil {
		row.since, row.nextAt = UnixMilli(a.Since), UnixMilli(a.NextAt)
		if row.attempt, err = Marshal(boundAttempt(*a)); err != nil {
			return Task{}, err
		}
	}
	if r.Suspended != nil {
		if row.suspended, err = Marshal(boundSuspension(*r.Suspended)); err != nil {
			return Task{}, err
		}
	}
	if r.Removed != nil {
		if row.removed, err = Marshal(r.Removed); err != nil {
			return Task{}, err
		}
	}
	size := 0
	for _, c := range row.Columns() {
		if text, ok := c.(string); ok {
			size += len(text)
		}
	}
	return row, CheckSize(size, MaxRow)
}

// setApplied sets the columns of what was applied.
func (t *Task) setApplied(a state.Applied) (err error) {
	t.commitType, t.taskType, t.version = a.CommitType.String(), int64(a.TaskType), a.InstanceVersion
	t.appliedAt, t.nanos = a.At.UnixMilli(), int64(a.At.Nanosecond())%int64(time.Millisecond)
	if a.At.IsZero() {
		t.appliedAt, t.nanos = 0, -1
	}
	t.versionDesc, t.eventDesc, t.content, t.ext = validUTF8(a.VersionDesc), validUTF8(a.EventDesc), fromDigest(a.Content), fromDigest(a.Ext)
	t.revision, t.requestID, t.operateID, t.origin = validUTF8(a.Revision), validUTF8(a.RequestID), validUTF8(a.OperateID), validUTF8(string(a.Origin))
	t.name = validUTF8(a.Name)
	rest := appliedRest{a.Rerun, a.TaskApproveID, a.Wait, a.Healthy, a.Run, a.Idle, a.Drift, a.Spent, a.Request}
	if rest != (appliedRest{}) {
		t.applied, err = Marshal(rest)
	}
	return err
}

// TaskColumns are the columns of tasks, but for row_crc, in the order of
// Task.Columns.
var TaskColumns = append([]string{
	"project_id", "task_id", "status", "commit_type", "instance_version", "applied_at", "since", "next_at", "applied", "attempt", "suspended", "removed", "event",
}, AppliedColumns...)

// AppliedColumns are those that a database of a schema before 3 does not have.
var AppliedColumns = []string{"applied_ns", "task_type", "version_desc", "event_desc", "content", "ext_config", "revision", "request_id", "operate_id", "origin", "name"}

// AppliedNumbers is how many of AppliedColumns, the first ones, are numbers.
const AppliedNumbers = 2

// Columns are those of TaskColumns.
func (t *Task) Columns() []any {
	return []any{
		t.Key.ProjectID, t.Key.TaskID, t.status, t.commitType, t.version, t.appliedAt, t.since, t.nextAt, t.applied, t.attempt, t.suspended, t.removed, t.Event,
		t.nanos, t.taskType, t.versionDesc, t.eventDesc, t.content, t.ext, t.revision, t.requestID, t.operateID, t.origin, t.name,
	}
}

// Fields are where the columns of a row go, and then its row_crc.
func (t *Task) Fields() []any {
	return []any{
		&t.Key.ProjectID, &t.Key.TaskID, &t.status, &t.commitType, &t.version, &t.appliedAt, &t.since, &t.nextAt, &t.applied, &t.attempt, &t.suspended, &t.removed, &t.Event,
		&t.nanos, &t.taskType, &t.versionDesc, &t.eventDesc, &t.content, &t.ext, &t.revision, &t.requestID, &t.operateID, &t.origin, &t.name, &t.CRC,
	}
}

// ScanTask returns what reads rows of tasks of a database of the schema.
func ScanTask(schema int64) func(Scanner) (Task, error) {
	t := Task{Schema: schema}
	fields := t.Fields()
	return func(row Scanner) (Task, error) {
		err := row.Scan(fields...)
		return t, err
	}
}

// appendColumns appends to b what Checksum does of the columns. Before schema 3 a row
// that is not removed had the bytes that it had before there was such a column.
func (t *Task) appendColumns(b []byte) []byte {
	b = appendTexts(b, t.Key.ProjectID, t.Key.TaskID, t.status, t.commitType)
	b = appendNumbers(b, t.version, t.appliedAt, t.since, t.nextAt)
	b = appendTexts(b, t.applied, t.attempt, t.suspended)
	if t.removed != "" || t.Schema >= 3 {
		b = appendTexts(b, t.removed)
	}
	b = appendNumbers(b, t.Event)
	if t.Schema < 3 {
		return b
	}
	b = appendNumbers(b, t.nanos, t.taskType)
	return appendTexts(b, t.versionDesc, t.eventDesc, t.content, t.ext, t.revision, t.requestID, t.operateID, t.origin, t.name)
}

// Checksum is the row_crc of the row.
func (t *Task) Checksum() int64 {
	kept := rowBytes.Get().(*[]byte)
	*kept = t.appendColumns(append((*kept)[:0], "tasks"...))
	sum := castagnoli(*kept)
	if cap(*kept) <= maxKept {
		rowBytes.Put(kept)
	}
	return sum
}

// Verify reports whether the row is as it was written.
func (t *Task) Verify() error {
	if t.CRC != t.Checksum() {
		return unfit("tasks", t.Key.String())
	}
	return nil
}

// Decoder makes records of rows. It keeps once what many of them say.
type Decoder struct {
	texts map[string]string
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder { return &Decoder{texts: map[string]string{}} }

// maxTexts bounds how many texts a Decoder shares.
const maxTexts = 1 << 12

// shared returns a text that other records may have as well.
func (r *Decoder) shared(s string) string {
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

// Decode verifies a row that was read alone and returns what it says.
func Decode(t *Task) (*state.Record, error) {
	if err := t.Verify(); err != nil {
		return nil, err
	}
	return NewDecoder().Record(t)
}

// Record returns what a verified row says.
func (r *Decoder) Record(t *Task) (*state.Record, error) {
	rec := &state.Record{
		Key:    spec.Key{ProjectID: r.shared(t.Key.ProjectID), TaskID: strings.Clone(t.Key.TaskID)},
		Status: state.Status(r.shared(t.status)),
	}
	if t.commitType != "" {
		var err error
		if rec.Applied, err = r.applied(t); err != nil {
			return nil, err
		}
	}
	if err := optional("tasks", t.Key, t.attempt, &rec.Attempt); err != nil {
		return nil, err
	}
	if err := optional("tasks", t.Key, t.removed, &rec.Removed); err != nil {
		return nil, err
	}
	return rec, optional("tasks", t.Key, t.suspended, &rec.Suspended)
}

// applied returns what the row says was applied.
func (r *Decoder) applied(t *Task) (*state.Applied, error) {
	a := &state.Applied{
		TaskType: spec.TaskType(t.taskType), InstanceVersion: t.version, VersionDesc: r.shared(t.versionDesc), EventDesc: r.shared(t.eventDesc),
		Revision: r.shared(t.revision), RequestID: strings.Clone(t.requestID), OperateID: strings.Clone(t.operateID), Origin: state.Origin(r.shared(t.origin)), Name: strings.Clone(t.name),
	}
	if t.nanos >= 0 {
		a.At = time.UnixMilli(t.appliedAt).Add(time.Duration(t.nanos)).UTC()
	}
	ok := toCommitType(t.commitType, &a.CommitType) && toDigest(t.content, &a.Content) && toDigest(t.ext, &a.Ext)
	if !ok {
		return nil, &state.DamagedError{Table: "tasks", Row: t.Key.String(), Detail: "what was applied cannot be read"}
	}
	if t.applied == "" {
		return a, nil
	}
	return a, unmarshal("tasks", t.Key.String(), t.applied, a)
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

// Separator stands between the columns of a row that is read as one text.
const Separator = "\x1f"
