package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Law: whatever is saved, in whatever starts, what is loaded is the state.
func testLoadLaw(t *testing.T, fresh func(testing.TB) Database) {
	rapid.Check(t, func(rt *rapid.T) {
		d := fresh(t)
		want := map[spec.Key]state.Record{}
		for range rapid.IntRange(1, 4).Draw(rt, "starts") {
			s, err := d.Open(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			records, err := s.Load(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			for _, tr := range rapid.SliceOfN(DrawTransition(), 0, 8).Draw(rt, "transitions") {
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
			if diff := cmp.Diff(want, All(records)); diff != "" {
				rt.Errorf("(-saved +loaded):\n%s", diff)
			}
			if err := s.Close(); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// Law: whatever is saved, in whatever pieces, the state is what a map would be, and
// the history of each task what a filter would leave of the whole.
func testMapLaw(t *testing.T, fresh func(testing.TB) Database) {
	rapid.Check(t, func(rt *rapid.T) {
		d := fresh(t)
		want := map[spec.Key]state.Record{}
		for range rapid.IntRange(1, 3).Draw(rt, "starts") {
			s, err := d.Open(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			for range rapid.IntRange(0, 5).Draw(rt, "saves") {
				ts := rapid.SliceOfN(DrawTransition(), 1, 5).Draw(rt, "transitions")
				if err := s.SaveAll(t.Context(), ts); err != nil {
					rt.Fatal(err)
				}
				for _, tr := range ts {
					if tr.Record != nil {
						want[tr.Record.Key] = *tr.Record
					}
					if tr.Forget != nil {
						delete(want, *tr.Forget)
					}
				}
			}
			got := map[spec.Key]state.Record{}
			last := spec.Key{}
			for rec, err := range s.Records(t.Context()) {
				if err != nil {
					rt.Fatal(err)
				}
				if last.Compare(rec.Key) >= 0 {
					rt.Errorf("%s comes after %s", rec.Key, last)
				}
				got[rec.Key], last = rec, rec.Key
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Errorf("(-want +got):\n%s", diff)
			}
			checkHistories(t, rt, s)
			if err := s.Close(); err != nil {
				rt.Fatal(err)
			}
			if err := d.Check(t.Context()); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// checkHistories compares the history of each task with the whole.
func checkHistories(t *testing.T, rt *rapid.T, s Store) {
	all, err := s.History(t.Context(), state.HistoryQuery{Limit: state.MaxHistory})
	if err != nil {
		rt.Fatal(err)
	}
	want := map[spec.Key][]state.Event{{ProjectID: "never", TaskID: "seen"}: nil}
	for _, e := range all {
		if e.Key != (spec.Key{}) {
			want[e.Key] = append(want[e.Key], e)
		}
	}
	for key, events := range want {
		got, err := s.History(t.Context(), state.HistoryQuery{Key: &key})
		if diff := cmp.Diff(events, got); diff != "" || err != nil {
			rt.Errorf("%s: %v (-want +got):\n%s", key, err, diff)
		}
	}
}
