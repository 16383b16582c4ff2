package sqlstore_test

import (
	"errors"
	"testing"

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
