package reconcile

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/approval/listing"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Config is what a Reconciler is made of. Reader and Observer may be nil.
type Config struct {
	Source    Source
	Committer Committer
	Reader    Reader
	Store     Store
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

	ScanEvery func() time.Duration    // between two scans of what is live; 0 is never. nil: never
	Policy    func() plan.DriftPolicy // for what they find; nil: to report it

	Commits   *pace.Limiter                                               // of CommitIntegrationTask
	Reads     *pace.Limiter                                               // of DescribeIntegrationTask
	Versions  drift.Versioner                                             // of which tags are read back; nil: none are
	Tags      func() bool                                                 // whether versions get tags; nil: none do
	Approvals *listing.Watch                                              // of approvals that commits wait for; nil if nobody looks
	Scanner   *drift.Scanner                                              // of what is live, for Watch; nil if nobody scans
	Evaluate  func(*state.Record, proof.Evidence) (proof.Finding, string) // nil is proof.Evaluate
	Random    func() float64                                              // in [0, 1), for the jitter of back-offs; for concurrent use
	NewID     func() string                                               // for attempts
	Uptime    Clock                                                       // for what must not grow old while the machine sleeps; nil: Go's own clock
}

// Clock tells the time that has passed since some moment. It never goes back, and one
// for what must not grow old goes on while the machine sleeps.
type Clock func() time.Duration

// Reconciler carries plans out. It is the only one that changes the state while it lives.
//
// It is made of five parts, each with a lock rule of its own. Recover, Poll, Plan, Obey,
// Once and Run are called from one goroutine, Watch from another one; all other methods
// are for any goroutine.
type Reconciler struct {
	cfg     Config
	desired *desired
	applied *applied
	watcher *drift.Watcher
	health  *health
	outbox  *outbox
}

// New returns a Reconciler that starts from what the state holds. It owns records
// from now on.
func New(cfg Config, records *state.Records, control state.Control) *Reconciler {
	if cfg.Uptime == nil {
		start := time.Now()
		cfg.Uptime = func() time.Duration { return time.Since(start) }
	}
	if cfg.Evaluate == nil {
		cfg.Evaluate = proof.Evaluate
	}
	health := newHealth()
	applied := newApplied(cfg.Store, health.beat, records, control)
	return &Reconciler{
		cfg:     cfg,
		desired: &desired{source: cfg.Source},
		applied: applied,
		watcher: drift.NewWatcher(drift.Config{Engine: applied, Scanner: cfg.Scanner, Every: cfg.ScanEvery, Random: cfg.Random}),
		health:  health,
		outbox:  &outbox{applied: applied, observer: cfg.Observer, log: cfg.Logger},
	}
}

// Recover settles what the last process left behind: an intent without an outcome
// becomes unknown. It is called once, before anything else.
func (r *Reconciler) Recover(ctx context.Context) error {
	if err := r.dropOldApprovals(ctx); err != nil {
		return err
	}
	for _, rec := range r.applied.attempts(func(s state.Status) bool { return s == state.StatusIntent }) {
		now := time.Now()
		next := plan.Recovered(rec, now)
		e := plan.Event(state.EventOutcome, next, now)
		e.Outcome = next.Attempt.Outcome
		if err := r.applied.save(ctx, plan.Transition(rec.Key, next, e)); err != nil {
			return err
		}
		taskLogger(r.cfg.Logger, rec.Key, rec.Name()).WarnContext(ctx, "found a commit without an outcome", "sent", rec.Attempt.At)
	}
	return nil
}

// Poll asks the source for its newest revision. If that is not verified, the one that
// stands is desired, or none any more, and the error says so.
func (r *Reconciler) Poll(ctx context.Context) (changed bool, err error) {
	return r.desired.poll(ctx, r.applied.Control().Trusted)
}

// Plan compares the newest revision with the state. It changes nothing. It is for
// after the first Poll, while no call is under way.
func (r *Reconciler) Plan(ctx context.Context) (*plan.Plan, error) { return r.planAt(ctx, time.Now()) }

// planAt is Plan at a time.
func (r *Reconciler) planAt(ctx context.Context, now time.Time) (*plan.Plan, error) {
	d := r.desired
	if d.revision == nil {
		return nil, &sourceError{d.unverified} // since the pass began
	}
	control := r.applied.Control()
	rewrite, err := d.rewrite(ctx, control.Revision)
	if err != nil {
		return nil, err
	}
	p := plan.Diff(plan.Input{Specs: d.revision.Specs, Records: r.applied.records, Control: &control, Policy: r.policy(), Keys: d.scope()}, now)
	d.settle(p)
	p.Source, p.State = d.revision.Of(r.cfg.Info, d.unverified), r.cfg.State
	d.guards = r.cfg.Guards()
	p = d.guards.Check(p, rewrite.Facts(&control), now)
	suspended := func(yield func(*state.Record) bool) {
		for key := range d.unsettled {
			if rec := r.applied.Record(key); rec != nil && !yield(rec) {
				return
			}
		}
	}
	d.newest.Store(&newestPlan{p, plan.NextTurn(d.guards, &control, suspended, now)})
	return p, nil
}

// policy returns what is to be done about drift now.
func (r *Reconciler) policy() plan.DriftPolicy {
	if r.cfg.Policy == nil {
		return plan.PolicyReport
	}
	return r.cfg.Policy()
}

// Watch scans every Config.ScanEvery what is live, and when ScanNow asks for it, until
// ctx is done. It runs beside Run, which decides about what it has found.
func (r *Reconciler) Watch(ctx context.Context) {
	var last time.Time
	if scan := r.applied.Control().DriftScan; scan != nil {
		last = scan.At
	}
	r.watcher.Run(ctx, last)
}

// ScanNow asks Watch for a scan at once: what it looks for, or when, is another now.
func (r *Reconciler) ScanNow() { r.watcher.ScanNow() }

// Renew says that the credentials are others now. What is paused, and reading that
// was denied, is tried again in the next pass.
func (r *Reconciler) Renew() { r.health.renewed.Store(true) }

// Alive reports whether Run goes on at now: nothing that it does is overdue.
func (r *Reconciler) Alive(now time.Time) bool { return r.health.alive(now) }

// Polled is closed when Run has polled the source for the first time, whatever came
// of it.
func (r *Reconciler) Polled() <-chan struct{} { return r.health.polled }

// Status is how the daemon stands. It is a copy: it does not change.
type Status struct {
	Plan      *plan.Plan // the newest; nil before the first
	Control   state.Control
	InFlight  []spec.Key // sent, or about to be, and not answered yet; in order
	Source    Health
	Store     Health
	DriftScan *state.DriftScan // the last at what is live; nil before the first
}

// Status returns how the daemon stands.
func (r *Reconciler) Status() Status {
	s := Status{Plan: r.desired.plan()}
	s.Source, s.Store = r.health.last()
	a := r.applied
	a.mu.Lock()
	defer a.mu.Unlock()
	s.Control, s.DriftScan = a.control, a.scan
	s.InFlight = slices.SortedFunc(maps.Keys(a.inFlight), spec.Key.Compare)
	return s
}
