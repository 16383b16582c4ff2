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

	"github.com/wedatasync/wedatasync/spec"
)

// The bounds of a source.
const (
	maxFiles  = 250_000
	maxParsed = 1 << 30 // bytes of files that one revision makes us parse
)

// errManyFiles says what to do about a source over maxFiles.
func errManyFiles() error {
	return fmt.Errorf("%w: more than %d spec files: put several commits into one file, or name a sub-folder as the path", ErrTooLarge, maxFiles)
}

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
func (c *catalog) changes(ctx context.Context, s *store, from, to snapshot, base string) ([]change, error) {
	switch {
	case from.root == to.root:
		return nil, nil
	case !from.root.IsZero() && !s.has(from.root):
		return c.allChanges(ctx, s, to, base)
	case !from.root.IsZero() && from.entries == nil:
		var err error
		if from, err = s.snapshotOf(from.root); err != nil {
			return nil, err
		}
	}
	var changes []change
	count := c.set.Files()
	err := s.compare(ctx, from, to, base, func(name string, was, l leaf) error {
		changes = append(changes, change{name, l})
		if was.kind == kindNone {
			count++
		} else if l.kind == kindNone {
			count--
		}
		return nil
	})
	if err == nil && count > maxFiles {
		err = errManyFiles()
	}
	return changes, err
}

func (c *catalog) allChanges(ctx context.Context, s *store, to snapshot, base string) ([]change, error) {
	var changes []change
	seen := make(map[string]struct{})
	err := s.compare(ctx, snapshot{}, to, base, func(name string, _, l leaf) error {
		seen[name] = struct{}{}
		if len(seen) > maxFiles {
			return errManyFiles()
		}
		if c.leaf(name) != l {
			changes = append(changes, change{name, l})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name := range c.set.Names() {
		if _, ok := seen[name]; !ok {
			changes = append(changes, change{name: name})
		}
	}
	return changes, nil
}

// manyChanges is from how many changes on they are packed as they come.
const manyChanges = 1024

// parseAll makes the files of the changes, for apply. If they are many, it packs them as
// they come: a first revision then takes little more memory than it does later.
func (s *store) parseAll(ctx context.Context, changes []change, known *spec.Set, many int) (p parsed, err error) {
	var commits atomic.Int64
	count := func(files []*spec.File) {
		for _, f := range files {
			if f != nil {
				commits.Add(int64(f.Parsed()))
			}
		}
	}
	if len(changes) < many {
		p.files, err = s.parse(ctx, changes, known)
		count(p.files)
	} else {
		p.packed = make([]*spec.Packed, (len(changes)+parseBatch-1)/parseBatch)
		err = s.batches(ctx, changes, known, func(start int, files []*spec.File) {
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

// parse makes the file of each change; nil where there is nothing.
func (s *store) parse(ctx context.Context, changes []change, known *spec.Set) ([]*spec.File, error) {
	all := make([]*spec.File, len(changes))
	err := s.batches(ctx, changes, known, func(start int, files []*spec.File) { copy(all[start:], files) })
	return all, err
}

// parseBatch is how many files one processor parses at a time.
const parseBatch = 64

// batches makes the file of each change, and hands them on as they come, several at a
// time and from several goroutines, with where in changes they start. What a file says
// depends on its name and its blob alone; what it costs, also on what is known of it.
func (s *store) batches(ctx context.Context, changes []change, known *spec.Set, each func(start int, files []*spec.File)) error {
	var left atomic.Int64
	left.Store(maxParsed)
	workers, working := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for start := 0; start < len(changes) && working.Err() == nil; start += parseBatch {
		workers.Go(func() error {
			batch := changes[start:min(start+parseBatch, len(changes))]
			files := make([]*spec.File, len(batch))
			for i, c := range batch {
				file, size, err := s.file(c, known)
				if err != nil {
					return err
				}
				if left.Add(-size) < 0 {
					return fmt.Errorf("%w: more than %d bytes of specs", ErrTooLarge, maxParsed)
				}
				files[i] = file
			}
			each(start, files)
			return working.Err()
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// file makes the file of one change, and says how many bytes it has.
func (s *store) file(c change, known *spec.Set) (file *spec.File, size int64, err error) {
	switch c.kind {
	case kindNone:
		return nil, 0, nil
	case kindSpec:
		data, err := s.read(c.hash, plumbing.BlobObject, spec.MaxFileSize)
		if large, ok := errors.AsType[tooLarge](err); ok {
			return tooLargeFile(c.name, large), 0, nil
		}
		if err != nil {
			return nil, 0, err
		}
		return parseSpec(known, c.name, data), int64(len(data)), nil
	case kindHidden, kindIgnored:
		return s.unreadFile(c), 0, nil
	default:
		return c.kind.complaint(c.name), 0, nil
	}
}

func tooLargeFile(name string, large tooLarge) *spec.File {
	return spec.BadFile(name, "too-large", fmt.Sprintf("the file has %s: split it", large))
}

// parseSpec parses a file. That one file breaks the parser must not stop the others.
func parseSpec(known *spec.Set, name string, data []byte) (file *spec.File) {
	defer func() {
		if r := recover(); r != nil {
			file = spec.BadFile(name, "parser", fmt.Sprintf("the parser broke on this file: %v: please report it", r))
		}
	}()
	return spec.Reparse(known.File(name), name, data)
}
