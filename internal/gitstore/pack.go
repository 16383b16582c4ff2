package gitstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

const (
	maxChain = 8191    // the longest chain of deltas that git writes: fast-import does
	maxBase  = 4 << 20 // bytes of what a small object may be made from, which git keeps alike
	maxRatio = 1032    // to which the best of zlib's streams shrinks
)

// pack reads objects from one pack. Unlike go-git's reader it builds no index in memory
// first (which takes milliseconds for 100,000 objects, at each start and each command),
// may be used by several goroutines, and knows the size of an object before it spends
// memory on it.
type pack struct {
	name  string // its path without extension
	index *index
	file  *os.File
	size  int64
	cache *objectCache
}

// openPack opens the pack of that name, without its extension.
func openPack(name string, work *objectCache) (_ *pack, err error) {
	p := &pack{name: name, cache: work}
	if p.index, err = openIndex(name + ".idx"); err != nil {
		return nil, err
	}
	if p.file, err = os.Open(name + ".pack"); err != nil {
		return nil, errors.Join(err, p.index.close())
	}
	info, err := p.file.Stat()
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	p.size = info.Size()
	return p, nil
}

func (p *pack) close() error { return errors.Join(p.index.close(), p.file.Close()) }

// read returns the object at the offset, unless it has more than limit bytes.
func (p *pack) read(offset, limit int64) (Object, error) {
	o, err := p.readEntry(offset, limit)
	if err == nil && o.Kind == plumbing.TreeObject {
		// The tree of the other revision is read next, and often is a delta of this one.
		p.cache.put(p, offset, o)
	}
	return o, err
}

func (p *pack) readEntry(offset, limit int64) (Object, error) {
	if o, ok, err := p.cached(offset, limit); ok {
		return o, err
	}
	e, err := p.open(offset)
	if err != nil {
		return Object{}, err
	}
	if !e.delta() {
		data, err := p.inflate(e, limit)
		return Object{e.kind, data}, err
	}
	bound := max(limit, maxBase)
	delta, err := p.inflate(e, bound)
	if err != nil {
		return Object{}, err
	}
	if size := deltaTarget(delta); size > limit {
		return Object{}, TooLarge{size, limit}
	}
	at, err := p.baseOf(e)
	if err != nil {
		return Object{}, err
	}
	base, err := p.readBase(at, bound)
	if err != nil {
		return Object{}, err
	}
	return p.patch(at, base, delta)
}

// cached returns the object at the offset if it is kept.
func (p *pack) cached(offset, limit int64) (o Object, ok bool, err error) {
	o, ok = p.cache.get(p, offset)
	if size := int64(len(o.Data)); size > limit {
		return Object{}, ok, TooLarge{size, limit}
	}
	return o, ok, nil
}

// readBase returns the object at the offset, which a delta is made from. Of a chain no more
// than the places are kept until its deltas are applied, one after another: each of them may
// be as large as the bound.
func (p *pack) readBase(at, bound int64) (Object, error) {
	var base Object
	var chain []int64
	for {
		o, ok, err := p.cached(at, bound)
		if err != nil {
			return Object{}, err
		}
		if base = o; ok {
			break
		}
		e, err := p.open(at)
		if err != nil {
			return Object{}, err
		}
		if !e.delta() {
			if base.Data, err = p.inflate(e, bound); err != nil {
				return Object{}, err
			}
			base.Kind = e.kind
			break
		}
		p.cache.inflaters.Put(e.content)
		if chain = append(chain, at); len(chain) == maxChain {
			return Object{}, fmt.Errorf("%w: a chain of more than %d deltas", ErrDamaged, maxChain)
		}
		if at, err = p.baseOf(e); err != nil {
			return Object{}, err
		}
	}
	for _, next := range slices.Backward(chain) {
		e, err := p.open(next)
		if err != nil {
			return Object{}, err
		}
		delta, err := p.inflate(e, bound)
		if err != nil {
			return Object{}, err
		}
		if size := deltaTarget(delta); size > bound {
			return Object{}, TooLarge{size, bound}
		}
		if base, err = p.patch(at, base, delta); err != nil {
			return Object{}, err
		}
		at = next
	}
	return base, nil
}

