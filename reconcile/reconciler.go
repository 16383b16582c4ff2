package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Config is what a Reconciler is made of. Reader and Observer may be nil.
type Config struct {
	Source    Source
	Committer Committer
	Reader    Reader
	Ledger    Ledger
	Observer  Observer
	Logger    *slog.Logger

	Info  plan.SourceInfo // URL and Branch; the revision is the source's
	State plan.StateInfo  // Lineage

	// These are asked at each use, so that they can change. Guards that are others
	// than those that a plan has passed end its calls.
	Guards   func() *plan.Guards
	Horizon  func() time.Duration // how long a signed request can still be accepted
	Skew     func() time.Duration // how far the service's clock may be off this one; nil: not at all
	Interval func() time.Duration // between two polls

	ScanEvery func() time.Duration    // between two looks at what is live; 0 is never. nil: never
	Policy    func() plan.DriftPolicy // for what they find; nil: to report it

	Commits  *pace.Limiter                                             // of CommitIntegrationTask
	Reads    *pace.Limiter                                             // of DescribeIntegrationTask
	Scanner  *drift.Scanner                                            // of what is live, for Watch; nil if nobody looks
	Evaluate func(*state.Record, plan.Evidence) (plan.Finding, string) // nil is the function Judge
	Random   func() float64                                            // in [0, 1), for the jitter of back-offs; for concurrent use
	NewID    func() string                                             // for attempts
	Uptime   Clock                                                     // for what must not grow old while the machine sleeps; nil: Go's own clock
}

// Clock tells the time that has passed since some moment. It never goes back, and one
// for what must not grow old goes on while the machine sleeps.
type Clock func() time.Duration

// Reconciler carries plans out. It is the only one that changes the state while
// it lives. Its exported methods other than Status and Renew are called from one
// goroutine.
type Reconciler struct {
	cfg Config

	// mu guards the copy of the state and what Status shows.
	mu      sync.Mutex
	records *state.Records
	open    map[spec.Key]struct{} // the tasks whose record has an attempt
	agenda  *agenda               // the accepted tasks that are read until they are live, and run
	drifted map[spec.Key]struct{} // the tasks of which more is remembered than what was applied
	control state.Control
	flying  map[spec.Key]bool // sent, and not answered yet
	plan    *plan.Plan        // the newest, as the guards left it
	turn    time.Time         // when time itself makes another one; zero: never
	source  Health            // of the polls
	ledger  Health            // of the state's writes

	readDenied time.Time        // when reading was last denied
	newest     *state.DriftScan // that was judged

	broken  atomic.Bool // the state cannot be written: nothing more is sent
	renewed atomic.Bool // the credentials are others now
	watcher *drift.Watcher
	pulse   pulse
	polled  chan struct{} // closed after the first poll of Run

	// The rest belongs to the goroutine of Run or Once, or to the execution that it
	// waits for.
	guards    *plan.Guards          // that the newest plan has passed
	unsettled map[spec.Key]struct{} // tasks that may not be as their spec says; nil: all
	revision  *Revision
	// unverified says why revision is not the newest one, or that there is none.
	unverified error
	repoll     bool                // a commit was approved: what the source says now may be another thing
	rewrites   map[string]Rewrite  // of revision, by the revision before
	unread     map[string]struct{} // files that look like specs, as the log has them
	owed       []outcome           // what a full disk did not take yet
}

// New returns a Reconciler that starts from what the state holds. It owns records
// from now on.
func New(cfg Config, records *state.Records, control state.Control) *Reconciler {
	if cfg.Uptime == nil {
		start := time.Now()
		cfg.Uptime = func() time.Duration { return time.Since(start) }
	}
	if cfg.Evaluate == nil {
		cfg.Evaluate = plan.Evaluate
	}
	r := &Reconciler{
		cfg:     cfg,
		records: records,
		open:    make(map[spec.Key]struct{}),
		agenda:  newAgenda(),
		drifted: make(map[spec.Key]struct{}),
		control: control,
		flying:  make(map[spec.Key]bool),
		polled:  make(chan struct{}),
		newest:  control.DriftScan,
	}
	r.watcher = drift.NewWatcher(drift.Config{Engine: liveTasks{r}, Survey: cfg.Scanner, Every: cfg.ScanEvery, Random: cfg.Random})
	for rec := range records.Open() {
		r.track(rec)
	}
	return r
}

// Recover settles what the last process left behind: an intent without an outcome
// becomes unknown. It is called once, before anything else.
func (r *Reconciler) Recover(ctx context.Context) error {
	if err := r.dropOldApprovals(ctx); err != nil {
		return err
	}
	for _, rec := range r.attempts(func(s state.Status) bool { return s == state.StatusIntent }) {
		now := time.Now()
		next := plan.Recovered(rec, now)
		e := plan.Event(state.EventOutcome, next, now)
		e.Outcome = next.Attempt.Outcome
		if err := r.save(ctx, plan.Transition(rec.Key, next, e)); err != nil {
			return err
		}
		r.cfg.Logger.WarnContext(ctx, "found a commit without an outcome", "task", rec.Key.String(), "sent", rec.Attempt.At)
	}
	return nil
}

