package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// process is one life of the daemon. When it is killed nothing that it does has an
// effect any more.
type process struct {
	w       *world
	killed  chan struct{}
	die     func()
	done    chan struct{} // Run has returned
	err     error         // of Run; to be read when done is closed
	poke    chan struct{}
	stop    context.CancelFunc
	r       *Reconciler
	trusted []string    // commits, by the last Trust
	failed  atomic.Bool // the disk has failed
	ids     int         // of attempts so far
}

var errKilled = errors.New("the process was killed")

// newProcess starts the daemon from what is durable. It does nothing yet.
func (w *world) newProcess() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives++
	p := &process{w: w, killed: make(chan struct{}), done: make(chan struct{}), poke: make(chan struct{}, 1)}
	p.stop = func() {}
	p.die = sync.OnceFunc(func() {
		w.mu.Lock()
		w.deaths = append(w.deaths, time.Since(w.start))
		w.mu.Unlock()
		close(p.killed)
		p.stop()
	})
	p.r = New(Config{
		Source: p, Committer: p, Reader: p, Store: p, Observer: p, Logger: silent,
		Guards:   func() *plan.Guards { return w.guards.Load() },
		Horizon:  func() time.Duration { return w.horizon },
		Interval: func() time.Duration { return w.interval },
		Policy:   func() plan.DriftPolicy { return *w.policy.Load() },
		Commits:  pace.New(w.rate), Reads: pace.New(20),
		Random: func() float64 { return float64(w.moment("random")%1000) / 1000 },
		NewID: func() string {
			p.ids++
			return fmt.Sprintf("%016x-%d", w.moment("id"), p.ids)
		},
		Uptime: w.uptime,
	}, state.NewRecords(slices.Collect(maps.Values(w.disk.records))...), w.disk.control)
	if w.watched {
		p.r.watcher.Put(w.look())
	}
	return p
}

// run starts a daemon that runs until it is stopped or killed.
func (w *world) run(t testing.TB) *process {
	p := w.newProcess()
	p.run(t)
	return p
}

func (p *process) run(t testing.TB) {
	ctx, cancel := context.WithCancel(t.Context())
	p.stop = cancel
	go func() {
		defer close(p.done)
		p.err = p.r.Run(ctx, p.poke)
	}()
}

// halt ends a running daemon as SIGTERM does.
func (p *process) halt(t testing.TB) {
	t.Helper()
	p.stop()
	<-p.done
	if p.err != nil && !p.isKilled() {
		t.Errorf("Run: %v", p.err)
	}
}

// once makes one pass of a daemon of its own.
func (w *world) once(t testing.TB) (*Result, error) {
	p := w.newProcess()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.stop = cancel
	return p.r.Once(ctx)
}

func (p *process) isKilled() bool {
	select {
	case <-p.killed:
		return true
	default:
		return false
	}
}

// sleep waits, and reports whether the process still lives.
func (p *process) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return !p.isKilled()
	case <-p.killed:
		return false
	}
}

// starts counts a step of the process; ok is false if it dies before.
func (p *process) starts(kind string, key spec.Key) (s step, f fault, ok bool) {
	if p.isKilled() {
		return s, sound, false
	}
	s, f = p.w.begin(kind, key)
	if f == killBefore {
		p.die()
		return s, f, false
	}
	return s, f, true
}

// disk is the state as it is durable.
type disk struct {
	records map[spec.Key]*state.Record
	control state.Control
	events  int
	words   []state.Command
	answers map[int64]state.CommandResult
	arrived chan struct{} // there may be words
}

// post leaves a word for whoever holds the state.
func (d *disk) post(c state.Command) {
	d.words = append(d.words, c)
	select {
	case d.arrived <- struct{}{}:
	default:
	}
}

// Save implements Ledger.
func (p *process) Save(_ context.Context, t state.Transition) error {
	w := p.w
	kind, key := "save", spec.Key{}
	if len(t.Events) > 0 {
		kind += " " + string(t.Events[0].Kind)
	}
	switch {
	case t.Record != nil:
		key = t.Record.Key
	case t.Forget != nil:
		key = *t.Forget
	}
	s, f, ok := p.starts(kind, key)
	switch {
	case !ok:
		return errKilled
	case p.failed.Load():
		return state.ErrBroken
	case f == full:
		return fmt.Errorf("save: %w", state.ErrFull)
	case f == busy:
		return fmt.Errorf("save: %w", state.ErrBusy)
	case f == brokenBefore:
		p.failed.Store(true)
		return fmt.Errorf("save: %w", state.ErrBroken)
	}
	if !p.sleep(w.between(200*time.Microsecond, 2*time.Millisecond, kind, key, s.n)) {
		return errKilled
	}
	w.mu.Lock()
	w.keep(&t)
	w.mu.Unlock()
	switch f {
	case killAfter:
		p.die()
		return errKilled
	case brokenAfter:
		p.failed.Store(true)
		return fmt.Errorf("save: %w", state.ErrBroken)
	}
	return nil
}

