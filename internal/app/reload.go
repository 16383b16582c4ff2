package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile"
)

// reloadable checks the settings of one part, and returns what makes the part use them.
type reloadable func(next *config.Settings) (swap func(), err error)

// reloader takes over what changes on disk: the settings and the credentials. Tokens and
// keys are read at each use and need none.
type reloader struct {
	env         *parts.Env
	settings    *inUse
	credentials *wedata.Credentials
	trigger     trigger
	engine      *engine
	log         *slog.Logger
	parts       []reloadable

	mu   sync.Mutex
	last snapshot.Reloads // how the last ones went
}

// reloadsBegun is the history of reloads of a daemon that has just read everything.
func reloadsBegun() snapshot.Reloads {
	now := time.Now()
	begun := reconcile.Health{At: now, OK: now}
	return snapshot.Reloads{Configuration: begun, Credentials: begun}
}

// add adds a part that takes over settings.
func (r *reloader) add(part reloadable) { r.parts = append(r.parts, part) }

// status returns how the last reloads went.
func (r *reloader) status() snapshot.Reloads {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// note keeps how one went, and reports whether the one before was refused.
func (r *reloader) note(h *reconcile.Health, err error) (refused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	refused = h.Err != nil
	h.At, h.Err = time.Now(), err
	if err == nil {
		h.OK = h.At
	}
	return refused
}

// run watches the files until ctx is done. It reads them at once, too: they can have
// changed while the daemon started.
func (r *reloader) run(ctx context.Context) {
	configuration, credentials := r.env.Config, r.credentials.File()
	files := newFileWatch(r.log, configuration, credentials)
	stop := background(ctx, files.run)
	defer stop()
	r.reloadSettings(ctx, false)
	if credentials != "" {
		r.reloadCredentials(ctx, false)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.env.Hangup:
			r.reloadSettings(ctx, true)
			r.reloadCredentials(ctx, true)
		case name := <-files.changed:
			switch name {
			case configuration:
				r.reloadSettings(ctx, false)
			case credentials:
				r.reloadCredentials(ctx, false)
			}
		}
	}
}

// reloadSettings takes over the settings on disk, or logs why not. asked means that a
// person waits for a line of the log, even if there is nothing new.
func (r *reloader) reloadSettings(ctx context.Context, asked bool) {
	if r.env.Reload == nil {
		return
	}
	changes, err := r.takeSettings()
	refused := r.note(&r.last.Configuration, err)
	if err != nil {
		for _, one := range splitErrors(err) {
			r.log.ErrorContext(ctx, "the configuration is refused, and the one before stays", "error", one)
		}
		return
	}
	for _, c := range changes {
		r.log.InfoContext(ctx, "setting changed", "name", c.Name, "old", c.Old, "new", c.New)
	}
	switch {
	case len(changes) > 0:
		r.log.InfoContext(ctx, "the configuration is reloaded", "changes", len(changes))
		r.trigger.fire()
	case asked || refused:
		r.log.InfoContext(ctx, "the configuration is as before")
	}
}

// takeSettings puts the settings on disk in place of those there are. All that can
// fail comes before anything changes.
func (r *reloader) takeSettings() ([]config.Change, error) {
	next, err := r.env.Reload()
	if err != nil {
		return nil, err
	}
	if err := next.Validate(); err != nil {
		return nil, err
	}
	changes, err := config.Compare(r.settings.get(), &next)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	var swaps []func()
	var errs []error
	for _, part := range r.parts {
		swap, err := part(&next)
		swaps, errs = append(swaps, swap), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, swap := range swaps {
		swap()
	}
	r.settings.settings.Store(&next)
	if e := r.engine.Load(); e != nil && slices.ContainsFunc(changes, config.Change.OfDrift) {
		e.ScanNow()
	}
	if slices.ContainsFunc(changes, config.Change.OfGuards) {
		r.settings.guards.Store(&next.Guards)
	}
	return changes, nil
}

// reloadCredentials takes over the credentials on disk, or logs why not.
func (r *reloader) reloadCredentials(ctx context.Context, asked bool) {
	changed, err := r.credentials.Reload(ctx)
	refused := r.note(&r.last.Credentials, err)
	switch {
	case err != nil:
		r.log.ErrorContext(ctx, "the credentials are refused, and those before stay", "error", err)
	case changed:
		r.log.InfoContext(ctx, "the credentials are reloaded", "from", r.credentials.Origin())
		r.engine.Load().Renew()
		r.trigger.fire()
	case asked || refused:
		r.log.InfoContext(ctx, "the credentials are as before", "from", r.credentials.Origin())
	}
}

// splitErrors returns the errors that were joined.
func splitErrors(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	var lines []string
	for _, one := range joined.Unwrap() {
		all, lines = append(all, splitErrors(one)...), append(lines, one.Error())
	}
	if strings.Join(lines, "\n") != err.Error() {
		return []error{err} // it has more to say than its parts
	}
	return all
}
