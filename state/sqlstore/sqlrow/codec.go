package sqlrow

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// Checksum is the row_crc of a row: of the table's name and the columns, with
// their types and lengths. A column is a string or an int64.
func Checksum(table string, columns ...any) int64 {
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

// Marshal writes v as an encoder does.
func Marshal(v any) (string, error) {
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

// unmarshal reads what Marshal wrote into a row.
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

// UnixMilli returns the time as the columns have it: 0 for no time.
func UnixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMilli reads what UnixMilli wrote.
func FromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// FromBool returns the value as the columns have it.
func FromBool(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
