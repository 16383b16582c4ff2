package source

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/spec"
)

const (
	// savedFile is the name of the saved catalog in a mirror.
	savedFile = "wedatasync-specs"
	// savedMagic is what it begins with.
	savedMagic = "wedatasync specs\n"
	// savedBlock is how many files, or about how many commits, are encoded together.
	// They share a copy of their texts for as long as one of them is there.
	savedBlock = 256
	// savedShare says when a catalog is saved again: when one in so many of its files
	// has changed since. So what that costs is a share of what the changes cost.
	savedShare = 16
)

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

// program returns the hash of the running program's file: the parser is part of it,
// and nobody can forget to give another one another name.
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
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
})

// save writes the catalog of a tree for the next process, whole or not at all, by way
// of a temporary file.
//
// After the line that says of what it is come the hash of the tree, the number of
// files, blocks of them in the Set's order, each with what they were made from, and
// the SHA-256 of all that.
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
	buffer, sum := bufio.NewWriterSize(file, 64<<10), sha256.New()
	out := io.MultiWriter(buffer, sum)
	data := append(append([]byte(savedMagic), line...), '\n')
	data = append(data, root[:]...)
	data = binary.AppendUvarint(data, uint64(len(c.files)))
	if _, err := out.Write(data); err != nil {
		return err
	}
	var block []*spec.File
	commits := 0
	flush := func() error {
		data = c.appendBlock(data[:0], block)
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

// appendBlock appends the number of files, what each was made from, and their
// encoding after its length.
func (c *catalog) appendBlock(data []byte, files []*spec.File) []byte {
	data = binary.AppendUvarint(data, uint64(len(files)))
	for _, f := range files {
		l := c.files[f.Name]
		data = append(append(data, byte(l.kind)), l.hash[:]...)
	}
	encoded := spec.AppendFiles(nil, files)
	data = binary.AppendUvarint(data, uint64(len(encoded)))
	return append(data, encoded...)
}

// openSaved reads a saved catalog, and of which tree it is. Whatever is wrong with it,
// it is not used.
func openSaved(of savedOf, path string) (*catalog, plumbing.Hash, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, plumbing.ZeroHash, fmt.Errorf("%w: %w", errNoSaved, err)
	}
	c, root, err := parseSaved(of, data)
	if err != nil {
		return nil, plumbing.ZeroHash, fmt.Errorf("%w: %w", errNoSaved, err)
	}
	return c, root, nil
}

func parseSaved(of savedOf, data []byte) (c *catalog, root plumbing.Hash, err error) {
	line, err := json.Marshal(of)
	if err != nil {
		return nil, root, err
	}
	start, end := len(savedMagic)+len(line)+1, len(data)-sha256.Size
	if start > end || !bytes.HasPrefix(data, append(append([]byte(savedMagic), line...), '\n')) {
		return nil, root, errors.New("they are of another program, source, branch or path")
	}
	if sum := sha256.Sum256(data[:end]); !bytes.Equal(sum[:], data[end:]) {
		return nil, root, errors.New("they do not fit their checksum")
	}
	r := savedReader{data[start:end]}
	copy(root[:], r.take(hashSize))
	count := r.number()
	c = newCatalog()
	c.grow(min(count, maxFiles))
	for len(r.data) > 0 {
		if err := r.block(c); err != nil {
			return nil, root, err
		}
	}
	if len(c.files) != count {
		return nil, root, fmt.Errorf("they are %d files in place of %d", len(c.files), count)
	}
	return c, root, nil
}

// savedReader holds what is left of a saved catalog. What is asked for beyond its end
// is zero.
type savedReader struct{ data []byte }

func (r *savedReader) take(n int) []byte {
	if n > len(r.data) {
		r.data = nil
		return make([]byte, min(n, hashSize))
	}
	data := r.data[:n]
	r.data = r.data[n:]
	return data
}

func (r *savedReader) number() int {
	n, size := binary.Uvarint(r.data)
	if size <= 0 || n > uint64(len(r.data)) {
		r.data = nil
		return 0
	}
	r.data = r.data[size:]
	return int(n)
}

// block reads some files into the catalog.
func (r *savedReader) block(c *catalog) error {
	const each = 1 + hashSize
	n := r.number()
	leaves := r.take(n * each)
	files, err := spec.DecodeFiles(r.take(r.number()))
	if err != nil {
		return err
	}
	if len(files) != n || len(leaves) != n*each {
		return fmt.Errorf("a block has %d files in place of %d", len(files), n)
	}
	for i, f := range files {
		l := leaves[i*each:][:each]
		c.files[f.Name] = leaf{plumbing.Hash(l[1:]), kind(l[0])}
		c.set.Put(f)
	}
	return nil
}
