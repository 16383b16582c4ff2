package document_test

import (
	"bytes"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/document"
)

var header = document.Header{Format: document.Format, Lineage: "ABC234", Serial: 7, Identity: state.Identity{Source: "https://git.example.com/tasks.git"}}

func each[T any](list ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func records() []state.Record {
	return []state.Record{
		{Key: spec.Key{ProjectID: "1", TaskID: "a<b"}, Status: state.StatusNone, Suspended: &state.Suspension{Reason: "a broken sink", Actor: "ada"}},
		{Key: spec.Key{ProjectID: "1", TaskID: "c"}, Status: state.StatusNone, Suspended: &state.Suspension{Reason: "a broken sink", Actor: "ada"}},
	}
}

func write(t *testing.T, history iter.Seq2[state.Event, error]) string {
	t.Helper()
	var b bytes.Buffer
	if err := document.Write(&b, header, each(records()...), history); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// read returns what the document says.
func read(doc string) (document.Header, []state.Record, []state.Event, error) {
	r := document.NewReader(strings.NewReader(doc))
	h, err := r.Header()
	if err != nil {
		return h, nil, nil, err
	}
	var recs []state.Record
	if err := r.Records(func(rec *state.Record) error { recs = append(recs, *rec); return nil }); err != nil {
		return h, recs, nil, err
	}
	var events []state.Event
	err = r.History(func(e *state.Event) error { events = append(events, *e); return nil })
	return h, recs, events, err
}

// TestDocument: what was written is read, with and without a history.
func TestDocument(t *testing.T) {
	events := []state.Event{{Seq: 1, Kind: state.EventState, Note: "created"}}
	for _, want := range [][]state.Event{events, nil} {
		var history iter.Seq2[state.Event, error]
		if want != nil {
			history = each(want...)
		}
		h, recs, got, err := read(write(t, history))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(header, h); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(records(), recs); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
	}
}

// TestErrors: an error of what is written, or of who reads, ends it and comes back.
func TestErrors(t *testing.T) {
	broken := errors.New("the disk is broken")
	failing := func(yield func(state.Record, error) bool) { yield(state.Record{}, broken) }
	if err := document.Write(&bytes.Buffer{}, header, failing, nil); !errors.Is(err, broken) {
		t.Errorf("Write returns %v", err)
	}
	r := document.NewReader(strings.NewReader(write(t, nil)))
	if _, err := r.Header(); err != nil {
		t.Fatal(err)
	}
	if err := r.Records(func(*state.Record) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("Records returns %v", err)
	}
}

// TestRefused: nothing but a whole document in its order is read.
func TestRefused(t *testing.T) {
	good := write(t, nil)
	for name, tt := range map[string]struct{ from, to, want string }{
		"another format":   {`"1.2"`, `"9.0"`, `format_version is "9.0", want "1.2"`},
		"another order":    {`"lineage"`, `"serial"`, `in place of "lineage"`},
		"an unknown field": {`"reason"`, `"because"`, "unknown field"},
		"no lineage":       {`"ABC234"`, `"../x"`, `"../x" is not a lineage`},
		"no serial":        {`"serial": 7`, `"serial": 0`, `0 is not a serial`},
		"more after it":    {"}\n", "} {}", "was found in place of"},
		"a half":           {"]}\n", "", "EOF"},
		"a bad record":     {`"a<b"`, `""`, "record"},
	} {
		i := strings.LastIndex(good, tt.from)
		if i < 0 {
			t.Fatalf("%s: the document has no %s:\n%s", name, tt.from, good)
		}
		_, _, _, err := read(good[:i] + tt.to + good[i+len(tt.from):])
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, tt.want)
		}
	}
}
