package gitstore

import (
	"container/heap"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// Ancestors yields the commit and all it descends from, the newest first as far
// as their dates tell; a wrong date changes the order alone.
func (s *Store) Ancestors(ctx context.Context, start plumbing.Hash) iter.Seq2[*gitobject.Commit, error] {
	return func(yield func(*gitobject.Commit, error) bool) {
		var queue byDate
		seen := make(map[plumbing.Hash]struct{})
		push := func(h plumbing.Hash) error {
			if _, ok := seen[h]; ok {
				return nil
			}
			seen[h] = struct{}{}
			c, err := s.Commit(h)
			if err == nil {
				heap.Push(&queue, c)
			}
			return err
		}
		err := push(start)
		for err == nil && len(queue) > 0 {
			if err = context.Cause(ctx); err != nil {
				break
			}
			c := heap.Pop(&queue).(*gitobject.Commit)
			if !yield(c, nil) {
				return
			}
			for _, parent := range c.ParentHashes {
				err = errors.Join(err, push(parent))
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// Descends reports whether the commit is old, or comes after it.
func (s *Store) Descends(ctx context.Context, old, commit plumbing.Hash) (bool, error) {
	if old == commit {
		return true, nil
	}
	if !s.Has(old) {
		return false, nil
	}
	for c, err := range s.Ancestors(ctx, commit) {
		if err != nil {
			return false, err
		}
		if c.Hash == old {
			return true, nil
		}
	}
	return false, nil
}

// Newest lists at most that many commits of the branch, the newest first. It ends before a
// commit that is malformed or too large: a branch can be mended.
func (s *Store) Newest(ctx context.Context, head plumbing.Hash, most int) ([]plumbing.Hash, error) {
	var commits []plumbing.Hash
	for c, err := range s.Ancestors(ctx, head) {
		switch {
		case err == nil:
		case errors.Is(err, ErrDamaged), ctx.Err() != nil:
			return nil, err
		default:
			return commits, nil
		}
		if commits = append(commits, c.Hash); len(commits) == most {
			break
		}
	}
	return commits, nil
}

// FirstParents lists the commits after old up to the last one before head, the newest
// first, as git log --first-parent old..head has them but for head. Without old
// there are none.
func (s *Store) FirstParents(ctx context.Context, old, head plumbing.Hash) ([]plumbing.Hash, error) {
	if old.IsZero() {
		return nil, nil
	}
	var path []plumbing.Hash
	for h := head; ; {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		c, err := s.Commit(h)
		if err != nil {
			return nil, err
		}
		if len(c.ParentHashes) == 0 {
			break
		}
		if h = c.ParentHashes[0]; h == old {
			return path, nil
		}
		path = append(path, h)
	}
	// It was merged in from the side, or it is of another history.
	if !s.Has(old) {
		return path, nil
	}
	known := make(map[plumbing.Hash]bool)
	for c, err := range s.Ancestors(ctx, old) {
		if err != nil {
			return nil, err
		}
		known[c.Hash] = true
	}
	if i := slices.IndexFunc(path, func(h plumbing.Hash) bool { return known[h] }); i >= 0 {
		path = path[:i]
	}
	return path, nil
}

// byDate is a heap of commits, the newest on top.
type byDate []*gitobject.Commit

func (q byDate) Len() int           { return len(q) }
func (q byDate) Less(i, j int) bool { return q[i].Committer.When.After(q[j].Committer.When) }
func (q byDate) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *byDate) Push(c any)        { *q = append(*q, c.(*gitobject.Commit)) }

func (q *byDate) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	*q = (*q)[:last]
	return c
}

// What is known of a commit while merge bases are looked for.
const (
	ofLeft   = 1 << iota // the left one is it or descends from it
	ofRight              // the right one
	ofCommon             // a common ancestor descends from it
)

// MergeBase finds a best common ancestor as git does: both histories are walked
// at once, the newest commits first, until only what common ancestors descend
// from is left. Where a shallow clone ends before that, no other answer than that of a
// full one is given: the earlier of two commits in one line, or an ErrMissing.
func (s *Store) MergeBase(ctx context.Context, left, right plumbing.Hash) (base plumbing.Hash, ok bool, err error) {
	w := mergeWalk{store: s, marks: make(map[plumbing.Hash]uint8)}
	err = errors.Join(w.mark(left, ofLeft), w.mark(right, ofRight))
	if err = errors.Join(err, w.cut); err != nil {
		return base, false, err
	}
	var common []plumbing.Hash
	for w.unfinished() {
		if err := context.Cause(ctx); err != nil {
			return base, false, err
		}
		c := heap.Pop(&w.queue).(*gitobject.Commit)
		marks := w.marks[c.Hash]
		if marks == ofLeft|ofRight {
			common = append(common, c.Hash)
			marks |= ofCommon
		}
		for _, parent := range c.ParentHashes {
			if err := w.mark(parent, marks); err != nil {
				return base, false, err
			}
		}
	}
	for _, h := range []plumbing.Hash{left, right} {
		if slices.Contains(common, h) {
			return h, true, nil
		}
	}
	if w.cut != nil {
		return base, false, w.cut
	}
	for _, h := range common {
		if w.marks[h]&ofCommon == 0 {
			return h, true, nil
		}
	}
	return base, false, nil
}

type mergeWalk struct {
	store *Store
	queue byDate
	marks map[plumbing.Hash]uint8
	cut   error // that a commit is missing; nil: none is
}

// mark adds marks to a commit, and looks at it again if any is new.
func (w *mergeWalk) mark(h plumbing.Hash, marks uint8) error {
	if w.marks[h]|marks == w.marks[h] {
		return nil
	}
	c, err := w.store.Commit(h)
	if errors.Is(err, ErrMissing) {
		w.cut = err
		return nil
	}
	if err != nil {
		return err
	}
	w.marks[h] |= marks
	heap.Push(&w.queue, c)
	return nil
}

// unfinished reports whether a commit is left that could lead to a better answer.
func (w *mergeWalk) unfinished() bool {
	for _, c := range w.queue {
		if w.marks[c.Hash]&ofCommon == 0 {
			return true
		}
	}
	return false
}
