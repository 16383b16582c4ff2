package gitrepo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/text/unicode/norm"
)

// Tracked reports whether git tracks the file in a checkout that dir is, or is in: the
// file itself, a link on the way to it, or, with beside, a file that is named as it is and
// longer, such as the log of a database. A folder is tracked if it is a link or the
// repository of a submodule. Names that differ in case alone are one: on some systems
// they are one file.
func Tracked(dir, file string, beside bool) (bool, error) {
	byName, err := named()
	if err != nil {
		return false, err
	}
	if byName != nil {
		if found, err := tracksIn(byName, file, beside); found || err != nil {
			return found, err
		}
	}
	return trackedHere(dir, file, beside, byName)
}

// trackedHere asks the repositories that the folder is in, by its name and behind links.
func trackedHere(dir, file string, beside bool, asked *layout) (bool, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	behind, err := realPath(dir)
	if err != nil {
		return false, err
	}
	found, err := trackedAbove(at, file, beside, asked)
	if found || err != nil || behind == at {
		return found, err
	}
	return trackedAbove(behind, file, beside, asked)
}

// trackedAbove asks all repositories whose work trees the folder is in, but for one that was
// asked before.
func trackedAbove(at, file string, beside bool, asked *layout) (bool, error) {
	for {
		l, from, err := find(at)
		switch {
		case from == "": // there is none above, either
			return false, nil
		case err == nil && asked != nil && sameFile(l.dir, asked.dir):
		case err == nil:
			if found, err := tracksIn(l, file, beside); found || err != nil {
				return found, err
			}
		case !errors.Is(err, errNone) && !errors.Is(err, fs.ErrNotExist):
			return false, err
		}
		if at = filepath.Dir(from); at == from {
			return false, nil
		}
	}
}

func tracksIn(l *layout, file string, beside bool) (bool, error) {
	r, err := openAt(l, ".")
	if err != nil {
		return false, err
	}
	found, err := r.tracks(file, beside)
	return found, errors.Join(r.Explain(err), r.Close())
}

func sameFile(a, b string) bool {
	left, errLeft := os.Stat(a)
	right, errRight := os.Stat(b)
	return errLeft == nil && errRight == nil && os.SameFile(left, right)
}

func (r *Repository) tracks(file string, beside bool) (bool, error) {
	if r.at.worktree == "" {
		return false, nil
	}
	root, err := os.Stat(r.at.worktree)
	if err != nil {
		return false, err
	}
	places, err := leads(file)
	if err != nil {
		return false, err
	}
	for _, place := range places {
		parts := namesBelow(root, place)
		if len(parts) == 0 {
			continue
		}
		if found, err := r.has(parts, beside); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// has looks in the index, and in the newest commit: what is taken out of the index
// stays in the folder.
func (r *Repository) has(parts []string, beside bool) (bool, error) {
	entries, err := index(r.at.dir)
	if err != nil {
		return false, err
	}
	name := strings.Join(parts, "/")
	for _, e := range entries {
		entry := fold(strings.TrimSuffix(e.name, "/"))
		below := strings.HasPrefix(name, entry+"/")
		if below && !e.tree.IsZero() {
			if found, err := r.inTree(e.tree, parts[strings.Count(entry, "/")+1:], beside); found || err != nil {
				return found, err
			}
			continue
		}
		// A file in the middle is a link, or the repository of a submodule.
		if entry == name || below || beside && strings.HasPrefix(entry, name) {
			return true, nil
		}
	}
	head, err := r.at.lookup("HEAD")
	if errors.Is(err, errNoRef) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	commit, err := r.Store.Commit(head)
	if err != nil {
		return false, err
	}
	return r.inTree(commit.TreeHash, parts, beside)
}

func (r *Repository) inTree(tree plumbing.Hash, parts []string, beside bool) (bool, error) {
	entries, err := r.Store.Tree(tree)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		name, last := fold(e.Name), len(parts) == 1
		if last && beside && strings.HasPrefix(name, parts[0]) || name == parts[0] && !e.Mode.IsDir() {
			return true, nil
		}
		if name != parts[0] || last {
			continue
		}
		if found, err := r.inTree(e.Hash, parts[1:], beside); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// leads lists the places that the system goes through to open a file, each in folders
// without links: every link on the way, and the end.
func leads(file string) ([]string, error) {
	const most = 255
	if !filepath.IsAbs(file) {
		dir, err := os.Getwd()
		if err != nil {
			return nil, err
		}
		file = dir + string(filepath.Separator) + file // not cleaned: behind a link, .. is elsewhere
	}
	top := filepath.VolumeName(file) + string(filepath.Separator)
	var places []string
	at, rest := top, split(file)
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, part)
		target, err := os.Readlink(next)
		if err != nil {
			at = next
			continue
		}
		if places = append(places, next); len(places) > most {
			return nil, fmt.Errorf("%s leads through more than %d links", file, most)
		}
		if filepath.IsAbs(target) {
			at = top
		}
		rest = slices.Concat(split(target), rest)
	}
	return append(places, at), nil
}

func split(path string) []string {
	path = filepath.ToSlash(path[len(filepath.VolumeName(path)):])
	return slices.DeleteFunc(strings.Split(path, "/"), func(p string) bool { return p == "" || p == "." })
}

// namesBelow returns the names from the folder down to the place, folded, or nothing if the
// place is not below it.
func namesBelow(root os.FileInfo, place string) []string {
	var parts []string
	for dir := place; ; {
		up := filepath.Dir(dir)
		if up == dir {
			return nil
		}
		parts = append(parts, fold(filepath.Base(dir)))
		if info, err := os.Stat(up); err == nil && os.SameFile(info, root) {
			slices.Reverse(parts)
			return parts
		}
		dir = up
	}
}

func fold(name string) string { return norm.NFC.String(strings.ToLower(name)) }
