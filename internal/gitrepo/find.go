package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// layout is where git keeps a repository.
type layout struct {
	dir      string   // what is one work tree's own: HEAD, the index
	common   string   // what all its work trees share: refs, objects
	worktree string   // empty: it is bare
	objects  []string // folders of objects, those that it borrows from among them
	config   *config
	packed   packedRefs
}

// The variables that git takes a repository from, for the commands that its hooks run.
const (
	envDir        = "GIT_DIR"
	envWorktree   = "GIT_WORK_TREE"
	envObjects    = "GIT_OBJECT_DIRECTORY"
	envAlternates = "GIT_ALTERNATE_OBJECT_DIRECTORIES"
)

const dotGit = ".git"

// named returns the repository that the environment names; nil if it names none.
func named() (*layout, error) {
	dir := os.Getenv(envDir)
	switch {
	case dir == "" && os.Getenv(envWorktree) != "":
		return nil, &Error{
			Kind: ErrNoRepository, Detail: fmt.Sprintf("%s is set, and %s is not", envWorktree, envDir),
			Hint: "set both, or neither",
		}
	case dir == "":
		return nil, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		if dir, err = pointer(dir, "gitdir: ", filepath.Dir(dir)); err != nil {
			return nil, err
		}
	}
	l, err := layoutOf(dir, "", true)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", envDir, err)
	case os.Getenv(envWorktree) != "":
		l.worktree, err = filepath.Abs(os.Getenv(envWorktree))
	case l.worktree == "" && !l.config.bare:
		l.worktree, err = os.Getwd()
	}
	return l, err
}

// errNone says that there is no repository.
var errNone = errors.New("not a git repository")

// find returns the repository of the nearest work tree that the folder is in, and the
// folder that names it, also where that is not one.
func find(dir string) (l *layout, from string, err error) {
	for {
		dot := filepath.Join(dir, dotGit)
		info, err := os.Stat(dot)
		switch {
		case err == nil && info.IsDir() && isRepository(dot):
			l, err = layoutOf(dot, dir, false)
			return l, dir, err
		case err == nil && !info.IsDir():
			if dot, err = pointer(dot, "gitdir: ", dir); err == nil {
				l, err = layoutOf(dot, dir, false)
			}
			return l, dir, err
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return nil, dir, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil, "", errNone
		}
		dir = up
	}
}

// layoutOf returns how the repository in the folder is laid out, with the work tree that it
// was found in, or that its configuration names. What the environment says of the rest
// counts for the repository that it names.
func layoutOf(dir, worktree string, named bool) (*layout, error) {
	if !isRepository(dir) {
		return nil, fmt.Errorf("%w: %s", errNone, dir)
	}
	l := &layout{dir: dir, worktree: worktree}
	var err error
	if l.common, err = commonDir(dir); err != nil {
		return nil, err
	}
	if l.config, err = readConfig(dir, l.common); err != nil {
		return nil, err
	}
	if l.config.worktree != "" {
		if l.worktree = l.config.worktree; !filepath.IsAbs(l.worktree) {
			l.worktree = filepath.Join(dir, l.worktree)
		}
	}
	objects := []string{filepath.Join(l.common, "objects")}
	if named {
		if other := os.Getenv(envObjects); other != "" {
			objects[0] = other
		}
		for _, other := range filepath.SplitList(os.Getenv(envAlternates)) {
			objects = append(objects, gitstore.Unquote(other))
		}
	}
	l.objects, err = gitstore.Alternates(objects...)
	return l, err
}

// prefix returns the slash-separated path of the folder in the work tree.
func (l *layout) prefix(dir string) (string, error) {
	if l.worktree == "" {
		here, err := realPath(".")
		if os.Getenv(envDir) != "" && dir != here && dir != l.dir {
			err = errors.Join(err, &Error{
				Kind: ErrNoRepository, Detail: fmt.Sprintf("%s names a bare repository, which has no folder %s", envDir, dir),
				Hint: "unset " + envDir + ", or set " + envWorktree + " to the work tree",
			})
		}
		return ".", err
	}
	root, err := realPath(l.worktree)
	if err != nil {
		return "", err
	}
	prefix, err := filepath.Rel(root, dir)
	if err != nil || !filepath.IsLocal(prefix) {
		return "", &Error{
			Kind: ErrNoRepository, Detail: fmt.Sprintf("%s is not in the work tree of %s, which is %s by %s", dir, l.dir, root, l.says()),
			Hint: "set --source to a folder in it",
		}
	}
	return filepath.ToSlash(prefix), nil
}

// says returns what says where the work tree is.
func (l *layout) says() string {
	switch {
	case os.Getenv(envDir) == "":
		return "core.worktree"
	case os.Getenv(envWorktree) != "":
		return envWorktree
	default:
		return envDir
	}
}

// commonDir returns where a linked work tree's repository keeps what all its work trees
// share.
func commonDir(dir string) (string, error) {
	common, err := pointer(filepath.Join(dir, "commondir"), "", dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	}
	return common, err
}

// pointer returns the path that a file of git holds after a prefix; base is what it is
// relative to.
func pointer(name, prefix, base string) (string, error) {
	const most = 64 << 10
	data, err := file.Read("", name, most)
	if err != nil {
		return "", err
	}
	path, ok := strings.CutPrefix(string(data), prefix)
	if !ok {
		return "", fmt.Errorf("%s does not begin with %q", name, prefix)
	}
	path, _, _ = strings.Cut(path, "\n")
	if path = strings.TrimRight(path, "\r"); filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Join(base, path), nil
}

// isRepository reports whether git keeps a repository in the folder: its HEAD is one, and
// it has objects and refs, or says where they are.
func isRepository(dir string) bool {
	head := filepath.Join(dir, "HEAD")
	if target, err := os.Readlink(head); err == nil {
		if !strings.HasPrefix(filepath.ToSlash(target), "refs/") {
			return false
		}
	} else if r, err := readLoose(head); err != nil && !errors.Is(err, gitstore.ErrSHA256) || r.target != "" && !strings.HasPrefix(r.target, "refs/") {
		return false
	}
	common, err := commonDir(dir)
	if err != nil {
		return false
	}
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(common, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// IsBare reports whether the folder is a bare repository, and no part of a checkout:
// whoever writes what is checked out could put a repository of his own into it, with
// branches as he likes. What the environment names makes no difference.
func IsBare(dir string) bool {
	if !isRepository(dir) {
		return false
	}
	tracked, err := trackedHere(dir, filepath.Join(dir, "HEAD"), false, nil)
	return err == nil && !tracked
}

// realPath returns the path of a folder without the links on the way, as far as it exists: what
// is not checked out has a place all the same.
func realPath(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	rest := ""
	for at := dir; ; {
		found, err := filepath.EvalSymlinks(at)
		if err == nil {
			return filepath.Join(found, rest), nil
		}
		up := filepath.Dir(at)
		if up == at {
			return dir, nil
		}
		rest, at = filepath.Join(filepath.Base(at), rest), up
	}
}
