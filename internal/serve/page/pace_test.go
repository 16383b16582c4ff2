package page

import (
	"testing"

	"github.com/wedatasync/wedatasync/state"
)

// TestFollowWords: what WeData does not report is not a zero, and restarts are counted as the
// verdict on the task counts them.
func TestFollowWords(t *testing.T) {
	look := func(lag, restarts int64) state.Observation {
		return state.Observation{Lag: lag, Restarts: restarts, Status: state.TaskRunning}
	}
	const untold = state.Untold
	for _, tt := range []struct {
		bound int64
		seen  []state.Observation
		want  string
	}{
		{60, []state.Observation{look(340, 0), look(20, 0)}, "The lag was 20s in the last read, and has to be less than 1m (dashed line); no restarts."},
		{0, []state.Observation{look(5, 4), look(5, 7)}, "The lag was 5s in the last read; 3 restarts (marks below)."},
		{0, []state.Observation{look(5, 4), look(5, 0), look(5, 1)}, "The lag was 5s in the last read; 1 restart (marks below)."},
		{60, []state.Observation{look(untold, untold)}, "WeData does not report its lag, which has to be less than 1m (dashed line); WeData does not report its restarts."},
	} {
		rec := &state.Record{Applied: &state.Applied{Healthy: &state.Healthy{Lag: tt.bound}, Run: &state.Run{Observations: tt.seen}}}
		if got := followOf(rec).Words; got != tt.want {
			t.Errorf("%v: %q, want %q", tt.seen, got, tt.want)
		}
	}
	if followOf(&state.Record{Applied: &state.Applied{Run: &state.Run{}}}) != nil {
		t.Error("a job of which nothing was kept has a picture")
	}
}
