package gitstore

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha1" // the checksum of indexes
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/pjbgf/sha1cd"
)

// maxPackObjects bounds the objects of a pack: what is known of each takes about 60
// bytes of memory while the pack is indexed.
const maxPackObjects = 5_000_000

// entry is an object of a pack that is indexed.
type entry struct {
	offset int64
	name   plumbing.Hash
	crc    uint32
	kind   plumbing.ObjectType // of the object, once its delta is resolved
	delta  bool
	parent int32 // the entry that a delta is made from; -1 if that is not known
	child  int32 // the first delta that is made from it; -1: none
	next   int32 // the next delta of the same parent; -1: none
}

// indexer finds which objects a pack holds. go-git's would hold whole objects in memory,
// and their bases: a pack of 1 MB can be worth 1 GiB. This one reads them as streams, and hashes them in a way that finds
// out contents that were made to collide.
type indexer struct {
	pack    *pack
	dir     string // for contents that are too large for memory
	entries []entry
	named   map[plumbing.Hash][]int32 // deltas by the name of their base
	spill   spillBuffer
	buffer  []byte
}

// indexPack makes the index of a pack of size bytes. It refuses a pack whose objects are
// larger than the bounds.
func indexPack(ctx context.Context, file *os.File, size int64) ([]byte, error) {
	x := &indexer{
		pack:   &pack{file: file, size: size - int64(HashSize), cache: newObjectCache(0)},
		dir:    filepath.Dir(file.Name()),
		buffer: make([]byte, 32<<10),
	}
	if err := x.scan(ctx); err != nil {
		return nil, err
	}
	if err := x.checksums(ctx); err != nil {
		return nil, err
	}
	if err := x.resolveDeltas(ctx); err != nil {
		return nil, err
	}
	sum := make([]byte, HashSize)
	if _, err := file.ReadAt(sum, x.pack.size); err != nil {
		return nil, diskFault(err)
	}
	return encodeIndex(x.entries, sum), nil
}

// scan reads all entries once, and names those that are no deltas.
func (x *indexer) scan(ctx context.Context) error {
	head := make([]byte, packHeader)
	if _, err := x.pack.file.ReadAt(head, 0); err != nil || !bytes.HasPrefix(head, []byte("PACK\x00\x00\x00")) || head[7] != 2 && head[7] != 3 {
		return fmt.Errorf("%w: it does not begin as one", packfile.ErrMalformedPackFile)
	}
	count := int64(binary.BigEndian.Uint32(head[8:]))
	switch {
	case count > x.pack.size/minEntry:
		return fmt.Errorf("%w: it claims %d objects in %d bytes", packfile.ErrMalformedPackFile, count, x.pack.size)
	case count > maxPackObjects:
		return fmt.Errorf("%w: a pack of %d objects", ErrTooLarge, count)
	}
	x.entries = make([]entry, 0, count)
	at := int64(packHeader)
	for range count {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		end, err := x.scanEntry(at)
		if err != nil {
			return err
		}
		at = end
	}
	if at != x.pack.size {
		return fmt.Errorf("%w: it has %d bytes after its last object", packfile.ErrMalformedPackFile, x.pack.size-at)
	}
	return nil
}

// packHeader is how many bytes a pack begins with.
const packHeader = 12

// scanEntry reads the entry at the offset, and returns where the next one is.
func (x *indexer) scanEntry(at int64) (end int64, err error) {
	p, err := x.pack.open(at)
	switch {
	case p.size > MaxObject:
		return 0, fmt.Errorf("%w: an object of %d bytes", ErrTooLarge, p.size)
	case err != nil:
		return 0, malformed(err)
	}
	defer x.pack.cache.inflaters.Put(p.content)
	e := entry{offset: at, kind: p.kind, parent: -1, child: -1, next: -1}
	var w io.Writer
	var start prefix
	sum := sha1cd.New()
	switch p.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
		sum.Write(objectHeader(p.kind, p.size))
		w = sum
	case plumbing.OFSDeltaObject, plumbing.REFDeltaObject:
		e.delta, w = true, &start
	default:
		return 0, fmt.Errorf("%w: an object of kind %d", packfile.ErrMalformedPackFile, p.kind)
	}
	stream, err := p.content.stream(p.size)
	if err != nil {
		return 0, malformed(err)
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, stream, x.buffer); err != nil {
		return 0, malformed(err)
	}
	i := int32(len(x.entries))
	if e.delta {
		if _, _, err := deltaSizes(bytes.NewReader(start.bytes)); err != nil {
			return 0, err
		}
		if err := x.connect(i, &e, &p); err != nil {
			return 0, err
		}
	} else {
		copy(e.name[:], sum.Sum(nil))
	}
	x.entries = append(x.entries, e)
	return p.content.position(), nil
}

