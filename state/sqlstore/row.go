package sqlstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// scanner is a row that was read.
type scanner interface{ Scan(dest ...any) error }

// verify reports whether the columns of a row that was read are as they were
// written.
func verify(crc int64, table, row string, columns []any) error {
	if crc != checksum(table, columns...) {
		return unfit(table, row)
	}
	return nil
}

func unfit(table, row string) error {
	return &state.DamagedError{Table: table, Row: row, Detail: "the row does not fit its checksum"}
}

// meta is the row of meta.
type meta struct {
	lineage  string
	identity state.Identity
	created  time.Time
	serial   int64
	tasks    int64
	tasksSum int64
	events   int64
	hash     string // of the newest event
}

// head is what the head file says of the state.
func (m *meta) head() statefile.Head { return statefile.Head{Lineage: m.lineage, Serial: m.serial} }

// checkTasks reports whether the n rows of tasks, with checksums of that sum, are
// all there are: a row that has vanished breaks no checksum of its own.
func (m *meta) checkTasks(n, sum int64) error {
	if n != m.tasks || sum != m.tasksSum {
		return &state.DamagedError{Table: "tasks", Detail: fmt.Sprintf("%d rows were read that do not add up to the %d there should be", n, m.tasks)}
	}
	return nil
}

func (m *meta) columns(identity string) []any {
	return []any{m.lineage, identity, unixMilli(m.created), m.serial, m.tasks, m.tasksSum, m.events, m.hash}
}

// constantMeta is how many of the columns, the first ones, hardly ever change.
const constantMeta = 3

func scanMeta(row scanner) (meta, error) {
	var m meta
	var identity string
	var created, crc int64
	if err := row.Scan(&m.lineage, &identity, &created, &m.serial, &m.tasks, &m.tasksSum, &m.events, &m.hash, &crc); err != nil {
		return meta{}, err
	}
	m.created = fromMilli(created)
	if err := verify(crc, "meta", "", m.columns(identity)); err != nil {
		return meta{}, err
	}
	return m, unmarshal("meta", "", identity, &m.identity)
}

func scanControl(row scanner) (state.Control, error) {
	var c state.Control
	var text string
	var crc int64
	if err := row.Scan(&text, &crc); err != nil {
		return state.Control{}, err
	}
	if err := verify(crc, "control", "", []any{text}); err != nil {
		return state.Control{}, err
	}
	return c, unmarshal("control", "", text, &c)
}

// eventRow is a row of history.
type eventRow struct {
	seq, at int64
	kind    string
	key     spec.Key
	prev    int64 // the event of the task before this one, 0 for its first
	loose   int64 // 1 if the task has no record that leads here
	event   string
	hash    string
}

// newEventRow makes the row of an event, all but its place in the history.
func newEventRow(e state.Event) (eventRow, error) {
	e.Seq, e.Note, e.Outcome = 0, state.Clip(e.Note), boundOutcome(e.Outcome)
	text, err := marshal(e)
	if err != nil {
		return eventRow{}, err
	}
	return eventRow{at: unixMilli(e.At), kind: string(e.Kind), key: e.Key, event: text}, checkSize(len(text), maxRow)
}

// follow gives the row, fresh from newEventRow, its place: after the event seq, with
// that hash.
func (e *eventRow) follow(seq int64, hash string) {
	e.seq = seq + 1
	e.event = seqField + strconv.FormatInt(e.seq, 10) + strings.TrimPrefix(e.event, seqField+"0")
	e.hash = chain(hash, e.event)
}

// seqField is how the JSON of an event begins.
const seqField = `{"seq":`

// chain returns the hash of an event that follows the one with the hash before.
func chain(before, event string) string {
	b := append(make([]byte, 0, 4<<10), before...) // on the stack, as a rule
	sum := sha256.Sum256(append(b, event...))
	return hex.EncodeToString(sum[:])
}

func (e *eventRow) columns() []any {
	return []any{e.seq, e.at, e.kind, e.key.ProjectID, e.key.TaskID, e.prev, e.loose, e.event, e.hash}
}

func scanEventRow(row scanner) (eventRow, error) {
	var e eventRow
	var crc int64
	if err := row.Scan(&e.seq, &e.at, &e.kind, &e.key.ProjectID, &e.key.TaskID, &e.prev, &e.loose, &e.event, &e.hash, &crc); err != nil {
		return eventRow{}, err
	}
	return e, verify(crc, "history", strconv.FormatInt(e.seq, 10), e.columns())
}

func (e *eventRow) decode() (state.Event, error) {
	var event state.Event
	return event, unmarshal("history", strconv.FormatInt(e.seq, 10), e.event, &event)
}

// commandRow is a row of words.
type commandRow struct {
	state.Command
	answeredAt time.Time
	answer     state.CommandResult
}

func (w *commandRow) columns() []any {
	return []any{
		w.ID, unixMilli(w.At), w.Actor, string(w.Verb), w.Target, w.Arg, unixMilli(w.Until),
		unixMilli(w.answeredAt), fromBool(w.answer.OK), w.answer.Message,
	}
}

