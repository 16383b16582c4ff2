package source

import (
	"context"

	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/reconcile"
)

// SpecsAt returns the specs below the path as of a revision.
func (r *Repository) SpecsAt(ctx context.Context, rev, path string) (*reconcile.Revision, error) {
	revision, err := r.specsAt(ctx, rev, path)
	return revision, r.describe(err)
}

func (r *Repository) specsAt(ctx context.Context, rev, path string) (_ *reconcile.Revision, err error) {
	defer recovered(&err)
	if path, err = specfiles.CleanPath(path); err != nil {
		return nil, err
	}
	commit, snap, err := r.snapshot(rev, path)
	if err != nil {
		return nil, err
	}
	index := specfiles.NewIndex()
	b := specfiles.NewBudget(ctx, index.Set)
	changes, err := index.Changes(r.repo.Store, specfiles.Snapshot{}, snap, path, b)
	if err != nil {
		return nil, err
	}
	parsed, err := specfiles.ParseFiles(r.repo.Store, changes, nil, b)
	if err != nil {
		return nil, err
	}
	index.Apply(changes, parsed.Files)
	return revisionOf(commit, index.Set), nil
}
