package release_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/state"
)

// TestRows: an attempt is one row from its intent to its read-back, and tries that waited
// are in the row of the one after them.
func TestRows(t *testing.T) {
	t.Parallel()
	m := twoReleases()
	attempts := []string{"0", "1", "1", "2", "2", "3", "3", "3", "3", "4", "4", "", ""}
	for i := range m.events {
		m.events[i].Attempt, m.events[i].Seq = attempts[i], int64(i)+1
		m.events[i].Actor = "Ada"
	}
	m.events[7].Note, m.events[8].Note, m.events[8].Attempt = "live", "runs", "" // a run has no attempt
	events := slices.Clone(m.events)
	slices.Reverse(events)
	type row struct {
		seq   int64
		began int
		tries int
		stage state.Stage
		code  string
		notes []string
	}
	var got []row
	for _, r := range release.Rows(events) {
		got = append(got, row{r.Event.Seq, int(r.At.Sub(at(0)).Seconds()), r.Tries, r.Stage, r.Outcome.Code, r.Notes})
	}
	want := []row{
		{13, 3640, 0, "", "", nil},
		{12, 40, 0, state.StageLive, "", []string{"resolve: orders is marked as live"}},
		{11, 31, 1, state.StageUnknown, "Timeout", nil},
		{9, 20, 0, state.StageRunning, "", []string{"runs"}},
		{8, 3, 3, state.StageStarting, "", []string{"live"}},
		{1, 1, 1, state.StageLive, "", nil},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
