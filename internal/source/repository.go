package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"

	"github.com/wedatasync/wedatasync/internal/gitrepo"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// Repository reads specs of any revision from a repository on this machine, such
// as a checkout in CI. It looks at no file of the worktree, and needs no git
// command.
type Repository struct {
	dir  string
	repo *gitrepo.Repository
}

// FileChange is a spec file that differs between two revisions.
type FileChange struct {
	Name string     // its path from the repository's root
	Base *spec.File // nil if it was added
	Head *spec.File // nil if it was removed
}

// OpenRepository opens the repository that the folder is, or is in, as package gitrepo
// finds it.
func OpenRepository(dir string) (_ *Repository, err error) {
	defer recovered(&err)
	repo, err := gitrepo.Open(dir)
	if err != nil {
		return nil, describe(err, dir)
	}
	return &Repository{dir, repo}, nil
}

// Prefix is the path, in the repository, of the folder that was opened; "." if it
// is the root.
func (r *Repository) Prefix() string { return r.repo.Prefix }

func (r *Repository) snapshot(rev, path string) (*gitobject.Commit, specfiles.Snapshot, error) {
	h, err := r.resolve(rev)
	if err != nil {
		return nil, specfiles.Snapshot{}, err
	}
	commit, err := r.repo.Store.Commit(h)
	if err != nil {
		return nil, specfiles.Snapshot{}, err
	}
	snap, err := specfiles.SnapshotAt(r.repo.Store, commit.TreeHash, path)
	return commit, snap, err
}

// Changes returns, in git's order of path, the spec files below the path that
// differ between two revisions. Only they are read. A path that one of the two
// does not have is empty there.
func (r *Repository) Changes(ctx context.Context, base, head, path string) ([]FileChange, error) {
	changes, err := r.changes(ctx, base, head, path)
	return changes, r.describe(err)
}

func (r *Repository) changes(ctx context.Context, base, head, path string) (_ []FileChange, err error) {
	defer recovered(&err)
	if path, err = specfiles.CleanPath(path); err != nil {
		return nil, err
	}
	_, from, errBase := r.snapshot(base, path)
	_, to, errHead := r.snapshot(head, path)
	for _, err := range []error{errBase, errHead} {
		if err != nil && (!errors.Is(err, gitstore.ErrNoPath) || errors.Is(errBase, gitstore.ErrNoPath) && errors.Is(errHead, gitstore.ErrNoPath)) {
			return nil, err
		}
	}
	var before, after []specfiles.Change // the two sides of each difference
	known := spec.NewSet()
	of := specfiles.NewBudget(ctx, known)
	err = specfiles.Compare(r.repo.Store, from, to, path, of, func(name string, a, b specfiles.Leaf) error {
		before, after = append(before, specfiles.Change{Name: name, Leaf: a}), append(after, specfiles.Change{Name: name, Leaf: b})
		return nil
	})
	if err != nil {
		return nil, err
	}
	bases, err := specfiles.ParseFiles(r.repo.Store, before, nil, of)
	if err != nil {
		return nil, err
	}
	for _, f := range bases.Files {
		if f != nil {
			known.Put(f)
		}
	}
	of = specfiles.NewBudget(ctx, known)
	for _, c := range after {
		of.Replace(c.Name)
	}
	heads, err := specfiles.ParseFiles(r.repo.Store, after, nil, of)
	if err != nil {
		return nil, err
	}
	changes := make([]FileChange, 0, len(after))
	for i, c := range after {
		if base, head := bases.Files[i], heads.Files[i]; base != nil || head != nil {
			changes = append(changes, FileChange{c.Name, base, head})
		}
	}
	return changes, nil
}

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

// HasSpecs reports whether the revision has spec files below the path.
func (r *Repository) HasSpecs(ctx context.Context, rev, path string) (has bool, err error) {
	defer recovered(&err)
	if path, err = specfiles.CleanPath(path); err != nil {
		return false, err
	}
	_, snap, err := r.snapshot(rev, path)
	if errors.Is(err, gitstore.ErrNoPath) {
		return false, nil
	}
	if err != nil {
		return false, r.describe(err)
	}
	found := errors.New("a spec file")
	err = specfiles.Compare(r.repo.Store, specfiles.Snapshot{}, snap, path, specfiles.NewBudget(ctx, spec.NewSet()), func(string, specfiles.Leaf, specfiles.Leaf) error { return found })
	if errors.Is(err, found) {
		return true, nil
	}
	return false, r.describe(err)
}

// MergeBase returns the best commit that two revisions both descend from: what a
// pull request of one into the other is compared with. If they have no history in common
// there is none: a gitrepo.ErrNoRevision. If it is cut off here, before one was found, that
// is a gitrepo.ErrCutOff.
func (r *Repository) MergeBase(ctx context.Context, a, b string) (commit string, err error) {
	h, err := r.mergeBase(ctx, a, b)
	return h.String(), r.describe(err)
}

func (r *Repository) mergeBase(ctx context.Context, a, b string) (h plumbing.Hash, err error) {
	defer recovered(&err)
	left, err := r.resolve(a)
	if err != nil {
		return h, err
	}
	right, err := r.resolve(b)
	if err != nil {
		return h, err
	}
	h, ok, err := r.repo.Store.MergeBase(ctx, left, right)
	if err == nil && !ok {
		return h, &Error{Kind: gitrepo.ErrNoRevision, Detail: fmt.Sprintf("%s and %s have no commit in common", text.OneLine(a, 100), text.OneLine(b, 100))}
	}
	return h, err
}

// Close lets go of the repository.
func (r *Repository) Close() error { return r.repo.Close() }

func (r *Repository) describe(err error) error {
	if err == nil {
		return nil
	}
	return describe(r.repo.Explain(err), r.dir)
}

// Resolve returns the commit that a name stands for, as [gitrepo.Repository.Resolve] has it.
func (r *Repository) Resolve(name string) (commit string, err error) {
	h, err := r.resolve(name)
	return h.String(), r.describe(err)
}

func (r *Repository) resolve(name string) (h plumbing.Hash, err error) {
	defer recovered(&err)
	return r.repo.Resolve(name)
}
