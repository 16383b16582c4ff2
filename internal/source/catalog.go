package source

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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

// apply takes over the changes with their files, which were made before: nothing
// here can fail, so a Set is never half of one revision and half of another.
func (c *catalog) apply(changes []change, files []*spec.File) {
	c.set.Grow(len(changes))
	for i, ch := range changes {
		if files[i] == nil {
			c.set.Remove(ch.name)
			continue
		}
		files[i].Mark = ch.mark()
		c.set.Put(files[i])
		files[i] = nil // which may be packed by now
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

// parse makes the file of each change; nil where there is nothing. What a file
// says depends on its name and its blob alone; what it costs, also on what is known
// of it.
func (s *store) parse(ctx context.Context, changes []change, known *spec.Set) ([]*spec.File, error) {
	const batch = 64
	files := make([]*spec.File, len(changes))
	var left atomic.Int64
	left.Store(maxParsed)
	workers, working := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for start := 0; start < len(changes) && working.Err() == nil; start += batch {
		workers.Go(func() error {
			for i := start; i < min(start+batch, len(changes)); i++ {
				file, size, err := s.file(changes[i], known)
				if err != nil {
					return err
				}
				if left.Add(-size) < 0 {
					return fmt.Errorf("%w: more than %d bytes of specs", ErrTooLarge, maxParsed)
				}
				files[i] = file
			}
			return working.Err()
		})
	}
	if err := workers.Wait(); err != nil {
		return nil, err
	}
	return files, context.Cause(ctx)
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
