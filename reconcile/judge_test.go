package reconcile

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const testHorizon = 310 * time.Second

func (v Verdict) String() string {
	return [...]string{"open", "happened", "not happened", "person"}[v]
}

// TestJudge has what reading back can find. The attempt is to start version 3,
// unless the row says otherwise.
func TestJudge(t *testing.T) {
	start3 := state.Applied{CommitType: spec.Start, InstanceVersion: 3}
	submit3 := state.Applied{CommitType: spec.Submit, InstanceVersion: 3}
	restart3 := state.Applied{CommitType: spec.RestartDiscardState, InstanceVersion: 3}
	startAny := state.Applied{CommitType: spec.Resume}
	submitAny := state.Applied{CommitType: spec.Submit}

	at := func(version int64, status state.TaskStatus, operation string) *state.Live {
		return &state.Live{InstanceVersion: version, Status: status, Submitted: version > 0, OperateID: operation}
	}
	submitted := func(version int64, is bool, operation string) *state.Live {
		return &state.Live{InstanceVersion: version, Status: state.TaskNotStarted, Submitted: is, OperateID: operation}
	}
	locked := func(l *state.Live) *state.Live {
		next := *l
		next.Locked, next.Locker = true, "100028625403"
		return &next
	}
	running2, running3 := at(2, state.TaskRunning, "op1"), at(3, state.TaskRunning, "op2")
	const (
		soon    = 2 * time.Second
		almost  = testHorizon - 1
		decides = testHorizon
		settles = testHorizon + settleTime - 1
		never   = testHorizon + settleTime
	)
	tests := []struct {
		name   string
		wanted state.Applied
		before *state.Live
		live   *state.Live
		after  time.Duration
		want   Verdict
	}{
		{"the wanted version runs", start3, running2, running3, soon, VerdictHappened},
		{"the wanted version runs, just before the horizon", start3, running2, running3, almost, VerdictHappened},
		{"the wanted version runs, a day later", start3, running2, running3, 24 * time.Hour, VerdictHappened},
		{"the wanted version runs, at once", start3, running2, running3, 0, VerdictHappened},
		{"the wanted version runs, and is locked", start3, running2, locked(running3), soon, VerdictHappened},
		{"started from stopped", start3, at(3, state.TaskStopped, "op1"), running3, soon, VerdictHappened},
		{"started from failed, by the same operation", start3, at(3, state.TaskFailed, "op1"), at(3, state.TaskRunning, "op1"), soon, VerdictHappened},
		{"started from nothing", start3, at(0, 0, ""), running3, soon, VerdictHappened},
		{"restarted at another version", restart3, running2, running3, soon, VerdictHappened},

		{"as before", start3, running2, running2, 0, VerdictOpen},
		{"as before, soon", start3, running2, running2, soon, VerdictOpen},
		{"as before, just before the horizon", start3, running2, running2, almost, VerdictOpen},
		{"as before, at the horizon", start3, running2, running2, decides, VerdictNotHappened},
		{"as before, a day later", start3, running2, running2, 24 * time.Hour, VerdictNotHappened},
		{"as before, and locked now", start3, running2, locked(running2), decides, VerdictNotHappened},
		{"as before, and no longer locked", start3, locked(running2), running2, decides, VerdictNotHappened},
		{"as before, and locked by another", start3, locked(running2), &state.Live{InstanceVersion: 2, Status: state.TaskRunning, Submitted: true, OperateID: "op1", Locked: true, Locker: "9"}, decides, VerdictNotHappened},
		{"stopped as before", start3, at(3, state.TaskStopped, "op1"), at(3, state.TaskStopped, "op1"), decides, VerdictNotHappened},
		{"never committed, as before", start3, at(0, 0, ""), at(0, 0, ""), decides, VerdictNotHappened},

		{"in operation", start3, running2, at(3, state.TaskInOperation, "op2"), soon, VerdictOpen},
		{"in operation, at the horizon", start3, running2, at(3, state.TaskInOperation, "op2"), decides, VerdictOpen},
		{"in operation, while it may settle", start3, running2, at(3, state.TaskInOperation, "op2"), settles, VerdictOpen},
		{"in operation, for too long", start3, running2, at(3, state.TaskInOperation, "op2"), never, VerdictPerson},
		{"stopping", start3, running2, at(2, state.TaskStopping, "op2"), soon, VerdictOpen},
		{"started, and failed", start3, running2, at(3, state.TaskFailed, "op2"), never, VerdictPerson},
		{"another version runs", start3, running2, at(4, state.TaskRunning, "op2"), soon, VerdictOpen},
		{"another version runs, for good", start3, running2, at(4, state.TaskRunning, "op2"), never, VerdictPerson},
		{"the same version was operated", start3, running2, at(2, state.TaskRunning, "op2"), decides, VerdictOpen},
		{"the same version was operated, for good", start3, running2, at(2, state.TaskRunning, "op2"), never, VerdictPerson},
		{"a restart more", start3, running2, &state.Live{InstanceVersion: 2, Status: state.TaskRunning, Submitted: true, OperateID: "op1", NumRestarts: 1}, never, VerdictPerson},

		{"again at the version it had, and as before", start3, running3, running3, decides, VerdictNotHappened},
		{"again at the version it had, and as before, too early", start3, running3, running3, almost, VerdictOpen},
		{"again at the version it had, and operated", start3, running3, at(3, state.TaskRunning, "op3"), soon, VerdictOpen},
		{"again at the version it had, and operated, for good", start3, running3, at(3, state.TaskRunning, "op3"), never, VerdictPerson},
		{"again at the version it had, without a trace", start3, at(3, state.TaskRunning, ""), at(3, state.TaskRunning, ""), never, VerdictPerson},
		{"again at the version it had, without a trace, too early", start3, at(3, state.TaskRunning, ""), at(3, state.TaskRunning, ""), almost, VerdictOpen},
		{"a new version would be the trace", start3, at(2, state.TaskRunning, ""), at(2, state.TaskRunning, ""), decides, VerdictNotHappened},
		{"running would be the trace", start3, at(3, state.TaskStopped, ""), at(3, state.TaskStopped, ""), decides, VerdictNotHappened},
		{"a time of update is a trace", start3, &state.Live{InstanceVersion: 3, Status: state.TaskRunning, UpdateTime: "x"}, &state.Live{InstanceVersion: 3, Status: state.TaskRunning, UpdateTime: "x"}, decides, VerdictNotHappened},

		{"submitted", submit3, submitted(2, true, "op1"), submitted(3, true, "op2"), soon, VerdictHappened},
		{"submitted for the first time", submit3, submitted(3, false, ""), submitted(3, true, "op2"), soon, VerdictHappened},
		{"submitted, and it runs", submit3, running2, running3, soon, VerdictHappened},
		{"not submitted", submit3, submitted(3, false, ""), submitted(3, false, ""), decides, VerdictNotHappened},
		{"submitted before", submit3, submitted(3, true, "op1"), submitted(3, true, "op1"), decides, VerdictNotHappened},
		{"the version is saved and not submitted", submit3, submitted(2, true, "op1"), submitted(3, false, "op2"), never, VerdictPerson},

		{"no version, and it runs now", startAny, at(2, state.TaskStopped, "op1"), at(7, state.TaskRunning, "op2"), soon, VerdictHappened},
		{"no version, and it ran before", startAny, running2, at(7, state.TaskRunning, "op2"), never, VerdictPerson},
		{"no version, and as before", startAny, running2, running2, decides, VerdictNotHappened},
		{"no version, submitted now", submitAny, submitted(0, false, ""), submitted(0, true, ""), soon, VerdictHappened},
		{"an offline task without a version, submitted before and after", submit3, submitted(0, true, ""), submitted(0, true, ""), never, VerdictPerson},
		{"an offline task without a version, not submitted", submit3, submitted(0, false, ""), submitted(0, false, ""), decides, VerdictNotHappened},

		{"there was no such task, and now it runs", start3, &state.Live{Missing: true}, running3, soon, VerdictHappened},
		{"there was no such task, and there is none", start3, &state.Live{Missing: true}, &state.Live{Missing: true}, decides, VerdictNotHappened},
		{"there was no such task, and there is none, too early", start3, &state.Live{Missing: true}, &state.Live{Missing: true}, almost, VerdictOpen},
		{"there is no such task any more", start3, running2, &state.Live{Missing: true}, decides, VerdictOpen},
		{"there is no such task any more, for good", start3, running2, &state.Live{Missing: true}, never, VerdictPerson},

		{"before is not known, and it is as wanted", start3, nil, running3, soon, VerdictPerson},
		{"before is not known, and it is not", start3, nil, running2, 24 * time.Hour, VerdictPerson},
	}
	if len(tests) < 40 {
		t.Fatalf("%d situations, want at least 40", len(tests))
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, why := Judge(&state.Attempt{Wanted: tt.wanted, At: noon, Before: tt.before}, tt.live, noon.Add(tt.after), testHorizon)
			if got != tt.want {
				t.Errorf("%v (%s), want %v", got, why, tt.want)
			}
			if (why != "") != (got == VerdictPerson) {
				t.Errorf("%v, because %q", got, why)
			}
		})
	}
}

