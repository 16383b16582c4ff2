package sqlstore_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/state"
)

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

// Texts are what others have written: what Load takes them apart by may be in them.
func TestLoad_Separators(t *testing.T) {
	s := open(t, statePath(t))
	const separator = "\x1f"
	var want []*state.Record
	for i := range 4 {
		transition := applied(i)
		if i != 1 {
			transition.Record.Applied.RequestID = separator + "request" + separator
		}
		want = append(want, transition.Record)
		if err := s.Save(t.Context(), transition); err != nil {
			t.Fatal(err)
		}
	}
	records, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range want {
		if d := cmp.Diff(rec, records.Get(rec.Key)); d != "" {
			t.Errorf("saved and read differ (-saved +read):\n%s", d)
		}
	}
}
