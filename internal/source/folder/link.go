package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/internal/specfiles"
)

// maxLinks bounds the links that lead from one to the next, as systems do.
const maxLinks = 40

// errLink says that a link is not followed.
var errLink = errors.New("symbolic link is not followed")

// resolve follows the links on the way to a name below the root, and returns where it ends,
// by names that are none. A link that leads out of the root is not followed, nor one into
// what git keeps: that may hold credentials, and a complaint would quote them.
func resolve(root *os.Root, name string) (string, error) {
	at, rest := ".", split(name)
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch {
		case part == "..":
			if at == "." {
				return "", fmt.Errorf("%w: %s leads out of the folder", errLink, name)
			}
			at = path.Dir(at)
			continue
		case strings.EqualFold(part, ".git"):
			return "", fmt.Errorf("%w: %s leads into %s", errLink, name, part)
		}
		next := path.Join(at, part)
		info, err := root.Lstat(filepath.FromSlash(next))
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := root.Readlink(filepath.FromSlash(next))
		if err != nil {
			return "", err
		}
		if links++; links > maxLinks || filepath.IsAbs(target) {
			return "", fmt.Errorf("%w: %s leads out of the folder, or in a circle", errLink, name)
		}
		rest = slices.Concat(split(target), rest)
	}
	return at, nil
}

func split(name string) []string {
	return slices.DeleteFunc(strings.Split(filepath.ToSlash(name), "/"), func(p string) bool { return p == "" || p == "." })
}

// contains reports whether the folder is the other one, or has it somewhere below.
func contains(dir, other string) bool {
	return dir == "." || dir == other || strings.HasPrefix(other, dir+"/")
}

// target is what was behind a name when it was read: the root, or a link.
type target struct {
	path string // as the system names it
	info fs.FileInfo
}

// lookAt returns what is behind a path; info is nil if nothing is.
func lookAt(path string) target {
	info, err := os.Stat(path)
	if err != nil {
		info = nil
	}
	return target{path, info}
}

// stands reports whether it still is. What is in a folder has events of its own.
func (t target) stands() bool {
	now := lookAt(t.path).info
	if now == nil || t.info == nil {
		return now == t.info
	}
	return os.SameFile(now, t.info) && (now.IsDir() || now.Size() == t.info.Size() && now.ModTime().Equal(t.info.ModTime()))
}

func (t target) moved() bool { return !t.stands() }

// link looks at what a symbolic link leads to, as if it were here. What is read under its own
// name is not read a second time.
func (s *scan) link(name string, parts []string) error {
	at, info, err := s.follow(name)
	mode := fs.ModeSymlink
	if err == nil && (info.IsDir() || info.Mode().IsRegular()) && !s.readsItself(at, info) {
		mode = info.Mode().Type()
	}
	switch k, in := s.rules.KindOf(parts, mode, specfiles.AreaSpecs, s.budget); k {
	case specfiles.KindFolder:
		sub, err := s.at.top.OpenRoot(filepath.FromSlash(at))
		if err != nil {
			return s.vanished(name, err)
		}
		defer sub.Close()
		s.folders[name] = struct{}{}
		s.linked = append(s.linked, at)
		return s.visit(sub, parts, in, true)
	case specfiles.KindSpec:
		s.see(name)
		return s.read(s.at.top, []read{{name, filepath.FromSlash(at), k, info, true}})
	case specfiles.KindNone, specfiles.KindHidden, specfiles.KindIgnored:
		return nil
	default:
		return s.complain(name, k.NotFollowed())
	}
}

// follow returns where a link leads to, below the top of the source. It remembers what was
// there before: if that does not stand when all is read, nothing of it counts.
func (s *scan) follow(name string) (at string, info fs.FileInfo, err error) {
	s.links = append(s.links, lookAt(s.folder.path(name)))
	if at, err = resolve(s.at.top, name); err == nil {
		info, err = s.at.top.Lstat(filepath.FromSlash(at))
	}
	return at, info, err
}

// behindLinks returns the hidden folders among the entries that links beside them lead into:
// what is in there and not read is no mistake, such as an earlier work tree.
func (s *scan) behindLinks(root *os.Root, entries []fs.DirEntry) []string {
	if !s.folder.config.FollowLinks {
		return nil
	}
	var behind []string
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		target, err := root.Readlink(e.Name())
		if parts := split(target); err == nil && len(parts) > 0 && strings.HasPrefix(parts[0], ".") {
			behind = append(behind, parts[0])
		}
	}
	return behind
}

// readsItself reports whether what a link leads to is read without it, or behind another
// link, or leads back to where the link is.
func (s *scan) readsItself(at string, info fs.FileInfo) bool {
	if info.IsDir() && contains(at, s.at.base) || slices.Contains(s.linked, at) {
		return true
	}
	below := strings.Split(strings.TrimPrefix(at, s.at.base+"/"), "/")
	if !contains(s.at.base, at) {
		return false
	}
	for i := range below {
		mode := fs.ModeDir
		if i == len(below)-1 {
			mode = info.Mode().Type()
		}
		k, in := s.rules.KindOf(below[:i+1], mode, specfiles.AreaSpecs, s.budget)
		if in != specfiles.AreaSpecs || k != specfiles.KindFolder && k != specfiles.KindSpec {
			return false
		}
	}
	return true
}

// stands reports whether all is still where it was read.
func (s *scan) stands() bool {
	root := target{s.folder.path(s.folder.config.Path), s.at.info}
	return root.stands() && !slices.ContainsFunc(s.links, target.moved)
}
