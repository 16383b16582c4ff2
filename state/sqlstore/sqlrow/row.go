package sqlrow

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// Scanner is a row that was read.
type Scanner interface{ Scan(dest ...any) error }

// Verify reports whether the columns of a row that was read are as they were
// written.
func Verify(crc int64, table, row string, columns []any) error {
	if crc != Checksum(table, columns...) {
		return unfit(table, row)
	}
	return nil
}

func unfit(table, row string) error {
	return &state.DamagedError{Table: table, Row: row, Detail: "the row does not fit its checksum"}
}

// Meta is the row of meta.
type Meta struct {
	Lineage  string
	Identity state.Identity
	Created  time.Time
	Serial   int64
	Tasks    int64
	TasksSum int64
	Events   int64
	Hash     string // of the newest event
}

// Head is what the head file says of the state.
func (m *Meta) Head() statefile.Head { return statefile.Head{Lineage: m.Lineage, Serial: m.Serial} }

// CheckTasks reports whether the n rows of tasks, with checksums of that sum, are
// all there are: a row that has vanished breaks no checksum of its own.
func (m *Meta) CheckTasks(n, sum int64) error {
	if n != m.Tasks || sum != m.TasksSum {
		return &state.DamagedError{Table: "tasks", Detail: fmt.Sprintf("%d rows were read that do not add up to the %d there should be", n, m.Tasks)}
	}
	return nil
}

// CheckTip reports whether seq and hash are those of the newest event.
func (m *Meta) CheckTip(seq int64, hash string) error {
	if seq != m.Events || hash != m.Hash {
		return &state.DamagedError{Table: "history", Detail: fmt.Sprintf("it ends with event %d, not with the event %d that was written last", seq, m.Events)}
	}
	return nil
}

// Columns are those of the row, but for row_crc, with the identity as JSON.
func (m *Meta) Columns(identity string) []any {
	return []any{m.Lineage, identity, UnixMilli(m.Created), m.Serial, m.Tasks, m.TasksSum, m.Events, m.Hash}
}

// ConstantMeta is how many of the columns, the first ones, hardly ever change.
const ConstantMeta = 3

// ScanMeta reads the row of meta, and verifies it.
func ScanMeta(row Scanner) (Meta, error) {
	var m Meta
	var identity string
	var created, crc int64
	if err := row.Scan(&m.Lineage, &identity, &created, &m.Serial, &m.Tasks, &m.TasksSum, &m.Events, &m.Hash, &crc); err != nil {
		return Meta{}, err
	}
	m.Created = FromMilli(created)
	if err := Verify(crc, "meta", "", m.Columns(identity)); err != nil {
		return Meta{}, err
	}
	return m, unmarshal("meta", "", identity, &m.Identity)
}

// ScanControl reads the row of control, and verifies it.
func ScanControl(row Scanner) (state.Control, error) {
	var c state.Control
	var text string
	var crc int64
	if err := row.Scan(&text, &crc); err != nil {
		return state.Control{}, err
	}
	if err := Verify(crc, "control", "", []any{text}); err != nil {
		return state.Control{}, err
	}
	return c, unmarshal("control", "", text, &c)
}

// Event is a row of history.
type Event struct {
	Seq, At int64
	Kind    string
	Key     spec.Key
	Prev    int64 // the event of the task before this one, 0 for its first
	Loose   int64 // 1 if the task has no record that leads here
	JSON    string
	Hash    string
}

// NewEvent makes the row of an event, all but its place in the history.
func NewEvent(e state.Event) (Event, error) {
	e.Seq, e.Note, e.Outcome = 0, state.Clip(e.Note), boundOutcome(e.Outcome)
	text, err := Marshal(e)
	if err != nil {
		return Event{}, err
	}
	return Event{At: UnixMilli(e.At), Kind: string(e.Kind), Key: e.Key, JSON: text}, CheckSize(len(text), MaxRow)
}

// Follow gives the row, fresh from NewEvent, its place: after the event seq, with
// that hash.
func (e *Event) Follow(seq int64, hash string) {
	e.Seq = seq + 1
	e.JSON = seqField + strconv.FormatInt(e.Seq, 10) + strings.TrimPrefix(e.JSON, seqField+"0")
	e.Hash = Chain(hash, e.JSON)
}

// seqField is how the JSON of an event begins.
const seqField = `{"seq":`

// Chain returns the hash of an event that follows the one with the hash before.
func Chain(before, event string) string {
	b := append(make([]byte, 0, 4<<10), before...) // on the stack, as a rule
	sum := sha256.Sum256(append(b, event...))
	return hex.EncodeToString(sum[:])
}

// Columns are those of the row, but for row_crc.
func (e *Event) Columns() []any {
	return []any{e.Seq, e.At, e.Kind, e.Key.ProjectID, e.Key.TaskID, e.Prev, e.Loose, e.JSON, e.Hash}
}

// ScanEvent reads a row of history, and verifies it.
func ScanEvent(row Scanner) (Event, error) {
	var e Event
	var crc int64
	if err := row.Scan(&e.Seq, &e.At, &e.Kind, &e.Key.ProjectID, &e.Key.TaskID, &e.Prev, &e.Loose, &e.JSON, &e.Hash, &crc); err != nil {
		return Event{}, err
	}
	return e, Verify(crc, "history", strconv.FormatInt(e.Seq, 10), e.Columns())
}

// Decode returns what the row says.
func (e *Event) Decode() (state.Event, error) {
	var event state.Event
	return event, unmarshal("history", strconv.FormatInt(e.Seq, 10), e.JSON, &event)
}

// Command is a row of words.
type Command struct {
	state.Command
	AnsweredAt time.Time
	Answer     state.CommandResult
}

// Columns are those of the row, but for row_crc.
func (w *Command) Columns() []any {
	return []any{
		w.ID, UnixMilli(w.At), w.Actor, string(w.Verb), w.Target, w.Arg, UnixMilli(w.Until),
		UnixMilli(w.AnsweredAt), FromBool(w.Answer.OK), w.Answer.Message,
	}
}

// ScanCommand reads a row of words, and verifies it.
func ScanCommand(row Scanner) (Command, error) {
	var w Command
	var at, until, answeredAt, ok, crc int64
	if err := row.Scan(&w.ID, &at, &w.Actor, &w.Verb, &w.Target, &w.Arg, &until, &answeredAt, &ok, &w.Answer.Message, &crc); err != nil {
		return Command{}, err
	}
	w.At, w.Until, w.AnsweredAt, w.Answer.OK = FromMilli(at), FromMilli(until), FromMilli(answeredAt), ok != 0
	return w, Verify(crc, "words", strconv.FormatInt(w.ID, 10), w.Columns())
}
