package plan

import (
	"testing"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestImpactOn: a start is a fresh start for a task that is known to run, and for no
// other.
func TestImpactOn(t *testing.T) {
	applied := func(c spec.CommitType) *state.Applied {
		return &state.Applied{CommitType: c, InstanceVersion: 3}
	}
	ran := func(status state.RunStatus) *state.Applied {
		a := applied(spec.Start)
		a.Run = &state.Run{Status: status}
		return a
	}
	stopped := applied(spec.Resume)
	stopped.Drift = &state.Drifted{Undo: &state.Drift{Kind: state.DriftStopped}}
	read := func(a *state.Applied, live state.Live) *state.Record {
		return &state.Record{Applied: a, Status: state.StatusWaiting, Attempt: &state.Attempt{Before: &live}}
	}
	tests := []struct {
		name string
		want spec.Commit
		have *state.Record
		seen *state.Drift
		is   Impact
	}{
		{"a first commit", spec.Commit{CommitType: spec.Start}, nil, nil, ImpactStart},
		{"only suspended before", spec.Commit{CommitType: spec.Start}, &state.Record{}, nil, ImpactStart},
		{"it was started", spec.Commit{CommitType: spec.Start}, &state.Record{Applied: applied(spec.Start)}, nil, ImpactFreshStart},
		{"it was resumed", spec.Commit{CommitType: spec.Start}, &state.Record{Applied: applied(spec.Resume)}, nil, ImpactFreshStart},
		{"it was only submitted", spec.Commit{CommitType: spec.Start}, &state.Record{Applied: applied(spec.Submit)}, nil, ImpactStart},
		{"it came to run", spec.Commit{CommitType: spec.Start}, &state.Record{Applied: ran(state.RunRunning)}, nil, ImpactFreshStart},
		{"it did not come to run", spec.Commit{CommitType: spec.Start}, &state.Record{Applied: ran(state.RunFailed)}, nil, ImpactStart},
		{"an offline task", spec.Commit{CommitType: spec.Start, TaskType: spec.Offline}, &state.Record{Applied: applied(spec.Start)}, nil, ImpactStart},
		{"resume keeps the state", spec.Commit{CommitType: spec.Resume}, &state.Record{Applied: applied(spec.Start)}, nil, ImpactKeepState},
		{"pause-resume keeps it, too", spec.Commit{CommitType: spec.PauseResume}, &state.Record{Applied: applied(spec.Start)}, nil, ImpactPause},
		{"discarding is graver", spec.Commit{CommitType: spec.RestartDiscardState}, &state.Record{Applied: applied(spec.Start)}, nil, ImpactDiscardState},
		{"it was read as stopped", spec.Commit{CommitType: spec.Start}, read(applied(spec.Start), state.Live{Status: state.TaskStopped}), nil, ImpactStart},
		{"it was read as running", spec.Commit{CommitType: spec.Start}, read(applied(spec.Submit), state.Live{Status: state.TaskRunning}), nil, ImpactFreshStart},
		{"a first commit, read as running", spec.Commit{CommitType: spec.Start}, read(nil, state.Live{Status: state.TaskRunning}), nil, ImpactFreshStart},
		{"what was read does not tell", spec.Commit{CommitType: spec.Start}, read(applied(spec.Start), state.Live{Status: state.TaskFailed}), nil, ImpactFreshStart},
		{"seen to be stopped", spec.Commit{CommitType: spec.Start}, &state.Record{Applied: applied(spec.Start)}, &state.Drift{Kind: state.DriftStopped}, ImpactStart},
		{"seen to be started", spec.Commit{CommitType: spec.Start}, &state.Record{Applied: applied(spec.Submit)}, &state.Drift{Kind: state.DriftStarted}, ImpactFreshStart},
		{"seen with another version", spec.Commit{CommitType: spec.Start}, &state.Record{Applied: applied(spec.Start)}, &state.Drift{Kind: state.DriftNewer}, ImpactFreshStart},
		{"its stop is to be healed", spec.Commit{CommitType: spec.Start}, &state.Record{Applied: stopped}, nil, ImpactStart},
	}
	for _, tt := range tests {
		if got := impactOn(&tt.want, tt.have, tt.seen); got != tt.is {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.is)
		}
	}
}
