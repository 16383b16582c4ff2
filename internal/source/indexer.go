package source

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"golang.org/x/sync/errgroup"
)

// keptBases bounds what one worker keeps of the bases it will need again, in bytes.
const keptBases = 32 << 20

// scanned is an object of a pack as it was met from the first to the last.
type scanned struct {
	offset   int64
	crc      uint32
	base     int64 // where the base of a delta stands
	foreign  bool  // the base is named by baseName
	baseName plumbing.Hash
	name     plumbing.Hash // known at once of what is no delta
}

func (s *scanned) isDelta() bool { return s.base != 0 || s.foreign }

// indexer works out the names of the deltas of a pack. Go-git's does it on one
// processor and reads a base again for each of its deltas, which was half of the time
// that a clone took.
type indexer struct {
	pack     *pack
	kept     int
	objects  []scanned               // in order of offset
	byOffset map[int64][]int         // the deltas of the object there
	byName   map[plumbing.Hash][]int // the deltas of the object of that name
	claimed  []atomic.Bool
	left     atomic.Int64 // deltas without a name
}

// indexPack works out the index of a pack that was scanned. Of the bases each worker
// keeps about so many bytes.
func indexPack(ctx context.Context, file *os.File, size int64, objects []scanned, kept int) (*idxfile.MemoryIndex, error) {
	x := &indexer{
		pack: &pack{file: file, size: size, work: newWorkspace(0)}, kept: kept, objects: objects,
		byOffset: make(map[int64][]int), byName: make(map[plumbing.Hash][]int), claimed: make([]atomic.Bool, len(objects)),
	}
	for i := range objects {
		switch o := &objects[i]; {
		case o.foreign:
			x.byName[o.baseName] = append(x.byName[o.baseName], i)
			x.left.Add(1)
		case o.isDelta():
			x.byOffset[o.base] = append(x.byOffset[o.base], i)
			x.left.Add(1)
		}
	}
	if err := x.nameDeltas(ctx); err != nil {
		return nil, err
	}
	var index idxfile.Writer
	if err := index.OnHeader(uint32(len(objects))); err != nil {
		return nil, err
	}
	for i := range objects {
		index.Add(objects[i].name, uint64(objects[i].offset), objects[i].crc)
	}
	var sum plumbing.Hash
	if _, err := file.ReadAt(sum[:], size-int64(hashSize)); err != nil {
		return nil, mirrorFault(err)
	}
	if err := index.OnFooter(sum); err != nil {
		return nil, err
	}
	return index.Index()
}

// nameDeltas goes from each object that is no delta to those made from it.
func (x *indexer) nameDeltas(ctx context.Context) error {
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i := range x.objects {
		if o := &x.objects[i]; o.isDelta() || len(x.deltasOf(o)) == 0 {
			continue
		}
		workers.Go(func() (err error) {
			defer recovered(&err)
			return x.descend(ctx, i)
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	if n := x.left.Load(); n > 0 {
		return fmt.Errorf("%w: the bases of %d deltas are missing", packfile.ErrMalformedPackFile, n)
	}
	return nil
}

// deltasOf returns the deltas of an object that has its name.
func (x *indexer) deltasOf(o *scanned) []int {
	return slices.Concat(x.byOffset[o.offset], x.byName[o.name])
}

// base is an object on the way from one that is no delta to where a worker is.
type base struct {
	object int
	deltas []int // of it, that are still to be named
	data   []byte
}

// descend names all deltas that were made from an object.
func (x *indexer) descend(ctx context.Context, root int) error {
	e, err := x.pack.open(x.objects[root].offset)
	if err != nil {
		return err
	}
	kind := e.kind
	data, err := x.pack.inflate(e, maxObject)
	if err != nil {
		return err
	}
	way := []base{{root, x.deltasOf(&x.objects[root]), data}}
	for len(way) > 0 {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		last := &way[len(way)-1]
		if len(last.deltas) == 0 {
			way = way[:len(way)-1]
			continue
		}
		i := last.deltas[0]
		last.deltas = last.deltas[1:]
		if x.claimed[i].Swap(true) {
			continue // an object that the pack has twice
		}
		if err := x.restore(way); err != nil {
			return err
		}
		o := &x.objects[i]
		data, err := x.patch(last.data, o.offset)
		if err != nil {
			return err
		}
		o.name = plumbing.ComputeHash(kind, data)
		x.left.Add(-1)
		if deltas := x.deltasOf(o); len(deltas) > 0 {
			way = append(way, base{i, deltas, data})
			x.thin(way)
		}
	}
	return nil
}

// patch makes the object at the offset from its base.
func (x *indexer) patch(from []byte, offset int64) ([]byte, error) {
	e, err := x.pack.open(offset)
	if err != nil {
		return nil, err
	}
	delta, err := x.pack.inflate(e, maxObject)
	if err != nil {
		return nil, err
	}
	data, err := packfile.PatchDelta(from, delta)
	if err != nil {
		return nil, fmt.Errorf("%w: entry at %d: %w", packfile.ErrMalformedPackFile, offset, err)
	}
	return data, nil
}

// thin lets go of the bases that were met first, if all are too much: a chain of deltas
// may be long, and what they make large.
func (x *indexer) thin(way []base) {
	size := 0
	for i, b := range slices.Backward(way) {
		if size += len(b.data); size > x.kept && i > 0 && i < len(way)-1 {
			way[i].data = nil
		}
	}
}

// restore makes the last base again, if it was let go of, and those it takes. The
// first is always there.
func (x *indexer) restore(way []base) (err error) {
	have := len(way) - 1
	for way[have].data == nil && have > 0 {
		have--
	}
	for i := have + 1; i < len(way); i++ {
		if way[i].data, err = x.patch(way[i-1].data, x.objects[way[i].object].offset); err != nil {
			return err
		}
	}
	x.thin(way)
	return nil
}
