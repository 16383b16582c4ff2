package reconcile

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestNextLook is what is new in a look, after the one before.
func TestNextLook(t *testing.T) {
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	drift := func(task string, kind state.DriftKind, live string) state.Drift {
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
		{name: "the first look", now: []state.Drift{drift("a", state.DriftNewer, "5"), drift("b", state.DriftLocked, "")}, kept: "a newer 5 new", began: "a"},
		{name: "nothing new", before: []state.Drift{drift("a", state.DriftNewer, "5")}, now: []state.Drift{drift("a", state.DriftNewer, "5")}, kept: "a newer 5"},
		{name: "further in the same way", before: []state.Drift{drift("a", state.DriftNewer, "5")}, now: []state.Drift{drift("a", state.DriftNewer, "6")}, kept: "a newer 6"},
		{name: "in another way", before: []state.Drift{drift("a", state.DriftNewer, "5")}, now: []state.Drift{drift("a", state.DriftOlder, "2")}, kept: "a older 2 new", began: "a"},
		{name: "over", before: []state.Drift{drift("a", state.DriftNewer, "5")}, now: []state.Drift{}, ended: "a"},
		{name: "committed anew", before: []state.Drift{drift("a", state.DriftNewer, "5")}, now: []state.Drift{drift("a", state.DriftPending, "")}, ended: "a"},
		{name: "locked is not over", before: []state.Drift{drift("a", state.DriftNewer, "5")}, now: []state.Drift{drift("a", state.DriftLocked, "")}, ended: "a"},
		{name: "not read, and stays", before: []state.Drift{drift("a", state.DriftNewer, "5")}, now: []state.Drift{drift("a", state.DriftUnknown, "no"), drift("b", state.DriftUnknown, "no")}, kept: "a newer 5", unknown: 2},
	}
	for _, tt := range tests {
		var before *state.DriftScan
		if tt.before != nil {
			before = &state.DriftScan{At: at.Add(-time.Hour), Drifted: tt.before}
			for i := range before.Drifted {
				before.Drifted[i].Since = at.Add(-24 * time.Hour)
			}
		}
		next, began, ended := nextLook(before, tt.now, 7, at)
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
	first, began, _ := nextLook(nil, drifts, len(drifts), driftNow)
	if len(first.Drifted) != state.MaxDrifted || first.Count() != len(drifts) || len(began) != state.MaxDrifted {
		t.Errorf("%d kept, %d counted, %d began", len(first.Drifted), first.Count(), len(began))
	}
	if _, began, ended := nextLook(first, drifts, len(drifts), driftNow.Add(time.Hour)); len(began)+len(ended) > 0 {
		t.Errorf("the same again: %d began, %d ended", len(began), len(ended))
	}
}

// observed is an Observer that keeps what looks have found.
type observed struct {
	mu    sync.Mutex
	looks []string
}

func (o *observed) Planned(*plan.Plan)                                {}
func (o *observed) Called(*plan.Change, *state.Record, state.Outcome) {}
func (o *observed) Passed(*Result)                                    {}
func (o *observed) Looked(look *state.DriftScan, began, ended []state.Drift) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looks = append(o.looks, fmt.Sprintf("%s %d drifted, began %q, ended %q", look.At.Format("15:04"), look.Count(), tasksOf(began), tasksOf(ended)))
}

// watching starts a daemon that looks at a library.
func watching(t *testing.T, l *library, ledger Ledger, control state.Control, change func(*Config)) (*Reconciler, *observed, func()) {
	t.Helper()
	o := &observed{}
	reads := pace.New(20)
	cfg := Config{
		Source: &setSource{set: spec.NewSet()}, Ledger: ledger, Observer: o, Logger: silent, Guards: func() *plan.Guards { return new(plan.Guards) },
		Commits: pace.New(20), Reads: reads, Survey: &Survey{Lister: l, Looker: l, Lists: pace.New(LookRate), Looks: reads},
		LookEvery: lasting(time.Hour), Interval: lasting(30 * time.Second), Horizon: lasting(time.Minute), Random: func() float64 { return 0 },
	}
	if change != nil {
		change(&cfg)
	}
	records := state.NewRecords()
	for _, task := range []string{"a", "b"} {
		key := spec.Key{ProjectID: "1", TaskID: task}
		records.Put(&state.Record{Key: key, Status: state.StatusApplied, Applied: &state.Applied{CommitType: spec.Start, Origin: state.OriginAdopted}, Suspended: &state.Suspension{}})
	}
	r := New(cfg, records, control)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.Run(ctx, nil); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() { r.Watch(ctx) })
	return r, o, func() { cancel(); running.Wait() }
}

