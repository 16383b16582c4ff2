package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// checksum is the row_crc of a row: of the table's name and the columns, with
// their types and lengths. A column is a string or an int64.
func checksum(table string, columns ...any) int64 {
	b := append(make([]byte, 0, 1<<10), table...)
	for _, c := range columns {
		switch c := c.(type) {
		case int64:
			b = appendNumbers(b, c)
		case string:
			b = appendTexts(b, c)
		}
	}
	return castagnoli(b)
}

func castagnoli(b []byte) int64 { return int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))) }

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

// marshal writes v as people read it: without escapes for HTML.
func marshal(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("write JSON of the state: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// unmarshal reads what marshal wrote into a row.
func unmarshal(table, row, text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return &DamagedError{Table: table, Row: row, Detail: "the JSON cannot be read", Err: err}
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
