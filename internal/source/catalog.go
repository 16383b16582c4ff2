package source

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/spec"
)

// catalog is a Set in which each file is marked with the leaf that it was made from.
type catalog struct{ set *spec.Set }

func newCatalog() *catalog { return &catalog{spec.NewSet()} }

// leaf returns what the file of that name was made from.
func (c *catalog) leaf(name string) leaf { return leafOf(c.set.Mark(name)) }

// change is what stands at a path now; the zero leaf is nothing.
type change struct {
	name string
	leaf
}

// parsed is what was made of changes: a file for each, nil where there is nothing any
// more; or, packed, those that there are.
type parsed struct {
	files   []*spec.File
	packed  []*spec.Packed
	commits int // that it took to parse
}

// apply takes over the changes with what was made of them before: nothing here can
// fail, so a Set is never half of one revision and half of another.
func (c *catalog) apply(changes []change, p parsed) {
	c.set.Grow(len(changes))
	for i, ch := range changes {
		if p.files == nil || p.files[i] == nil {
			c.set.Remove(ch.name)
			continue
		}
		p.files[i].Mark = ch.mark()
		c.set.Put(p.files[i])
	}
	for _, some := range p.packed {
		if err := c.set.Take(some); err != nil {
			panic(err) // it was packed by parseAll, and nothing has these names any more
		}
	}
}

// changes lists how a snapshot differs from the one that the catalog holds, of which
// no more than the root need be known. If the store has that one no longer, each file
// is compared with the catalog.
func (c *catalog) changes(s *gitstore.Store, from, to snapshot, base string, b *budget) ([]change, error) {
	switch {
	case from.root == to.root:
		return nil, nil
	case !from.root.IsZero() && !s.Has(from.root):
		return c.allChanges(s, to, base, b)
	case !from.root.IsZero() && from.entries == nil:
		var err error
		if from, err = snapshotOf(s, from.root); err != nil {
			return nil, err
		}
	}
	var changes []change
	err := compare(s, from, to, base, b, func(name string, _, l leaf) error {
		b.replace(name)
		changes = append(changes, change{name, l})
		return nil
	})
	return changes, err
}

func (c *catalog) allChanges(s *gitstore.Store, to snapshot, base string, b *budget) ([]change, error) {
	var changes []change
	seen := make(map[string]struct{})
	err := compare(s, snapshot{}, to, base, b, func(name string, _, l leaf) error {
		seen[name] = struct{}{}
		if c.leaf(name) != l {
			b.replace(name)
			changes = append(changes, change{name, l})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name := range c.set.Names() {
		if _, ok := seen[name]; !ok {
			b.replace(name)
			changes = append(changes, change{name: name})
		}
	}
	return changes, nil
}

// manyChanges is from how many changes on they are packed as they come.
const manyChanges = 1024

// parseAll makes the files of the changes, for apply. If they are many, it packs them as
// they come: a first revision then takes little more memory than it does later.
func parseAll(s *gitstore.Store, changes []change, many int, b *budget) (p parsed, err error) {
	var commits atomic.Int64
	count := func(files []*spec.File) {
		for _, f := range files {
			if f != nil {
				commits.Add(int64(len(f.Commits) + len(f.Broken)))
			}
		}
	}
	if len(changes) < many {
		p.files, err = parseFiles(s, changes, b)
		count(p.files)
	} else {
		p.packed = make([]*spec.Packed, (len(changes)+parseBatch-1)/parseBatch)
		err = parseBatches(s, changes, b, func(start int, files []*spec.File) {
			count(files)
			for i, f := range files {
				if f != nil {
					f.Mark = changes[start+i].mark()
				}
			}
			p.packed[start/parseBatch] = spec.Pack(slices.DeleteFunc(files, func(f *spec.File) bool { return f == nil }))
		})
	}
	p.commits = int(commits.Load())
	return p, err
}

// parseFiles makes the file of each change; nil where there is nothing.
func parseFiles(s *gitstore.Store, changes []change, b *budget) ([]*spec.File, error) {
	all := make([]*spec.File, len(changes))
	err := parseBatches(s, changes, b, func(start int, files []*spec.File) { copy(all[start:], files) })
	return all, err
}

// parseBatch is how many files one processor parses at a time.
const parseBatch = 64

// parseBatches makes the file of each change, and hands them on as they come, several at a
// time and from several goroutines, with where in changes they start. What a file says
// depends on its name and its blob alone.
func parseBatches(s *gitstore.Store, changes []change, b *budget, each func(start int, files []*spec.File)) error {
	p := &parser{budget: b, twins: twinsOf(changes), large: semaphore.NewWeighted(spec.MaxFileSize)}
	workers, working := errgroup.WithContext(b.ctx)
	p.ctx = working
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for start := 0; start < len(changes) && working.Err() == nil; start += parseBatch {
		workers.Go(func() error {
			batch := changes[start:min(start+parseBatch, len(changes))]
			files := make([]*spec.File, len(batch))
			for i, c := range batch {
				var err error
				if files[i], err = fileOf(s, c, p); err != nil {
					return err
				}
			}
			each(start, files)
			return nil
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	return context.Cause(b.ctx)
}

// fileOf makes the file of one change.
func fileOf(s *gitstore.Store, c change, p *parser) (*spec.File, error) {
	switch c.kind {
	case kindNone:
		return nil, nil
	case kindSpec:
		data, err := s.Read(c.hash, plumbing.BlobObject, spec.MaxFileSize)
		if large, ok := errors.AsType[gitstore.TooLarge](err); ok {
			return p.complaint(tooLargeFile(c.name, large))
		}
		if err != nil {
			return nil, err
		}
		return p.file(c.name, c.hash, data)
	case kindHidden, kindIgnored:
		if f := unreadFile(s, c); f != nil {
			return p.complaint(f)
		}
		return nil, nil
	default:
		return p.complaint(c.kind.complaint(c.name))
	}
}

func tooLargeFile(name string, large gitstore.TooLarge) *spec.File {
	return spec.BadFile(name, "too-large", fmt.Sprintf("the file has %s: split it", large))
}
