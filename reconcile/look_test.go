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

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// observed is an Observer that keeps what looks have found.
type observed struct {
	mu    sync.Mutex
	looks []string
}

func (o *observed) Planned(*plan.Plan)                                {}
func (o *observed) Called(*plan.Change, *state.Record, state.Outcome) {}
func (o *observed) Passed(*Result)                                    {}
func (o *observed) Scanned(look *state.DriftScan, began, ended []state.Drift) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looks = append(o.looks, fmt.Sprintf("%s %d drifted, began %q, ended %q", look.At.Format("15:04"), look.Count(), tasksOf(began), tasksOf(ended)))
}

// watching starts a daemon that looks at a library.
func watching(t *testing.T, l *library, ledger Store, control state.Control, change func(*Config)) (*Reconciler, *observed, func()) {
	t.Helper()
	o := &observed{}
	reads := pace.New(20)
	cfg := Config{
		Source: &setSource{set: spec.NewSet()}, Store: ledger, Observer: o, Logger: silent, Guards: func() *plan.Guards { return new(plan.Guards) },
		Commits: pace.New(20), Reads: reads, Scanner: &drift.Scanner{Lister: l, Describer: l, Lists: pace.New(drift.ScanRate), Describes: reads},
		ScanEvery: lasting(time.Hour), Interval: lasting(30 * time.Second), Horizon: lasting(time.Minute), Random: func() float64 { return 0 },
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
		if s := r.Status(); s.DriftScan == nil || s.DriftScan.Count() != 0 || s.DriftScan.At.Format("15:04") != "03:01" {
			t.Errorf("status: %+v", s.DriftScan)
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
		"no interval": func(c *Config) { c.ScanEvery = lasting(0) },
		"no reader":   func(c *Config) { c.Scanner = nil },
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
			c.ScanEvery = func() time.Duration { return time.Duration(every.Load()) }
		})
		time.Sleep(3 * time.Hour)
		every.Store(int64(4 * time.Hour))
		r.ScanNow()
		time.Sleep(10 * time.Second) // it has seen drift, and waits to look once more
		every.Store(int64(time.Hour))
		r.ScanNow()
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
		r.watcher.SetBusy(true)
		time.Sleep(10 * time.Second)
		l.mu.Lock()
		asked := len(l.asked)
		l.mu.Unlock()
		if asked > 0 {
			t.Errorf("it asked %d times while commits were made", asked)
		}
		r.watcher.SetBusy(false)
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
		look := r.Status().DriftScan
		if look == nil || look.Unknown != 2 || !strings.Contains(look.Error, plan.ErrReadDenied.Error()) || look.Count() != 0 || len(o.looks) != 1 {
			t.Errorf("%+v, %v", look, o.looks)
		}
	})
}

// lasting is a time that does not change.
func lasting(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

func tasksOf(drifts []state.Drift) string {
	var tasks []string
	for _, d := range drifts {
		tasks = append(tasks, d.Key.TaskID)
	}
	return strings.Join(tasks, " ")
}
