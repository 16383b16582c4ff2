package speccache

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"

	"github.com/wedatasync/wedatasync/spec"
)

// Name is what the cache of a mirror is called there.
const Name = "wedatasync-specs"

const (
	// format is raised when a cache is written in another way. Which fields there are, and
	// how they are read from YAML, is told by the fingerprint.
	format = 2

	blockFiles = 512       // encoded together, so that their types are described once
	maxSize    = 512 << 20 // bytes; the specs of a revision are at most 256 MiB of YAML
	sumSize    = 8         // bytes of the checksum at the end
)

// ErrUnusable says that there is no cache, or none that may be believed.
var ErrUnusable = errors.New("no cached specs")

// Hash names a blob.
type Hash [20]byte

// Cache has parsed files. A nil Cache has none. It is safe for concurrent use.
type Cache struct {
	mu    sync.Mutex
	files map[Hash]*spec.File
}

// entry is a file as it is written, without its name.
type entry struct {
	Hash []byte
	File *spec.File
}

// header is what a cache begins with.
func header() ([]byte, error) {
	of, err := spec.Fingerprint()
	return fmt.Appendf(nil, "wedatasync specs %d %s\n", format, of), err
}

// Open reads a cache. Whatever is wrong with it is an ErrUnusable.
func Open(path string) (*Cache, error) {
	c, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	return c, nil
}

func open(path string) (*Cache, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSize {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", info.Size(), int64(maxSize))
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, err
	}
	return parse(data)
}

func parse(data []byte) (*Cache, error) {
	first, err := header()
	if err != nil {
		return nil, err
	}
	body, ok := bytes.CutPrefix(data, first)
	if !ok {
		return nil, errors.New("it is of another format, or of a program that reads specs otherwise")
	}
	if len(body) < sumSize || binary.BigEndian.Uint64(data[len(data)-sumSize:]) != xxhash.Sum64(data[:len(data)-sumSize]) {
		return nil, errors.New("it does not fit its checksum")
	}
	blocks, err := split(body[:len(body)-sumSize])
	if err != nil {
		return nil, err
	}
	entries := make([][]entry, len(blocks))
	var decoding errgroup.Group
	decoding.SetLimit(runtime.GOMAXPROCS(0))
	for i, block := range blocks {
		decoding.Go(func() error {
			if err := gob.NewDecoder(bytes.NewReader(block)).Decode(&entries[i]); err != nil {
				return err // what was decoded until then is not whole
			}
			texts := map[string]string{}
			for _, e := range entries[i] {
				if e.File != nil {
					e.File.ShareTexts(texts)
				}
			}
			return nil
		})
	}
	if err := decoding.Wait(); err != nil {
		return nil, err
	}
	c := &Cache{files: make(map[Hash]*spec.File, len(blocks)*blockFiles)}
	for _, e := range slices.Concat(entries...) {
		if len(e.Hash) != len(Hash{}) || e.File == nil {
			return nil, errors.New("it has a file without a hash")
		}
		c.files[Hash(e.Hash)] = e.File
	}
	return c, nil
}

// split returns the blocks, each of which comes after its length.
func split(body []byte) (blocks [][]byte, err error) {
	for len(body) > 0 {
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body)-n) {
			return nil, io.ErrUnexpectedEOF
		}
		blocks = append(blocks, body[n:n+int(size)])
		body = body[n+int(size):]
	}
	return blocks, nil
}

// File returns what the blob parses to under that name, for the caller to keep; nil if
// that is not known.
func (c *Cache) File(h Hash, name string) *spec.File {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f := c.files[h]; {
	case f == nil:
		return nil
	case f.Name == "":
		f.Rename(name)
		return f
	default: // the first one has another owner by now
		return f.As(name)
	}
}

// Len counts the files.
func (c *Cache) Len() int {
	if c == nil {
		return 0
	}
	return len(c.files)
}

// Save writes a cache of these files, whole or not at all, by way of a temporary file
// beside it.
func Save(path, temp string, files iter.Seq2[Hash, *spec.File]) error {
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(write(file, files), file.Close())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp) // it is of no use
	}
	return err
}

func write(file io.Writer, files iter.Seq2[Hash, *spec.File]) error {
	first, err := header()
	if err != nil {
		return err
	}
	buffer, sum := bufio.NewWriterSize(file, 64<<10), xxhash.New()
	w := &writer{out: io.MultiWriter(buffer, sum)}
	if _, err := w.out.Write(first); err != nil {
		return err
	}
	for h, f := range files {
		w.block = append(w.block, entry{h[:], f.As("")})
		if w.commits += len(f.Commits); len(w.block) < blockFiles && w.commits < blockFiles {
			continue
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	_, err = buffer.Write(sum.Sum(nil))
	return errors.Join(err, buffer.Flush())
}

// writer writes files in blocks.
type writer struct {
	out     io.Writer
	block   []entry
	commits int // of the block
	encoded bytes.Buffer
}

func (w *writer) flush() error {
	if len(w.block) == 0 {
		return nil
	}
	w.encoded.Reset()
	if err := gob.NewEncoder(&w.encoded).Encode(w.block); err != nil {
		return err
	}
	if _, err := w.out.Write(binary.AppendUvarint(nil, uint64(w.encoded.Len()))); err != nil {
		return err
	}
	w.block, w.commits = w.block[:0], 0
	_, err := w.out.Write(w.encoded.Bytes())
	return err
}
