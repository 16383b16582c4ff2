package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// Repository is a repository on this disk. It runs no git, and looks at no file of the work
// tree.
type Repository struct {
	Store *gitstore.Store
	// Prefix is the path, in the work tree, of the folder that was opened: "." if it is the
	// root, or if there is no work tree.
	Prefix string
	at     *layout
}

// Open opens the repository that the environment names as for git, or that the folder is
// itself, if it is bare, or else that of the nearest work tree that it is in.
func Open(dir string) (*Repository, error) {
	r, err := open(dir)
	if err == nil {
		return r, nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return nil, e
	}
	e := &Error{Kind: ErrNoRepository, Err: err, Hint: "set --source to a folder in a git repository"}
	if errors.Is(err, fs.ErrPermission) {
		e.Hint = "let this user read it"
	}
	return nil, e
}

func open(dir string) (*Repository, error) {
	dir, err := realPath(dir)
	if err != nil {
		return nil, err
	}
	at, err := named()
	switch {
	case err != nil:
		return nil, err
	case at != nil:
	case IsBare(dir):
		if at, err = layoutOf(dir, "", false); err != nil {
			return nil, err
		}
		at.worktree = "" // it was not opened by way of it
	default:
		if at, _, err = find(dir); err != nil {
			return nil, err
		}
	}
	prefix, err := at.prefix(dir)
	if err != nil {
		return nil, err
	}
	return openAt(at, prefix)
}

func openAt(at *layout, prefix string) (*Repository, error) {
	if err := at.config.check(); err != nil {
		return nil, err
	}
	store, err := gitstore.Open(true, at.objects...)
	if err != nil {
		return nil, err
	}
	return &Repository{Store: store, Prefix: prefix, at: at}, nil
}

// Close lets go of the repository.
func (r *Repository) Close() error { return r.Store.Close() }

// Explain says why an object can be missing here, if that is the error, and what to do.
func (r *Repository) Explain(err error) error {
	if _, said := errors.AsType[*Error](err); said || !errors.Is(err, gitstore.ErrDamaged) {
		return err
	}
	if reason := r.lacks(); reason != "" && errors.Is(err, gitstore.ErrMissing) {
		return &Error{Kind: ErrCutOff, Err: err, Hint: reason}
	}
	return &Error{Kind: gitstore.ErrDamaged, Err: err, Hint: "run git fsck in it, or clone it again"}
}

// lacks says what of a full clone is not here, and how to get it; empty if nothing is known
// to be missing.
func (r *Repository) lacks() string {
	var reasons []string
	if info, err := os.Stat(filepath.Join(r.at.common, "shallow")); err == nil && info.Size() > 0 {
		reasons = append(reasons, "this is a shallow clone: fetch the rest with git fetch --unshallow, or fetch-depth: 0 in CI")
	}
	if r.isPartial() {
		filter := ""
		if r.at.config.filter != "" {
			filter = fmt.Sprintf(" (filter %s)", r.at.config.filter)
		}
		reasons = append(reasons, "this is a partial clone"+filter+": clone it without a filter, or fetch the rest with git fetch --refetch --no-filter")
	}
	for _, dir := range r.at.objects {
		if _, err := os.Stat(dir); err != nil {
			reasons = append(reasons, fmt.Sprintf("it borrows objects from %s, which cannot be read here: make it readable, or copy them with git repack -a -d where it is", dir))
		}
	}
	return strings.Join(reasons, "; ")
}

// isPartial reports whether objects were left out on purpose, as the configuration or a
// pack says.
func (r *Repository) isPartial() bool {
	packs, _ := filepath.Glob(filepath.Join(r.at.common, "objects", "pack", "*.promisor"))
	return r.at.config.partial || len(packs) > 0
}
