package drift

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestNextLook is what is new in a look, after the one before.
func TestNextLook(t *testing.T) {
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	drifted := func(task string, kind state.DriftKind, live string) state.Drift {
		d := state.Drift{Key: spec.Key{ProjectID: "1", TaskID: task}, Kind: kind, Detail: live}
		if kind.Drifted() {
			d.Fields = []state.DriftField{{Name: "instanceVersion", Live: live}}
		}
		return d
	}
	tests := []struct {
		name         string
		before       []state.Drift // nil: there was no look
		now          []state.Drift
		kept         string // task, kind, what is live, and whether it is so since this look
		began, ended string
		unknown      int
	}{
		{name: "the first look", now: []state.Drift{drifted("a", state.DriftNewer, "5"), drifted("b", state.DriftLocked, "")}, kept: "a newer 5 new", began: "a"},
		{name: "nothing new", before: []state.Drift{drifted("a", state.DriftNewer, "5")}, now: []state.Drift{drifted("a", state.DriftNewer, "5")}, kept: "a newer 5"},
		{name: "further in the same way", before: []state.Drift{drifted("a", state.DriftNewer, "5")}, now: []state.Drift{drifted("a", state.DriftNewer, "6")}, kept: "a newer 6"},
		{name: "in another way", before: []state.Drift{drifted("a", state.DriftNewer, "5")}, now: []state.Drift{drifted("a", state.DriftOlder, "2")}, kept: "a older 2 new", began: "a"},
		{name: "over", before: []state.Drift{drifted("a", state.DriftNewer, "5")}, now: []state.Drift{}, ended: "a"},
		{name: "committed anew", before: []state.Drift{drifted("a", state.DriftNewer, "5")}, now: []state.Drift{drifted("a", state.DriftPending, "")}, ended: "a"},
		{name: "locked is not over", before: []state.Drift{drifted("a", state.DriftNewer, "5")}, now: []state.Drift{drifted("a", state.DriftLocked, "")}, ended: "a"},
		{name: "not read, and stays", before: []state.Drift{drifted("a", state.DriftNewer, "5")}, now: []state.Drift{drifted("a", state.DriftUnknown, "no"), drifted("b", state.DriftUnknown, "no")}, kept: "a newer 5", unknown: 2},
	}
	for _, tt := range tests {
		var before *state.DriftScan
		if tt.before != nil {
			before = &state.DriftScan{At: at.Add(-time.Hour), Drifted: tt.before}
			for i := range before.Drifted {
				before.Drifted[i].Since = at.Add(-24 * time.Hour)
			}
		}
		next, began, ended := nextScan(before, tt.now, 7, at)
		var kept []string
		for _, d := range next.Drifted {
			text := fmt.Sprintf("%s %s %s", d.Key.TaskID, d.Kind, d.Fields[0].Live)
			if d.Since.Equal(at) {
				text += " new"
			}
			kept = append(kept, text)
		}
		if got := strings.Join(kept, ", "); got != tt.kept || tasksOf(began) != tt.began || tasksOf(ended) != tt.ended || next.Unknown != tt.unknown || next.Count() != len(next.Drifted) {
			t.Errorf("%s: kept %q, began %q, ended %q, %d unknown", tt.name, got, tasksOf(began), tasksOf(ended), next.Unknown)
		}
		if (next.Error != "") != (tt.unknown > 0) {
			t.Errorf("%s: error %q", tt.name, next.Error)
		}
	}
}

func tasksOf(drifts []state.Drift) string {
	var tasks []string
	for _, d := range drifts {
		tasks = append(tasks, d.Key.TaskID)
	}
	return strings.Join(tasks, " ")
}

// What is kept of a look is bounded; all are counted.
func TestNextLook_Bounded(t *testing.T) {
	var drifts []state.Drift
	for i := range state.MaxDrifted + 50 {
		drifts = append(drifts, state.Drift{Key: spec.Key{ProjectID: "1", TaskID: fmt.Sprintf("t%03d", i)}, Kind: state.DriftStopped})
	}
	first, began, _ := nextScan(nil, drifts, len(drifts), driftNow)
	if len(first.Drifted) != state.MaxDrifted || first.Count() != len(drifts) || len(began) != state.MaxDrifted {
		t.Errorf("%d kept, %d counted, %d began", len(first.Drifted), first.Count(), len(began))
	}
	if _, began, ended := nextScan(first, drifts, len(drifts), driftNow.Add(time.Hour)); len(began)+len(ended) > 0 {
		t.Errorf("the same again: %d began, %d ended", len(began), len(ended))
	}
}
