package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/reconcile"
)

// reloads remembers how the last reloads went.
type reloads struct {
	mu sync.Mutex
	of snapshot.Reloads
}

// get returns how they went.
func (r *reloads) get() snapshot.Reloads {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of
}

// note keeps how one went, and reports whether the one before was refused.
func (r *reloads) note(h *reconcile.Health, err error) (refused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	refused = h.Err != nil
	h.At, h.Err = time.Now(), err
	if err == nil {
		h.OK = h.At
	}
	return refused
}

// keepUp takes over what changes on disk, the settings and the credentials, until ctx
// is done. Tokens and keys that are read at each use need no such thing.
func (a *App) keepUp(ctx context.Context) {
	config, credentials := a.env.Config, a.credentials.File()
	files := newFileWatch(a.log, config, credentials)
	var watching sync.WaitGroup
	watching.Go(func() { files.run(ctx) })
	defer watching.Wait()
	// The daemon may have taken its time to start.
	a.reload(ctx, false)
	if credentials != "" {
		a.renew(ctx, false)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.env.Hangup:
			a.reload(ctx, true)
			a.renew(ctx, true)
		case name := <-files.changed:
			switch name {
			case config:
				a.reload(ctx, false)
			case credentials:
				a.renew(ctx, false)
			}
		}
	}
}

// reload takes over the settings on disk, or says why not. asked says that a person
// waits for a word, even if there is nothing new.
func (a *App) reload(ctx context.Context, asked bool) {
	if a.env.Reload == nil {
		return
	}
	changes, err := a.takeSettings()
	refused := a.reloads.note(&a.reloads.of.Configuration, err)
	if err != nil {
		for _, one := range apart(err) {
			a.log.ErrorContext(ctx, "the configuration is refused, and the one before stays", "error", one)
		}
		return
	}
	for _, c := range changes {
		a.log.InfoContext(ctx, "setting changed", "name", c.Name, "old", c.Old, "new", c.New)
	}
	switch {
	case len(changes) > 0:
		a.log.InfoContext(ctx, "the configuration is reloaded", "changes", len(changes))
		a.poke()
	case asked || refused:
		a.log.InfoContext(ctx, "the configuration is as before")
	}
}

// takeSettings puts the settings on disk in place of those there are. All that can
// fail comes before anything changes.
func (a *App) takeSettings() ([]config.Change, error) {
	next, err := a.env.Reload()
	if err != nil {
		return nil, err
	}
	if err := next.Validate(); err != nil {
		return nil, err
	}
	changes, err := config.Compare(a.settings.Load(), &next)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	swaps, err := a.prepare(&next)
	if err != nil {
		return nil, err
	}
	guarded := func(c config.Change) bool {
		return strings.HasPrefix(c.Name, "guards.") || strings.HasPrefix(c.Name, "tokens.") && strings.HasSuffix(c.Name, config.AuthorSetting)
	}
	looks := func(c config.Change) bool { return strings.HasPrefix(c.Name, "drift") }
	for _, swap := range swaps {
		swap()
	}
	if r := a.reconciler.Load(); r != nil && slices.ContainsFunc(changes, looks) {
		r.LookAgain()
	}
	if slices.ContainsFunc(changes, guarded) {
		a.guards.Store(&next.Guards) // which ends the calls that passed the others
	}
	return changes, nil
}

// prepare lets each room check its part of the settings, and returns what makes them
// those in use.
func (a *App) prepare(next *config.Settings) (swaps []func(), err error) {
	var errs []error
	add := func(swap func(), err error) {
		swaps, errs = append(swaps, swap), append(errs, err)
	}
	add(a.logging.Reload(next))
	add(a.notifier.Reload(next.Notify))
	if a.window != nil {
		add(a.window.Reload(windowConfig(next)))
	}
	if git, ok := a.source.(*source.Git); ok {
		config, _ := parts.SourceConfigs(next, "", nil, a.log)
		add(git.Reload(config))
	}
	add(func() {
		a.settings.Store(next)
		a.commits.SetRate(next.Rate * next.Share)
		a.reads.SetRate(next.Rate * next.Share)
		a.lists.SetRate(reconcile.LookRate * next.Share)
	}, nil)
	return swaps, errors.Join(errs...)
}

// renew takes over the credentials on disk, or says why not.
func (a *App) renew(ctx context.Context, asked bool) {
	changed, err := a.credentials.Reload(ctx)
	refused := a.reloads.note(&a.reloads.of.Credentials, err)
	switch {
	case err != nil:
		a.log.ErrorContext(ctx, "the credentials are refused, and those before stay", "error", err)
	case changed:
		a.log.InfoContext(ctx, "the credentials are reloaded", "from", a.credentials.Origin())
		a.reconciler.Load().Renew()
		a.poke()
	case asked || refused:
		a.log.InfoContext(ctx, "the credentials are as before", "from", a.credentials.Origin())
	}
}

// apart returns the errors that were joined.
func apart(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	var lines []string
	for _, one := range joined.Unwrap() {
		all, lines = append(all, apart(one)...), append(lines, one.Error())
	}
	if strings.Join(lines, "\n") != err.Error() {
		return []error{err} // it has more to say than its parts
	}
	return all
}
