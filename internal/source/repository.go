package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// Repository reads specs of any revision from a repository on this machine, such
// as a checkout in CI. It looks at no file of the worktree, and needs no git
// command.
type Repository struct {
	dir    string
	prefix string
	repo   *git.Repository
	store  *gitstore.Store
}

// FileChange is a spec file that differs between two revisions.
type FileChange struct {
	Name string     // its path from the repository's root
	Base *spec.File // nil if it was added
	Head *spec.File // nil if it was removed
}

// OpenRepository opens the repository that the folder is, or is in.
func OpenRepository(dir string) (*Repository, error) {
	r := &Repository{dir: dir}
	if err := r.openIn(isRepository(dir)); err != nil {
		return nil, r.describe(err)
	}
	return r, nil
}

// openIn opens the repository that the folder is itself, if it is bare. Else go-git
// looks in the folders above it, too.
func (r *Repository) openIn(bare bool) (err error) {
	defer recovered(&err)
	r.repo, err = git.PlainOpenWithOptions(r.dir, &git.PlainOpenOptions{DetectDotGit: !bare, EnableDotGitCommonDir: true})
	if err != nil {
		return &Error{Kind: gitremote.ErrNoRepository, Err: err, Hint: "name a folder in a git repository"}
	}
	if r.prefix, err = prefixIn(r.repo, r.dir); err != nil {
		return err
	}
	objects, err := objectDir(r.repo)
	if err != nil {
		return err
	}
	dirs, err := gitstore.Alternates(objects)
	if err != nil {
		return err
	}
	r.store, err = gitstore.Open(true, dirs...)
	return err
}

// prefixIn returns where in the worktree the folder is.
func prefixIn(repo *git.Repository, dir string) (string, error) {
	tree, err := repo.Worktree()
	if errors.Is(err, git.ErrIsBareRepository) {
		return ".", nil
	}
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	prefix, err := filepath.Rel(tree.Filesystem.Root(), dir)
	return filepath.ToSlash(prefix), err
}

// objectDir returns where the repository keeps its objects: a linked worktree
// keeps them with the others.
func objectDir(repo *git.Repository) (string, error) {
	storage, ok := repo.Storer.(*filesystem.Storage)
	if !ok {
		return "", errors.New("the repository is not on disk")
	}
	dir := storage.Filesystem().Root()
	switch common, err := os.ReadFile(filepath.Join(dir, "commondir")); {
	case err == nil:
		if at := strings.TrimSpace(string(common)); filepath.IsAbs(at) {
			dir = at
		} else {
			dir = filepath.Join(dir, at)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	return filepath.Join(dir, "objects"), nil
}

// Prefix is the path, in the repository, of the folder that was opened; "." if it
// is the root.
func (r *Repository) Prefix() string { return r.prefix }

// SpecsAt returns the specs below the path as of a revision.
func (r *Repository) SpecsAt(ctx context.Context, rev, path string) (*reconcile.Revision, error) {
	revision, err := r.specsAt(ctx, rev, path)
	return revision, r.describe(err)
}

func (r *Repository) specsAt(ctx context.Context, rev, path string) (_ *reconcile.Revision, err error) {
	defer recovered(&err)
	if path, err = cleanPath(path); err != nil {
		return nil, err
	}
	commit, snap, err := r.snapshot(rev, path)
	if err != nil {
		return nil, err
	}
	catalog := newCatalog()
	b := newBudget(ctx, catalog.set)
	changes, err := catalog.changes(r.store, snapshot{}, snap, path, b)
	if err != nil {
		return nil, err
	}
	parsed, err := parseFiles(r.store, changes, nil, b)
	if err != nil {
		return nil, err
	}
	catalog.apply(changes, parsed.files)
	return revisionOf(commit, catalog.set), nil
}

func (r *Repository) snapshot(rev, path string) (*gitobject.Commit, snapshot, error) {
	h, err := r.resolve(rev)
	if err != nil {
		return nil, snapshot{}, err
	}
	commit, err := r.store.Commit(h)
	if err != nil {
		return nil, snapshot{}, err
	}
	snap, err := snapshotAt(r.store, commit.TreeHash, path)
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
	if path, err = cleanPath(path); err != nil {
		return nil, err
	}
	_, from, errBase := r.snapshot(base, path)
	_, to, errHead := r.snapshot(head, path)
	for _, err := range []error{errBase, errHead} {
		if err != nil && (!errors.Is(err, gitstore.ErrNoPath) || errors.Is(errBase, gitstore.ErrNoPath) && errors.Is(errHead, gitstore.ErrNoPath)) {
			return nil, err
		}
	}
	var before, after []change // the two sides of each difference
	known := spec.NewSet()
	of := newBudget(ctx, known)
	err = compare(r.store, from, to, path, of, func(name string, a, b leaf) error {
		before, after = append(before, change{name, a}), append(after, change{name, b})
		return nil
	})
	if err != nil {
		return nil, err
	}
	bases, err := parseFiles(r.store, before, nil, of)
	if err != nil {
		return nil, err
	}
	for _, f := range bases.files {
		if f != nil {
			known.Put(f)
		}
	}
	of = newBudget(ctx, known)
	for _, c := range after {
		of.replace(c.name)
	}
	heads, err := parseFiles(r.store, after, nil, of)
	if err != nil {
		return nil, err
	}
	changes := make([]FileChange, 0, len(after))
	for i, c := range after {
		if base, head := bases.files[i], heads.files[i]; base != nil || head != nil {
			changes = append(changes, FileChange{c.name, base, head})
		}
	}
	return changes, nil
}

// MergeBase returns the best commit that two revisions both descend from: what a
// pull request of one into the other is compared with. There is none if they have
// no history in common, or if it is cut off here: an error of ErrNoRevision.
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
	h, ok, err := r.store.MergeBase(ctx, left, right)
	if err == nil && !ok {
		return h, &Error{Kind: ErrNoRevision, Detail: fmt.Sprintf("%s and %s have no commit in common", text.OneLine(a, 100), text.OneLine(b, 100))}
	}
	return h, err
}

// Close lets go of the repository.
func (r *Repository) Close() error { return r.store.Close() }

func (r *Repository) describe(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, gitstore.ErrDamaged) {
		return &Error{
			Kind: ErrNoRevision, Op: reading(r.dir), Err: err,
			Hint: "if this is a shallow or partial clone, fetch the rest: git fetch --unshallow, or fetch-depth: 0 in CI",
		}
	}
	return describe(err, r.dir)
}
