package source

import (
	"cmp"
	"errors"
	"fmt"
	"path"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// leaf is what stands at one path. The zero leaf is nothing.
type leaf struct {
	hash plumbing.Hash
	kind kind
}

// mark is the leaf as the mark of a file in a Set.
func (l leaf) mark() string {
	if l == (leaf{}) {
		return ""
	}
	return string(append(l.hash[:], byte(l.kind)))
}

// leafOf is the leaf of a mark.
func leafOf(mark string) (l leaf) {
	if n := copy(l.hash[:], mark); n < len(mark) {
		l.kind = kind(mark[n])
	}
	return l
}

// snapshot is the source's path in one revision.
type snapshot struct {
	root    plumbing.Hash        // the tree at the source's path; zero if there is none
	entries []gitstore.TreeEntry // of that tree, which is often the largest
	ignore  plumbing.Hash        // the ignore file; zero if there is none
	rules   rules
}

// snapshotAt finds the source's path in a revision's tree, and its rules.
func snapshotAt(s *gitstore.Store, tree plumbing.Hash, path string) (snapshot, error) {
	root, err := s.Lookup(tree, path)
	if err != nil {
		return snapshot{}, err
	}
	return snapshotOf(s, root)
}

// snapshotOf is the snapshot of the tree at the source's path.
func snapshotOf(s *gitstore.Store, root plumbing.Hash) (snap snapshot, err error) {
	snap.root = root
	if snap.entries, err = s.Tree(root); err != nil {
		return snapshot{}, err
	}
	e, ok := gitstore.EntryNamed(snap.entries, IgnoreFile)
	if !ok {
		return snap, nil
	}
	if !e.Mode.IsRegular() {
		return snapshot{}, fmt.Errorf("%w: %s is no regular file", ErrIgnoreFile, IgnoreFile)
	}
	data, err := s.Read(e.Hash, plumbing.BlobObject, maxIgnore)
	if large, ok := errors.AsType[gitstore.TooLarge](err); ok {
		return snapshot{}, fmt.Errorf("%w: %s: %w", ErrIgnoreFile, IgnoreFile, large)
	}
	if err != nil {
		return snapshot{}, err
	}
	snap.ignore = e.Hash
	snap.rules, err = parseRules(data)
	return snap, err
}

// comparison walks along two snapshots at once. It descends only where they
// differ, so that its cost is the cost of what has changed; unless their ignore
// files differ, which can show or hide any path.
type comparison struct {
	store    *gitstore.Store
	from, to snapshot
	base     string // the source's path, which names start with
	// found is called with each path where the two differ, in git's order.
	found func(name string, from, to leaf) error

	everything bool
	unread     int // entries that are not specs whatever they are
	parts      []string
	budget     *budget // a few small trees can name one another so often that they unfold to any number
}

// subtree is a folder on one side of a comparison; without a hash it is nothing.
type subtree struct {
	tree plumbing.Hash
	area area
}

// compare tells found where two snapshots differ.
func compare(s *gitstore.Store, from, to snapshot, base string, b *budget, found func(name string, from, to leaf) error) error {
	c := comparison{store: s, budget: b, from: from, to: to, base: base, found: found, everything: from.ignore != to.ignore}
	if from.root == to.root && !c.everything {
		return nil
	}
	if err := c.along(from.entries, to.entries, areaSpecs, areaSpecs); err != nil {
		return err
	}
	return b.look(0)
}

// folder compares two folders, either of which may be nothing.
func (c *comparison) folder(from, to subtree) error {
	if from == to && !c.everything {
		return nil
	}
	olds, err := c.list(from)
	if err != nil {
		return err
	}
	news, err := c.list(to)
	if err != nil {
		return err
	}
	return c.along(olds, news, from.area, to.area)
}

// along compares the entries of two folders.
func (c *comparison) along(olds, news []gitstore.TreeEntry, oldArea, newArea area) error {
	for len(olds) > 0 || len(news) > 0 {
		order := 0
		switch {
		case len(olds) == 0:
			order = 1
		case len(news) == 0:
			order = -1
		default:
			order = gitstore.CompareEntries(olds[0], news[0])
		}
		var a, b *gitstore.TreeEntry
		if order <= 0 {
			a, olds = &olds[0], olds[1:]
		}
		if order >= 0 {
			b, news = &news[0], news[1:]
		}
		if err := c.entry(a, b, oldArea, newArea); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) list(f subtree) ([]gitstore.TreeEntry, error) {
	if f.tree.IsZero() || f.area != areaSpecs && c.unread > maxUnread {
		return nil, nil
	}
	entries, err := c.store.Tree(f.tree)
	switch {
	case f.area != areaSpecs:
		c.unread += len(entries)
		return entries, nil // what cannot be read there says nothing
	case err != nil:
		return nil, err
	}
	return entries, nil
}

// entry compares what stands at one path: a or b is nil if nothing does.
func (c *comparison) entry(a, b *gitstore.TreeEntry, oldArea, newArea area) error {
	if err := c.budget.look(1); err != nil {
		return err
	}
	if a != nil && b != nil && *a == *b && !c.everything {
		return nil
	}
	c.parts = append(c.parts, cmp.Or(a, b).Name)
	defer func() { c.parts = c.parts[:len(c.parts)-1] }()
	from, oldFolder := c.from.rules.look(c.parts, a, oldArea, c.budget)
	to, newFolder := c.to.rules.look(c.parts, b, newArea, c.budget)
	if from != to {
		if err := c.found(c.name(), from, to); err != nil {
			return err
		}
	}
	if oldFolder.tree.IsZero() && newFolder.tree.IsZero() {
		return nil
	}
	return c.folder(oldFolder, newFolder)
}

// name returns the path of the entry that is looked at.
func (c *comparison) name() string {
	last := len(c.parts) - 1
	return path.Join(c.base, path.Join(c.parts[:last]...), shown(c.parts[last]))
}

// look tells what an entry is to us: a leaf, a folder or, with both zero, nothing.
func (r rules) look(parts []string, e *gitstore.TreeEntry, in area, b *budget) (leaf, subtree) {
	if e == nil {
		return leaf{}, subtree{}
	}
	switch k, in := r.kind(parts, e.Mode, in, b); k {
	case kindNone:
		return leaf{}, subtree{}
	case kindFolder:
		return leaf{}, subtree{e.Hash, in}
	default:
		return leaf{e.Hash, k}, subtree{}
	}
}