// connect notes the base of a delta.
func (x *indexer) connect(i int32, e *entry, p *packEntry) error {
	if p.foreign {
		if x.named == nil {
			x.named = make(map[plumbing.Hash][]int32)
		}
		x.named[p.baseName] = append(x.named[p.baseName], i)
		return nil
	}
	parent, ok := slices.BinarySearchFunc(x.entries, p.base, func(e entry, offset int64) int { return cmp.Compare(e.offset, offset) })
	if !ok {
		return fmt.Errorf("%w: the base of a delta is not an object", packfile.ErrMalformedPackFile)
	}
	x.setBase(e, i, int32(parent))
	return nil
}

func (x *indexer) setBase(e *entry, i, parent int32) {
	e.parent, e.next = parent, x.entries[parent].child
	x.entries[parent].child = i
}

// checksums computes the checksum of each entry, which git keeps in an index.
func (x *indexer) checksums(ctx context.Context) error {
	in := bufio.NewReaderSize(io.NewSectionReader(x.pack.file, packHeader, x.pack.size-packHeader), 256<<10)
	for i := range x.entries {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		end := x.pack.size
		if i+1 < len(x.entries) {
			end = x.entries[i+1].offset
		}
		sum := crc32.NewIEEE()
		if _, err := io.CopyBuffer(struct{ io.Writer }{sum}, io.LimitReader(struct{ io.Reader }{in}, end-x.entries[i].offset), x.buffer); err != nil {
			return diskFault(err)
		}
		x.entries[i].crc = sum.Sum32()
	}
	return nil
}

// malformed says that a pack, and not our disk, is at fault.
func malformed(err error) error {
	if _, ok := errors.AsType[*DiskError](err); err == nil || ok {
		return err
	}
	return fmt.Errorf("%w: %w", packfile.ErrMalformedPackFile, err)
}

// objectHeader is what an object is hashed with before its content.
func objectHeader(kind plumbing.ObjectType, size int64) []byte {
	return append(strconv.AppendInt(append(kind.Bytes(), ' '), size, 10), 0)
}

// encodeIndex returns the index of a pack in version 2 of git's format. It sorts the entries.
func encodeIndex(entries []entry, packSum []byte) []byte {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(bytes.Compare(a.name[:], b.name[:]), cmp.Compare(a.offset, b.offset))
	})
	entries = slices.CompactFunc(entries, func(a, b entry) bool { return a.name == b.name })
	out := make([]byte, 0, indexNames+int64(len(entries))*indexEntry+indexTrailer)
	out = append(out, "\377tOc\x00\x00\x00\x02"...)
	at := 0
	for b := range 256 {
		for at < len(entries) && int(entries[at].name[0]) <= b {
			at++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(at))
	}
	for i := range entries {
		out = append(out, entries[i].name[:]...)
	}
	for i := range entries {
		out = binary.BigEndian.AppendUint32(out, entries[i].crc)
	}
	var far []byte // places that need more than 31 bits
	for i := range entries {
		place := uint64(entries[i].offset)
		if place > math.MaxInt32 {
			far = binary.BigEndian.AppendUint64(far, place)
			place = 1<<31 | uint64(len(far)/8-1)
		}
		out = binary.BigEndian.AppendUint32(out, uint32(place))
	}
	out = append(append(out, far...), packSum...)
	sum := sha1.Sum(out)
	return append(out, sum[:]...)
}