// baseOf returns where the base of a delta is.
func (p *pack) baseOf(e packEntry) (int64, error) {
	if !e.foreign {
		return e.base, nil
	}
	at, ok, err := p.index.find(e.baseName)
	if err == nil && !ok {
		err = fmt.Errorf("%w: the base %s of a delta is missing", ErrDamaged, e.baseName)
	}
	return at, err
}

// patch applies a delta to its base, which is kept.
func (p *pack) patch(at int64, base Object, delta []byte) (Object, error) {
	p.cache.put(p, at, base)
	data, err := packfile.PatchDelta(base.Data, delta)
	if err != nil {
		return Object{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return Object{base.Kind, data}, nil
}

// packEntry is an entry of a pack whose header was read.
type packEntry struct {
	kind     plumbing.ObjectType
	size     int64 // of the content, or of the delta
	base     int64 // the offset of the base of a delta
	foreign  bool  // the base is named by baseName
	baseName plumbing.Hash
	content  *inflater // at the beginning of the compressed content
}

func (e *packEntry) delta() bool { return e.base != 0 || e.foreign }

// open reads the header of the entry at the offset.
func (p *pack) open(offset int64) (e packEntry, err error) {
	if offset < 0 || offset >= p.size {
		return e, fmt.Errorf("%w: offset %d is outside the pack", ErrDamaged, offset)
	}
	e.content = p.cache.inflater()
	in := e.content.in
	e.content.start(p.file, offset, p.size)
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: entry at %d: %w", ErrDamaged, offset, err)
			p.cache.inflaters.Put(e.content)
		}
	}()
	err = p.readHeader(in, offset, &e)
	return e, err
}

// header is what the header of an entry is read from.
type header interface {
	io.Reader
	io.ByteReader
}

// readHeader reads the header of the entry at the offset.
func (p *pack) readHeader(in header, offset int64, e *packEntry) error {
	b, err := in.ReadByte()
	if err != nil {
		return err
	}
	e.kind, e.size = plumbing.ObjectType(b>>4&7), int64(b&15)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if b, err = in.ReadByte(); err != nil {
			return err
		}
		if shift > 56 {
			return errors.New("its size is not a number")
		}
		e.size |= int64(b&0x7f) << shift
	}
	if e.size/maxRatio > p.size-offset {
		return fmt.Errorf("it cannot be of %d bytes", e.size)
	}
	switch e.kind {
	case plumbing.OFSDeltaObject:
		back, err := readBack(in)
		if err != nil {
			return err
		}
		if back <= 0 || back >= offset {
			return errors.New("its base is outside the pack")
		}
		e.base = offset - back
	case plumbing.REFDeltaObject:
		e.foreign = true
		if _, err := io.ReadFull(in, e.baseName[:]); err != nil {
			return err
		}
	}
	return nil
}

// readBack reads the distance from a delta back to its base.
func readBack(in io.ByteReader) (int64, error) {
	b, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	n := int64(b & 0x7f)
	for b&0x80 != 0 {
		if b, err = in.ReadByte(); err != nil {
			return 0, err
		}
		if n >= 1<<55 {
			return 0, errors.New("the distance to its base is not a number")
		}
		n = (n+1)<<7 | int64(b&0x7f)
	}
	return n, nil
}

// inflate reads the content of an opened entry, which is of no use afterwards.
func (p *pack) inflate(e packEntry, limit int64) ([]byte, error) {
	defer p.cache.inflaters.Put(e.content)
	if e.size > limit {
		return nil, TooLarge{e.size, limit}
	}
	return e.content.read(e.size)
}

// deltaTarget returns the size of what a delta makes: the second of the two
// numbers it starts with.
func deltaTarget(delta []byte) int64 {
	_, n := binary.Uvarint(delta)
	size, m := binary.Uvarint(delta[max(n, 0):])
	if n <= 0 || m <= 0 || size > 1<<62 {
		return 0 // PatchDelta says what is wrong
	}
	return int64(size)
}
