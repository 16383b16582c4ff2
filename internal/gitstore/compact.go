package gitstore

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha1" // the checksum of packs
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// growth is how many times larger than all smaller ones together a pack is that stays as it
// is: so the number of packs grows with the logarithm of their sizes, and so does how often
// an object is written again.
const growth = 2

// smallPacks returns the packs that are to become one, the largest first. One that has an
// object twice, of which its index names one, stays as it is, and one whose index has no checksums.
func smallPacks(packs []*pack) []*pack {
	packs = slices.DeleteFunc(slices.Clone(packs), func(p *pack) bool {
		count, err := p.count()
		return err != nil || count != p.index.count || p.index.old
	})
	slices.SortFunc(packs, func(a, b *pack) int { return cmp.Compare(b.size, a.size) })
	var rest int64
	for _, p := range packs {
		rest += p.size
	}
	for len(packs) > 0 && packs[0].size >= growth*(rest-packs[0].size) {
		rest -= packs[0].size
		packs = packs[1:]
	}
	return packs
}

// joinPacks writes one pack with the objects of others, each once, and its index. Nothing is
// inflated: the contents were checked when they came, and their checksums are compared.
func joinPacks(ctx context.Context, packs []*pack, dir string) (name string, err error) {
	file, err := os.CreateTemp(dir, "tmp_pack_")
	if err != nil {
		return "", err
	}
	defer func() {
		file.Close()
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	w := &joiner{
		in: bufio.NewReaderSize(nil, 256<<10), out: bufio.NewWriterSize(file, 256<<10), buffer: make([]byte, 64<<10),
		sum: sha1.New(), written: map[plumbing.Hash]int64{},
	}
	entries := make([][]located, len(packs))
	for i, p := range packs {
		if entries[i], err = p.entries(); err != nil {
			return "", err
		}
		for _, e := range entries[i] {
			w.written[e.name] = -1
		}
	}
	if err := w.write(binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(w.written)))); err != nil {
		return "", err
	}
	for i, p := range packs {
		if err := w.join(ctx, p, entries[i]); err != nil {
			return "", err
		}
	}
	sum := w.sum.Sum(nil)
	if err := errors.Join(w.write(sum), w.out.Flush()); err != nil {
		return "", err
	}
	return storePack(file.Name(), encodeIndex(w.entries, sum), dir)
}

// joiner writes the entries of several packs into one.
type joiner struct {
	in      *bufio.Reader // of the pack whose entries are written
	buffer  []byte        // for the contents
	out     *bufio.Writer
	sum     hash.Hash
	at      int64                   // of the next entry
	entries []entry                 // what was written
	written map[plumbing.Hash]int64 // where an object is; -1 before it is written
}

func (w *joiner) write(data []byte) error {
	w.at += int64(len(data))
	w.sum.Write(data)
	_, err := w.out.Write(data)
	return err
}

