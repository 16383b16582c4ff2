package command

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/status"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// opened are the source and the state of a command that writes to the state.
type opened struct {
	source reconcile.Source
	store  *sqlstore.Store
}

// openBoth opens the source and the state, which is made if there is none. as, if not nil,
// replaces the source.
func openBoth(ctx context.Context, s *config.Settings, version string, log *slog.Logger, as func(reconcile.Source) reconcile.Source) (o *opened, err error) {
	o = new(opened)
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()
	if o.store, err = parts.OpenExistingState(ctx, s, version, log); err != nil {
		return o, err
	}
	if o.source, err = parts.OpenMirrored(ctx, s, o.store, log); err != nil {
		return o, err
	}
	if as != nil {
		o.source = as(o.source)
	}
	if o.store != nil {
		return o, nil
	}
	o.store, err = parts.CreateState(ctx, s, o.source.Poll, version, log)
	return o, err
}

func (o *opened) close() error {
	var errs []error
	if o.source != nil {
		errs = append(errs, o.source.Close())
	}
	if o.store != nil {
		errs = append(errs, o.store.Close())
	}
	return errors.Join(errs...)
}

var errNothingLive = errors.New("a simulated endpoint that is embedded begins without tasks: start one with wedatasync simulate, and name it with --endpoint")

// attach connects to WeData itself, for what asks there first. The client is the
// caller's to close.
func attach(ctx context.Context, s *config.Settings, env *parts.Env) (*wedata.Client, *slog.Logger, error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	if s.Simulate {
		return nil, nil, &config.SettingError{Name: "simulate", Err: errNothingLive}
	}
	log, err := env.Logger(s)
	if err != nil {
		return nil, nil, err
	}
	client, _, err := parts.Connect(ctx, s, env, log)
	return client, log, err
}

const (
	// freshWithin is how old the newest status of a daemon that runs can be: it writes one
	// every 5 s.
	freshWithin = 20 * time.Second
	// planWithin bounds how long a plan is waited for that only a status needs.
	planWithin = 10 * time.Second
)

// Condition is what can be known of a state and of the daemon that keeps it.
type Condition struct {
	Lineage  string
	Serial   int64
	Identity state.Identity
	Control  state.Control
	// Holder is the process that holds the state; nil if none does, or that is not known.
	Holder *state.Holder
	// Running says that Status comes from a daemon that runs.
	Running bool
	// Status is the newest condition; nil if none is known.
	Status *status.Status
	// PlanErr is why no plan could be made, so that Status is what the records tell.
	PlanErr error
}

// Condition implements [Access]. Of a daemon that runs it is what that has reported. Otherwise
// it is the report of the last one, or, if the state has changed since, a plan that is made
// here.
func (l local) Condition(ctx context.Context, env parts.Env, now time.Time) (_ *Condition, err error) {
	s := l.settings
	r, err := sqlstore.OpenReader(ctx, s.State)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	c := &Condition{Lineage: r.Lineage(), Identity: r.Identity()}
	if c.Serial, err = r.Serial(ctx); err != nil {
		return nil, err
	}
	if c.Control, err = r.Control(ctx); err != nil {
		return nil, err
	}
	if c.Status, err = status.Load(s.State); err != nil {
		c.Status, c.PlanErr = nil, err
	}
	holder, held, err := statefile.LockHolder(s.State)
	unsupported := errors.Is(err, errors.ErrUnsupported)
	if err != nil && !unsupported {
		return nil, err
	}
	if held {
		c.Holder = &holder
	}
	last := c.Status
	c.Running = (held || unsupported) && last != nil && !last.Ended && now.Sub(last.At) < freshWithin
	if c.Running || held || last != nil && last.Ended && last.Serial == c.Serial {
		return c, nil
	}
	c.PlanErr = c.planned(ctx, s, env)
	if c.PlanErr != nil {
		return c, c.fromRecords(ctx, r, s, env)
	}
	return c, nil
}

// planned makes the plan that a daemon would make, and takes the status from it.
func (c *Condition) planned(ctx context.Context, s config.Settings, env parts.Env) error {
	ctx, cancel := context.WithTimeout(ctx, planWithin)
	defer cancel()
	p, err := Plan(ctx, s, env, PlanOptions{})
	if err == nil {
		c.statusOf(p, s, env)
	}
	return err
}

// fromRecords takes the status from what the records tell by themselves.
func (c *Condition) fromRecords(ctx context.Context, r *sqlstore.Reader, s config.Settings, env parts.Env) error {
	p := &plan.Plan{Source: plan.SourceInfo{URL: c.Identity.Source, Branch: c.Identity.Branch, Revision: c.Control.Revision}}
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return err
		}
		if rec.Removed != nil {
			continue
		}
		p.Managed++
		st := explain.OfRecord(&rec, time.Now()).State
		if st == explain.Sending {
			st = explain.Unknown // nobody waits for the answer any more
		}
		if st == explain.InSync {
			p.Unchanged++
			continue
		}
		have := rec
		p.Changes = append(p.Changes, plan.Change{Key: rec.Key, Action: plan.ActionHold, Hold: plan.HoldReason(st), Have: &have}) // the words of states are words of holds
	}
	c.statusOf(p, s, env)
	return nil
}

// statusOf takes the status from a plan that no daemon has made.
func (c *Condition) statusOf(p *plan.Plan, s config.Settings, env parts.Env) {
	d := snapshot.Daemon{
		Status: func() reconcile.Status {
			return reconcile.Status{Plan: p, Control: c.Control, DriftScan: c.Control.DriftScan}
		},
		Interval: func() time.Duration { return s.Interval },
		Tracker:  snapshot.NewTracker(),
	}
	c.Status = status.Of(env.Version, d.Snapshot())
	c.Status.PID = 0
}
