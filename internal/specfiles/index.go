package specfiles

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/speccache"
	"github.com/wedatasync/wedatasync/spec"
)

// Index is a Set in which each file is marked with the leaf that it was made from.
type Index struct{ Set *spec.Set }

// NewIndex makes an empty one.
func NewIndex() *Index { return &Index{spec.NewSet()} }

// Leaf returns what the file of that name was made from.
func (c *Index) Leaf(name string) Leaf {
	if f := c.Set.File(name); f != nil {
		return LeafOf(f.Mark)
	}
	return Leaf{}
}

// Change is what stands at a path now; the zero leaf is nothing.
type Change struct {
	Name string
	Leaf
}

// Blobs lists the contents that are read to parse changes, each once.
func Blobs(changes []Change) iter.Seq[plumbing.Hash] {
	return func(yield func(plumbing.Hash) bool) {
		seen := make(map[plumbing.Hash]struct{})
		for _, c := range changes {
			if _, twice := seen[c.Hash]; twice || c.Kind != KindSpec && !c.Kind.OfInterest() {
				continue
			}
			seen[c.Hash] = struct{}{}
			if !yield(c.Hash) {
				return
			}
		}
	}
}

// Parsed is what was made of changes: a file for each, nil where there is nothing any
// more.
type Parsed struct {
	Files   []*spec.File
	Commits int // that had to be parsed for them
}

// Apply takes over the changes with what was made of them before: nothing here can
// fail, so a Set is never half of one revision and half of another.
func (c *Index) Apply(changes []Change, files []*spec.File) {
	c.Set.Grow(len(changes))
	for i, ch := range changes {
		if files[i] == nil {
			c.Set.Remove(ch.Name)
			continue
		}
		files[i].Mark = ch.mark()
		c.Set.Put(files[i])
	}
}

// Changes lists how a snapshot differs from the one that the index holds. If the store
// has that one no longer, each file is compared with the index.
func (c *Index) Changes(s *gitstore.Store, from, to Snapshot, base string, b *Budget) ([]Change, error) {
	switch {
	case from.root == to.root:
		return nil, nil
	case !from.root.IsZero() && !s.Has(from.root):
		return c.allChanges(s, to, base, b)
	}
	var changes []Change
	err := Compare(s, from, to, base, b, func(name string, _, l Leaf) error {
		b.Replace(name)
		changes = append(changes, Change{name, l})
		return nil
	})
	return changes, err
}

func (c *Index) allChanges(s *gitstore.Store, to Snapshot, base string, b *Budget) ([]Change, error) {
	var changes []Change
	seen := make(map[string]struct{})
	err := Compare(s, Snapshot{}, to, base, b, func(name string, _, l Leaf) error {
		seen[name] = struct{}{}
		if c.Leaf(name) != l {
			b.Replace(name)
			changes = append(changes, Change{name, l})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name := range c.Set.Names() {
		if _, ok := seen[name]; !ok {
			b.Replace(name)
			changes = append(changes, Change{Name: name})
		}
	}
	return changes, nil
}

// Digest names a state of a folder: a hash of its files' names and contents.
func (c *Index) Digest() string {
	sum := sha256.New()
	var line []byte
	for _, name := range slices.Sorted(c.Set.Names()) {
		l := c.Leaf(name)
		line = append(line[:0], byte(l.Kind))
		line = append(line, l.Hash[:]...)
		line = binary.AppendUvarint(line, uint64(len(name)))
		sum.Write(append(line, name...))
	}
	return "dir:" + hex.EncodeToString(sum.Sum(nil))
}

// parseBatch is how many files one processor parses at a time, at the most.
const parseBatch = 64

// ParseFiles makes the file of each change, several at a time; nil where there is nothing. What
// a file says depends on its name and its blob alone.
func ParseFiles(s *gitstore.Store, changes []Change, cache *speccache.Cache, b *Budget) (Parsed, error) {
	p := &Parser{cache: cache, budget: b, twins: twinsOf(changes), large: semaphore.NewWeighted(spec.MaxFileSize)}
	workers, working := errgroup.WithContext(b.ctx)
	p.ctx = working
	processors := runtime.GOMAXPROCS(0)
	workers.SetLimit(processors)
	files := make([]*spec.File, len(changes))
	batch := min(1+len(changes)/processors, parseBatch)
	for start := 0; start < len(changes) && working.Err() == nil; start += batch {
		workers.Go(func() error {
			for i := start; i < min(start+batch, len(changes)); i++ {
				var err error
				if files[i], err = fileOf(s, changes[i], p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := workers.Wait(); err != nil {
		return Parsed{}, err
	}
	return Parsed{files, int(p.parsed.Load())}, context.Cause(b.ctx)
}

// fileOf makes the file of one change.
func fileOf(s *gitstore.Store, c Change, p *Parser) (*spec.File, error) {
	switch c.Kind {
	case KindNone:
		return nil, nil
	case KindSpec:
		if f := p.cache.File(speccache.Hash(c.Hash), c.Name); f != nil {
			return p.Take(f)
		}
		data, err := s.Read(c.Hash, plumbing.BlobObject, spec.MaxFileSize)
		if large, ok := errors.AsType[gitstore.TooLarge](err); ok {
			return p.Take(TooLargeFile(c.Name, large))
		}
		if err != nil {
			return nil, err
		}
		return p.File(c.Name, c.Hash, data)
	case KindHidden, KindIgnored:
		if f := unreadFile(s, c); f != nil {
			return p.Take(f)
		}
		return nil, nil
	default:
		return p.Take(c.Kind.Complaint(c.Name))
	}
}

// TooLargeFile is a file that is not read because of its size.
func TooLargeFile(name string, large gitstore.TooLarge) *spec.File {
	return spec.BadFile(name, "too-large", fmt.Sprintf("the file has %s: split it", large))
}