// A daemon looks a minute after its start, and then each hour; what it finds is told
// once, is kept, and is in its status at once.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{lists: map[string][][]string{"1 realtime": {{"a"}}}, alone: map[string]bool{"1/b": true}}
		ledger := &ledgerOf{}
		r, o, stop := watching(t, l, ledger, state.Control{}, nil)
		time.Sleep(150 * time.Minute)
		l.mu.Lock()
		l.lists["1 realtime"] = [][]string{{"a", "b"}}
		l.mu.Unlock()
		time.Sleep(time.Hour)
		stop()
		want := []string{
			`00:01 1 drifted, began "b", ended ""`,
			`01:01 1 drifted, began "", ended ""`,
			`02:01 1 drifted, began "", ended ""`,
			`03:01 0 drifted, began "", ended "b"`,
		}
		if diff := cmp.Diff(want, o.looks); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if s := r.Status(); s.Look == nil || s.Look.Count() != 0 || s.Look.At.Format("15:04") != "03:01" {
			t.Errorf("status: %+v", s.Look)
		}
		var kept []string
		for _, tr := range ledger.saved {
			for _, e := range tr.Events {
				if e.Kind == state.EventDrift && tr.Control != nil && tr.Control.DriftScan != nil {
					kept = append(kept, fmt.Sprintf("%s %s: %s", tr.Control.DriftScan.At.Format("15:04"), e.Key.TaskID, e.Note))
				}
			}
		}
		want = []string{"00:01 b: not-submitted, status running -> not submitted", "03:01 b: it has drifted no longer: it was not-submitted"}
		if diff := cmp.Diff(want, kept); diff != "" {
			t.Errorf("in the state (-want +got):\n%s", diff)
		}
	})
}

// After a restart the next look is when it would have been, and what was told before
// is not told again.
func TestWatch_Restart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{lists: map[string][][]string{"1 realtime": {{"a"}}}, alone: map[string]bool{"1/b": true}}
		kept := &state.DriftScan{At: time.Now().Add(-30 * time.Minute), Drifted: []state.Drift{{Key: spec.Key{ProjectID: "1", TaskID: "b"}, Kind: state.DriftNotSubmitted}}}
		_, o, stop := watching(t, l, nowhere{}, state.Control{DriftScan: kept}, nil)
		time.Sleep(45 * time.Minute)
		stop()
		if diff := cmp.Diff([]string{`00:30 1 drifted, began "", ended ""`}, o.looks); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// Without an interval, or without what reads, nobody looks.
func TestWatch_Off(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no interval": func(c *Config) { c.LookEvery = lasting(0) },
		"no reader":   func(c *Config) { c.Survey = nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &library{}
			_, o, stop := watching(t, l, nowhere{}, state.Control{}, change)
			time.Sleep(24 * time.Hour)
			stop()
			if len(o.looks) > 0 || len(l.asked) > 0 {
				t.Errorf("%s: asked %v", name, l.asked)
			}
		})
	}
}

// Somebody who asks for a look has it at once, also from a daemon that did not look
// before, or while another look waits to be confirmed; from then on it goes by the time
// between looks that there is now.
func TestWatch_Again(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{lists: map[string][][]string{"1 realtime": {{"a"}}}, alone: map[string]bool{"1/b": true}}
		var every atomic.Int64
		r, o, stop := watching(t, l, nowhere{}, state.Control{}, func(c *Config) {
			c.LookEvery = func() time.Duration { return time.Duration(every.Load()) }
		})
		time.Sleep(3 * time.Hour)
		every.Store(int64(4 * time.Hour))
		r.LookAgain()
		time.Sleep(10 * time.Second) // it has seen drift, and waits to look once more
		every.Store(int64(time.Hour))
		r.LookAgain()
		time.Sleep(90 * time.Minute)
		every.Store(0)
		time.Sleep(24 * time.Hour)
		stop()
		want := []string{
			`03:00 1 drifted, began "b", ended ""`,
			`04:00 1 drifted, began "", ended ""`,
		}
		if diff := cmp.Diff(want, o.looks); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// While commits are made, a look waits.
func TestWatch_GivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{lists: map[string][][]string{"1 realtime": {{"a", "b"}}}}
		// No pass but the first comes in between and finds that there are none.
		r, _, stop := watching(t, l, nowhere{}, state.Control{}, func(c *Config) { c.Interval = lasting(time.Hour) })
		time.Sleep(59 * time.Second)
		r.busy.Store(true)
		time.Sleep(10 * time.Second)
		l.mu.Lock()
		asked := len(l.asked)
		l.mu.Unlock()
		if asked > 0 {
			t.Errorf("it asked %d times while commits were made", asked)
		}
		r.busy.Store(false)
		time.Sleep(3 * time.Second)
		stop()
		if len(l.asked) != 1 {
			t.Errorf("asked %v", l.asked)
		}
	})
}

// A look that is not permitted says so, and nothing else is affected.
func TestWatch_Denied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{fails: map[string][]error{"list 1 realtime 1": {fmt.Errorf("list: %w", plan.ErrReadDenied)}}}
		r, o, stop := watching(t, l, nowhere{}, state.Control{}, nil)
		time.Sleep(2 * time.Minute)
		stop()
		look := r.Status().Look
		if look == nil || look.Unknown != 2 || !strings.Contains(look.Error, plan.ErrReadDenied.Error()) || look.Count() != 0 || len(o.looks) != 1 {
			t.Errorf("%+v, %v", look, o.looks)
		}
	})
}

// lasting is a time that does not change.
func lasting(d time.Duration) func() time.Duration { return func() time.Duration { return d } }
