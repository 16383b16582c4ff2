package sqlstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// export returns the document of a state that nobody holds.
func export(t testing.TB, path string, history bool) string {
	t.Helper()
	r, err := sqlstore.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b bytes.Buffer
	if err := sqlstore.Export(t.Context(), r, &b, history); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden compares with a file of testdata, or with -update writes it.
func golden(t testing.TB, name, got string) {
	t.Helper()
	if *update {
		writeFile(t, filepath.Join("testdata", name), got)
	}
	if diff := cmp.Diff(string(fixture(t, name)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestStatesOfEarlierVersionsAreRead opens a state as each released schema has
// written it, first to read it and then to write to it. A new schema adds a fixture and keeps the old ones.
func TestStatesOfEarlierVersionsAreRead(t *testing.T) {
	newest := filepath.Join("testdata", fmt.Sprintf("schema%d.state", sqlstore.SchemaVersion))
	if _, err := os.Stat(newest); *update && errors.Is(err, fs.ErrNotExist) {
		path := statePath(t)
		s := open(t, path)
		for _, tr := range []state.Transition{applied(0), intent(1)} {
			if err := s.Save(t.Context(), tr); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		copyState(t, path, newest)
	}
	for schema := 1; schema <= sqlstore.SchemaVersion; schema++ {
		name := fmt.Sprintf("schema%d.state", schema)
		path := statePath(t)
		copyState(t, filepath.Join("testdata", name), path)
		golden(t, name+".json", export(t, path, true)) // as it is found
		open(t, path).Close()
		if _, err := sqlstore.Check(t.Context(), path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fixture returns a file of testdata.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Law: what was exported and imported says the same, but that a person has put it
// there.
func TestWhatIsImportedIsWhatWasExported(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, done := memFolder()
		defer done()
		path, copied := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
		s, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{Create: true})
		if err != nil {
			rt.Fatal(err)
		}
		ts := rapid.SliceOfN(genTransition(), 1, 20).Draw(rt, "transitions")
		if err := errors.Join(s.SaveAll(t.Context(), ts), s.Close()); err != nil {
			rt.Fatal(err)
		}
		history := rapid.Bool().Draw(rt, "history")
		doc := export(t, path, history)
		if err := sqlstore.Import(t.Context(), copied, sampleIdentity(), strings.NewReader(doc), sqlstore.Options{Actor: "ada"}); err != nil {
			rt.Fatal(err)
		}
		want, got := mustRead(t, path), mustRead(t, copied)
		if !got.Control.Restored {
			rt.Error("the next plan would not be held")
		}
		if got.History[0].Kind != state.EventState || got.History[0].Actor != "ada" {
			rt.Errorf("the import is not in the history: %+v", got.History[0])
		}
		want.Control.Restored, got.History = true, got.History[1:]
		if !history {
			want.History = nil
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Errorf("(-exported +imported):\n%s", diff)
		}
		if _, err := sqlstore.Check(t.Context(), copied); err != nil {
			rt.Error(err)
		}
	})
}

func TestImportRefuses(t *testing.T) {
	path := newState(t, 2)
	good := export(t, path, true)
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("there is no %s in the document", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	cut := func(at string) string { before, _, _ := strings.Cut(good, at); return before }
	key := `"task_id":"kb947c997-4f91-4a1f-913d-000000000001"`
	for _, tt := range []struct {
		name, doc, says string
	}{
		{"nothing", "", "EOF"},
		{"something else", `[1]`, `"[" was found in place of "{"`},
		{"another format", replace(`"1.2"`, `"2.0"`), `format_version is "2.0"`},
		{"an unknown field", replace(`"records"`, `"rekords"`), `"rekords" was found in place of "records"`},
		{"an unknown field of a record", replace(`"status"`, `"state"`), `unknown field "state"`},
		{"an unknown field of an event", replace(`"kind"`, `"sort"`), `unknown field "sort"`},
		{"another order", replace(`"serial": 2,`, ``), `in place of "serial"`},
		{"no lineage", replace(good[strings.Index(good, `"lineage"`):strings.Index(good, `"serial"`)], `"lineage": "",`), `"" is not a lineage`},
		{"no serial", replace(`"serial": 2`, `"serial": 0`), "0 is not a serial"},
		{"a serial without end", replace(`"serial": 2`, `"serial": 9223372036854775807`), "is not a serial"},
		{"a part", cut(`"history"`), "EOF"},
		{"half a record", cut(`"revision"`), "EOF"},
		{"another source", replace("streams.git", "other.git"), "source"},
		{"a record twice", replace(key, strings.Replace(key, "1\"", "0\"", 1)), "appears twice"},
		{"a record without a key", replace(key, `"task_id":""`), "is not an id"},
		{"an unknown status", replace(`"status":"applied"`, `"status":"done"`), `no status "done"`},
		{"a gap in the history", replace(`"seq":2`, `"seq":3`), "event 3 follows event 1"},
		{"text after the end", good + "x", "in place of"},
		{"two documents", good + good, `in place of`},
		{"a value without end", replace(`"v1"`, `"`+strings.Repeat("v", 17<<20)+`"`), "larger than"},
		{"a record beyond bounds", replace(`"v1"`, `"`+strings.Repeat("v", 2<<20)+`"`), "at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to := statePath(t)
			err := sqlstore.Import(t.Context(), to, sampleIdentity(), strings.NewReader(tt.doc), sqlstore.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %.300v, want %q", err, tt.says)
			}
			if err != nil && len(err.Error()) > 4096 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if got := files(t, to); len(got) > 0 {
				t.Errorf("it leaves %d files behind", len(got))
			}
		})
	}
	t.Run("a place that is taken", func(t *testing.T) {
		before := files(t, path)
		err := sqlstore.Import(t.Context(), path, sampleIdentity(), strings.NewReader(good), sqlstore.Options{})
		if !errors.Is(err, state.ErrExists) {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff(before, files(t, path)); diff != "" {
			t.Error("the state was changed")
		}
	})
}

// failing fails after n bytes.
type failing struct{ n int }

func (f *failing) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

func TestExportSaysWhenItCannotBeWritten(t *testing.T) {
	r, err := sqlstore.OpenReader(t.Context(), newState(t, 50))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for n := 0; n < 40_000; n += 4096 {
		if err := sqlstore.Export(t.Context(), r, &failing{n}, true); !errors.Is(err, errDisk) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

// TestImport_ReadsEarlierFormats: a document of format 1.1 has no releases.
func TestImport_ReadsEarlierFormats(t *testing.T) {
	from, path := statePath(t), statePath(t)
	copyState(t, filepath.Join("testdata", "schema3.state"), from)
	r, err := sqlstore.OpenReader(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	id := r.Identity()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	doc := strings.Replace(export(t, from, true), `"1.2"`, `"1.1"`, 1)
	if err := sqlstore.Import(t.Context(), path, id, strings.NewReader(doc), sqlstore.Options{}); err != nil {
		t.Error(err)
	}
}
