package plan

import (
	"testing"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// What a read tells of the job, just before a commit, holds it where state would be lost, or
// where its outcome would not be known; what is not told holds nothing.
func TestDoubt_job(t *testing.T) {
	none := &state.Vitals{NoSavepoint: true, ReadPhase: state.Untold}
	for _, tt := range []struct {
		name    string
		of      spec.CommitType
		status  state.TaskStatus
		vitals  *state.Vitals
		forced  bool
		code    string
		waits   bool
		restart bool // of a full phase
	}{
		{"nothing is told", spec.Resume, state.TaskRunning, nil, false, "", false, false},
		{"keeps a state that is not there", spec.Resume, state.TaskRunning, none, false, CodeNoSavepoint, false, false},
		{"pauses without a savepoint", spec.PauseResume, state.TaskFailed, none, false, CodeNoSavepoint, false, false},
		{"never ran", spec.Resume, state.TaskNotStarted, none, false, "", false, false},
		{"an operator asks for it", spec.Resume, state.TaskRunning, none, true, "", false, false},
		{"discards the state", spec.RestartDiscardState, state.TaskRunning, none, false, "", false, false},
		{"starts", spec.Start, state.TaskPaused, none, false, "", false, false},
		{"in operation", spec.Start, state.TaskInOperation, nil, false, "", true, false},
		{"stopping", spec.Resume, state.TaskStopping, nil, false, "", true, false},
		{"submits while it is in operation", spec.Submit, state.TaskInOperation, nil, false, "", false, false},
		{"discards in the full phase", spec.RestartDiscardState, state.TaskRunning, &state.Vitals{ReadPhase: 1}, false, "", false, true},
		{"discards after it", spec.RestartDiscardState, state.TaskRunning, &state.Vitals{ReadPhase: 2}, false, "", false, false},
		{"keeps state in the full phase", spec.Resume, state.TaskRunning, &state.Vitals{ReadPhase: 0}, false, "", false, false},
	} {
		want := &spec.Commit{Key: spec.Key{ProjectID: "1", TaskID: "a"}, CommitType: tt.of, InstanceVersion: 2}
		rec := &state.Record{Key: want.Key, Status: state.StatusApplied, Applied: &state.Applied{InstanceVersion: 1, OperateID: "ours"}}
		if tt.forced {
			rec.Status, rec.Attempt = state.StatusWaiting, &state.Attempt{Forced: true, WantedID: want.Wanted()}
		}
		c := &Change{Key: want.Key, Action: ActionCommit, Reason: ReasonVersion, Impact: ImpactOf(tt.of), Want: want, Have: rec}
		live := &state.Live{InstanceVersion: 1, OperateID: "ours", Status: tt.status, Vitals: tt.vitals}
		code, why := Doubt(c, live, "")
		if code != tt.code || (why == "") != (code == "") {
			t.Errorf("%s: %q: %s, want %q", tt.name, code, why, tt.code)
		}
		if waits := InOperation(c, live) != ""; waits != tt.waits {
			t.Errorf("%s: it waits: %v", tt.name, waits)
		}
		if restart := losesFullPhase(c, live) != ""; restart != tt.restart {
			t.Errorf("%s: its full phase begins again: %v", tt.name, restart)
		}
	}
}
