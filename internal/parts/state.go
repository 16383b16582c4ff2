package parts

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/gitrepo"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// OpenExistingState opens the state for writing, or returns nil if there is none yet. It
// comes before the source: what another process holds is not touched at all.
func OpenExistingState(ctx context.Context, s *config.Settings, version string, log *slog.Logger) (*sqlstore.Store, error) {
	fresh, err := statefile.Fresh(s.State)
	if err != nil {
		return nil, err
	}
	if fresh {
		return nil, OutsideWorktree(s)
	}
	return openState(ctx, s, version, log)
}

// OutsideWorktree returns an error if git would take a new state, or the mirror beside it,
// into a work tree: with "git add -A" it would be pushed.
func OutsideWorktree(s *config.Settings) error {
	dir, base := filepath.Split(s.State)
	root, err := gitrepo.Addable(cmp.Or(dir, "."), base, base+"-wal", base+".head", base+".lock", filepath.Base(s.Mirror())+"/")
	if err != nil || root == "" {
		return err
	}
	return &config.SettingError{Name: "state", Err: fmt.Errorf(
		"%s would be in the git work tree %s, where \"git add -A\" takes it: name a file outside, such as %s, or list %s* in its .gitignore",
		s.State, root, filepath.Join(filepath.Dir(root), base), base)}
}

// CreateState makes a state for a source that can be read, so that a mistyped source
// leaves none behind.
func CreateState(ctx context.Context, s *config.Settings, poll func(context.Context) (*reconcile.Revision, error), version string, log *slog.Logger) (*sqlstore.Store, error) {
	if _, err := poll(ctx); err != nil {
		return nil, err
	}
	return openState(ctx, s, version, log)
}

func openState(ctx context.Context, s *config.Settings, version string, log *slog.Logger) (*sqlstore.Store, error) {
	return sqlstore.Open(ctx, s.State, s.Identity(), sqlstore.Options{Logger: log, Actor: "wedatasync", Version: version, Create: true})
}

// OpenMirrored opens the source with the copy of a git repository that is kept in the
// folder of the state. The store has what is remembered of its revisions; nil is nothing.
func OpenMirrored(ctx context.Context, s *config.Settings, store *sqlstore.Store, log *slog.Logger) (reconcile.Source, error) {
	var control state.Control
	if store != nil {
		var err error
		if control, err = store.Control(ctx); err != nil {
			return nil, err
		}
	}
	return OpenSource(s, s.Mirror(), &control, log)
}
