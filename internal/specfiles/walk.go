package specfiles

import (
	"cmp"
	"errors"
	"fmt"
	"path"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// Leaf is what stands at one path. The zero leaf is nothing.
type Leaf struct {
	Hash plumbing.Hash
	Kind Kind
}

// mark is the leaf as the mark of a file in a Set.
func (l Leaf) mark() string {
	if l == (Leaf{}) {
		return ""
	}
	return string(append(l.Hash[:], byte(l.Kind)))
}

// LeafOf is the leaf of a mark.
func LeafOf(mark string) (l Leaf) {
	if n := copy(l.Hash[:], mark); n < len(mark) {
		l.Kind = Kind(mark[n])
	}
	return l
}

// Snapshot is the source's path in one revision.
type Snapshot struct {
	root    plumbing.Hash        // the tree at the source's path; zero if there is none
	entries []gitstore.TreeEntry // of that tree, which is often the largest
	ignore  plumbing.Hash        // the ignore file; zero if there is none
	rules   Rules
}

// SnapshotAt finds the source's path in a revision's tree, and its rules.
func SnapshotAt(s *gitstore.Store, tree plumbing.Hash, path string) (Snapshot, error) {
	root, err := s.Lookup(tree, path)
	if err != nil {
		return Snapshot{}, err
	}
	return snapshotOf(s, root)
}

// snapshotOf is the snapshot of the tree at the source's path.
func snapshotOf(s *gitstore.Store, root plumbing.Hash) (snap Snapshot, err error) {
	snap.root = root
	if snap.entries, err = s.Tree(root); err != nil {
		return Snapshot{}, err
	}
	e, ok := gitstore.EntryNamed(snap.entries, IgnoreFile)
	if !ok {
		return snap, nil
	}
	if !e.Mode.IsRegular() {
		return Snapshot{}, fmt.Errorf("%w: %s is not a regular file", ErrIgnoreFile, IgnoreFile)
	}
	data, err := s.Read(e.Hash, plumbing.BlobObject, MaxIgnore)
	if large, ok := errors.AsType[gitstore.TooLarge](err); ok {
		return Snapshot{}, fmt.Errorf("%w: %s: %w", ErrIgnoreFile, IgnoreFile, large)
	}
	if err != nil {
		return Snapshot{}, err
	}
	snap.ignore = e.Hash
	snap.rules, err = ParseRules(data)
	return snap, err
}

// comparison walks along two snapshots at once. It descends only where they
// differ, so that its cost is the cost of what has changed; unless their ignore
// files differ, which can show or hide any path.
type comparison struct {
	store    *gitstore.Store
	from, to Snapshot
	base     string // the source's path, which names start with
	// found is called with each path where the two differ, in git's order.
	found func(name string, from, to Leaf) error

	everything bool
	unread     int // entries that are not specs whatever they are
	parts      []string
	budget     *Budget // a few small trees can name one another so often that they unfold to any number
}

// subtree is a folder on one side of a comparison; without a hash it is nothing.
type subtree struct {
	tree plumbing.Hash
	area Area
}

// Compare tells found where two snapshots differ.
func Compare(s *gitstore.Store, from, to Snapshot, base string, b *Budget, found func(name string, from, to Leaf) error) error {
	c := comparison{store: s, budget: b, from: from, to: to, base: base, found: found, everything: from.ignore != to.ignore}
	if from.root == to.root && !c.everything {
		return nil
	}
	if err := c.along(from.entries, to.entries, AreaSpecs, AreaSpecs); err != nil {
		return err
	}
	return b.Entries(0)
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
func (c *comparison) along(olds, news []gitstore.TreeEntry, oldArea, newArea Area) error {
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
	if f.tree.IsZero() || f.area != AreaSpecs && c.unread > MaxUnread {
		return nil, nil
	}
	entries, err := c.store.Tree(f.tree)
	switch {
	case f.area != AreaSpecs:
		c.unread += len(entries)
		return entries, nil // what cannot be read there says nothing
	case err != nil:
		return nil, err
	}
	return entries, nil
}

// entry compares what stands at one path: a or b is nil if nothing does.
func (c *comparison) entry(a, b *gitstore.TreeEntry, oldArea, newArea Area) error {
	if err := c.budget.Entries(1); err != nil {
		return err
	}
	if a != nil && b != nil && *a == *b && !c.everything {
		return nil
	}
	c.parts = append(c.parts, cmp.Or(a, b).Name)
	defer func() { c.parts = c.parts[:len(c.parts)-1] }()
	from, oldFolder := c.from.rules.classify(c.parts, a, oldArea, c.budget)
	to, newFolder := c.to.rules.classify(c.parts, b, newArea, c.budget)
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
	return path.Join(c.base, path.Join(c.parts[:last]...), Shown(c.parts[last]))
}

// classify tells what an entry is to us: a leaf, a folder or, with both zero, nothing.
func (r Rules) classify(parts []string, e *gitstore.TreeEntry, in Area, b *Budget) (Leaf, subtree) {
	if e == nil {
		return Leaf{}, subtree{}
	}
	switch k, in := r.KindOf(parts, e.Mode, in, b); k {
	case KindNone:
		return Leaf{}, subtree{}
	case KindFolder:
		return Leaf{}, subtree{e.Hash, in}
	default:
		return Leaf{e.Hash, k}, subtree{}
	}
}
