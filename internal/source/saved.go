package source

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/spec"
)

const (
	// savedFile is the name of the saved catalog in a mirror.
	savedFile = "wedatasync-specs"
	// savedMagic is what it begins with.
	savedMagic = "wedatasync specs\n"
	// savedBlock is how many files, or about how many commits, are packed together.
	savedBlock = 256
	// savedShare says when a catalog is saved again: when one in so many of its commits
	// was parsed since. So what that costs is a share of what the changes cost.
	savedShare = 16
)

// savedSum is the size of the checksum, in bytes.
const savedSum = 8

// errNoSaved says that there is no saved catalog to use.
var errNoSaved = errors.New("no saved specs")

// savedOf is what a saved catalog was made of, and by whom: its first line. It is of
// use only to who would write the same line.
type savedOf struct {
	Program string `json:"program"` // the hash of the program
	Source  string `json:"source"`  // without userinfo
	Branch  string `json:"branch"`
	Path    string `json:"path"`
}

// SavedSize returns how many bytes a mirror has of saved specs; 0 if it has none.
func SavedSize(mirror string) int64 {
	info, err := os.Stat(filepath.Join(mirror, savedFile))
	if err != nil {
		return 0
	}
	return info.Size()
}

// program returns the id that Go has given the running program by its content, or else
// the hash of its file: the parser is part of it, and nobody can forget to give another
// one another name.
var program = sync.OnceValues(func() (string, error) {
	file, err := os.Open("/proc/self/exe") // of this process, even if it was replaced since
	if errors.Is(err, fs.ErrNotExist) {
		var path string
		if path, err = os.Executable(); err == nil {
			file, err = os.Open(path)
		}
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	if id := buildID(file); id != "" {
		return id, nil
	}
	sum := xxhash.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%016x", sum.Sum64()), nil
})

// buildID returns the build id of a program, or "" if it is no ELF file or was built
// without one.
func buildID(file io.ReaderAt) string {
	program, err := elf.NewFile(file)
	if err != nil {
		return ""
	}
	note := program.Section(".note.go.buildid")
	if note == nil || note.Size > maxNote {
		return ""
	}
	data, err := note.Data()
	if err != nil || len(data) <= noteHead {
		return ""
	}
	return string(bytes.TrimRight(data[noteHead:], "\x00"))
}

const (
	noteHead = 16   // bytes: the sizes of name and value, a type, and the name "Go"
	maxNote  = 1024 // bytes
)

// save writes the catalog of a tree for the next process, whole or not at all, by way
// of a temporary file.
//
// After the line that says of what it is come the hash of the tree, the number of
// files, blocks of them in the Set's order, each after its length, and a checksum over
// all that.
func (c *catalog) save(of savedOf, root plumbing.Hash, temp, path string) error {
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(c.write(file, of, root), file.Close())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

func (c *catalog) write(file io.Writer, of savedOf, root plumbing.Hash) error {
	line, err := json.Marshal(of)
	if err != nil {
		return err
	}
	buffer, sum := bufio.NewWriterSize(file, 64<<10), xxhash.New()
	out := io.MultiWriter(buffer, sum)
	data := append(append([]byte(savedMagic), line...), '\n')
	data = append(data, root[:]...)
	data = binary.AppendUvarint(data, uint64(c.set.Files()))
	if _, err := out.Write(data); err != nil {
		return err
	}
	var block []*spec.File
	commits := 0
	flush := func() error {
		packed := spec.Pack(block).Append(nil)
		data = append(binary.AppendUvarint(data[:0], uint64(len(packed))), packed...)
		block, commits = block[:0], 0
		_, err := out.Write(data)
		return err
	}
	for f := range c.set.InOrder() {
		block, commits = append(block, f), commits+len(f.Commits)
		if len(block) < savedBlock && commits < savedBlock {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	if len(block) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	_, err = buffer.Write(sum.Sum(nil))
	return errors.Join(err, buffer.Flush())
}

// saved is a saved catalog, and the tree that it is of.
type saved struct {
	catalog *catalog
	root    plumbing.Hash
}

// openSaved reads a saved catalog. Whatever is wrong with it, it is not used.
func openSaved(of savedOf, path string) (s saved, err error) {
	file, err := os.Open(path)
	if err == nil {
		defer file.Close()
		s.catalog, s.root, err = parseSaved(of, file)
	}
	if err != nil {
		return saved{}, fmt.Errorf("%w: %w", errNoSaved, err)
	}
	return s, nil
}

// parseSaved reads what file holds twice, first to see that it is whole: so it is
// never in memory as a whole.
func parseSaved(of savedOf, file io.ReadSeeker) (c *catalog, root plumbing.Hash, err error) {
	line, err := json.Marshal(of)
	if err != nil {
		return nil, root, err
	}
	size, err := sealed(file)
	if err != nil {
		return nil, root, err
	}
	r := &savedReader{in: bufio.NewReaderSize(file, 64<<10), left: size}
	first := append(append([]byte(savedMagic), line...), '\n')
	if !bytes.Equal(r.take(len(first)), first) {
		return nil, root, errors.New("they are of another program, source, branch or path")
	}
	copy(root[:], r.take(gitstore.HashSize))
	count := r.number()
	c = newCatalog()
	c.set.Grow(min(count, maxFiles))
	for r.left > 0 && r.err == nil {
		r.block(c.set)
	}
	if r.err != nil {
		return nil, root, r.err
	}
	c.set.Len() // works out what follows from the files, while nobody waits
	if n := c.set.Files(); n != count {
		return nil, root, fmt.Errorf("they are %d files in place of %d", n, count)
	}
	return c, root, nil
}

// sealed makes sure that a file fits the checksum at its end. It returns how many
// bytes there are before that, and leaves the file at its beginning.
func sealed(file io.ReadSeeker) (size int64, err error) {
	if size, err = file.Seek(-savedSum, io.SeekEnd); err != nil {
		return 0, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	sum, want := xxhash.New(), make([]byte, savedSum)
	if _, err := io.CopyN(sum, file, size); err != nil {
		return 0, err
	}
	if _, err := io.ReadFull(file, want); err != nil {
		return 0, err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return 0, errors.New("they do not fit their checksum")
	}
	_, err = file.Seek(0, io.SeekStart)
	return size, err
}

// savedReader reads a saved catalog. What is asked for beyond its end is an error,
// and zero.
type savedReader struct {
	in   *bufio.Reader
	left int64 // bytes
	err  error
	data []byte // of take
}

// take returns the next n bytes, until the next take.
func (r *savedReader) take(n int) []byte {
	if r.err == nil && int64(n) > r.left {
		r.err = io.ErrUnexpectedEOF
	}
	if r.err != nil {
		return make([]byte, min(n, gitstore.HashSize))
	}
	r.data = slices.Grow(r.data[:0], n)[:n]
	_, r.err = io.ReadFull(r.in, r.data)
	r.left -= int64(n)
	return r.data
}

// number returns the next number, which is of something that takes a byte or more.
func (r *savedReader) number() int {
	if r.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(countedReader{r})
	if err == nil && n > uint64(r.left) {
		err = io.ErrUnexpectedEOF
	}
	if r.err = err; err != nil {
		return 0
	}
	return int(n)
}

// countedReader reads bytes of a savedReader one by one.
type countedReader struct{ *savedReader }

// ReadByte makes it an [io.ByteReader].
func (r countedReader) ReadByte() (byte, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	r.left--
	return r.in.ReadByte()
}

// block reads some of the files into the set.
func (r *savedReader) block(set *spec.Set) {
	data := r.take(r.number())
	if r.err != nil {
		return
	}
	packed, err := spec.ReadPacked(data)
	if err == nil {
		err = set.Take(packed)
	}
	r.err = err
}
