package source

import (
	"container/heap"
	"context"
	"errors"
	"iter"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// maxHaves bounds the commits we tell a server that we have. After a push it
// needs one; after a rewrite, one that both sides still share.
const maxHaves = 64

// ancestors yields the commit and all it descends from, the newest first as far
// as their dates tell; a wrong date changes the order alone.
func (s *store) ancestors(ctx context.Context, start plumbing.Hash) iter.Seq2[*gitobject.Commit, error] {
	return func(yield func(*gitobject.Commit, error) bool) {
		var queue byDate
		seen := make(map[plumbing.Hash]struct{})
		push := func(h plumbing.Hash) error {
			if _, ok := seen[h]; ok {
				return nil
			}
			seen[h] = struct{}{}
			c, err := s.commit(h)
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

// descends reports whether the commit is old, or comes after it.
func (s *store) descends(ctx context.Context, old, commit plumbing.Hash) (bool, error) {
	if old == commit {
		return true, nil
	}
	if !s.has(old) {
		return false, nil
	}
	for c, err := range s.ancestors(ctx, commit) {
		if err != nil {
			return false, err
		}
		if c.Hash == old {
			return true, nil
		}
	}
	return false, nil
}

// haves lists commits of the branch, the newest first. One that we take no commit
// for, and what is behind it, is left out: a branch can be mended.
func (s *store) haves(ctx context.Context, head plumbing.Hash) ([]plumbing.Hash, error) {
	var haves []plumbing.Hash
	for c, err := range s.ancestors(ctx, head) {
		switch {
		case err == nil:
		case errors.Is(err, errDamaged), ctx.Err() != nil:
			return nil, err
		default:
			return haves, nil
		}
		if haves = append(haves, c.Hash); len(haves) == maxHaves {
			break
		}
	}
	return haves, nil
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

// mergeBase finds a best common ancestor as git does: both histories are walked
// at once, the newest commits first, until only what common ancestors descend
// from is left.
func (s *store) mergeBase(ctx context.Context, left, right plumbing.Hash) (base plumbing.Hash, ok bool, err error) {
	w := mergeWalk{store: s, marks: make(map[plumbing.Hash]uint8)}
	if err := errors.Join(w.mark(left, ofLeft), w.mark(right, ofRight)); err != nil {
		return base, false, err
	}
	var common []plumbing.Hash
	for w.open() {
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
	for _, h := range common {
		if w.marks[h]&ofCommon == 0 {
			return h, true, nil
		}
	}
	return base, false, nil
}

type mergeWalk struct {
	store *store
	queue byDate
	marks map[plumbing.Hash]uint8
}

// mark adds marks to a commit, and looks at it again if any is new.
func (w *mergeWalk) mark(h plumbing.Hash, marks uint8) error {
	if w.marks[h]|marks == w.marks[h] {
		return nil
	}
	c, err := w.store.commit(h)
	if err != nil {
		return err
	}
	w.marks[h] |= marks
	heap.Push(&w.queue, c)
	return nil
}

// open reports whether a commit is left that could lead to a better answer.
func (w *mergeWalk) open() bool {
	for _, c := range w.queue {
		if w.marks[c.Hash]&ofCommon == 0 {
			return true
		}
	}
	return false
}
