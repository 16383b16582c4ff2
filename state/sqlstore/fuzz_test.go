package sqlstore_test

import (
	"bytes"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// FuzzImport makes sure that a document makes a state that is whole, and says the
// same when it is exported and imported again, or leaves nothing.
func FuzzImport(f *testing.F) {
	path := newState(f, 2)
	for _, history := range []bool{false, true} {
		f.Add([]byte(export(f, path, history)))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		dir := memDir(t)
		first, second := filepath.Join(dir, "first.db"), filepath.Join(dir, "second.db")
		if err := sqlstore.Import(t.Context(), first, sampleIdentity(), bytes.NewReader(doc), sqlstore.Options{}); err != nil {
			if got := files(t, first); len(got) > 0 {
				t.Fatalf("%v: and leaves %d files", err, len(got))
			}
			return
		}
		if _, err := sqlstore.Check(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		again := export(t, first, true)
		if err := sqlstore.Import(t.Context(), second, sampleIdentity(), bytes.NewReader([]byte(again)), sqlstore.Options{}); err != nil {
			t.Fatal(err)
		}
		want, got := mustRead(t, first), mustRead(t, second)
		got.History = got.History[1:]
		if !reflect.DeepEqual(want, got) {
			t.Errorf("exported %+v\nimported %+v", want, got)
		}
	})
}

// FuzzOpen makes sure that any bytes in the place of a state are refused, or are a
// state that says what it was made to say.
func FuzzOpen(f *testing.F) {
	db, head := fixture(f, "schema3.state"), fixture(f, "schema3.state.head")
	f.Add(db, head)
	f.Add(db[:4096], head)
	f.Add([]byte{}, []byte{})
	path := filepath.Join(f.TempDir(), "wedatasync.db")
	writeFile(f, path, string(db))
	want := mustRead(f, path)
	f.Fuzz(func(t *testing.T, db, head []byte) {
		path := statePath(t)
		writeFile(t, path, string(db))
		writeFile(t, path+".head", string(head))
		_ = sqlstore.VerifyAndRead(t.Context(), path, sampleIdentity(), func(r *sqlstore.Reader) error {
			got, err := read(t.Context(), r)
			if err == nil && !reflect.DeepEqual(want, got) {
				t.Errorf("it says %+v", got)
			}
			return err
		})
	})
}
