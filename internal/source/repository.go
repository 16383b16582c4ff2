package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	git "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
)

// Repository reads specs of any revision from a repository on this machine, such
// as a checkout in CI. It looks at no file of the worktree, and needs no git
// command.
type Repository struct {
	dir      string
	worktree string // empty if it is bare
	prefix   string // of dir in the worktree
	repo     *git.Repository
	store    *gitstore.Store
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

// openIn opens the repository that the folder is itself, if it is bare, or else the
// nearest one that it is in. What is configured for it is not read: an extension that
// go-git does not know, such as that of a partial clone, changes nothing here.
func (r *Repository) openIn(bare bool) (err error) {
	defer recovered(&err)
	dot, common, err := r.locate(bare)
	if err != nil {
		return &Error{Kind: gitremote.ErrNoRepository, Err: err, Hint: "set --source to a folder in a git repository"}
	}
	files := dotgit.NewRepositoryFilesystem(osfs.New(dot), osfs.New(common))
	r.repo, err = git.Open(unconfigured{filesystem.NewStorage(files, cache.NewObjectLRUDefault())}, nil)
	if err != nil {
		return &Error{Kind: gitremote.ErrNoRepository, Err: err, Hint: "set --source to a folder in a git repository"}
	}
	dirs, err := gitstore.Alternates(filepath.Join(common, "objects"))
	if err != nil {
		return err
	}
	r.store, err = gitstore.Open(true, dirs...)
	return err
}

// locate finds the folder of the repository, the one that it shares with other
// worktrees, and where in the worktree r.dir is.
func (r *Repository) locate(bare bool) (dot, common string, err error) {
	dir, err := filepath.Abs(r.dir)
	if err != nil {
		return "", "", err
	}
	dot, r.prefix = dir, "."
	if !bare {
		if dot, r.worktree, err = findGit(dir); err != nil {
			return "", "", err
		}
		prefix, err := filepath.Rel(r.worktree, dir)
		if err != nil {
			return "", "", err
		}
		r.prefix = filepath.ToSlash(prefix)
	}
	common, err = commonDir(dot)
	if err == nil {
		err = checkFormat(common)
	}
	return dot, common, err
}

// Prefix is the path, in the repository, of the folder that was opened; "." if it
// is the root.
func (r *Repository) Prefix() string { return r.prefix }

func (r *Repository) snapshot(rev, path string) (*gitobject.Commit, specfiles.Snapshot, error) {
	h, err := r.resolve(rev)
	if err != nil {
		return nil, specfiles.Snapshot{}, err
	}
	commit, err := r.store.Commit(h)
	if err != nil {
		return nil, specfiles.Snapshot{}, err
	}
	snap, err := specfiles.SnapshotAt(r.store, commit.TreeHash, path)
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
	err = specfiles.Compare(r.store, from, to, path, of, func(name string, a, b specfiles.Leaf) error {
		before, after = append(before, specfiles.Change{Name: name, Leaf: a}), append(after, specfiles.Change{Name: name, Leaf: b})
		return nil
	})
	if err != nil {
		return nil, err
	}
	bases, err := specfiles.ParseFiles(r.store, before, nil, of)
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
	heads, err := specfiles.ParseFiles(r.store, after, nil, of)
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
	err = specfiles.Compare(r.store, specfiles.Snapshot{}, snap, path, specfiles.NewBudget(ctx, spec.NewSet()), func(string, specfiles.Leaf, specfiles.Leaf) error { return found })
	if errors.Is(err, found) {
		return true, nil
	}
	return false, r.describe(err)
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

// Resolve returns the commit that a name stands for: a branch, a tag, a hash or
// its beginning, origin/main, HEAD~2.
func (r *Repository) Resolve(name string) (commit string, err error) {
	h, err := r.resolve(name)
	return h.String(), r.describe(err)
}

func (r *Repository) resolve(name string) (h plumbing.Hash, err error) {
	defer recovered(&err)
	if start, steps, ok := cutSteps(name); ok {
		if h, err = r.resolve(start); err != nil {
			return h, err
		}
		return r.walk(h, steps, name)
	}
	if plumbing.IsHash(name) {
		return r.peel(plumbing.NewHash(name))
	}
	for _, rule := range plumbing.RefRevParseRules {
		ref, err := r.repo.Reference(plumbing.ReferenceName(fmt.Sprintf(rule, name)), true)
		if err == nil {
			return r.peel(ref.Hash())
		}
	}
	if strings.Contains(name, ":") {
		return plumbing.ZeroHash, noRevision(name, errors.New("it names no commit"))
	}
	found, err := r.repo.ResolveRevision(plumbing.Revision(name)) // the rest of what git can say
	if err != nil {
		return plumbing.ZeroHash, noRevision(name, err)
	}
	return r.peel(*found)
}

func noRevision(name string, err error) *Error {
	return &Error{
		Kind: ErrNoRevision, Detail: text.OneLine(name, 100), Err: err,
		Hint: "fetch it, or check its name; in CI, check out with full history",
	}
}

// cutSteps cuts the steps, such as ~2 or ^, from the end of a name.
func cutSteps(name string) (start, steps string, ok bool) {
	i := strings.IndexAny(name, "~^")
	if i <= 0 || strings.Trim(name[i:], "~^0123456789") != "" {
		return "", "", false
	}
	return name[:i], name[i:], true
}

// walk follows steps from a commit: ~N is N times the first parent, ^N once the
// N-th.
func (r *Repository) walk(h plumbing.Hash, steps, name string) (plumbing.Hash, error) {
	for steps != "" {
		step := steps[0]
		digits := len(steps[1:]) - len(strings.TrimLeft(steps[1:], "0123456789"))
		n := 1
		if digits > 0 {
			var err error
			if n, err = strconv.Atoi(steps[1 : 1+digits]); err != nil {
				return h, noRevision(name, err)
			}
		}
		steps = steps[1+digits:]
		parent, times := n, 1
		if step == '~' {
			parent, times = 1, n
		}
		for range times {
			c, err := r.store.Commit(h)
			switch {
			case err != nil:
				return h, err
			case parent == 0:
			case parent > len(c.ParentHashes):
				return h, noRevision(name, fmt.Errorf("%s has %d parents", h, len(c.ParentHashes)))
			default:
				h = c.ParentHashes[parent-1]
			}
		}
	}
	return h, nil
}

// peel follows tags to the commit.
func (r *Repository) peel(h plumbing.Hash) (plumbing.Hash, error) {
	const most = 8
	for range most {
		o, err := r.store.Object(h, gitstore.MaxCommit)
		switch {
		case err != nil:
			return plumbing.ZeroHash, fmt.Errorf("read %s: %w", h, err)
		case o.Kind == plumbing.CommitObject:
			return h, nil
		case o.Kind != plumbing.TagObject:
			return plumbing.ZeroHash, &Error{Kind: ErrNoRevision, Detail: fmt.Sprintf("%s is a %s, not a commit", h, o.Kind)}
		}
		line, _, _ := bytes.Cut(o.Data, []byte("\n"))
		target, ok := bytes.CutPrefix(line, []byte("object "))
		if !ok || !plumbing.IsHash(string(target)) {
			return plumbing.ZeroHash, fmt.Errorf("read tag %s: %w", h, gitstore.ErrDamaged)
		}
		h = plumbing.NewHash(string(target))
	}
	return plumbing.ZeroHash, &Error{Kind: ErrNoRevision, Detail: "a tag of a tag of a tag", Hint: "name the commit"}
}
