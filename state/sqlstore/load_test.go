package sqlstore_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// all returns the records by key, those of removed tasks included.
func all(r *state.Records) map[spec.Key]state.Record {
	m := map[spec.Key]state.Record{}
	for key := range r.Keys() {
		m[key] = *r.Get(key)
	}
	for key := range r.Removed() {
		m[key] = *r.Get(key)
	}
	return m
}

// Load finds damage in any row: nothing is planned on what was not verified.
func TestLoad_Damaged(t *testing.T) {
	for name, damage := range map[string]string{
		"a column": "UPDATE tasks SET instance_version = 4711 WHERE task_id = '" + sampleKey(1).TaskID + "'",
		"a row":    "DELETE FROM tasks WHERE task_id = '" + sampleKey(1).TaskID + "'",
	} {
		t.Run(name, func(t *testing.T) {
			path := newState(t, 5)
			sqlExec(t, path, damage)
			if _, err := open(t, path).Load(t.Context()); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("got %v, want ErrDamaged", err)
			}
		})
	}
}

// Law: whatever is saved, in whatever starts, what is loaded is the state.
func TestLoad_Law(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, done := memFolder()
		defer done()
		path := filepath.Join(dir, "a.db")
		want := map[spec.Key]state.Record{}
		for range rapid.IntRange(1, 4).Draw(rt, "starts") {
			s, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{Create: true})
			if err != nil {
				rt.Fatal(err)
			}
			records, err := s.Load(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			for _, tr := range rapid.SliceOfN(genTransition(), 0, 8).Draw(rt, "transitions") {
				if tr.Record != nil {
					tr.Events[0].Key = tr.Record.Key
					want[tr.Record.Key] = *tr.Record
					records.Put(tr.Record)
				}
				if tr.Forget != nil {
					tr.Events[0].Key = *tr.Forget
					delete(want, *tr.Forget)
					records.Delete(*tr.Forget)
				}
				if err := s.Save(t.Context(), tr); err != nil {
					rt.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, all(records)); diff != "" {
				rt.Errorf("(-saved +loaded):\n%s", diff)
			}
			if err := s.Close(); err != nil {
				rt.Fatal(err)
			}
		}
	})
}
