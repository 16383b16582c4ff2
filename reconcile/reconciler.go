package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

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

	Info  SourceInfo // URL and Branch; the revision is the source's
	State StateInfo  // Lineage

	Guards   func() *Guards // asked at each pass, so that they can change
	Commits  *Pacer         // of CommitIntegrationTask
	Reads    *Pacer         // of DescribeIntegrationTask
	Horizon  time.Duration  // how long a signed request can still be accepted
	Interval time.Duration  // between two polls
	Random   func() float64 // in [0, 1), for the jitter of back-offs
	NewID    func() string  // for attempts
}

// Reconciler carries plans out. It is the only one that changes the state while
// it lives. Its exported methods other than Status are called from one goroutine.
type Reconciler struct {
	cfg Config

	// mu guards the copy of the state and what Status shows.
	mu      sync.Mutex
	records map[spec.Key]*state.Record
	control state.Control
	flying  map[spec.Key]bool // sent, and not answered yet
	plan    *Plan             // the newest, as the guards left it
	source  Health            // of the polls
	ledger  Health            // of the state's writes

	saving sync.Mutex // one change of control at a time

	// The rest belongs to the goroutine of Run or Once.
	unsettled  map[spec.Key]struct{} // tasks that may not be as their spec says; nil: all
	revision   *Revision
	descends   map[string]bool // of revision, by the revision before
	readDenied time.Time       // when reading was last denied
}

// New returns a Reconciler that starts from what the state holds.
func New(cfg Config, records map[spec.Key]*state.Record, control state.Control) *Reconciler {
	return &Reconciler{cfg: cfg, records: records, control: control, flying: map[spec.Key]bool{}}
}

// Recover settles what the last process left behind: an intent without an outcome
// becomes unknown. It is called once, before anything else.
func (r *Reconciler) Recover(ctx context.Context) error {
	for key, rec := range r.known() {
		if rec.Status != state.StatusIntent {
			continue
		}
		now := time.Now()
		next := recovered(rec, now)
		e := event(state.EventOutcome, next, now)
		e.Outcome = next.Attempt.Outcome
		if err := r.save(ctx, change(key, next, e)); err != nil {
			return err
		}
		r.cfg.Logger.WarnContext(ctx, "found a commit without an outcome", "task", key.String(), "sent", rec.Attempt.At)
	}
	return nil
}

// Poll asks the source for its newest revision.
func (r *Reconciler) Poll(ctx context.Context) (changed bool, err error) {
	rev, err := r.cfg.Source.Poll(ctx)
	if err != nil {
		return false, fmt.Errorf("poll the source: %w", err)
	}
	changed = r.revision == nil || r.revision.ID != rev.ID
	r.revision = rev
	keys := rev.Specs.Changed()
	if r.unsettled != nil {
		for _, key := range keys {
			r.unsettled[key] = struct{}{}
		}
	}
	return changed, nil
}

// Plan compares the newest revision with the state. It changes nothing.
func (r *Reconciler) Plan(ctx context.Context) (*Plan, error) {
	rewritten, err := r.rewritten(ctx)
	if err != nil {
		return nil, err
	}
	records, control := r.known(), r.Control()
	now := time.Now()
	in := Input{Specs: r.revision.Specs, Records: records, Control: &control, Keys: r.scope()}
	p := Diff(in, now)
	r.settled(in, p)
	p.Source, p.State = r.cfg.Info, r.cfg.State
	p.Source.Revision, p.Source.Author, p.Source.Subject = r.revision.ID, r.revision.Author, r.revision.Subject
	p = r.cfg.Guards().Check(p, Facts{Control: &control, Rewritten: rewritten}, now)
	r.mu.Lock()
	r.plan = p
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
func (r *Reconciler) settled(in Input, p *Plan) {
	next := make(map[spec.Key]struct{}, len(p.Changes))
	for i := range p.Changes {
		next[p.Changes[i].Key] = struct{}{}
	}
	keep := func(key spec.Key) {
		if in.Records[key] != nil && in.Specs.Get(key) == nil {
			next[key] = struct{}{}
		}
	}
	if r.unsettled == nil {
		for key := range in.Records {
			keep(key)
		}
	}
	for key := range r.unsettled {
		keep(key)
	}
	r.unsettled = next
}

// rewritten reports whether the revision does not come after that of the last pass.
func (r *Reconciler) rewritten(ctx context.Context) (bool, error) {
	old := r.Control().Revision
	if old == "" || old == r.revision.ID {
		return false, nil
	}
	if known, ok := r.descends[old+r.revision.ID]; ok {
		return !known, nil
	}
	ok, err := r.cfg.Source.Descends(ctx, old, r.revision.ID)
	if err != nil {
		return false, fmt.Errorf("compare the history with revision %s: %w", old, err)
	}
	r.descends = map[string]bool{old + r.revision.ID: ok}
	return !ok, nil
}

// Control returns what the daemon as a whole remembers.
func (r *Reconciler) Control() state.Control {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.control
}

// known returns all records. It is for the goroutine of Run or Once, and only
// while no call is under way.
func (r *Reconciler) known() map[spec.Key]*state.Record { return r.records }

// record returns the task's record, or nil.
func (r *Reconciler) record(key spec.Key) *state.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records[key]
}

// save makes the transition durable, and only then part of what is known.
func (r *Reconciler) save(ctx context.Context, t state.Transition) error {
	if err := r.cfg.Ledger.Save(context.WithoutCancel(ctx), t); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.Record != nil {
		r.records[t.Record.Key] = t.Record
	}
	if t.Forget != nil {
		delete(r.records, *t.Forget)
	}
	if t.Control != nil {
		r.control = *t.Control
	}
	return nil
}

// saveControl changes control through edit, which gets a copy of its own.
func (r *Reconciler) saveControl(ctx context.Context, edit func(*state.Control), events ...state.Event) error {
	r.saving.Lock()
	defer r.saving.Unlock()
	next := r.Control()
	next.Pauses, next.Approvals = slices.Clone(next.Pauses), slices.Clone(next.Approvals)
	edit(&next)
	return r.save(ctx, state.Transition{Control: &next, Events: events})
}
