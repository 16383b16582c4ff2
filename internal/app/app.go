package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// App is a daemon that is built and not started yet, or running.
type App struct {
	env         parts.Env
	settings    atomic.Pointer[config.Settings] // in use, as they were given
	guards      atomic.Pointer[reconcile.Guards]
	logging     *parts.Logging
	log         *slog.Logger
	credentials *wedata.Credentials
	client      *wedata.Client
	source      reconcile.Source
	git         atomic.Pointer[source.Git]           // the source, if it is one
	reconciler  atomic.Pointer[reconcile.Reconciler] // nil until the source was read, where there was no state
	commits     *reconcile.Pacer
	reads       *reconcile.Pacer
	lists       *reconcile.Pacer
	pokes       chan struct{} // asks for a poll; one is enough
	notifier    *notify.Notifier
	window      *serve.Server // nil: none
	listener    net.Listener
	supervisor  *supervisor // nil: none
	reloads     reloads
	teardown    []step
}

// step is one thing to take down, named for the log.
type step struct {
	name string
	stop func() error
}

// New builds the daemon. A state is created only for a source that can be read, so
// that a mistyped source leaves none behind. If New fails, nothing is left running.
func New(ctx context.Context, s config.Settings, env parts.Env, observer reconcile.Observer) (_ *App, err error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	a := &App{
		commits: reconcile.NewPacer(s.Rate * s.Share),
		reads:   reconcile.NewPacer(s.Rate * s.Share),
		lists:   reconcile.NewPacer(reconcile.LookRate * s.Share),
		pokes:   make(chan struct{}, 1),
	}
	given := s
	a.settings.Store(&given)
	a.guards.Store(&given.Guards)
	if a.logging, err = parts.NewLogging(&env, &s); err != nil {
		return nil, err
	}
	a.log = a.logging.Logger()
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	var watching observers
	if env.Daemon && env.Getenv("GOGC") == "" {
		saving := startThrift(state.SavedSize(s.State) + source.SavedSize(s.Mirror()))
		watching = append(watching, saving)
		a.onStop("collect garbage as before", saving.Close)
	}
	if s.Simulate {
		if err := a.simulate(&s, &env); err != nil {
			return nil, err
		}
	}
	a.env = env
	if err := a.connect(ctx, &s); err != nil {
		return nil, err
	}
	now := time.Now()
	a.reloads.of.Configuration = reconcile.Health{At: now, OK: now}
	a.reloads.of.Credentials = a.reloads.of.Configuration
	known, err := a.openExistingState(ctx, &s, &env)
	if err != nil {
		return nil, err
	}
	if observer != nil {
		watching = append(watching, observer)
	}
	if err := a.openNotifier(&s); err != nil {
		return nil, err
	}
	watching = append(watching, a.notifier)
	if env.Daemon {
		a.supervisor = openSupervisor(env.Getenv, a.log)
		a.onStop("leave systemd", a.supervisor.close)
		if err := a.openWindow(ctx, &s, &env); err != nil {
			return nil, err
		}
		if err := a.openDebug(ctx, &s); err != nil {
			return nil, err
		}
	}
	if a.window != nil {
		watching = append(watching, a.window.Observer())
	}
	store, err := a.openSourceAndState(ctx, &s, &env, known)
	if err != nil {
		return nil, err
	}
	return a, a.build(ctx, &s, store, watching)
}

// connect makes the client of the API.
func (a *App) connect(ctx context.Context, s *config.Settings) (err error) {
	if a.client, a.credentials, err = parts.Connect(ctx, s, &a.env, a.log); err != nil {
		return err
	}
	a.onStop("close the client", a.client.Close)
	return nil
}

// openExistingState opens the state if there is one. It returns nil if there is none.
func (a *App) openExistingState(ctx context.Context, s *config.Settings, env *parts.Env) (*state.Store, error) {
	store, err := parts.OpenExistingState(ctx, s, env.Version, a.log)
	if store != nil {
		a.onStop("close the state", store.Close)
	}
	return store, err
}

// openSourceAndState opens the source, and makes a state where there is none.
func (a *App) openSourceAndState(ctx context.Context, s *config.Settings, env *parts.Env, store *state.Store) (_ *state.Store, err error) {
	if a.source, err = parts.OpenMirrored(ctx, s, store, a.log); err != nil {
		return nil, err
	}
	a.onStop("close the source", a.source.Close)
	if git, ok := a.source.(*source.Git); ok {
		a.git.Store(git)
	}
	if store != nil {
		return store, nil
	}
	if store, err = parts.CreateState(ctx, s, a.source, env.Version, a.log); err != nil {
		return nil, err
	}
	a.onStop("close the state", store.Close)
	return store, nil
}