// Poll asks the source for its newest revision. If that is not verified, it goes by the
// one that stands, or by none any more, and returns the error.
func (r *Reconciler) Poll(ctx context.Context) (changed bool, err error) {
	r.trust()
	rev, err := r.cfg.Source.Poll(ctx)
	if err == nil {
		r.unverified = nil
		return r.goBy(rev), nil
	}
	failed := &sourceError{fmt.Errorf("poll the source: %w", err)}
	if !errors.Is(err, ErrUnverified) {
		return false, failed
	}
	r.unverified = err
	if rev == nil {
		return r.goBlind(), failed
	}
	return r.goBy(rev), failed
}

// goBlind leaves the revision that was gone by, and reports whether there was one.
func (r *Reconciler) goBlind() (changed bool) {
	changed = r.revision != nil
	r.revision = nil
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plan, r.turn = nil, time.Time{}
	return changed
}

// goBy makes the revision the one to go by, and reports whether it was another.
func (r *Reconciler) goBy(rev *Revision) (changed bool) {
	changed = r.revision == nil || r.revision.ID != rev.ID
	keys, all := rev.Specs.Changed()
	r.revision = rev
	if all {
		r.unsettled = nil
	}
	for _, key := range keys {
		if r.unsettled != nil {
			r.unsettled[key] = struct{}{}
		}
	}
	return changed
}

// Plan compares the newest revision with the state. It changes nothing. It is for
// after the first Poll, while no call is under way.
func (r *Reconciler) Plan(ctx context.Context) (*plan.Plan, error) { return r.planAt(ctx, time.Now()) }

// planAt is Plan at a time.
func (r *Reconciler) planAt(ctx context.Context, now time.Time) (*plan.Plan, error) {
	if r.revision == nil {
		return nil, &sourceError{r.unverified} // since the pass began
	}
	rewrite, err := r.rewrite(ctx)
	if err != nil {
		return nil, err
	}
	control := r.Control()
	in := plan.Input{Specs: r.revision.Specs, Records: r.records, Control: &control, Policy: r.policy(), Keys: r.scope()}
	p := plan.Diff(in, now)
	r.settled(p)
	p.Source, p.State = r.revision.Of(r.cfg.Info, r.unverified), r.cfg.State
	r.guards = r.cfg.Guards()
	p = r.guards.Check(p, plan.Facts{Control: &control, Rewritten: rewrite == RewriteHeld}, now)
	turn := plan.NextTurn(r.guards, &control, r.unsettledRecords, now)
	r.mu.Lock()
	r.plan, r.turn = p, turn
	r.mu.Unlock()
	return p, nil
}

// scope returns the tasks that a plan has to look at; nil is all of them.
func (r *Reconciler) scope() []spec.Key {
	if r.unsettled == nil {
		return nil
	}
	keys := make([]spec.Key, 0, len(r.unsettled))
	for key := range r.unsettled {
		keys = append(keys, key)
	}
	return keys
}

// settled narrows the scope to what the plan lists. A task whose spec is gone, or
// cannot be read, stays in it: what becomes of it depends on other files.
func (r *Reconciler) settled(p *plan.Plan) {
	next := make(map[spec.Key]struct{}, len(p.Changes))
	for i := range p.Changes {
		next[p.Changes[i].Key] = struct{}{}
	}
	for _, key := range p.Orphans() {
		next[key] = struct{}{}
	}
	r.unsettled = next
}

// Control returns what the daemon as a whole remembers.
func (r *Reconciler) Control() state.Control {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.control
}

// record returns the task's record, or nil.
func (r *Reconciler) record(key spec.Key) *state.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records.Get(key)
}

// attempts returns the records that have an attempt and a status that matches, in
// order of key.
func (r *Reconciler) attempts(match func(state.Status) bool) []*state.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*state.Record
	for key := range r.open {
		if rec := r.records.Get(key); match(rec.Status) {
			list = append(list, rec)
		}
	}
	slices.SortFunc(list, func(a, b *state.Record) int { return a.Key.Compare(b.Key) })
	return list
}

// save makes the transition durable, and only then part of what is known.
func (r *Reconciler) save(ctx context.Context, t state.Transition) error {
	if err := r.cfg.Ledger.Save(context.WithoutCancel(ctx), t); err != nil {
		if !passes(err) {
			r.broken.Store(true)
		}
		return fmt.Errorf("write the state: %w", err)
	}
	r.pulse.beat()
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := t.Record; rec != nil {
		r.records.Put(rec)
		r.track(rec)
	}
	if t.Forget != nil {
		r.records.Delete(*t.Forget)
		r.untrack(*t.Forget)
	}
	if t.Control != nil {
		r.control = *t.Control
	}
	return nil
}

// passes reports whether an error of the state may be over later: nothing was
// written, and nothing is in doubt.
func passes(err error) bool { return errors.Is(err, state.ErrFull) || errors.Is(err, state.ErrBusy) }

// saveControl changes control through edit, which gets a copy of its own.
func (r *Reconciler) saveControl(ctx context.Context, edit func(*state.Control), events ...state.Event) error {
	next := r.Control()
	next.Pauses, next.Approvals = slices.Clone(next.Pauses), slices.Clone(next.Approvals)
	edit(&next)
	return r.save(ctx, state.Transition{Control: &next, Events: events})
}

// sourceError is an error of the source: no information, and no reason to end.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }
