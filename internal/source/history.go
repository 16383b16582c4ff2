package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// unverifiedHead returns the revision that is used in place of a newest commit that is not
// verified, with the error that says so: the revision before, or after a start the last one
// that the daemon remembers. It must be verified too, by today's keys. What the server says
// of older commits is not used: whoever can push decides what it says.
func (g *Git) unverifiedHead(ctx context.Context, head plumbing.Hash, unverified error) (*reconcile.Revision, error) {
	e, ok := errors.AsType[*Error](unverified)
	if !ok {
		return nil, unverified
	}
	known, err := g.candidates(ctx)
	if err != nil {
		return nil, err
	}
	var why error // the newest of them cannot be used
	for _, h := range known {
		rev, err := g.takeVerified(ctx, h)
		switch {
		case err == nil:
			return rev, e
		case errors.Is(err, gitstore.ErrDamaged), ctx.Err() != nil:
			return nil, err
		case why == nil && h != head:
			why = fmt.Errorf("nor is the one before, %s: %w", h, cause(err))
		}
	}
	if why == nil {
		why = errors.New("and there is no verified revision before it")
	}
	e.Err = fmt.Errorf("%w; %w", e.Err, why)
	return nil, e
}

// candidates lists the commits that may be used instead, the newest first. A commit that was
// not taken over counts only if it comes after the one that was.
func (g *Git) candidates(ctx context.Context) ([]plumbing.Hash, error) {
	if g.revision != nil {
		return []plumbing.Hash{plumbing.NewHash(g.revision.ID)}, nil
	}
	since, pending := plumbing.NewHash(g.config.Since), plumbing.NewHash(g.config.Pending)
	var known []plumbing.Hash
	if !since.IsZero() {
		known = append(known, since)
	}
	if pending.IsZero() || !g.mirror.store.Has(pending) {
		return known, nil
	}
	after, err := true, error(nil)
	if !since.IsZero() {
		after, err = g.mirror.store.Descends(ctx, since, pending)
	}
	if after {
		known = append([]plumbing.Hash{pending}, known...)
	}
	return known, err
}

// takeVerified makes an earlier commit the revision, if it is verified.
func (g *Git) takeVerified(ctx context.Context, h plumbing.Hash) (_ *reconcile.Revision, err error) {
	defer recovered(&err)
	if !g.mirror.store.Has(h) {
		return nil, errors.New("the repository has it no more")
	}
	if err := g.trust.checkPath(ctx, g.mirror.store, h, true); err != nil {
		return nil, err
	}
	return g.take(ctx, h)
}

// cause returns the cause of an *Error, whose other parts are said already.
func cause(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Err != nil {
		return e.Err
	}
	return err
}

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
	var snaps [2]specfiles.Snapshot
	for i, h := range commits {
		if !g.mirror.store.Has(h) {
			return false, nil
		}
		commit, err := g.mirror.store.Commit(h)
		if err != nil {
			return false, err
		}
		snaps[i], err = g.byName.snapshotAt(ctx, commit.TreeHash)
		if errors.Is(err, gitstore.ErrNoPath) || errors.Is(err, specfiles.ErrIgnoreFile) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	err = specfiles.Compare(g.mirror.store, snaps[0], snaps[1], g.config.Path, specfiles.NewBudget(ctx, spec.NewSet()), func(_ string, from, to specfiles.Leaf) error {
		if (from.Kind == specfiles.KindNone || from.Kind.Unread()) && (to.Kind == specfiles.KindNone || to.Kind.Unread()) {
			return nil
		}
		return errDiffers
	})
	if errors.Is(err, errDiffers) {
		return false, nil
	}
	return err == nil, err
}

// Descends reports whether the commit is old, or comes after it. A commit that
// the mirror does not have is in no history of it.
func (g *Git) Descends(ctx context.Context, old, revision string) (bool, error) {
	if old == revision {
		return true, nil
	}
	if !plumbing.IsHash(old) || !plumbing.IsHash(revision) {
		return false, nil
	}
	if err := g.openMirror(); err != nil {
		return false, g.describe(err)
	}
	if g.mirror == nil {
		return false, g.describe(&Error{Kind: ErrMirror, Detail: "nothing has been fetched yet"})
	}
	ok, err := g.mirror.store.Descends(ctx, plumbing.NewHash(old), plumbing.NewHash(revision))
	if incomparable(ctx, err) {
		err = &Error{Kind: reconcile.ErrHistory, Err: err}
	}
	return ok, g.describe(err)
}

// incomparable reports whether an error is that of a commit that nobody will ever be able to
// read: it is too large, or malformed.
func incomparable(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, gitstore.ErrDamaged)
}
