package state_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

func taskKey(n int) spec.Key { return spec.Key{ProjectID: "1", TaskID: fmt.Sprint(n)} }

// settled is the record of a task with which nothing is open.
func settled(n int) *state.Record {
	return &state.Record{Key: taskKey(n), Status: state.StatusApplied, Applied: &state.Applied{InstanceVersion: 1}}
}

// intended is the record of a task while a request is under way.
func intended(n int) *state.Record {
	rec := settled(n)
	rec.Status, rec.Attempt = state.StatusIntent, &state.Attempt{ID: "a"}
	return rec
}

// What is open is kept as it is, and changes from one to the other are no second record.
func TestRecords(t *testing.T) {
	r := state.NewRecords(settled(1), intended(2))
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
	r.Put(intended(1))
	want("after an intent", 2, 2)
	r.Put(settled(1))
	r.Put(settled(2))
	want("after both were applied", 2, 0)
	starting := settled(3)
	starting.Applied.Run = &state.Run{Status: state.RunStarting}
	r.Put(starting)
	want("after a start that is followed", 3, 1)
	drifted := settled(3)
	drifted.Applied.Drift = &state.Drifted{Heals: []state.Heal{{OperatedAt: "x"}}}
	r.Put(drifted)
	want("after a heal", 3, 1)
	if got := r.Get(taskKey(3)); got.Applied.Drift == nil {
		t.Error("what is remembered of changes by others is lost")
	}
	r.Delete(taskKey(3))
	r.Delete(taskKey(1))
	want("after two were forgotten", 1, 0)
	if r.Get(taskKey(1)) != nil || r.Has(taskKey(1)) || !r.Has(taskKey(2)) {
		t.Error("what was forgotten is still there, or the other is not")
	}
	gone := settled(2)
	gone.Removed = &state.Removal{At: time.Unix(1, 0)}
	r.Put(gone)
	want("after one was removed", 0, 0)
	if got := r.Get(taskKey(2)); r.Has(taskKey(2)) || got == nil || got.Removed == nil || len(slices.Collect(r.Removed())) != 1 {
		t.Errorf("what was applied to a removed task is forgotten, or it is managed: %+v", got)
	}
	r.Put(settled(2))
	want("after it came back", 1, 0)
	if len(slices.Collect(r.Removed())) != 0 {
		t.Error("it is removed as well")
	}
	var none *state.Records
	if none.Len() != 0 || none.Has(taskKey(1)) || none.Get(taskKey(1)) != nil || len(slices.Collect(none.All())) != 0 {
		t.Error("a nil Records is not empty")
	}
}