func drawLive(t *rapid.T, name string) *state.Live {
	return &state.Live{
		InstanceVersion: rapid.Int64Range(0, 3).Draw(t, name+" version"),
		Status:          state.TaskStatus(rapid.IntRange(0, 7).Draw(t, name+" status")),
		Submitted:       rapid.Bool().Draw(t, name+" submitted"),
		Locked:          rapid.Bool().Draw(t, name+" locked"),
		OperateID:       rapid.SampledFrom([]string{"", "op1", "op2"}).Draw(t, name+" operation"),
		NumRestarts:     rapid.Int64Range(0, 1).Draw(t, name+" restarts"),
		UpdateTime:      rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, name+" update"),
	}
}

// TestJudgeLaws: never is it said that a commit did not happen before the horizon,
// or when anything has changed; never that it did when what is wanted was before;
// and what was decided stays decided.
func TestJudgeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := &state.Attempt{At: noon, Wanted: state.Applied{
			CommitType:      spec.CommitType(rapid.IntRange(0, 4).Draw(t, "type")),
			InstanceVersion: rapid.Int64Range(0, 3).Draw(t, "version"),
		}}
		if rapid.IntRange(0, 9).Draw(t, "before") > 0 {
			a.Before = drawLive(t, "before")
		}
		live := drawLive(t, "live")
		if a.Before != nil && rapid.Bool().Draw(t, "unmoved") {
			*live = *a.Before
		}
		after := rapid.SampledFrom([]time.Duration{0, time.Second, testHorizon - 1, testHorizon, testHorizon + settleTime, time.Hour}).Draw(t, "after")
		v, _ := Judge(a, live, noon.Add(after), testHorizon)
		switch v {
		case VerdictHappened:
			if a.Before == nil || reached(&a.Wanted, a.Before) || !reached(&a.Wanted, live) {
				t.Fatal("happened, and it was so before, or is not")
			}
		case VerdictNotHappened:
			if after < testHorizon || a.Before == nil || moved(a.Before, live) {
				t.Fatal("not happened, and it may be yet")
			}
		case VerdictOpen:
			if later, _ := Judge(a, live, noon.Add(24*time.Hour), testHorizon); later == VerdictOpen {
				t.Fatal("open for ever")
			}
		}
		if v == VerdictHappened || v == VerdictNotHappened {
			if later, _ := Judge(a, live, noon.Add(after+time.Hour), testHorizon); later != v {
				t.Fatalf("%v, and later %v", v, later)
			}
		}
	})
}