// build reads what the state knows and puts the reconciler together.
func (a *App) build(ctx context.Context, s *config.Settings, store *state.Store, observer reconcile.Observer) error {
	control, err := store.Control(ctx)
	if err != nil {
		return err
	}
	records, err := store.Load(ctx)
	if err != nil {
		return err
	}
	a.reconciler.Store(reconcile.New(reconcile.Config{
		Source:    a.source,
		Committer: a.client,
		Reader:    a.client,
		Ledger:    store,
		Observer:  observer,
		Logger:    a.log,
		Info:      s.SourceInfo(),
		State:     reconcile.StateInfo{Lineage: store.Lineage()},
		Guards:    a.guards.Load,
		Horizon:   a.horizon,
		Skew:      a.client.SkewBound,
		Interval:  func() time.Duration { return a.settings.Load().Interval },
		Commits:   a.commits,
		Reads:     a.reads,
		Survey:    &reconcile.Survey{Lister: a.client, Looker: a.client, Lists: a.lists, Looks: a.reads},
		LookEvery: func() time.Duration { return a.settings.Load().DriftInterval },
		Policy:    func() reconcile.DriftPolicy { return reconcile.DriftPolicy(a.settings.Load().DriftPolicy) },
		Random:    mathrand.Float64,
		NewID:     rand.Text,
		Uptime:    parts.Uptime,
	}, records, control))
	return nil
}

// horizon is how long a signed request can still be accepted: longer by what this
// machine's clock is ahead of WeData's.
func (a *App) horizon() time.Duration { return a.settings.Load().AcceptHorizon + a.client.SkewMargin() }

// ErrGrace says that calls were still under way at the end of the grace period.
// Their outcome is unknown; the next start reads them back.
var ErrGrace = errors.New("calls were still under way when the grace period ended; their outcome is read back at the next start")

// Rate is how many commits a second this daemon makes at the most, as it is set now.
func (a *App) Rate() float64 {
	s := a.settings.Load()
	return s.Rate * s.Share
}

// Once makes one pass.
func (a *App) Once(ctx context.Context) (result *reconcile.Result, err error) {
	stop := a.beside(ctx, a.tellPeople)
	err = a.within(ctx, func() (err error) {
		result, err = a.reconciler.Load().Once(ctx)
		return err
	})
	stop()
	if errors.Is(err, ErrGrace) {
		return nil, err // the pass may still be at its result
	}
	return result, err
}

// Run makes passes until ctx is done. What is under way then gets the grace period
// to end in.
func (a *App) Run(ctx context.Context) error {
	s, reconciler := a.settings.Load(), a.reconciler.Load()
	a.log.InfoContext(ctx, "start", "source", s.SourceInfo().URL, "endpoint", s.Identity().Endpoint, "interval", s.Interval)
	stop := a.beside(ctx, a.follow, a.tellPeople, a.keepUp, reconciler.Watch, func(beside context.Context) { a.tellSupervisor(beside, ctx) })
	err := a.within(ctx, func() error { return reconciler.Run(ctx, a.pokes) })
	stop()
	a.log.InfoContext(context.WithoutCancel(ctx), "stop")
	return err
}

// beside starts what goes on beside the passes. It outlives ctx, so that people see
// how it ends, and is over when stop returns.
func (a *App) beside(ctx context.Context, parts ...func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, part := range parts {
		running.Go(func() { part(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// within calls run, and waits for it until the grace period after ctx is over.
func (a *App) within(ctx context.Context, run func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	wait := a.settings.Load().Grace
	a.log.InfoContext(context.WithoutCancel(ctx), "stopping: what is under way gets its answer", "cause", context.Cause(ctx), "grace", wait)
	grace := time.NewTimer(wait)
	defer grace.Stop()
	select {
	case err := <-ended:
		return err
	case <-grace.C:
		return ErrGrace
	}
}

// onStop names what Close takes down, the newest first.
func (a *App) onStop(name string, stop func() error) {
	a.teardown = append(a.teardown, step{name, stop})
}

// Close takes everything down.
func (a *App) Close() error {
	var errs []error
	for _, s := range slices.Backward(a.teardown) {
		if err := s.stop(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	a.teardown = nil
	return errors.Join(errs...)
}
