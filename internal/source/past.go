package source

import (
	"context"
	"errors"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/spec"
)

// Bounds of what Past reads.
const (
	pastCommits = 500
	pastFiles   = 10_000
)

// Past is what earlier revisions said of tasks that a revision says nothing of.
type Past struct {
	Found map[spec.Key]PastSpec
	// Whole reports whether the history was read to its beginning, or until all was found.
	// If not, Commits is how many of its newest commits were.
	Whole   bool
	Commits int
}

// PastSpec is the spec that a task had last.
type PastSpec struct {
	Commit   *spec.Commit
	Revision string // the newest that had it
}

// Past looks in the history of a revision, along first parents, for the specs that the
// tasks had last below the path. It reads a bounded part of the history, and what of that
// is there: less of a shallow clone.
func (r *Repository) Past(ctx context.Context, rev, path string, tasks []spec.Key) (*Past, error) {
	past, err := r.past(ctx, rev, path, tasks)
	return past, r.describe(err)
}

func (r *Repository) past(ctx context.Context, rev, path string, tasks []spec.Key) (_ *Past, err error) {
	defer recovered(&err)
	if path, err = specfiles.CleanPath(path); err != nil {
		return nil, err
	}
	h, err := r.resolve(rev)
	if err != nil {
		return nil, err
	}
	w := &pastWalk{store: r.repo.Store, path: path, wanted: tasks, files: pastFiles, past: &Past{Found: map[spec.Key]PastSpec{}}}
	return w.past, w.walk(ctx, h)
}

// pastWalk is the way back through a history.
type pastWalk struct {
	store  *gitstore.Store
	path   string
	wanted []spec.Key
	files  int // how many may still be read
	past   *Past
}

// walk goes back until all is found, to the beginning, or as far as it may. What cannot be
// read ends it as well: of a shallow clone that is the rest.
func (w *pastWalk) walk(ctx context.Context, h plumbing.Hash) error {
	commit, to, err := w.at(h)
	for ; err == nil && w.past.Commits < pastCommits; w.past.Commits++ {
		if len(w.past.Found) == len(w.wanted) || len(commit.ParentHashes) == 0 {
			w.past.Whole = true
			return nil
		}
		var from specfiles.Snapshot
		if commit, from, err = w.at(commit.ParentHashes[0]); err == nil {
			err = w.compare(ctx, commit, from, to)
		}
		to = from
	}
	return ctx.Err()
}

// at reads a commit, and what it has below the path, which may be nothing.
func (w *pastWalk) at(h plumbing.Hash) (*gitobject.Commit, specfiles.Snapshot, error) {
	commit, err := w.store.Commit(h)
	if err != nil {
		return nil, specfiles.Snapshot{}, err
	}
	snap, err := specfiles.SnapshotAt(w.store, commit.TreeHash, w.path)
	if errors.Is(err, gitstore.ErrNoPath) {
		snap, err = specfiles.Snapshot{}, nil
	}
	return commit, snap, err
}

// compare looks in the files of the earlier commit that the later one changes.
func (w *pastWalk) compare(ctx context.Context, earlier *gitobject.Commit, from, to specfiles.Snapshot) error {
	var files []specfiles.Change
	b := specfiles.NewBudget(ctx, spec.NewSet())
	err := specfiles.Compare(w.store, from, to, w.path, b, func(name string, old, _ specfiles.Leaf) error {
		if old != (specfiles.Leaf{}) {
			files = append(files, specfiles.Change{Name: name, Leaf: old})
		}
		return nil
	})
	if w.files -= len(files); err != nil || w.files < 0 {
		return errors.Join(err, errPastFiles)
	}
	parsed, err := specfiles.ParseFiles(w.store, files, nil, b)
	if err != nil {
		return err
	}
	for _, f := range parsed.Files {
		if f == nil {
			continue
		}
		for _, c := range f.Commits {
			if _, known := w.past.Found[c.Key]; !known && slices.Contains(w.wanted, c.Key) {
				w.past.Found[c.Key] = PastSpec{c, earlier.Hash.String()}
			}
		}
	}
	return nil
}

// errPastFiles ends a walk that would read too many files.
var errPastFiles = errors.New("too many files")
