package gitstore

import (
	"bufio"
	"compress/zlib"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// inflater decompresses objects, one after another.
type inflater struct {
	in   *bufio.Reader
	from *io.SectionReader // the part of the pack that in reads, which begins at at
	at   int64
	zlib io.ReadCloser
}

// start makes in read a pack from the offset.
func (f *inflater) start(file io.ReaderAt, offset, end int64) {
	f.at, f.from = offset, io.NewSectionReader(file, offset, end-offset)
	f.in.Reset(f.from)
}

// position returns the offset in the pack that in is at.
func (f *inflater) position() int64 {
	read, _ := f.from.Seek(0, io.SeekCurrent) // a section always knows
	return f.at + read - int64(f.in.Buffered())
}

// stream decompresses a stream of exactly size bytes: any other is an error.
func (f *inflater) stream(size int64) (io.Reader, error) {
	if err := f.reset(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return &exact{f.zlib, size}, nil
}

// exact reads left bytes, and the end after them.
type exact struct {
	r    io.Reader
	left int64
}

func (e *exact) Read(p []byte) (int, error) {
	if int64(len(p)) > e.left+1 {
		p = p[:e.left+1]
	}
	n, err := e.r.Read(p)
	e.left -= int64(n)
	switch {
	case e.left < 0:
		return 0, fmt.Errorf("%w: an object is longer than it says", ErrDamaged)
	case err == io.EOF && e.left > 0:
		return n, fmt.Errorf("%w: an object is shorter than it says", ErrDamaged)
	}
	return n, err
}

// reset begins the stream that in is at.
func (f *inflater) reset() error {
	if f.zlib != nil {
		return f.zlib.(zlib.Resetter).Reset(f.in, nil)
	}
	z, err := zlib.NewReader(f.in)
	if err == nil {
		f.zlib = z
	}
	return err
}

// read decompresses a stream of exactly size bytes, and checks its checksum.
func (f *inflater) read(size int64) ([]byte, error) {
	if err := f.reset(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return f.readRest(size)
}

// header reads what a loose object begins with: its kind, a space, its size and
// a zero byte.
func (f *inflater) header() (kind plumbing.ObjectType, size int64, err error) {
	if err := f.reset(); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	var text []byte
	for one := make([]byte, 1); len(text) < 32; text = append(text, one[0]) {
		if _, err := io.ReadFull(f.zlib, one); err != nil {
			return 0, 0, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if one[0] == 0 {
			break
		}
	}
	word, digits, _ := strings.Cut(string(text), " ")
	if kind, err = plumbing.ParseObjectType(word); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if size, err = strconv.ParseInt(digits, 10, 64); err != nil || size < 0 {
		return 0, 0, fmt.Errorf("%w: the size of an object is not a number", ErrDamaged)
	}
	return kind, size, nil
}

// readRest decompresses the rest of a stream, which must be size bytes.
func (f *inflater) readRest(size int64) ([]byte, error) {
	data := make([]byte, size)
	if _, err := io.ReadFull(f.zlib, data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch n, err := f.zlib.Read(make([]byte, 1)); {
	case n != 0:
		return nil, fmt.Errorf("%w: an object is longer than it says", ErrDamaged)
	case err != io.EOF:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return data, nil
}

// objectCache keeps the bases of deltas that were used last, so that a chain is not
// resolved again for each of its links. It has two generations, each of at most half of
// limit. The packs of a store share it, and its inflaters.
type objectCache struct {
	inflaters sync.Pool

	mu         sync.Mutex
	limit      int // bytes
	size       int // bytes in young
	young, old map[basePlace]Object
}

type basePlace struct {
	pack   *pack
	offset int64
}

func newObjectCache(limit int) *objectCache {
	return &objectCache{
		inflaters: sync.Pool{New: func() any { return &inflater{in: bufio.NewReader(strings.NewReader(""))} }},
		limit:     limit,
		young:     make(map[basePlace]Object),
	}
}

func (w *objectCache) inflater() *inflater { return w.inflaters.Get().(*inflater) }

// get returns the base at that offset of the pack, if it is kept.
func (w *objectCache) get(p *pack, offset int64) (Object, bool) {
	at := basePlace{p, offset}
	w.mu.Lock()
	defer w.mu.Unlock()
	if o, ok := w.young[at]; ok {
		return o, true
	}
	o, ok := w.old[at]
	if ok {
		w.add(at, o)
	}
	return o, ok
}

func (w *objectCache) put(p *pack, offset int64, o Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(basePlace{p, offset}, o)
}

func (w *objectCache) add(at basePlace, o Object) {
	if _, ok := w.young[at]; ok || len(o.Data) > w.limit/4 {
		return
	}
	if w.size+len(o.Data) > w.limit/2 {
		w.old, w.young, w.size = w.young, make(map[basePlace]Object), 0
	}
	w.young[at] = o
	w.size += len(o.Data)
}

// evict forgets the bases, if they are many.
func (w *objectCache) evict() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.old != nil || w.size > w.limit/16 {
		w.old, w.young, w.size = nil, make(map[basePlace]Object), 0
	}
}
