package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/state"
)

// Bounds of a document that is read. MaxElement bounds what a state keeps of one thing, too.
const (
	MaxElement = 16 << 20 // bytes of one value in it
	maxLineage = 64
	maxSerial  = 1 << 53
)

// forgetful is the format of documents in which removed tasks have no record.
const forgetful = "1.0"

// formats are those that are read.
var formats = []string{Format, "1.1", forgetful}

// Reader reads a document: its header first, then its records, then its history. A field
// that [Write] does not write is an error, and so is any order but its own.
type Reader struct {
	dec    *json.Decoder
	budget *budget
}

// NewReader returns a reader of the document.
func NewReader(from io.Reader) *Reader {
	b := &budget{r: from}
	dec := json.NewDecoder(b)
	dec.DisallowUnknownFields()
	return &Reader{dec: dec, budget: b}
}

// Header reads all that comes before the records.
func (r *Reader) Header() (Header, error) {
	var h Header
	if err := r.expect(json.Delim('{')); err != nil {
		return Header{}, err
	}
	for _, f := range []struct {
		name string
		v    any
	}{
		{"format_version", &h.Format},
		{"lineage", &h.Lineage},
		{"serial", &h.Serial},
		{"identity", &h.Identity},
		{"control", &h.Control},
	} {
		if err := r.expect(f.name); err != nil {
			return Header{}, err
		}
		if err := r.value(f.v); err != nil {
			return Header{}, fmt.Errorf("read %s: %w", f.name, err)
		}
		if !slices.Contains(formats, h.Format) {
			return Header{}, fmt.Errorf("format_version is %q, want %q", state.Clip(h.Format), Format)
		}
	}
	if h.Lineage == "" || len(h.Lineage) > maxLineage || strings.ContainsFunc(h.Lineage, notInLineage) {
		return Header{}, fmt.Errorf("%q is not a lineage", state.Clip(h.Lineage))
	}
	if h.Serial < 1 || h.Serial > maxSerial {
		return Header{}, fmt.Errorf("%d is not a serial", h.Serial)
	}
	return h, nil
}

func notInLineage(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }

// Forgetful reports whether removed tasks have no record in the document, but only events.
func (h *Header) Forgetful() bool { return h.Format == forgetful }

// Records reads the records and gives each to f, once it is checked. An error of f ends it.
func (r *Reader) Records(f func(*state.Record) error) error {
	return list(r, "records", func(rec *state.Record) error {
		if err := rec.Check(); err != nil {
			return fmt.Errorf("record %s: %w", state.Clip(rec.Key.String()), err)
		}
		return f(rec)
	})
}

// History reads the history, if the document has one, gives each event to f, and makes
// sure that the document ends there. An error of f ends it.
func (r *Reader) History(f func(*state.Event) error) error {
	if r.more() {
		if err := list(r, "history", f); err != nil {
			return err
		}
	}
	if err := r.expect(json.Delim('}')); err != nil {
		return err
	}
	if t, err := r.token(); err != io.EOF { //nolint:errorlint // the end itself, not a document that ends early
		return errors.Join(unexpected(t, "the end"), err)
	}
	return nil
}

// list reads a name and the list that is its value, one element at a time.
func list[T any](r *Reader, name string, each func(*T) error) error {
	if err := r.expect(name); err != nil {
		return err
	}
	if err := r.expect(json.Delim('[')); err != nil {
		return err
	}
	for n := 1; r.more(); n++ {
		var v T
		err := r.value(&v)
		if err == nil {
			err = each(&v)
		}
		if err != nil {
			return fmt.Errorf("read %s, element %d: %w", name, n, err)
		}
	}
	return r.expect(json.Delim(']'))
}

func (r *Reader) value(v any) error {
	r.budget.left = MaxElement
	return r.dec.Decode(v)
}

func (r *Reader) token() (json.Token, error) {
	r.budget.left = MaxElement
	return r.dec.Token()
}

// more reports whether the object or list goes on.
func (r *Reader) more() bool {
	r.budget.left = MaxElement
	return r.dec.More()
}

// expect reads a delimiter or a name.
func (r *Reader) expect(want json.Token) error {
	t, err := r.token()
	if err == nil && t != want {
		err = unexpected(t, want)
	}
	return err
}

// unexpected says that the document is not in the order in which Write writes.
func unexpected(have, want any) error {
	return fmt.Errorf("%s was found in place of %q", state.Clip(fmt.Sprintf("%q", have)), want)
}

// budget bounds how much may be read for one value.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a value is larger than %d bytes", MaxElement)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
