package state_test

import (
	"slices"
	"testing"

	"github.com/wedatasync/wedatasync/state"
)

// What is open is kept as it is, and changes from one to the other are no second record.
func TestRecords(t *testing.T) {
	r := state.NewRecords(applied(1).Record, intent(2).Record)
	want := func(what string, keys, open int) {
		t.Helper()
		n := 0
		for range r.Open() {
			n++
		}
		if r.Len() != keys || len(slices.Collect(r.Keys())) != keys || n != open {
			t.Errorf("%s: %d records, %d of them open; want %d and %d", what, r.Len(), n, keys, open)
		}
	}
	want("at first", 2, 1)
	r.Put(intent(1).Record)
	want("after an intent", 2, 2)
	r.Put(applied(1).Record)
	r.Put(applied(2).Record)
	want("after both were applied", 2, 0)
	starting := applied(3).Record
	starting.Applied.Run = &state.Run{Status: state.RunStarting}
	r.Put(starting)
	want("after a start that is followed", 3, 1)
	drifted := applied(3).Record
	drifted.Applied.Drift = &state.Drifted{Heals: []state.Heal{{OperatedAt: "x"}}}
	r.Put(drifted)
	want("after a heal", 3, 1)
	if got := r.Get(sampleKey(3)); got.Applied.Drift == nil {
		t.Error("what is remembered of changes by others is lost")
	}
	r.Delete(sampleKey(3))
	r.Delete(sampleKey(1))
	want("after two were forgotten", 1, 0)
	if r.Get(sampleKey(1)) != nil || r.Has(sampleKey(1)) || !r.Has(sampleKey(2)) {
		t.Error("what was forgotten is still there, or the other is not")
	}
	gone := applied(2).Record
	gone.Removed = &state.Removal{At: sampleTime()}
	r.Put(gone)
	want("after one was removed", 0, 0)
	if got := r.Get(sampleKey(2)); r.Has(sampleKey(2)) || got == nil || got.Removed == nil || len(slices.Collect(r.Removed())) != 1 {
		t.Errorf("what was applied to a removed task is forgotten, or it is managed: %+v", got)
	}
	r.Put(applied(2).Record)
	want("after it came back", 1, 0)
	if len(slices.Collect(r.Removed())) != 0 {
		t.Error("it is removed as well")
	}
	var none *state.Records
	if none.Len() != 0 || none.Has(sampleKey(1)) || none.Get(sampleKey(1)) != nil || len(all(none)) != 0 {
		t.Error("a nil Records is not empty")
	}
}
