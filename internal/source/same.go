package source

import (
	"context"
	"errors"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/spec"
)

// errDiffers ends a comparison that has found a difference.
var errDiffers = errors.New("the specs differ")

// SameSpecs reports whether two commits have the same spec files. A commit that the
// mirror does not have has none.
func (g *Git) SameSpecs(ctx context.Context, old, revision string) (bool, error) {
	if !plumbing.IsHash(old) || !plumbing.IsHash(revision) || g.mirror == nil {
		return false, nil
	}
	same, err := g.sameSpecs(ctx, plumbing.NewHash(old), plumbing.NewHash(revision))
	return same, g.describe(err)
}

func (g *Git) sameSpecs(ctx context.Context, commits ...plumbing.Hash) (_ bool, err error) {
	defer recovered(&err)
	var snaps [2]snapshot
	for i, h := range commits {
		if !g.mirror.store.Has(h) {
			return false, nil
		}
		commit, err := g.mirror.store.Commit(h)
		if err != nil {
			return false, err
		}
		snaps[i], err = snapshotAt(g.mirror.store, commit.TreeHash, g.config.Path)
		if errors.Is(err, gitstore.ErrNoPath) || errors.Is(err, ErrIgnoreFile) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	err = compare(g.mirror.store, snaps[0], snaps[1], g.config.Path, newBudget(ctx, spec.NewSet()), func(_ string, from, to leaf) error {
		if (from.kind == kindNone || from.kind.unread()) && (to.kind == kindNone || to.kind.unread()) {
			return nil
		}
		return errDiffers
	})
	if errors.Is(err, errDiffers) {
		return false, nil
	}
	return err == nil, err
}
