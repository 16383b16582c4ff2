package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// applied is the engine's copy of the state: a record for each task, the indexes of those
// that need something, and what the daemon as a whole remembers.
//
// mu guards what stands below it, and is never held while something is written, read or
// waited for. A record is a value that is replaced and never changed: it may be kept when
// mu is let go. All methods are for any goroutine; one that has read a record may save
// another for its task only while no other goroutine does.
type applied struct {
	store  Store
	beat   func()      // is called after each save: the engine goes on
	broken atomic.Bool // the state cannot be written: nothing more is sent

	mu       sync.Mutex
	records  *state.Records
	open     map[spec.Key]struct{} // the tasks whose record has an attempt
	drifted  map[spec.Key]struct{} // the tasks of which more is remembered than what was applied
	approve  map[spec.Key]struct{} // the tasks whose commit waits for an approval
	reads    *readSchedule         // of the accepted tasks that are read until they are live, and run
	control  state.Control
	scan     *state.DriftScan  // the last that was judged; control has an older one where it told nothing new
	inFlight map[spec.Key]bool // sent, or about to be, and not answered yet
}

func newApplied(store Store, beat func(), records *state.Records, control state.Control) *applied {
	a := &applied{
		store: store, beat: beat, records: records, control: control, scan: control.DriftScan,
		open: make(map[spec.Key]struct{}), drifted: make(map[spec.Key]struct{}), approve: make(map[spec.Key]struct{}), inFlight: make(map[spec.Key]bool),
		reads: newReadSchedule(),
	}
	for rec := range records.Open() {
		a.track(rec)
	}
	return a
}

// save makes the transition durable, and only then part of what is known.
func (a *applied) save(ctx context.Context, t state.Transition) error {
	if err := a.store.Save(context.WithoutCancel(ctx), t); err != nil {
		if !passes(err) {
			a.broken.Store(true)
		}
		return fmt.Errorf("write the state: %w", err)
	}
	a.beat()
	a.mu.Lock()
	defer a.mu.Unlock()
	if rec := t.Record; rec != nil {
		a.records.Put(rec)
		a.track(rec)
	}
	if t.Forget != nil {
		a.records.Delete(*t.Forget)
		a.untrack(*t.Forget)
	}
	if t.Control != nil {
		a.control = *t.Control
	}
	return nil
}

// passes reports whether an error of the state may be over later: nothing was
// written, and nothing is in doubt.
func passes(err error) bool { return errors.Is(err, state.ErrFull) || errors.Is(err, state.ErrBusy) }

// saveControl changes what the daemon as a whole remembers through edit, which gets a copy
// of its own.
func (a *applied) saveControl(ctx context.Context, edit func(*state.Control), events ...state.Event) error {
	next := a.Control()
	next.Pauses, next.Approvals = slices.Clone(next.Pauses), slices.Clone(next.Approvals)
	edit(&next)
	return a.save(ctx, state.Transition{Control: &next, Events: events})
}

// track notes what is open with the task of a record that is new. It needs mu.
func (a *applied) track(rec *state.Record) {
	if plan.IsRemoved(rec) {
		a.untrack(rec.Key)
		return
	}
	delete(a.open, rec.Key)
	if rec.Attempt != nil {
		a.open[rec.Key] = struct{}{}
	}
	delete(a.drifted, rec.Key)
	if rec.Applied != nil && rec.Applied.Drift != nil {
		a.drifted[rec.Key] = struct{}{}
	}
	delete(a.approve, rec.Key)
	if approval.Awaits(rec) {
		a.approve[rec.Key] = struct{}{}
	}
	a.reads.keep(rec)
}

// untrack drops what is open with a task that is no longer managed. It needs mu.
func (a *applied) untrack(key spec.Key) {
	delete(a.open, key)
	delete(a.drifted, key)
	delete(a.approve, key)
	a.reads.remove(key)
}

// Control returns what the daemon as a whole remembers.
func (a *applied) Control() state.Control {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.control
}

// Record implements [drift.Engine].
func (a *applied) Record(key spec.Key) *state.Record {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.records.Get(key)
}

// Targets implements [drift.Engine].
func (a *applied) Targets() []drift.Target {
	a.mu.Lock()
	defer a.mu.Unlock()
	return drift.Targets(a.records)
}

// attempts returns the records that have an attempt and a status that matches, in
// order of key.
func (a *applied) attempts(match func(state.Status) bool) []*state.Record {
	return a.indexed(a.open, func(rec *state.Record) bool { return match(rec.Status) })
}

// remembered returns the records of which more is remembered than what was applied, in
// order of key.
func (a *applied) remembered() []*state.Record {
	return a.indexed(a.drifted, func(*state.Record) bool { return true })
}

// awaitingApproval returns the records whose commit waits for an approval, in order of key.
func (a *applied) awaitingApproval() []*state.Record {
	return a.indexed(a.approve, func(*state.Record) bool { return true })
}

// readSoon has an accepted task read at a time, and often from then on.
func (a *applied) readSoon(key spec.Key, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.reads.tasks[key]; s != nil && s.place >= 0 {
		s.tries = 0
		a.reads.put(s, at)
	}
}

// indexed returns the records of an index that match, in order of key.
func (a *applied) indexed(index map[spec.Key]struct{}, match func(*state.Record) bool) []*state.Record {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []*state.Record
	for key := range index {
		if rec := a.records.Get(key); match(rec) {
			list = append(list, rec)
		}
	}
	slices.SortFunc(list, func(a, b *state.Record) int { return a.Key.Compare(b.Key) })
	return list
}

// nextDue returns when something that waits is to be tried or read again, or the zero
// time. A commit that is due already was looked at by the last pass, and is held by more
// than its back-off.
func (a *applied) nextDue(now time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.reads.next()
	for key := range a.open {
		rec := a.records.Get(key)
		if at := rec.Attempt.NextAt; readsBack(rec.Status) || at.After(now) {
			next = plan.Sooner(next, at)
		}
	}
	for _, p := range a.control.Pauses {
		if p.Until.After(now) {
			next = plan.Sooner(next, p.Until)
		}
	}
	return next
}

// setInFlight notes whether a request of the task is under way.
func (a *applied) setInFlight(key spec.Key, is bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if is {
		a.inFlight[key] = true
	} else {
		delete(a.inFlight, key)
	}
}

// lastScan returns the last scan that was judged, and setScan replaces it.
func (a *applied) lastScan() *state.DriftScan {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.scan
}

func (a *applied) setScan(scan *state.DriftScan) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scan = scan
}
