package gitstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
)

// The layout of a pack index of version 2, in bytes: names in order, checksums,
// places in the pack, and those that need more than 31 bits. One of version 1 has no head,
// and each place is in front of its name.
const (
	HashSize     = len(plumbing.Hash{})
	indexNames   = 8 + 256*4
	indexTrailer = int64(2 * HashSize)
	indexEntry   = int64(HashSize + 4 + 4)

	oldIndexNames = 256 * 4
	oldIndexEntry = 4 + int64(HashSize)
)

// maxWholeIndex bounds the indexes that are read as a whole: those of packs that a
// poll has fetched, of which there may be many.
const maxWholeIndex = 64 << 10

// index tells the offset of each object in a pack. A comparison of two revisions reads a
// few dozen objects of any number, and reading all names was most of its time. So the
// index is read in spans: a few names around the first that is asked for, and from the
// second on all names that begin with the same byte.
type index struct {
	in    io.ReaderAt
	file  *os.File // what in reads, unless that is memory
	size  int64
	old   bool        // it is of version 1
	count int64       // of objects
	last  [256]uint32 // how many names begin with a byte up to this one
	asked [256]atomic.Bool
	spans [256]atomic.Pointer[span]
}

// span is a range of the sorted names of an index.
type span struct {
	names  []byte
	places []byte
}

// openIndex opens an index.
func openIndex(path string) (_ *index, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	x := &index{in: file, file: file}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	x.size = info.Size()
	if err := x.readHead(path); err != nil {
		return nil, err
	}
	if x.size > maxWholeIndex {
		return x, nil
	}
	whole := make([]byte, x.size)
	if _, err := file.ReadAt(whole, 0); err != nil {
		return nil, err
	}
	x.in, x.file = bytes.NewReader(whole), nil
	return x, file.Close()
}

// readHead reads how many names begin with each byte.
func (x *index) readHead(path string) error {
	head := make([]byte, indexNames)
	n, err := x.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	version, ok := bytes.CutPrefix(head, []byte("\377tOc"))
	last, least, entry := head[8:], indexNames+indexTrailer, indexEntry
	switch x.old = !ok; {
	case x.old:
		last, least, entry = head, oldIndexNames+indexTrailer, oldIndexEntry
	case binary.BigEndian.Uint32(version) != 2:
		return fmt.Errorf("%w: %s is a pack index of a version that is not known", ErrDamaged, path)
	}
	if x.size < least || n < oldIndexNames {
		return fmt.Errorf("%w: %s is not a pack index", ErrDamaged, path)
	}
	for i := range x.last {
		x.last[i] = binary.BigEndian.Uint32(last[4*i:])
	}
	x.count = int64(x.last[255])
	if !slices.IsSorted(x.last[:]) || x.size < least+x.count*entry {
		return fmt.Errorf("%w: %s is cut off", ErrDamaged, path)
	}
	return nil
}

func (x *index) close() error {
	if x.file == nil {
		return nil
	}
	return x.file.Close()
}

// bounds returns which names begin with b: from the first to before the end.
func (x *index) bounds(b byte) (first, end int64) {
	if b > 0 {
		first = int64(x.last[b-1])
	}
	return first, int64(x.last[b])
}

// readSpan reads what the index says of the names from first to before the end.
func (x *index) readSpan(first, end int64) (*span, error) {
	n := int(end - first)
	data := make([]byte, n*(HashSize+4))
	s := &span{data[:n*HashSize], data[n*HashSize:]}
	if x.old {
		return s, x.readOldSpan(s, n, first)
	}
	if _, err := x.in.ReadAt(s.names, indexNames+first*int64(HashSize)); err != nil {
		return nil, fmt.Errorf("read pack index: %w", err)
	}
	if _, err := x.in.ReadAt(s.places, indexNames+x.count*int64(HashSize+4)+4*first); err != nil {
		return nil, fmt.Errorf("read pack index: %w", err)
	}
	return s, nil
}