// join writes those entries of a pack that have not been written. All that a delta may be
// made from comes before it, or is named.
func (w *joiner) join(ctx context.Context, p *pack, entries []located) error {
	names := make(map[int64]plumbing.Hash, len(entries))
	for _, e := range entries {
		names[e.offset] = e.name
	}
	w.in.Reset(io.NewSectionReader(p.file, packHeader, p.size-packHeader))
	at := int64(packHeader)
	for i, e := range entries {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		end := p.size - int64(HashSize)
		if i+1 < len(entries) {
			end = entries[i+1].offset
		}
		if w.written[e.name] >= 0 {
			continue
		}
		if _, err := w.in.Discard(int(e.offset - at)); err != nil {
			return err
		}
		if err := w.entry(p, e, end, names); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// maxHeader is the most that comes before the content of an entry, in bytes.
const maxHeader = 2*binary.MaxVarintLen64 + HashSize

// entry writes the entry that comes next in the pack as it is, but for the distance to the
// base of a delta.
func (w *joiner) entry(p *pack, e located, end int64, names map[int64]plumbing.Hash) error {
	old, head, err := w.header(p, e, end)
	if err != nil {
		return err
	}
	at := w.at
	start := appendHeader(nil, head.kind, head.size)
	switch head.kind {
	case plumbing.OFSDeltaObject:
		base, known := names[head.base]
		if !known || w.written[base] < 0 {
			return fmt.Errorf("%w: the base of a delta is not an object", ErrDamaged)
		}
		start = appendBack(start, at-w.written[base])
	case plumbing.REFDeltaObject:
		start = append(start, head.baseName[:]...)
	}
	was, is := crc32.ChecksumIEEE(old), crc32.ChecksumIEEE(start)
	content := end - e.offset - int64(len(old))
	if _, err := w.in.Discard(len(old)); err != nil {
		return err
	}
	if err := w.write(start); err != nil {
		return err
	}
	for content > 0 {
		part := w.buffer[:min(content, int64(len(w.buffer)))]
		if _, err := io.ReadFull(w.in, part); err != nil {
			return err
		}
		if err := w.write(part); err != nil {
			return err
		}
		was, is = crc32.Update(was, crc32.IEEETable, part), crc32.Update(is, crc32.IEEETable, part)
		content -= int64(len(part))
	}
	if was != e.crc {
		return fmt.Errorf("%w: object %s has another checksum", ErrDamaged, e.name)
	}
	w.written[e.name] = at
	w.entries = append(w.entries, entry{offset: at, name: e.name, crc: is})
	return nil
}

// header reads the header of the entry that comes next, without taking it.
func (w *joiner) header(p *pack, e located, end int64) (raw []byte, head packEntry, err error) {
	if raw, err = w.in.Peek(int(min(end-e.offset, int64(maxHeader)))); err != nil {
		return nil, head, err
	}
	r := bytes.NewReader(raw)
	if err := p.readHeader(r, e.offset, &head); err != nil {
		return nil, head, fmt.Errorf("%w: object %s: %w", ErrDamaged, e.name, err)
	}
	return raw[:len(raw)-r.Len()], head, nil
}

// appendHeader appends the kind and the size with which an entry begins.
func appendHeader(b []byte, kind plumbing.ObjectType, size int64) []byte {
	first, rest := byte(kind)<<4|byte(size&15), size>>4
	for ; rest > 0; rest >>= 7 {
		b = append(b, first|0x80)
		first = byte(rest & 0x7f)
	}
	return append(b, first)
}

// appendBack appends the distance from a delta back to its base, as readBack reads it.
func appendBack(b []byte, n int64) []byte {
	digits := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		digits = append(digits, byte(n&0x7f)|0x80)
	}
	slices.Reverse(digits)
	return append(b, digits...)
}

// located is an object of a pack, and where it is there.
type located struct {
	offset int64
	name   plumbing.Hash
	crc    uint32 // of its entry; 0 in an index without checksums
}

// count returns how many objects the pack says it has.
func (p *pack) count() (int64, error) {
	var head [packHeader]byte
	_, err := p.file.ReadAt(head[:], 0)
	return int64(binary.BigEndian.Uint32(head[8:])), err
}

// entries lists the objects of a pack in the order in which they lie there.
func (p *pack) entries() ([]located, error) {
	s, err := p.index.readSpan(0, p.index.count)
	if err != nil {
		return nil, err
	}
	sums, err := p.index.checksums()
	if err != nil {
		return nil, err
	}
	entries := make([]located, 0, p.index.count)
	for i := range int(p.index.count) {
		offset, ok, err := p.index.place(s, i)
		if err != nil || !ok {
			return nil, errors.Join(ErrDamaged, err)
		}
		entries = append(entries, located{offset, plumbing.Hash(s.name(i)), binary.BigEndian.Uint32(sums[4*i:])})
	}
	slices.SortFunc(entries, func(a, b located) int { return cmp.Compare(a.offset, b.offset) })
	return entries, nil
}
