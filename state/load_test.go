package state_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
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

// load opens the state and loads it. It reports whether that went by saved records.
func load(t testing.TB, path string) (s *state.Store, records map[spec.Key]state.Record, saved bool) {
	t.Helper()
	s = open(t, path)
	r, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, all(r), s.FromSaved()
}

// wantLoaded makes sure that the state loads as it is, by saved records or not.
func wantLoaded(t testing.TB, path string, saved bool) {
	t.Helper()
	s, got, by := load(t, path)
	defer s.Close()
	want := map[spec.Key]state.Record{}
	for _, rec := range mustRead(t, path).Records {
		want[rec.Key] = rec
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what was loaded is not the state (-state +loaded):\n%s", diff)
	}
	if by != saved {
		t.Errorf("it went by saved records: %t, want %t", by, saved)
	}
}

// save opens the state, saves the transitions and closes it.
func save(t testing.TB, path string, ts ...state.Transition) {
	t.Helper()
	s := open(t, path)
	for _, tr := range ts {
		if err := s.Save(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// loaded makes a state of n records that were saved.
func loaded(t testing.TB, n int) (path string) {
	t.Helper()
	path = statePath(t)
	s := open(t, path)
	adopt(t, s, n)
	if _, err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// A start goes by what the one before has saved, and by what has changed since.
func TestLoad(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	adopt(t, s, 20)
	s.Close()
	wantLoaded(t, path, false)
	wantLoaded(t, path, true)

	changed := applied(3)
	changed.Record.Applied.InstanceVersion = 99
	save(t, path, intent(2), changed, applied(20), state.Transition{
		Forget: new(sampleKey(4)), Events: []state.Event{{At: sampleTime(), Kind: state.EventForgotten, Key: sampleKey(4)}},
	})
	wantLoaded(t, path, true)
}

// Nobody has to name the tasks that change, but who does not is found out.
func TestLoad_UnnamedChange(t *testing.T) {
	path := loaded(t, 5)
	silent := applied(1)
	silent.Record.Applied.InstanceVersion = 99
	silent.Events[0].Key = spec.Key{}
	save(t, path, silent)
	wantLoaded(t, path, false)
}

// Where most has changed since, the saved records are of no use; then all are read,
// and saved anew.
func TestLoad_ManyChanges(t *testing.T) {
	path := loaded(t, 5)
	s := open(t, path)
	adopt(t, s, 1500)
	s.Close()
	wantLoaded(t, path, false)
	wantLoaded(t, path, true)
}

// A removed task is in saved records as well.
func TestLoad_Removed(t *testing.T) {
	path := loaded(t, 5)
	save(t, path, removed(3), removed(4), applied(4))
	wantLoaded(t, path, true)
	if err := os.Remove(path + ".records"); err != nil {
		t.Fatal(err)
	}
	wantLoaded(t, path, false)
	wantLoaded(t, path, true)
}

// Saved records are believed only if they are whole, and of this very state.
func TestLoad_NotBelieved(t *testing.T) {
	path, other := loaded(t, 5), loaded(t, 6)
	good, err := os.ReadFile(path + ".records")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(other + ".records")
	if err != nil {
		t.Fatal(err)
	}
	spoilt := map[string][]byte{
		"empty": nil, "of another state": foreign, "longer": append(bytes.Clone(good), 0),
		"of another version": bytes.Replace(bytes.Clone(good), []byte("records 3"), []byte("records 9"), 1),
	}
	for n := 0; n < len(good); n += 7 {
		spoilt["cut"] = good[:n]
		for name, data := range spoilt {
			if err := os.WriteFile(path+".records", data, 0o600); err != nil {
				t.Fatal(err)
			}
			wantLoaded(t, path, false)
			if t.Failed() {
				t.Fatalf("%s, %d of %d bytes", name, len(data), len(good))
			}
		}
		spoilt = map[string][]byte{"a bit": flipBit(bytes.Clone(good), 8*n+n%8)}
	}
	wantLoaded(t, path, true)
}

// An older copy of the state that somebody has accepted has gone another way since:
// what was saved on the way that is lost is not of it.
func TestLoad_OtherHistory(t *testing.T) {
	path, copied := loaded(t, 3), statePath(t)
	copyState(t, path, copied)
	lost := applied(1)
	lost.Record.Applied.InstanceVersion = 98
	save(t, path, lost, lost, lost)
	if err := os.Remove(path + ".records"); err != nil {
		t.Fatal(err)
	}
	wantLoaded(t, path, false) // which saves
	saved, err := os.ReadFile(path + ".records")
	if err != nil {
		t.Fatal(err)
	}
	if err := state.Accept(t.Context(), copied, sampleIdentity(), state.Options{}); err != nil {
		t.Fatal(err)
	}
	other := applied(2)
	other.Record.Applied.InstanceVersion = 97
	save(t, copied, other, other, other)
	if err := os.WriteFile(copied+".records", saved, 0o600); err != nil {
		t.Fatal(err)
	}
	wantLoaded(t, copied, false)
}

// A database that is damaged where the saved records are whole loads. But nothing is
// saved: so no commit is made.
func TestLoad_DamagedDatabase(t *testing.T) {
	for name, find := range map[string]func(*state.Store) error{
		"by Verify": func(s *state.Store) error { return s.Verify(t.Context()) },
		"by Save":   func(s *state.Store) error { return s.Save(t.Context(), intent(2)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := loaded(t, 5)
			sqlExec(t, path, "UPDATE tasks SET instance_version = 4711 WHERE task_id = '"+sampleKey(1).TaskID+"'")
			s, records, saved := load(t, path)
			if v := records[sampleKey(1)].Applied.InstanceVersion; !saved || v == 4711 {
				t.Errorf("loaded by saved records: %t, version %d", saved, v)
			}
			if err := find(s); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("got %v, want ErrDamaged", err)
			}
			if err := s.Save(t.Context(), intent(3)); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("saving got %v, want ErrDamaged", err)
			}
		})
	}
}

// Where nothing can be saved, a start reads everything, each time.
func TestLoad_CannotSave(t *testing.T) {
	path := statePath(t)
	save(t, path, applied(1))
	if err := os.Mkdir(path+".records", 0o700); err != nil {
		t.Fatal(err)
	}
	wantLoaded(t, path, false)
	wantLoaded(t, path, false)
	if left, _ := filepath.Glob(path + ".records.new"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// While it is in use a state saves its records anew, when enough of them have changed.
func TestLoad_KeepsSaved(t *testing.T) {
	path := loaded(t, 3)
	s, _, _ := load(t, path)
	before, err := os.ReadFile(path + ".records")
	if err != nil {
		t.Fatal(err)
	}
	adopt(t, s, 1200)
	s.WaitBeside()
	after, err := os.ReadFile(path + ".records")
	if err != nil || bytes.Equal(before, after) {
		t.Errorf("the records were not saved anew (%v)", err)
	}
	s.Close()
	wantLoaded(t, path, true)
}

// Law: whatever is saved, in whatever starts, what is loaded is the state.
func TestLoad_Law(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, done := memFolder()
		defer done()
		path := filepath.Join(dir, "a.db")
		want := map[spec.Key]state.Record{}
		for range rapid.IntRange(1, 4).Draw(rt, "starts") {
			s, err := state.Open(t.Context(), path, sampleIdentity(), state.Options{Create: true})
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

// Even with a checksum that fits, no saved records break their reader, and what they
// say has to add up.
func FuzzLoadSaved(f *testing.F) {
	path := loaded(f, 3)
	good, err := os.ReadFile(path + ".records")
	if err != nil {
		f.Fatal(err)
	}
	want := mustRead(f, path).Records
	f.Add(good[:len(good)-8])
	f.Fuzz(func(t *testing.T, data []byte) {
		data = binary.BigEndian.AppendUint64(bytes.Clone(data), xxhash.Sum64(data))
		if err := os.WriteFile(path+".records", data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, got, saved := load(t, path)
		defer s.Close()
		if !saved && len(got) != len(want) {
			t.Errorf("%d records, want %d", len(got), len(want))
		}
	})
}
