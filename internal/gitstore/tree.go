package gitstore

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

// TreeEntry is one entry of a folder in git. Of its mode only the type is kept;
// a submodule is fs.ModeIrregular.
type TreeEntry struct {
	Name string
	Mode fs.FileMode
	Hash plumbing.Hash
}

// ParseTree reads a tree object. Entries out of git's order, or twice, are
// refused: two trees are compared by walking along both.
func ParseTree(data []byte) ([]TreeEntry, error) {
	const least = len("40000 x\x00") + HashSize // bytes of an entry
	entries := make([]TreeEntry, 0, len(data)/least)
	text := string(data) // so that names are parts of one string
	for rest := text; rest != ""; {
		mode, after, ok := strings.Cut(rest, " ")
		name, tail, ok2 := strings.Cut(after, "\x00")
		switch {
		case !ok || !ok2 || len(tail) < HashSize:
			return nil, fmt.Errorf("%w: it is cut off", errTree)
		case name == "" || name == "." || name == ".." || strings.Contains(name, "/"):
			return nil, fmt.Errorf("%w: it has an entry named %q", errTree, name)
		}
		e := TreeEntry{Name: name}
		var err error
		if e.Mode, err = treeMode(mode); err != nil {
			return nil, err
		}
		copy(e.Hash[:], tail)
		rest = tail[HashSize:]
		if n := len(entries); n > 0 && CompareEntries(entries[n-1], e) >= 0 {
			return nil, fmt.Errorf("%w: its entries are not in order", errTree)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func treeMode(text string) (fs.FileMode, error) {
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is not a mode", errTree, text)
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

// CompareEntries orders entries as git does: as if names of folders ended in "/".
func CompareEntries(a, b TreeEntry) int {
	n := min(len(a.Name), len(b.Name))
	return cmp.Or(strings.Compare(a.Name[:n], b.Name[:n]), cmp.Compare(a.at(n), b.at(n)))
}

// at returns byte n of what git sorts the entry by.
func (e TreeEntry) at(n int) byte {
	switch {
	case n < len(e.Name):
		return e.Name[n]
	case e.Mode.IsDir():
		return '/'
	default:
		return 0
	}
}

// Lookup finds the tree at a slash-separated path below the root tree.
func (s *Store) Lookup(root plumbing.Hash, path string) (plumbing.Hash, error) {
	if path == "." {
		return root, nil
	}
	for part := range strings.SplitSeq(path, "/") {
		entries, err := s.Tree(root)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		e, ok := EntryNamed(entries, part)
		if !ok {
			return plumbing.ZeroHash, fmt.Errorf("%w: there is no %q", ErrNoPath, part)
		}
		if !e.Mode.IsDir() {
			return plumbing.ZeroHash, fmt.Errorf("%w: %q is not a folder", ErrNoPath, part)
		}
		root = e.Hash
	}
	return root, nil
}

// EntryNamed finds an entry.
func EntryNamed(entries []TreeEntry, name string) (TreeEntry, bool) {
	for _, e := range entries {
		if e.Name == name {
			return e, true
		}
	}
	return TreeEntry{}, false
}
