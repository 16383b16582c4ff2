package worktree

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"github.com/wedatasync/wedatasync/internal/file"
)

const (
	gitDir    = ".git"
	maxIgnore = 1 << 20 // bytes of a file of patterns
)

// Addable returns the work tree in which "git add -A" takes one of the names in the folder,
// which need not exist; empty if there is none, or if git ignores all of them there. A name
// that ends with a slash is a folder's.
func Addable(dir string, names ...string) (worktree string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	root := worktreeOf(dir)
	if root == "" {
		return "", nil
	}
	parts := split(strings.TrimPrefix(dir, root))
	if slices.Contains(parts, gitDir) {
		return "", nil
	}
	ignored := ignoredIn(root, parts)
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

// worktreeOf returns the innermost work tree that the folder is in; empty if there is none.
func worktreeOf(dir string) string {
	for {
		at := filepath.Join(dir, gitDir)
		if info, err := os.Stat(at); err == nil {
			if _, err := os.Stat(filepath.Join(at, "HEAD")); err == nil || !info.IsDir() {
				return dir
			}
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// ignoredIn reads what git ignores on the way from the root of a work tree to a folder. A
// file that cannot be read ignores nothing.
func ignoredIn(root string, parts []string) gitignore.Matcher {
	var all []gitignore.Pattern
	read := func(name string, domain []string) {
		data, _ := file.Read("", name, maxIgnore)
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				all = append(all, gitignore.ParsePattern(line, domain))
			}
		}
	}
	read(filepath.Join(root, gitDir, "info", "exclude"), nil)
	for i := range len(parts) + 1 {
		read(filepath.Join(root, filepath.Join(parts[:i]...), ".gitignore"), parts[:i])
	}
	return gitignore.NewMatcher(all)
}

// split splits a path into its names.
func split(path string) []string {
	return slices.DeleteFunc(strings.Split(filepath.ToSlash(path), "/"), func(p string) bool { return p == "" })
}