// keep makes a transition durable, and looks whether it is true. w.mu is held.
func (w *world) keep(t *state.Transition) {
	if len(t.Events) == 0 {
		w.breach("a transition without an event")
	}
	w.disk.events += len(t.Events)
	var key spec.Key
	switch {
	case t.Record != nil:
		key = t.Record.Key
	case t.Forget != nil:
		key = *t.Forget
	}
	if key != (spec.Key{}) {
		prev, next := w.disk.records[key], t.Record
		w.judgeRecord(key, prev, next, t.CarriedOut != nil)
		w.judgeDiscard(key, prev, next, t.CarriedOut != nil)
		if next != nil {
			w.disk.records[key] = next
			w.note("  %s is %s", key.TaskID, next.Status)
		} else {
			delete(w.disk.records, key)
			if t.Events[0].Kind == state.EventForgotten {
				w.weData.task(key).again = true // a spec that comes back is a new one
			}
			w.note("  %s is gone", key.TaskID)
		}
	}
	if t.Control != nil {
		w.disk.control = *t.Control
	}
	if a := t.CarriedOut; a != nil {
		if _, twice := w.disk.answers[a.ID]; twice {
			w.breach("word %d was answered twice", a.ID)
		}
		w.disk.answers[a.ID] = a.Result
		w.disk.words = slices.DeleteFunc(w.disk.words, func(word state.Command) bool { return word.ID == a.ID })
	}
}

// judgeRecord compares what the daemon says of an attempt with the truth. operator says
// that it only takes an operator's word.
func (w *world) judgeRecord(key spec.Key, prev, next *state.Record, operator bool) {
	w.weData.settle()
	if next != nil && next.Status == state.StatusIntent {
		if prev != nil && plan.IsOpen(prev.Status) {
			w.breach("%s: a new intent over one whose outcome is not known", key)
		}
		if w.weData.received[next.Attempt.ID] > 0 {
			w.breach("%s: the intent came after its request", key)
		}
	}
	if prev == nil || !plan.IsOpen(prev.Status) {
		return
	}
	id := prev.Attempt.ID
	var saysApplied bool
	switch {
	case next == nil:
	case plan.IsOpen(next.Status):
		return
	case next.Status == state.StatusApplied:
		saysApplied = prev.Applied == nil || *next.Applied != *prev.Applied
	}
	// The wanted version is live by another request of ours, or another's hand: that is
	// what git asked for.
	elsewhere := saysApplied && next.Applied.InstanceVersion != 0 && next.Applied.InstanceVersion == w.weData.task(key).live.InstanceVersion &&
		prev.Attempt.Before != nil && prev.Attempt.Before.InstanceVersion != next.Applied.InstanceVersion
	switch done, known := w.weData.truth[id]; {
	case saysApplied && !done && elsewhere:
	case saysApplied && !done:
		w.breach("%s: attempt %s is said to be applied, and is not", key, id)
	case !saysApplied && done:
		w.breach("%s: attempt %s is said not to be applied, and is", key, id)
	case !saysApplied && !known && w.weData.onItsWay(id) && !operator:
		w.breach("%s: attempt %s is said not to be applied, and may be yet", key, id)
	}
}

// judgeDiscard looks that what discards state is never sent again after its outcome
// was in doubt, unless a person says so. word says that a person did.
func (w *world) judgeDiscard(key spec.Key, prev, next *state.Record, word bool) {
	switch {
	case word:
		delete(w.asked, key)
	case next != nil && next.Status == state.StatusIntent:
		if w.asked[key] == next.Attempt.WantedID {
			w.breach("%s: state is discarded again, and nobody said so", key)
		}
		delete(w.asked, key) // the spec asks for something else
	case prev != nil && prev.Status == state.StatusUnknown && prev.Attempt.Wanted.CommitType == spec.RestartDiscardState &&
		(next == nil || !plan.IsOpen(next.Status)) && !w.weData.truth[prev.Attempt.ID]:
		w.asked[key] = prev.Attempt.WantedID
	}
}

// PendingCommands implements Ledger.
func (p *process) PendingCommands(ctx context.Context) ([]state.Command, error) {
	if p.isKilled() {
		return nil, errKilled
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return slices.Clone(p.w.disk.words), nil
}

// HasPendingCommands implements Ledger.
func (p *process) HasPendingCommands(ctx context.Context) (bool, error) {
	if p.isKilled() {
		return false, errKilled
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return len(p.w.disk.words) > 0, context.Cause(ctx)
}

// CommandsArrive implements Ledger.
func (p *process) CommandsArrive() <-chan struct{} { return p.w.disk.arrived }
