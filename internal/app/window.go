package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// ListenOff is the value of Settings.Listen that opens no window.
const ListenOff = "off"

// openWindow opens what shows the daemon to people and machines, until Close. It does
// so before the source is read for the first time: that may take long, and who looks
// then is told so.
func (a *App) openWindow(ctx context.Context, s *config.Settings, env *parts.Env) error {
	if s.Listen == ListenOff {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("open the status page: %w: give each daemon a --listen of its own, or --listen %s", err, ListenOff)
	}
	a.onStop("close the listener", func() error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	a.listener = l
	config := windowConfig(s)
	config.Version, config.Logger, config.Source = env.Version, a.log, s.SourceInfo()
	config.Status, config.Alive = a.status, a.alive
	config.State = func(ctx context.Context) (*state.Reader, error) { return state.OpenReader(ctx, s.State) }
	config.Reloads, config.Period, config.Trigger = a.reloads.get, a.commits.Period, a.poke
	config.Skew = func() (time.Duration, bool) { s := a.client.Skew(); return s.Ahead(), s.Known }
	config.KeyExpiry = func() time.Time {
		if git := a.git.Load(); git != nil {
			return git.KeyExpiry().At
		}
		return time.Time{}
	}
	config.Submit = func(ctx context.Context, w state.Word) (state.Answer, error) { return tell(ctx, s.State, w) }
	if a.window, err = serve.New(config); err != nil {
		return err
	}
	stop := a.beside(ctx, a.show)
	a.onStop("close the status page", func() error { stop(); return nil })
	return nil
}

// openDebug opens the profiles, until Close.
func (a *App) openDebug(ctx context.Context, s *config.Settings) error {
	if s.DebugListen == "" {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.DebugListen)
	if err != nil {
		return fmt.Errorf("open the profiles: %w: give each daemon a --debug-listen of its own", err)
	}
	stop := a.beside(ctx, func(ctx context.Context) {
		a.log.InfoContext(ctx, "the profiles are open", "url", "http://"+l.Addr().String()+"/debug/pprof/")
		if err := serve.Debug(ctx, l, a.log); err != nil {
			a.log.ErrorContext(ctx, "the profiles are gone", "error", err)
		}
	})
	a.onStop("close the profiles", func() error { stop(); return nil })
	return nil
}

// status returns how the daemon stands.
func (a *App) status() reconcile.Status {
	if r := a.reconciler.Load(); r != nil {
		return r.Status()
	}
	return reconcile.Status{}
}

// alive reports whether the loop goes on at now. Before there is one, the first reading
// of the source has bounds of its own.
func (a *App) alive(now time.Time) bool {
	r := a.reconciler.Load()
	return r == nil || r.Alive(now)
}

// windowConfig is the part of the window that can change.
func windowConfig(s *config.Settings) serve.Config {
	c := serve.Config{
		Interval: s.Interval,
		Webhooks: serve.Webhooks{GitHub: s.Webhooks.GitHub, GitLab: s.Webhooks.GitLab, Gitea: s.Webhooks.Gitea},
		Private:  s.ReadTokenFile != "",
	}
	for _, t := range s.Tokens {
		c.Tokens = append(c.Tokens, access.Token(t))
		c.Private = c.Private || slices.Contains(t.Verbs, access.VerbRead)
	}
	if s.ActionTokenFile != "" {
		c.Tokens = append(c.Tokens, access.Token{File: s.ActionTokenFile, Verbs: access.Verbs()})
	}
	if s.ReadTokenFile != "" {
		c.Tokens = append(c.Tokens, access.Token{File: s.ReadTokenFile, Verbs: []state.Verb{access.VerbRead}})
	}
	for _, name := range s.AllowedHosts {
		c.Hosts = append(c.Hosts, strings.ToLower(name))
	}
	if host, _, err := net.SplitHostPort(s.Listen); err == nil && host != "" {
		c.Hosts = append(c.Hosts, strings.ToLower(host))
	}
	return c
}

// show serves until ctx is done. A window that fails is no reason to stop
// releases, and says so.
func (a *App) show(ctx context.Context) {
	a.log.InfoContext(ctx, "the status page is open", "url", "http://"+a.listener.Addr().String()+"/")
	if err := a.window.Serve(ctx, a.listener); err != nil && ctx.Err() == nil {
		a.log.ErrorContext(ctx, "the status page is gone", "error", err)
	}
}

// tell leaves a word for the daemon of this process.
func tell(ctx context.Context, path string, w state.Word) (state.Answer, error) {
	id, err := state.PostWord(ctx, path, w)
	if err != nil {
		return state.Answer{}, err
	}
	answer, err := command.WaitResult(ctx, path, id)
	if errors.Is(err, command.ErrNoResult) {
		return answer, serve.ErrPending
	}
	return answer, err
}

// openNotifier builds what tells people.
func (a *App) openNotifier(s *config.Settings) (err error) {
	s.Notify.NewID, s.Notify.Logger = rand.Text, a.log
	if a.notifier, err = notify.New(s.Notify); err != nil {
		return err
	}
	a.onStop("close the channels", a.notifier.Close)
	return nil
}

// tellPeople tells what is queued, until ctx is done and a little longer.
func (a *App) tellPeople(ctx context.Context) { a.notifier.Run(ctx) }

// poke asks for a poll of the source. It does not block: one that is asked for
// already is enough.
func (a *App) poke() {
	select {
	case a.pokes <- struct{}{}:
	default:
	}
}

// follow passes on what the source notices by itself.
func (a *App) follow(ctx context.Context) {
	source, ok := a.source.(interface{ Changed() <-chan struct{} })
	if !ok {
		return
	}
	for {
		select {
		case <-source.Changed():
			a.poke()
		case <-ctx.Done():
			return
		}
	}
}

// observers tells several what happens.
type observers []reconcile.Observer

var (
	_ reconcile.Observer     = observers(nil)
	_ reconcile.LookObserver = observers(nil)
)

// Planned implements [reconcile.Observer].
func (all observers) Planned(p *reconcile.Plan) {
	for _, o := range all {
		o.Planned(p)
	}
}

// Called implements [reconcile.Observer].
func (all observers) Called(c *reconcile.Change, next *state.Record, out state.Outcome) {
	for _, o := range all {
		o.Called(c, next, out)
	}
}

// Looked implements [reconcile.LookObserver].
func (all observers) Looked(look *state.Look, began, ended []state.Drift) {
	for _, o := range all {
		if o, ok := o.(reconcile.LookObserver); ok {
			o.Looked(look, began, ended)
		}
	}
}

// Passed implements [reconcile.Observer].
func (all observers) Passed(r *reconcile.Result) {
	for _, o := range all {
		o.Passed(r)
	}
}
