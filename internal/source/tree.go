package source

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// errTree is a tree that no git would write.
var errTree = errors.New("malformed tree")

// treeEntry is one entry of a folder in git. Of its mode only the type is kept;
// a submodule is fs.ModeIrregular.
type treeEntry struct {
	name string
	mode fs.FileMode
	hash plumbing.Hash
}

// parseTree reads a tree object. Entries out of git's order, or twice, are
// refused: two trees are compared by walking along both.
func parseTree(data []byte) ([]treeEntry, error) {
	const least = len("40000 x\x00") + hashSize // bytes of an entry
	entries := make([]treeEntry, 0, len(data)/least)
	text := string(data) // so that names are parts of one string
	for rest := text; rest != ""; {
		mode, after, ok := strings.Cut(rest, " ")
		name, tail, ok2 := strings.Cut(after, "\x00")
		switch {
		case !ok || !ok2 || len(tail) < hashSize:
			return nil, fmt.Errorf("%w: it is cut off", errTree)
		case name == "" || name == "." || name == ".." || strings.Contains(name, "/"):
			return nil, fmt.Errorf("%w: it has an entry named %q", errTree, name)
		}
		e := treeEntry{name: name}
		var err error
		if e.mode, err = treeMode(mode); err != nil {
			return nil, err
		}
		copy(e.hash[:], tail)
		rest = tail[hashSize:]
		if n := len(entries); n > 0 && compareEntries(entries[n-1], e) >= 0 {
			return nil, fmt.Errorf("%w: its entries are not in order", errTree)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func treeMode(text string) (fs.FileMode, error) {
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is no mode", errTree, text)
	}
	switch mode & 0o170000 {
	case 0o040000:
		return fs.ModeDir, nil
	case 0o100000:
		return 0, nil
	case 0o120000:
		return fs.ModeSymlink, nil
	default:
		return fs.ModeIrregular, nil
	}
}

// compareEntries orders entries as git does: as if names of folders ended in "/".
func compareEntries(a, b treeEntry) int {
	n := min(len(a.name), len(b.name))
	return cmp.Or(strings.Compare(a.name[:n], b.name[:n]), cmp.Compare(a.at(n), b.at(n)))
}

// at returns byte n of what git sorts the entry by.
func (e treeEntry) at(n int) byte {
	switch {
	case n < len(e.name):
		return e.name[n]
	case e.mode.IsDir():
		return '/'
	default:
		return 0
	}
}

// lookup finds the tree at a slash-separated path below the root tree.
func (s *store) lookup(root plumbing.Hash, path string) (plumbing.Hash, error) {
	if path == "." {
		return root, nil
	}
	for part := range strings.SplitSeq(path, "/") {
		entries, err := s.tree(root)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		e, ok := entryNamed(entries, part)
		if !ok {
			return plumbing.ZeroHash, fmt.Errorf("%w: there is no %q", ErrNoPath, part)
		}
		if !e.mode.IsDir() {
			return plumbing.ZeroHash, fmt.Errorf("%w: %q is not a folder", ErrNoPath, part)
		}
		root = e.hash
	}
	return root, nil
}

func entryNamed(entries []treeEntry, name string) (treeEntry, bool) {
	for _, e := range entries {
		if e.name == name {
			return e, true
		}
	}
	return treeEntry{}, false
}
