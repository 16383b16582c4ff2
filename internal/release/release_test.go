package release_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// at returns the time of second s of the tests.
func at(s int) time.Time { return time.Date(2026, 3, 9, 12, 0, s, 0, time.UTC) }

var orders = spec.Key{ProjectID: "1", TaskID: "orders"}

// memory is a state in memory: events in order of time.
type memory struct {
	control state.Control
	events  []state.Event
}

func (m *memory) Control(context.Context) (state.Control, error) { return m.control, nil }

func (m *memory) History(_ context.Context, q state.HistoryQuery) ([]state.Event, error) {
	var rows []state.Event
	for i := len(m.events) - 1; i >= 0 && len(rows) < q.Limit; i-- {
		e := m.events[i]
		if e.Seq = int64(i) + 1; q.Before == 0 || e.Seq < q.Before {
			rows = append(rows, e)
		}
	}
	return rows, nil
}

func event(s int, kind state.EventKind, revision string, stage state.Stage, out state.Outcome) state.Event {
	e := state.Event{At: at(s), Kind: kind, Key: orders, Revision: revision, Stage: stage, Outcome: out}
	if kind != state.EventReadBack {
		e.Wanted = &state.Wanted{Name: "orders", CommitType: "start", InstanceVersion: 4, Reason: "version"}
	}
	return e
}

// twoReleases is a state with a release that waited for a lock before its task ran, and one
// after it.
func twoReleases() *memory {
	first, second := strings.Repeat("a", 40), strings.Repeat("ab", 20)
	locked := state.Outcome{Class: state.ClassWaiting, Code: "TaskLocked", Locker: "100012"}
	return &memory{
		control: state.Control{Releases: []state.Release{
			{Revision: first, CommittedAt: at(0), SeenAt: at(2), EndedAt: at(20), Outcome: state.ReleaseDone, Commits: 1},
			{Revision: second, SeenAt: at(30), Outcome: state.ReleaseUnderWay, Commits: 1},
		}},
		events: []state.Event{
			event(1, state.EventOutcome, "earlier", state.StageLive, state.Outcome{Class: state.ClassApplied}),
			event(3, state.EventIntent, first, state.StageSending, state.Outcome{}),
			event(4, state.EventOutcome, first, state.StageLocked, locked),
			event(8, state.EventIntent, first, state.StageSending, state.Outcome{}),
			event(9, state.EventOutcome, first, state.StageLocked, locked),
			event(12, state.EventIntent, first, state.StageSending, state.Outcome{}),
			event(13, state.EventOutcome, first, state.StageAccepted, state.Outcome{Class: state.ClassApplied, RequestID: "r1"}),
			event(15, state.EventReadBack, first, state.StageStarting, state.Outcome{}),
			event(20, state.EventReadBack, first, state.StageRunning, state.Outcome{}),
			event(31, state.EventIntent, second, state.StageSending, state.Outcome{}),
			event(32, state.EventOutcome, second, state.StageUnknown, state.Outcome{Class: state.ClassUnknown, Code: "Timeout"}),
			{At: at(40), Kind: state.EventCommand, Key: orders, Stage: state.StageLive, Note: "resolve: orders is marked as live"},
			{At: at(40 + 60*60), Kind: state.EventDrift, Key: orders},
		},
	}
}

func TestRead_TellsWhatHappenedToEachTask(t *testing.T) {
	t.Parallel()
	got, err := release.Read(t.Context(), twoReleases(), strings.Repeat("a", 40))
	if err != nil {
		t.Fatal(err)
	}
	want := []release.Task{{
		Key: orders, Wanted: state.Wanted{Name: "orders", CommitType: "start", InstanceVersion: 4, Reason: "version"},
		Stage: state.StageRunning, BeganAt: at(3), SentAt: at(12), AcceptedAt: at(13), LiveAt: at(15), RunningAt: at(20), Requests: 3,
		Outcome: state.Outcome{Class: state.ClassApplied, RequestID: "r1"},
		Waits:   []release.Wait{{Code: "TaskLocked", Locker: "100012", Since: at(4), Until: at(13)}},
	}}
	if diff := cmp.Diff(want, got.Tasks); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	if took, merged := got.Took(at(99)), got.SinceCommit(at(99)); took != 18*time.Second || merged != 20*time.Second {
		t.Errorf("it took %s, and %s from the commit, want 18s and 20s", took, merged)
	}
	if sent, live := got.Sent(), got.LiveAt(); sent != 3 || !live.Equal(at(15)) {
		t.Errorf("%d requests, live at %s, want 3 and %s", sent, live, at(15))
	}
}

func TestRead_TakesInWhatAnOperatorResolved(t *testing.T) {
	t.Parallel()
	got, err := release.Read(t.Context(), twoReleases(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Tasks) != 1 || got.Tasks[0].Stage != state.StageLive || got.Tasks[0].Requests != 1 || got.Took(at(45)) != 15*time.Second {
		t.Errorf("the newest release is %+v, want one live task of one request", got)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	c := &twoReleases().control
	if list := release.Newest(c, 1); len(list) != 1 || list[0].Revision != c.Releases[1].Revision {
		t.Errorf("Newest(1) is %+v, want the second release", list)
	}
	for name, want := range map[string]string{"": c.Releases[1].Revision, "ABAB": c.Releases[1].Revision, "aaaa": c.Releases[0].Revision} {
		if got, err := release.Find(c, name); err != nil || got.Revision != want {
			t.Errorf("Find(%q) = %s, %v, want %s", name, got.Revision, err, want)
		}
	}
	for _, name := range []string{"a", "ffff", strings.Repeat("b", 40)} {
		if _, err := release.Find(c, name); !errors.Is(err, release.ErrUnknown) {
			t.Errorf("Find(%q): %v, want ErrUnknown", name, err)
		}
	}
	c.Releases[1].Revision = "aaaab"
	_, err := release.Find(c, "aaaa")
	if e, ok := errors.AsType[*release.AmbiguousError](err); !ok || len(e.Revisions) != 2 {
		t.Errorf("Find of the beginning of two: %v, want an AmbiguousError with both", err)
	}
	if _, err := release.Find(&state.Control{}, ""); !errors.Is(err, release.ErrUnknown) {
		t.Errorf("Find without releases: %v, want ErrUnknown", err)
	}
}
