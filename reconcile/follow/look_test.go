package follow_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/follow"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestLook has what a look at a started task decides, by what this one and
// the one before have shown.
func TestLook(t *testing.T) {
	live := func(status state.TaskStatus, version int64) *state.Live {
		return &state.Live{Status: status, InstanceVersion: version}
	}
	gone := fmt.Errorf("read: %w", plan.ErrTaskGone)
	missing := &state.Live{Missing: true}
	var none *state.Live
	tests := []struct {
		name    string
		before  *state.Live // nil: no look, or one that failed
		now     *state.Live
		err     error
		late    bool // the time is over
		want    state.RunStatus
		details string
	}{
		{name: "runs, seen twice", before: live(3, 2), now: live(3, 2), want: state.RunRunning},
		{name: "runs, seen once", now: live(3, 2), want: state.RunStarting},
		{name: "runs, and ran at another version before", before: live(3, 1), now: live(3, 2), want: state.RunStarting},
		{name: "runs at the version before", before: live(3, 1), now: live(3, 1), want: state.RunStarting},
		{name: "runs at no version that is told", before: live(3, 0), now: live(3, 0), want: state.RunRunning},
		{name: "runs, seen twice, at the last moment", before: live(3, 2), now: live(3, 2), late: true, want: state.RunRunning},
		{name: "runs, seen once, too late: the next look decides", now: live(3, 2), late: true, want: state.RunStarting},
		{name: "stopped on its way", before: live(6, 2), now: live(6, 2), want: state.RunStarting},
		{name: "stopped, too late", before: live(6, 2), now: live(6, 2), late: true, want: state.RunLate, details: "stopped"},
		{name: "failed, seen once", now: live(7, 2), want: state.RunStarting},
		{name: "failed, seen twice", before: live(7, 2), now: live(7, 2), want: state.RunFailed, details: "failed"},
		{name: "failed at the version before", before: live(7, 1), now: live(7, 1), want: state.RunStarting},
		{name: "abnormal, seen twice", before: live(20, 2), now: live(20, 2), want: state.RunFailed, details: "abnormal"},
		{name: "failed after it ran", before: live(3, 2), now: live(7, 2), want: state.RunStarting},
		{name: "gone, seen once", now: missing, err: gone, want: state.RunStarting},
		{name: "gone, seen twice", before: missing, now: missing, err: gone, want: state.RunFailed, details: "no such task"},
		{name: "at another version, too late", before: live(3, 9), now: live(3, 9), late: true, want: state.RunLate, details: "version 9"},
		{name: "cannot be read", before: none, err: errors.New("no usable answer"), want: state.RunStarting},
		{name: "cannot be read, too late", before: live(3, 2), err: errors.New("no usable answer"), late: true, want: state.RunLate, details: "no usable answer"},
		{name: "may not be read, too late", err: fmt.Errorf("read: %w", plan.ErrReadDenied), late: true, want: state.RunLate, details: "not permitted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			applied := &state.Applied{CommitType: spec.Start, InstanceVersion: 2, Wait: 60}
			applied.Run = &state.Run{Status: state.RunStarting, Since: noon, Until: noon.Add(time.Minute)}
			now := noon.Add(10 * time.Second)
			var last *state.Observation
			if tt.before != nil {
				if _, last = follow.Look(applied, nil, tt.before, nil, now); last == nil {
					t.Fatal("one look decides")
				}
			}
			if tt.late {
				now = applied.Run.Until
			}
			run, _ := follow.Look(applied, last, tt.now, tt.err, now)
			if run.Status != tt.want || !strings.Contains(run.Detail, tt.details) || (tt.details == "") != (run.Detail == "") {
				t.Errorf("%+v, want %s: %s", run, tt.want, tt.details)
			}
			if run.Status != state.RunStarting && !run.Since.Equal(now) {
				t.Errorf("since %v, want %v", run.Since, now)
			}
		})
	}
}
