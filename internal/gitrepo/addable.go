package gitrepo

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"github.com/wedatasync/wedatasync/internal/file"
)

// maxIgnore bounds a file of patterns, in bytes.
const maxIgnore = 1 << 20

// Addable returns the work tree in which "git add -A" takes one of the names in the folder,
// which need not exist; empty if there is none, or if git ignores all of them there. A name
// that ends with a slash is a folder's.
func Addable(dir string, names ...string) (worktree string, err error) {
	if dir, err = realPath(dir); err != nil {
		return "", err
	}
	l, _, err := find(dir)
	if err != nil {
		return "", nil //nolint:nilerr // git adds nothing where it finds no repository
	}
	root, err := realPath(l.worktree)
	if err != nil {
		return "", err
	}
	below, err := filepath.Rel(root, dir)
	if err != nil || !filepath.IsLocal(below) {
		return "", nil //nolint:nilerr // the work tree is elsewhere
	}
	parts := split(below)
	if slices.Contains(parts, dotGit) {
		return "", nil
	}
	ignored := l.ignored(root, parts)
	for i := range parts {
		if ignored.Match(parts[:i+1], true) {
			return "", nil
		}
	}
	for _, name := range names {
		folder := strings.HasSuffix(name, "/")
		if !ignored.Match(slices.Concat(parts, []string{strings.TrimSuffix(name, "/")}), folder) {
			return root, nil
		}
	}
	return "", nil
}

// ignored reads what git ignores on the way from the root of a work tree to a folder. A
// file that cannot be read ignores nothing.
func (l *layout) ignored(root string, parts []string) gitignore.Matcher {
	var all []gitignore.Pattern
	read := func(name string, domain []string) {
		data, _ := file.Read("", name, maxIgnore)
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				all = append(all, gitignore.ParsePattern(line, domain))
			}
		}
	}
	read(filepath.Join(l.common, "info", "exclude"), nil)
	for i := range len(parts) + 1 {
		read(filepath.Join(root, filepath.Join(parts[:i]...), ".gitignore"), parts[:i])
	}
	return gitignore.NewMatcher(all)
}
