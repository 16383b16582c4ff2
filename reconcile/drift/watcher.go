package drift

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// firstScan is how long after a start the first look is, at the least.
	firstScan = time.Minute
	// confirmAfter is how long after it was first seen drift is looked at again: a
	// task that the platform starts anew is stopped for a moment.
	confirmAfter = 30 * time.Second
	// keepScan is how old the look in the state may be when nothing new was seen.
	keepScan = 24 * time.Hour
	// giveWayFor is how long a look waits before it asks again whether commits are
	// being made.
	giveWayFor = time.Second
)

// ScanRate is how many lists a second a look reads: it is spread over minutes where
// there are many tasks.
const ScanRate = 2

// Observer is an Observer that is also told what a look at what is live has found.
type Observer interface {
	// Scanned is called when that is durable. began are the tasks that have drifted, or
	// in another way than before; ended those that have not any more.
	Scanned(look *state.DriftScan, began, ended []state.Drift)
}

// Engine is what a Watcher asks of the engine whose tasks it looks for. Its methods are
// for any goroutine.
type Engine interface {
	// Targets returns the managed tasks, in order of key.
	Targets() []Target
	// Record returns the task's record, or nil.
	Record(key spec.Key) *state.Record
}

// Config is what a Watcher is made of.
type Config struct {
	Engine  Engine
	Scanner *Scanner             // nil: it never scans
	Every   func() time.Duration // between two scans, asked at each use; 0 is never. nil: never
	Random  func() float64       // in [0, 1): daemons that were started together do not scan together
}

// Watcher scans what is live from time to time, beside the engine, which takes what it has
// found and decides about it. All of its methods are for any goroutine.
type Watcher struct {
	cfg   Config
	found chan *Scan    // the last scan, until it is taken: room for one
	ready chan struct{} // there is one
	again chan struct{} // somebody asks for a scan
	busy  atomic.Bool   // commits are being made: the budget for reads is theirs
}

// NewWatcher returns a Watcher that does nothing before Run.
func NewWatcher(cfg Config) *Watcher {
	return &Watcher{cfg: cfg, found: make(chan *Scan, 1), ready: make(chan struct{}, 1), again: make(chan struct{}, 1)}
}

// Run scans at each interval after last, the time of the last scan that was judged, and
// when ScanNow asks for it, until ctx is done.
func (w *Watcher) Run(ctx context.Context, last time.Time) {
	if w.cfg.Every == nil || w.cfg.Scanner == nil {
		return
	}
	every := w.cfg.Every()
	next := time.Now().Add(min(firstScan, every))
	if due := last.Add(every); !last.IsZero() && due.After(next) {
		next = due
	}
	for {
		if _, err := w.due(ctx, next, every); err != nil {
			return
		}
		// Several daemons that were started together do not look together.
		every = w.cfg.Every()
		next = time.Now().Add(every - time.Duration(w.cfg.Random()*float64(every)/10))
		if every <= 0 {
			continue
		}
		found, err := w.scan(ctx)
		if err != nil {
			return
		}
		if found == nil {
			w.ScanNow()
			continue
		}
		w.Put(found)
	}
}

// Put leaves a scan for the engine, in the place of one that it did not take.
func (w *Watcher) Put(found *Scan) {
	w.Take()
	w.found <- found
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// Take returns the last scan, or nil if there is none that was not taken.
func (w *Watcher) Take() *Scan {
	select {
	case found := <-w.found:
		return found
	default:
		return nil
	}
}

// Ready tells when there is a scan to take.
func (w *Watcher) Ready() <-chan struct{} { return w.ready }

// ScanNow asks for a scan at once: what it looks for, or when, is another now.
func (w *Watcher) ScanNow() {
	select {
	case w.again <- struct{}{}:
	default:
	}
}

// SetBusy says whether commits are being made: scans wait for them.
func (w *Watcher) SetBusy(busy bool) { w.busy.Store(busy) }

// due waits until next, or until somebody asks for a scan; with no time between scans, for
// that alone. The error is that of ctx.
func (w *Watcher) due(ctx context.Context, next time.Time, every time.Duration) (asked bool, err error) {
	var due <-chan time.Time
	if every > 0 {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case <-w.again:
		return true, ctx.Err()
	case <-due:
		return false, ctx.Err()
	}
}

// scan reads what is live of the managed tasks. It returns nil if somebody asks for
// another scan before it is at its end. The error is that of ctx.
func (w *Watcher) scan(ctx context.Context) (*Scan, error) {
	scanner := *w.cfg.Scanner
	scanner.Yield = w.giveWay
	tasks := w.cfg.Engine.Targets()
	found, err := scanner.Scan(ctx, tasks)
	if err != nil {
		return nil, err
	}
	var doubted []Target
	for _, t := range tasks {
		// What git wants decides nothing here.
		d := Of(nil, w.cfg.Engine.Record(t.Key), found.Seen[t.Key], found.Failed[t.Key], found.At)
		if d.Kind.Drifted() {
			doubted = append(doubted, t)
		}
	}
	if len(doubted) == 0 {
		return found, nil
	}
	every := max(w.cfg.Every(), time.Nanosecond)
	if asked, err := w.due(ctx, time.Now().Add(min(confirmAfter, every/4)), every); asked || err != nil {
		return nil, err
	}
	return found, scanner.Confirm(ctx, found, doubted)
}

// giveWay waits while commits are being made.
func (w *Watcher) giveWay(ctx context.Context) error {
	for w.busy.Load() {
		if err := pace.SleepUntil(ctx, time.Now().Add(giveWayFor)); err != nil {
			return err
		}
	}
	return nil
}
