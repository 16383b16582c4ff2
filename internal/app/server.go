package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/weblink"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// openServers opens what shows the daemon to people, machines and systemd, until Close.
func (a *App) openServers(ctx context.Context, s *config.Settings, env *parts.Env) error {
	a.supervisor = openSupervisor(env.Getenv, a.log)
	a.closers.add("leave systemd", a.supervisor.close)
	if s.Listen != config.ListenOff {
		if err := a.openServer(ctx, s, env.Version); err != nil {
			return err
		}
	}
	if s.DebugListen != "" {
		return a.openDebug(ctx, s.DebugListen)
	}
	return nil
}

// openServer opens the status page, the API and the probes.
func (a *App) openServer(ctx context.Context, s *config.Settings, version string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("open the status page: %w: give each daemon a --listen of its own, or --listen %s", err, config.ListenOff)
	}
	a.closers.add("close the listener", func() error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	server, err := serve.New(a.serverConfig(s, version))
	if err != nil {
		return err
	}
	a.server = server
	a.reloader.add(func(next *config.Settings) (func(), error) { return server.Reload(reloadableConfig(next)) })
	stop := background(ctx, func(ctx context.Context) {
		a.log.InfoContext(ctx, "the status page is open", "url", "http://"+l.Addr().String()+"/")
		// A server that fails is no reason to stop releases.
		if err := server.Serve(ctx, l); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "the status page has stopped", "error", err)
		}
	})
	a.closers.add("close the status page", func() error { stop(); return nil })
	return nil
}

// openDebug opens the profiles.
func (a *App) openDebug(ctx context.Context, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("open the profiles: %w: give each daemon a --debug-listen of its own", err)
	}
	stop := background(ctx, func(ctx context.Context) {
		a.log.InfoContext(ctx, "the profiles are open", "url", "http://"+l.Addr().String()+"/debug/pprof/")
		if err := serve.Debug(ctx, l, a.log); err != nil {
			a.log.ErrorContext(ctx, "the profiling endpoint has stopped", "error", err)
		}
	})
	a.closers.add("close the profiles", func() error { stop(); return nil })
	return nil
}

// reader reads the state for the server.
type reader struct{ *sqlstore.Reader }

func openReader(ctx context.Context, path string) (serve.Reader, error) {
	r, err := sqlstore.OpenReader(ctx, path)
	return reader{r}, err
}

func (r reader) Export(ctx context.Context, to io.Writer, history bool) error {
	return sqlstore.Export(ctx, r.Reader, to, history)
}

// serverConfig joins the server with the other parts.
func (a *App) serverConfig(s *config.Settings, version string) serve.Config {
	path := s.State
	c := reloadableConfig(s)
	c.Version, c.Logger, c.Source = version, a.log, s.SourceInfo()
	c.Daemon = a.daemon
	c.State = func(ctx context.Context) (serve.Reader, error) { return openReader(ctx, path) }
	c.Submit = func(ctx context.Context, w state.Command) (state.CommandResult, error) { return submit(ctx, path, w) }
	c.Trigger = a.trigger.fire
	c.Skew = func() (time.Duration, bool) { s := a.client.Skew(); return s.Ahead(), s.Known }
	c.Receivers = a.notifier.Stats
	c.KeyExpiry = func() time.Time {
		if git := a.git.Load(); git != nil {
			return git.KeyExpiry().At
		}
		return time.Time{}
	}
	return c
}

// reloadableConfig is the part of the server that can change while it runs.
func reloadableConfig(s *config.Settings) serve.Config {
	c := serve.Config{
		Interval: s.Interval,
		Webhooks: serve.Webhooks{GitHub: s.Webhooks.GitHub, GitLab: s.Webhooks.GitLab, Gitea: s.Webhooks.Gitea},
		Private:  s.ReadTokenFile != "",
		Links:    weblink.New(linkSettings(s)),
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

// linkSettings are what links to the forge and the console are made from.
func linkSettings(s *config.Settings) weblink.Settings {
	links := weblink.Settings{Source: s.Source, Folder: s.Path, Console: s.ConsoleURL}
	if f := s.Notify.Forge; f != nil {
		links.Kind = f.Kind
	}
	return links
}

// submit leaves an operator's command for the daemon of this process, and waits for its
// result.
func submit(ctx context.Context, path string, w state.Command) (state.CommandResult, error) {
	id, err := sqlstore.Enqueue(ctx, path, w)
	if err != nil {
		return state.CommandResult{}, err
	}
	answer, err := command.WaitResult(ctx, path, id)
	if errors.Is(err, command.ErrNoResult) {
		return answer, serve.ErrPending
	}
	return answer, err
}
