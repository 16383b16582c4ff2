package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// App is a daemon that is built and not started yet, or running.
type App struct {
	settings   Settings
	log        *slog.Logger
	source     reconcile.Source
	reconciler atomic.Pointer[reconcile.Reconciler] // nil until the source was read, where there was no state
	commits    *reconcile.Pacer
	pokes      chan struct{}    // asks for a poll; one is enough
	notifier   *notify.Notifier // nil: nobody is told
	window     *serve.Server    // nil: none
	listener   net.Listener
	supervisor *supervisor // nil: none
	guards     atomic.Pointer[reconcile.Guards]
	teardown   []step
}

// step is one thing to take down, named for the log.
type step struct {
	name string
	stop func() error
}

// New builds the daemon. A state is created only for a source that can be read, so
// that a mistyped source leaves none behind. If New fails, nothing is left running.
func New(ctx context.Context, s Settings, env Env, observer reconcile.Observer) (_ *App, err error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	a := &App{settings: s, commits: reconcile.NewPacer(s.Rate * s.Share), pokes: make(chan struct{}, 1)}
	if a.log, err = env.logger(&s); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	a.guards.Store(&s.Guards)
	var watching observers
	if env.Daemon && env.Getenv("GOGC") == "" {
		saving := startThrift()
		watching = append(watching, saving)
		a.onStop("collect garbage as before", saving.Close)
	}
	if s.Simulate {
		if err := a.simulate(&s, &env); err != nil {
			return nil, err
		}
	}
	client, err := a.connect(ctx, &s, &env)
	if err != nil {
		return nil, err
	}
	known, err := a.openKnown(ctx, &s, &env)
	if err != nil {
		return nil, err
	}
	if observer != nil {
		watching = append(watching, observer)
	}
	if err := a.openNotifier(&s); err != nil {
		return nil, err
	}
	if a.notifier != nil {
		watching = append(watching, a.notifier)
	}
	if env.Daemon {
		a.supervisor = openSupervisor(env.Getenv, a.log)
		a.onStop("leave systemd", a.supervisor.close)
		if err := a.openWindow(ctx, &s, &env); err != nil {
			return nil, err
		}
	}
	if a.window != nil {
		watching = append(watching, a.window.Observer())
	}
	store, err := a.openRest(ctx, &s, &env, known)
	if err != nil {
		return nil, err
	}
	return a, a.build(ctx, &s, client, store, watching)
}

// connect makes the client of the API.
func (a *App) connect(ctx context.Context, s *Settings, env *Env) (*wedata.Client, error) {
	credentials, err := wedata.FindCredentials(ctx, wedata.CredentialSources{Getenv: env.Getenv, Logger: a.log})
	if err != nil {
		return nil, err
	}
	client, err := wedata.New(wedata.Config{
		Endpoint:    s.Endpoint,
		Region:      s.Region,
		Credentials: credentials,
		UserAgent:   "wedatasync/" + env.Version,
		Logger:      a.log,
	})
	if err != nil {
		return nil, err
	}
	a.onStop("close the client", client.Close)
	return client, nil
}

// open opens the source and the state, the state first where there is one: what
// another process holds is not touched at all.
func (a *App) open(ctx context.Context, s *Settings, env *Env) (*state.Store, error) {
	known, err := a.openKnown(ctx, s, env)
	if err != nil {
		return nil, err
	}
	return a.openRest(ctx, s, env, known)
}

// openKnown opens the state if there is one. It returns nil if there is none.
func (a *App) openKnown(ctx context.Context, s *Settings, env *Env) (*state.Store, error) {
	fresh, err := state.Fresh(s.State)
	if fresh || err != nil {
		return nil, err
	}
	return a.openState(ctx, s, env)
}

// openRest opens the source, and makes a state where openKnown has found none.
func (a *App) openRest(ctx context.Context, s *Settings, env *Env, known *state.Store) (*state.Store, error) {
	since := ""
	if known != nil {
		control, err := known.Control(ctx)
		if err != nil {
			return nil, err
		}
		since = control.Revision
	}
	if err := a.openSource(s, since); err != nil || known != nil {
		return known, err
	}
	if _, err := a.source.Poll(ctx); err != nil {
		return nil, err
	}
	return a.openState(ctx, s, env)
}

func (a *App) openState(ctx context.Context, s *Settings, env *Env) (*state.Store, error) {
	store, err := state.Open(ctx, s.State, s.Identity(), state.Options{Logger: a.log, Actor: "wedatasync", Version: env.Version, Create: true})
	if err != nil {
		return nil, err
	}
	a.onStop("close the state", store.Close)
	return store, nil
}

func (a *App) openSource(s *Settings, since string) (err error) {
	if a.source, err = s.OpenSource(s.State+".git", since, a.log); err != nil {
		return err
	}
	a.onStop("close the source", a.source.Close)
	return nil
}

// build reads what the state knows and puts the reconciler together.
func (a *App) build(ctx context.Context, s *Settings, client *wedata.Client, store *state.Store, observer reconcile.Observer) error {
	records, control, err := load(ctx, store)
	if err != nil {
		return err
	}
	reads := reconcile.NewPacer(s.Rate * s.Share)
	a.reconciler.Store(reconcile.New(reconcile.Config{
		Source:    a.source,
		Committer: client,
		Reader:    client,
		Ledger:    store,
		Observer:  observer,
		Logger:    a.log,
		Info:      s.sourceInfo(),
		State:     reconcile.StateInfo{Lineage: store.Lineage()},
		Guards:    a.guards.Load,
		Commits:   a.commits,
		Reads:     reads,
		Survey:    &reconcile.Survey{Lister: client, Looker: client, Lists: reconcile.NewPacer(reconcile.LookRate * s.Share), Looks: reads},
		LookEvery: s.DriftInterval,
		Horizon:   s.AcceptHorizon,
		Interval:  s.Interval,
		Random:    mathrand.Float64,
		NewID:     rand.Text,
	}, records, control))
	return nil
}

// reading is what a plan needs of a state.
type reading interface {
	Control(ctx context.Context) (state.Control, error)
	Records(ctx context.Context) iter.Seq2[state.Record, error]
}

// load reads all of a state.
func load(ctx context.Context, from reading) (map[spec.Key]*state.Record, state.Control, error) {
	control, err := from.Control(ctx)
	if err != nil {
		return nil, control, err
	}
	records := map[spec.Key]*state.Record{}
	for rec, err := range from.Records(ctx) {
		if err != nil {
			return nil, control, err
		}
		records[rec.Key] = &rec
	}
	return records, control, nil
}

// ErrGrace says that calls were still under way at the end of the grace period.
// Their outcome is unknown; the next start reads them back.
var ErrGrace = errors.New("calls were still under way when the grace period ended; their outcome is read back at the next start")

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
	a.log.InfoContext(ctx, "start", "source", a.settings.sourceInfo().URL, "endpoint", a.settings.Identity().Endpoint, "interval", a.settings.Interval)
	reconciler := a.reconciler.Load()
	stop := a.beside(ctx, a.follow, a.tellPeople, reconciler.Watch, func(beside context.Context) { a.tellSupervisor(beside, ctx) })
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
	a.log.InfoContext(context.WithoutCancel(ctx), "stopping: what is under way gets its answer", "cause", context.Cause(ctx), "grace", a.settings.Grace)
	grace := time.NewTimer(a.settings.Grace)
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
