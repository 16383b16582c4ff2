package app

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/approval/listing"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// App is a daemon that is built and not started yet, or running.
type App struct {
	log        *slog.Logger
	settings   *inUse
	limits     *limits
	trigger    trigger
	client     *wedata.Client
	source     reconcile.Source
	polled     *early                     // the source, as the engine polls it
	git        atomic.Pointer[source.Git] // the source, if it is one and open
	engine     engine
	notifier   *notify.Notifier
	daemon     *snapshot.Daemon
	reporter   *reporter
	server     *serve.Server // nil: none
	supervisor *supervisor   // nil: none
	reloader   *reloader
	closers    closers
}

// New builds the daemon. A state is created only for a source that can be read, so
// that a mistyped source leaves none behind. If New fails, nothing is left running.
func New(ctx context.Context, s config.Settings, env parts.Env, observer reconcile.Observer) (_ *App, err error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	a := &App{settings: newInUse(s), limits: newLimits(&s), trigger: newTrigger()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	logging, err := parts.NewLogging(&env, &s)
	if err != nil {
		return nil, err
	}
	a.log = logging.Logger()
	if s.Simulate {
		if err := startSimulator(&s, &env, &a.closers); err != nil {
			return nil, err
		}
	}
	var credentials *wedata.Credentials
	if a.client, credentials, err = parts.Connect(ctx, &s, &env, a.log); err != nil {
		return nil, err
	}
	a.closers.add("close the client", a.client.Close)
	// The state is first of what others can hold: then nothing else is touched.
	store, err := parts.OpenExistingState(ctx, &s, env.Version, a.log)
	if err != nil {
		return nil, err
	}
	if store != nil {
		a.closers.add("close the state", store.Close)
	}
	s.Notify.NewID, s.Notify.Logger = rand.Text, a.log
	if a.notifier, err = notify.New(s.Notify); err != nil {
		return nil, err
	}
	a.closers.add("close the channels", a.notifier.Close)
	a.reloader = &reloader{
		env: &env, settings: a.settings, credentials: credentials, trigger: a.trigger, engine: &a.engine, log: a.log,
		last: reloadsBegun(),
	}
	a.reloader.add(logging.Reload)
	a.reloader.add(func(next *config.Settings) (func(), error) { return a.notifier.Reload(next.Notify) })
	a.reloader.add(a.limits.reload)
	a.daemon = &snapshot.Daemon{
		Status: a.engine.status, Alive: a.engine.alive, Reloads: a.reloader.status, Period: a.limits.commits.Period, Recent: a.limits.commits.Recent, Interval: a.interval, Tracker: snapshot.NewTracker(),
	}
	a.reporter = newReporter(a.daemon, s.State, env.Version, a.log)
	if env.Daemon {
		// Before the source is read for the first time: that can take long, and the page
		// says so.
		if err := a.openServers(ctx, &s, &env); err != nil {
			return nil, err
		}
	}
	if store, err = a.openSource(ctx, &s, &env, store); err != nil {
		return nil, err
	}
	if env.Daemon {
		a.openSocket(ctx, s.State, env.Version)
	}
	return a, a.startEngine(ctx, &s, store, observer)
}

// openSource opens the source, begins to poll it, and makes a state where there is none.
func (a *App) openSource(ctx context.Context, s *config.Settings, env *parts.Env, store *sqlstore.Store) (_ *sqlstore.Store, err error) {
	if a.source, err = parts.OpenMirrored(ctx, s, store, a.log); err != nil {
		return nil, err
	}
	a.closers.add("close the source", a.source.Close)
	if git, ok := a.source.(*source.Git); ok {
		a.git.Store(git)
		a.reloader.add(func(next *config.Settings) (func(), error) {
			c, _ := parts.SourceConfigs(next, "", nil, a.log)
			return git.Reload(c)
		})
	}
	var stop func()
	a.polled, stop = pollEarly(ctx, a.source)
	a.closers.add("end the first poll", func() error { stop(); return nil })
	if store != nil {
		return store, nil
	}
	if store, err = parts.CreateState(ctx, s, a.polled.first, env.Version, a.log); err != nil {
		return nil, err
	}
	a.closers.add("close the state", store.Close)
	return store, nil
}

// startEngine reads what the state knows, while the source is polled, and puts the reconciler
// together.
func (a *App) startEngine(ctx context.Context, s *config.Settings, store *sqlstore.Store, observer reconcile.Observer) error {
	control, err := store.Control(ctx)
	if err != nil {
		return err
	}
	records, err := store.Load(ctx)
	if err != nil {
		return err
	}
	if err := a.notifier.Restore(ctx, store, records.Open(), control.DriftScan); err != nil {
		return err
	}
	var watching observers
	if observer != nil {
		watching = append(watching, observer)
	}
	if a.server != nil {
		watching = append(watching, a.server.Observer())
	} else {
		watching = append(watching, tracking{a.daemon.Tracker})
	}
	watching = append(watching, a.reporter, a.notifier)
	a.engine.Store(reconcile.New(reconcile.Config{
		Source:    a.polled,
		Committer: a.client,
		Reader:    a.client,
		Store:     store,
		Observer:  watching,
		Logger:    a.log,
		Info:      s.SourceInfo(),
		State:     plan.StateInfo{Lineage: store.Lineage()},
		Guards:    a.settings.guards.Load,
		Horizon:   a.horizon,
		Skew:      a.client.SkewBound,
		Interval:  a.interval,
		Commits:   a.limits.commits,
		Reads:     a.limits.reads,
		Versions:  a.client,
		Tags:      func() bool { return a.settings.get().TagVersions },
		Approvals: &listing.Watch{Lister: a.client, Limit: a.limits.approvals, Logger: a.log, Random: mathrand.Float64},
		Scanner:   &drift.Scanner{Lister: a.client, Describer: a.client, Lists: a.limits.lists, Describes: a.limits.reads},
		ScanEvery: func() time.Duration { return a.settings.get().DriftInterval },
		Policy:    func() plan.DriftPolicy { return plan.DriftPolicy(a.settings.get().DriftPolicy) },
		Random:    mathrand.Float64,
		NewID:     rand.Text,
		Uptime:    parts.Uptime,
	}, records, control))
	return nil
}

func (a *App) interval() time.Duration { return a.settings.get().Interval }

// horizon is how long a signed request can still be accepted: longer by what this
// machine's clock is ahead of WeData's.
func (a *App) horizon() time.Duration {
	return a.settings.get().AcceptHorizon + a.client.SkewMargin()
}

// Rate is how many commits a second this daemon makes at the most, as it is set now.
func (a *App) Rate() float64 { return a.settings.get().CommitRate() }

// Once makes one pass.
func (a *App) Once(ctx context.Context) (result *reconcile.Result, err error) {
	stop := background(ctx, a.notifier.Run)
	err = withGrace(ctx, a.settings.get().Grace, a.log, func() (err error) {
		result, err = a.engine.Load().Once(ctx)
		return err
	})
	stop()
	a.endReport(ctx, err)
	if errors.Is(err, ErrGrace) {
		return nil, err // the pass may still be at its result
	}
	return result, err
}

// Run makes passes until ctx is done. What is under way then gets the grace period
// to end in.
func (a *App) Run(ctx context.Context) error {
	s, reconciler := a.settings.get(), a.engine.Load()
	a.log.InfoContext(ctx, "start", "source", s.SourceInfo().URL, "endpoint", s.Identity().Endpoint, "interval", s.Interval)
	if a.reloader.env.Getenv("GOGC") == "" {
		a.polled.frugal = true
		defer debug.SetGCPercent(debug.SetGCPercent(pollGC))
	}
	stop := background(ctx,
		func(running context.Context) { a.trigger.onChange(running, a.source) },
		a.notifier.Run,
		a.reporter.run,
		a.reloader.run,
		reconciler.Watch,
		func(running context.Context) { a.supervisor.run(running, ctx, reconciler, a.daemon.Snapshot) },
		func(running context.Context) { giveBackMemory(running, reconciler.Polled()) },
	)
	err := withGrace(ctx, s.Grace, a.log, func() error { return reconciler.Run(ctx, a.trigger) })
	stop()
	a.endReport(ctx, err)
	a.log.InfoContext(context.WithoutCancel(ctx), "stop")
	return err
}

// endReport leaves the condition at the end for the command status. After an error it is not
// known whether that is all there is to know.
func (a *App) endReport(ctx context.Context, err error) {
	ctx = context.WithoutCancel(ctx)
	var serial int64
	if err == nil {
		serial, err = stateSerial(ctx, a.reporter.path)
	}
	if err != nil {
		serial = 0
	}
	a.reporter.end(ctx, serial)
}

// Close takes everything down.
func (a *App) Close() error { return a.closers.close() }
