package state_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// fill gives every field of v that has not got one a value that is not zero.
func fill(t *testing.T, v reflect.Value, n int) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(rune('a'+n)) + "äß")
	case reflect.Int64, reflect.Int:
		v.SetInt(int64(n)*1_000_003 - 7)
	case reflect.Uint8:
		v.SetUint(uint64(n + 1))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), n+i)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), n+i)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1_790_000_000, int64(n)+1).UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).Type() != reflect.TypeFor[*state.Drifted]() { // a record with one is not packed
				fill(t, v.Field(i), n+i)
			}
		}
	default:
		t.Fatalf("there is no sample for a %s", v.Kind())
	}
}

// Nothing of a record is lost: all of its fields together, each by itself, and each
// one missing. Who adds a field to a record adds it to what is packed.
func TestRecords_KeepEveryField(t *testing.T) {
	key := sampleKey(1)
	whole := state.Record{Key: key, Status: state.StatusApplied, Applied: new(state.Applied)}
	fill(t, reflect.ValueOf(whole.Applied).Elem(), 3)
	samples := map[string]state.Applied{"all": *whole.Applied, "none": {}}
	fields := reflect.TypeFor[state.Applied]()
	for i := range fields.NumField() {
		alone, without := state.Applied{}, *whole.Applied
		reflect.ValueOf(&alone).Elem().Field(i).Set(reflect.ValueOf(whole.Applied).Elem().Field(i))
		reflect.ValueOf(&without).Elem().Field(i).SetZero()
		samples["only "+fields.Field(i).Name], samples["without "+fields.Field(i).Name] = alone, without
	}
	for name, a := range samples {
		t.Run(name, func(t *testing.T) {
			want := state.Record{Key: key, Status: state.StatusApplied, Applied: &a}
			if name == "all" {
				want.Removed = new(state.Removal)
				fill(t, reflect.ValueOf(want.Removed).Elem(), 5)
			}
			got := state.NewRecords(&want).Get(key)
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("(-put +got):\n%s", diff)
			}
			if got == &want {
				t.Error("the record was not packed")
			}
		})
	}
}

// What records are packed into goes with the number that saved records begin with: who
// changes the one raises the other, or a new version takes old ones for what they are
// not.
func TestRecords_PackedForm(t *testing.T) {
	r := applied(1).Record
	r.Applied = new(state.Applied)
	fill(t, reflect.ValueOf(r.Applied).Elem(), 3)
	r.Removed = new(state.Removal)
	fill(t, reflect.ValueOf(r.Removed).Elem(), 5)
	golden(t, "records.packed", state.PackedForm(r))
}

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

// To share the text of a key changes nothing that can be seen.
func TestRecords_ShareKey(t *testing.T) {
	r := state.NewRecords(applied(1).Record, intent(2).Record)
	before := all(r)
	for n := range 4 {
		r.ShareKey(spec.Key{ProjectID: sampleKey(n).ProjectID, TaskID: sampleKey(n).TaskID})
	}
	if diff := cmp.Diff(before, all(r)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
