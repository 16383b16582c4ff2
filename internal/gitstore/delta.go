package gitstore

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// What the bases of deltas may take while a pack is indexed. A base that is dropped is
// resolved again when it is needed.
const (
	smallContent = 1 << 20   // bytes that one content may take in memory; larger ones go to disk
	keptInMemory = 8 << 20   // bytes
	keptOnDisk   = 512 << 20 // bytes
	keptContents = 256
)

// content is the content of an object: in memory if it is small, else in a file.
type content struct {
	data []byte
	file *os.File // nil: in memory
	size int64
}

func (c *content) reader() io.ReaderAt {
	if c.file != nil {
		return c.file
	}
	return bytes.NewReader(c.data)
}

func (c *content) drop() {
	if c.file != nil {
		c.file.Close()
		os.Remove(c.file.Name())
	}
}

// newContent makes a content of the size bytes that fill writes.
func newContent(dir string, size int64, fill func(io.Writer) error) (c *content, err error) {
	if size <= smallContent {
		b := bytes.NewBuffer(make([]byte, 0, size))
		if err := fill(b); err != nil {
			return nil, err
		}
		return &content{data: b.Bytes(), size: size}, nil
	}
	c = &content{size: size}
	if c.file, err = os.CreateTemp(dir, "tmp_base_"); err != nil {
		return nil, diskFault(err)
	}
	w := bufio.NewWriterSize(disk{c.file}, 64<<10)
	if err = fill(w); err == nil {
		err = w.Flush()
	}
	if err != nil {
		c.drop()
		return nil, err
	}
	return c, nil
}

// errDelta is a delta that does not fit its base.
var errDelta = fmt.Errorf("%w: a delta does not fit its base", packfile.ErrMalformedPackFile)

// deltaSizes reads what a delta begins with: the sizes of its base and its result.
func deltaSizes(delta io.ByteReader) (base, result int64, err error) {
	from, err := binary.ReadUvarint(delta)
	if err != nil {
		return 0, 0, errDelta
	}
	to, err := binary.ReadUvarint(delta)
	if err != nil || from > MaxObject || to > MaxObject {
		if err == nil {
			return 0, 0, fmt.Errorf("%w: an object of %d bytes", ErrTooLarge, max(from, to))
		}
		return 0, 0, errDelta
	}
	return int64(from), int64(to), nil
}

// applyDelta writes size bytes that the instructions of a delta make of its base, in
// little memory whatever their sizes.
func applyDelta(w io.Writer, base *content, delta *bufio.Reader, size int64) error {
	from := base.reader()
	for {
		op, err := delta.ReadByte()
		if err == io.EOF && size == 0 { //nolint:errorlint // the end itself, not data that ends early
			return nil
		}
		if err != nil || op == 0 {
			return errors.Join(errDelta, err)
		}
		if op&0x80 == 0 { // the bytes follow
			if size -= int64(op); size < 0 {
				return errDelta
			}
			if _, err := io.CopyN(w, delta, int64(op)); err != nil {
				return errors.Join(errDelta, err)
			}
			continue
		}
		start, length, err := copied(delta, op)
		if err != nil {
			return err
		}
		if size -= length; size < 0 || start+length > base.size {
			return errDelta
		}
		if base.file == nil {
			_, err = w.Write(base.data[start : start+length])
		} else {
			_, err = io.Copy(w, io.NewSectionReader(from, start, length))
		}
		if err != nil {
			return err
		}
	}
}

// copied reads which part of the base an instruction copies: its bits say which bytes
// of the numbers follow.
func copied(delta io.ByteReader, op byte) (start, length int64, err error) {
	for i := range 7 {
		if op&(1<<i) == 0 {
			continue
		}
		b, err := delta.ReadByte()
		if err != nil {
			return 0, 0, errors.Join(errDelta, err)
		}
		if i < 4 {
			start |= int64(b) << (8 * i)
		} else {
			length |= int64(b) << (8 * (i - 4))
		}
	}
	if length == 0 {
		length = 0x10000
	}
	return start, length, nil
}

// spillBuffer keeps the contents that were used last, small ones in memory and large
// ones on disk, within the bounds above.
type spillBuffer struct {
	share  int   // the bounds are divided by it
	order  []int // of entries, the one used last at the end
	held   map[int]*content
	memory int64
	disk   int64
}

func (k *spillBuffer) get(i int) *content {
	c := k.held[i]
	if c != nil {
		k.touch(i)
	}
	return c
}

func (k *spillBuffer) touch(i int) {
	for at, have := range k.order {
		if have == i {
			k.order = append(append(k.order[:at:at], k.order[at+1:]...), i)
			return
		}
	}
	k.order = append(k.order, i)
}

// put keeps a content. The two that were used last stay: a base and the result of its delta.
func (k *spillBuffer) put(i int, c *content) {
	k.held[i] = c
	k.touch(i)
	k.count(c, 1)
	for len(k.order) > 2 && (k.memory > int64(keptInMemory/k.share) || k.disk > int64(keptOnDisk/k.share) || len(k.order) > keptContents/k.share) {
		k.drop(k.order[0])
	}
}

func (k *spillBuffer) count(c *content, sign int64) {
	if c.file != nil {
		k.disk += sign * c.size
	} else {
		k.memory += sign * c.size
	}
}

func (k *spillBuffer) drop(i int) {
	c := k.held[i]
	if c == nil {
		return
	}
	delete(k.held, i)
	for at, have := range k.order {
		if have == i {
			k.order = append(k.order[:at], k.order[at+1:]...)
			break
		}
	}
	k.count(c, -1)
	c.drop()
}

func (k *spillBuffer) close() {
	for _, c := range k.held {
		c.drop()
	}
}