// readOldSpan reads n entries of an index of version 1.
func (x *index) readOldSpan(s *span, n int, first int64) error {
	entries := make([]byte, int64(n)*oldIndexEntry)
	if _, err := x.in.ReadAt(entries, oldIndexNames+first*oldIndexEntry); err != nil {
		return fmt.Errorf("read pack index: %w", err)
	}
	for i := range n {
		entry := entries[int64(i)*oldIndexEntry:]
		copy(s.places[4*i:], entry[:4])
		copy(s.name(i), entry[4:])
	}
	return nil
}

// name returns the i-th name of the span.
func (s *span) name(i int) []byte { return s.names[i*HashSize:][:HashSize] }

// search returns the place of the name in the span.
func (s *span) search(h plumbing.Hash) (i int, ok bool) {
	n := len(s.names) / HashSize
	i = sort.Search(n, func(i int) bool { return bytes.Compare(s.name(i), h[:]) >= 0 })
	return i, i < n && bytes.Equal(s.name(i), h[:])
}

// find returns the offset of the object in the pack.
func (x *index) find(h plumbing.Hash) (offset int64, ok bool, err error) {
	b := h[0]
	first, end := x.bounds(b)
	s := x.spans[b].Load()
	if s == nil && !x.asked[b].Swap(true) {
		// Names are hashes and spread evenly: the place of one can be guessed.
		guess := first + (end-first)*int64(binary.BigEndian.Uint32(h[1:]))>>32
		reach := 8 + 2*int64(math.Sqrt(float64(end-first)))
		near, err := x.readSpan(max(first, guess-reach), min(end, guess+reach))
		if err != nil {
			return 0, false, err
		}
		if i, ok := near.search(h); ok {
			return x.place(near, i)
		}
	}
	if s == nil {
		if s, err = x.readSpan(first, end); err != nil {
			return 0, false, err
		}
		x.spans[b].Store(s)
	}
	i, ok := s.search(h)
	if !ok {
		return 0, false, nil
	}
	return x.place(s, i)
}

// withPrefix returns the names that begin with the hexadecimal digits, of which there are at
// least two.
func (x *index) withPrefix(digits string) ([]plumbing.Hash, error) {
	least := plumbing.NewHash(digits + strings.Repeat("0", 2*HashSize-len(digits)))
	s, err := x.readSpan(x.bounds(least[0]))
	if err != nil {
		return nil, err
	}
	var names []plumbing.Hash
	for i, _ := s.search(least); i < len(s.names)/HashSize; i++ {
		h := plumbing.Hash(s.name(i))
		if !strings.HasPrefix(h.String(), digits) {
			break
		}
		names = append(names, h)
	}
	return names, nil
}

// evict frees the spans of an index that is not in memory anyway.
func (x *index) evict() {
	for b := range x.spans {
		if x.file != nil {
			x.spans[b].Store(nil)
			x.asked[b].Store(false)
		}
	}
}

// place returns the offset of the i-th object of the span.
func (x *index) place(s *span, i int) (offset int64, ok bool, err error) {
	place := binary.BigEndian.Uint32(s.places[4*i:])
	if x.old || place>>31 == 0 {
		return int64(place), true, nil
	}
	at := indexNames + x.count*indexEntry + 8*int64(place&^(1<<31))
	if at+8 > x.size-indexTrailer {
		return 0, false, nil
	}
	var long [8]byte
	if _, err := x.in.ReadAt(long[:], at); err != nil {
		return 0, false, fmt.Errorf("read pack index: %w", err)
	}
	return int64(binary.BigEndian.Uint64(long[:])), true, nil
}

// checksums reads the checksums of all entries, in the order of their names, of 4 bytes each.
func (x *index) checksums() ([]byte, error) {
	sums := make([]byte, 4*x.count)
	if x.old {
		return sums, nil
	}
	if _, err := x.in.ReadAt(sums, indexNames+x.count*int64(HashSize)); err != nil {
		return nil, fmt.Errorf("read pack index: %w", err)
	}
	return sums, nil
}

// indexed reports whether an encoded index has the name.
func indexed(index []byte, h plumbing.Hash) bool {
	last := func(b int) int { return int(binary.BigEndian.Uint32(index[8+4*b:])) }
	first, end := 0, last(int(h[0]))
	if h[0] > 0 {
		first = last(int(h[0]) - 1)
	}
	s := span{names: index[indexNames+first*HashSize : indexNames+end*HashSize]}
	_, ok := s.search(h)
	return ok
}
