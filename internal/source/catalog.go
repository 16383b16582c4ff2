package source

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/speccache"
	"github.com/wedatasync/wedatasync/spec"
)

// catalog is a Set in which each file is marked with the leaf that it was made from.
type catalog struct{ set *spec.Set }

func newCatalog() *catalog { return &catalog{spec.NewSet()} }

// leaf returns what the file of that name was made from.
func (c *catalog) leaf(name string) leaf {
	if f := c.set.File(name); f != nil {
		return leafOf(f.Mark)
	}
	return leaf{}
}

// change is what stands at a path now; the zero leaf is nothing.
type change struct {
	name string
	leaf
}

// parsed is what was made of changes: a file for each, nil where there is nothing any
// more.
type parsed struct {
	files   []*spec.File
	commits int // that had to be parsed for them
}

// apply takes over the changes with what was made of them before: nothing here can
// fail, so a Set is never half of one revision and half of another.
func (c *catalog) apply(changes []change, files []*spec.File) {
	for i, ch := range changes {
		if files[i] == nil {
			c.set.Remove(ch.name)
			continue
		}
		files[i].Mark = ch.mark()
		c.set.Put(files[i])
	}
}

// changes lists how a snapshot differs from the one that the catalog holds. If the store
// has that one no longer, each file is compared with the catalog.
func (c *catalog) changes(s *gitstore.Store, from, to snapshot, base string, b *budget) ([]change, error) {
	switch {
	case from.root == to.root:
		return nil, nil
	case !from.root.IsZero() && !s.Has(from.root):
		return c.allChanges(s, to, base, b)
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

// parseBatch is how many files one processor parses at a time.
const parseBatch = 64

// parseFiles makes the file of each change, several at a time; nil where there is nothing. What
// a file says depends on its name and its blob alone.
func parseFiles(s *gitstore.Store, changes []change, cache *speccache.Cache, b *budget) (parsed, error) {
	p := &parser{cache: cache, budget: b, twins: twinsOf(changes), large: semaphore.NewWeighted(spec.MaxFileSize)}
	workers, working := errgroup.WithContext(b.ctx)
	p.ctx = working
	workers.SetLimit(runtime.GOMAXPROCS(0))
	files := make([]*spec.File, len(changes))
	for start := 0; start < len(changes) && working.Err() == nil; start += parseBatch {
		workers.Go(func() error {
			for i := start; i < min(start+parseBatch, len(changes)); i++ {
				var err error
				if files[i], err = fileOf(s, changes[i], p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := workers.Wait(); err != nil {
		return parsed{}, err
	}
	return parsed{files, int(p.parsed.Load())}, context.Cause(b.ctx)
}

// fileOf makes the file of one change.
func fileOf(s *gitstore.Store, c change, p *parser) (*spec.File, error) {
	switch c.kind {
	case kindNone:
		return nil, nil
	case kindSpec:
		if f := p.cache.File(speccache.Hash(c.hash), c.name); f != nil {
			return p.take(f)
		}
		data, err := s.Read(c.hash, plumbing.BlobObject, spec.MaxFileSize)
		if large, ok := errors.AsType[gitstore.TooLarge](err); ok {
			return p.take(tooLargeFile(c.name, large))
		}
		if err != nil {
			return nil, err
		}
		return p.file(c.name, c.hash, data)
	case kindHidden, kindIgnored:
		if f := unreadFile(s, c); f != nil {
			return p.take(f)
		}
		return nil, nil
	default:
		return p.take(c.kind.complaint(c.name))
	}
}

func tooLargeFile(name string, large gitstore.TooLarge) *spec.File {
	return spec.BadFile(name, "too-large", fmt.Sprintf("the file has %s: split it", large))
}