func scanCommand(row scanner) (commandRow, error) {
	var w commandRow
	var at, until, answeredAt, ok, crc int64
	if err := row.Scan(&w.ID, &at, &w.Actor, &w.Verb, &w.Target, &w.Arg, &until, &answeredAt, &ok, &w.answer.Message, &crc); err != nil {
		return commandRow{}, err
	}
	w.At, w.Until, w.answeredAt, w.answer.OK = fromMilli(at), fromMilli(until), fromMilli(answeredAt), ok != 0
	return w, verify(crc, "words", strconv.FormatInt(w.ID, 10), w.columns())
}

// checksum is the row_crc of a row: of the table's name and the columns, with
// their types and lengths. A column is a string or an int64.
func checksum(table string, columns ...any) int64 {
	kept := rowBytes.Get().(*[]byte)
	b := append((*kept)[:0], table...)
	for _, c := range columns {
		switch c := c.(type) {
		case int64:
			b = appendNumbers(b, c)
		case string:
			b = appendTexts(b, c)
		}
	}
	sum := castagnoli(b)
	if *kept = b; cap(b) <= maxKept {
		rowBytes.Put(kept)
	}
	return sum
}

// rowBytes and encoders keep their memory, up to maxKept bytes, for the next row.
var (
	rowBytes = sync.Pool{New: func() any { return new([]byte) }}
	encoders = sync.Pool{New: func() any { return newEncoder() }}
)

const maxKept = 64 << 10

// castagnoli has its table made when it is first called: most commands read no state.
func castagnoli(b []byte) int64 {
	return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func appendNumbers(b []byte, columns ...int64) []byte {
	for _, c := range columns {
		b = binary.BigEndian.AppendUint64(append(b, 'i'), uint64(c))
	}
	return b
}

func appendTexts(b []byte, columns ...string) []byte {
	for _, c := range columns {
		b = binary.BigEndian.AppendUint64(append(b, 's'), uint64(len(c)))
		b = append(b, c...)
	}
	return b
}

// encoder writes JSON as people read it: without escapes for HTML.
type encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

func newEncoder() *encoder {
	e := &encoder{}
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false)
	return e
}

// marshal writes v as an encoder does.
func marshal(v any) (string, error) {
	e := encoders.Get().(*encoder)
	e.buf.Reset()
	if err := e.enc.Encode(v); err != nil {
		return "", fmt.Errorf("write JSON of the state: %w", err) // the encoder has had its day
	}
	text := strings.TrimSuffix(e.buf.String(), "\n")
	if e.buf.Cap() <= maxKept {
		encoders.Put(e)
	}
	return text, nil
}

// unmarshal reads what marshal wrote into a row.
func unmarshal(table, row, text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return &state.DamagedError{Table: table, Row: row, Detail: "the JSON cannot be read", Err: err}
	}
	return nil
}

// optional reads JSON that may be absent.
func optional[T any](table string, row fmt.Stringer, text string, v **T) error {
	if text == "" {
		return nil
	}
	*v = new(T)
	return unmarshal(table, row.String(), text, *v)
}

// unixMilli returns the time as the columns have it: 0 for no time.
func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func fromBool(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// The functions of this file cut texts from outside to size, before they are kept.

func boundApplied(a state.Applied) state.Applied {
	if a.Drift != nil {
		a.Drift = new(boundDrifted(*a.Drift))
	}
	return a
}

func boundAttempt(a state.Attempt) state.Attempt {
	a.Wanted, a.Outcome, a.NeedsOperator = boundApplied(a.Wanted), boundOutcome(a.Outcome), state.Clip(a.NeedsOperator)
	return a
}

func boundOutcome(o state.Outcome) state.Outcome {
	o.Code, o.Message, o.Locker = state.Clip(o.Code), state.Clip(o.Message), state.Clip(o.Locker)
	return o
}

func boundSuspension(s state.Suspension) state.Suspension {
	s.Reason, s.Actor = state.Clip(s.Reason), state.Clip(s.Actor)
	return s
}

func boundControl(c state.Control) state.Control {
	c.Pauses = slices.Clone(c.Pauses)
	for i := range c.Pauses {
		c.Pauses[i].Code, c.Pauses[i].Message = state.Clip(c.Pauses[i].Code), state.Clip(c.Pauses[i].Message)
	}
	if c.Suspended != nil {
		c.Suspended = new(boundSuspension(*c.Suspended))
	}
	if c.DriftScan != nil {
		c.DriftScan = new(boundScan(*c.DriftScan))
	}
	return c
}

func boundScan(l state.DriftScan) state.DriftScan {
	l.Error = state.Clip(l.Error)
	l.Drifted = slices.Clone(l.Drifted)
	for i := range l.Drifted {
		l.Drifted[i] = boundDrift(l.Drifted[i])
	}
	return l
}

func boundDrift(d state.Drift) state.Drift {
	d.Operator, d.OperatedAt, d.Event = state.Clip(d.Operator), state.Clip(d.OperatedAt), state.Clip(d.Event)
	d.Locker, d.Detail, d.WhyReported = state.Clip(d.Locker), state.Clip(d.Detail), state.Clip(d.WhyReported)
	return d
}

func boundDrifted(d state.Drifted) state.Drifted {
	if d.Undo != nil {
		d.Undo = new(boundDrift(*d.Undo))
	}
	d.Heals = slices.Clone(d.Heals)
	for i := range d.Heals {
		d.Heals[i].OperatedAt = state.Clip(d.Heals[i].OperatedAt)
	}
	return d
}
