package parts

import (
	"context"
	"log/slog"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// OpenExistingState opens the state for writing, or returns nil if there is none yet. It
// comes before the source: what another process holds is not touched at all.
func OpenExistingState(ctx context.Context, s *config.Settings, version string, log *slog.Logger) (*sqlstore.Store, error) {
	fresh, err := sqlstore.Fresh(s.State)
	if fresh || err != nil {
		return nil, err
	}
	return openState(ctx, s, version, log)
}

// CreateState makes a state for a source that can be read, so that a mistyped source
// leaves none behind.
func CreateState(ctx context.Context, s *config.Settings, src reconcile.Source, version string, log *slog.Logger) (*sqlstore.Store, error) {
	if _, err := src.Poll(ctx); err != nil {
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
