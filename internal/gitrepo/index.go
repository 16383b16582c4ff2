package gitrepo

import (
	"bytes"
	"crypto/sha1" // the checksum of indexes
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// maxIndex bounds a file of an index, in bytes: millions of files.
const maxIndex = 1 << 30

// indexed is a name in the index. A folder of a sparse index stands for all that is in its
// tree.
type indexed struct {
	name string
	tree plumbing.Hash // of a folder; else zero
}

// errIndex is an index that no git would write.
var errIndex = errors.New("it is damaged")

// index lists what git tracks in the work tree of a repository. Of a split index it lists
// what either half names.
func index(dir string) ([]indexed, error) {
	entries, shared, err := readIndex(filepath.Join(dir, "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && shared != "" {
		var more []indexed
		more, _, err = readIndex(filepath.Join(dir, "sharedindex."+shared))
		entries = append(entries, more...)
	}
	if err != nil {
		return nil, fmt.Errorf("read the index: %w", err)
	}
	return entries, nil
}

// readIndex reads a file of an index, and which other file has the rest of it, if any.
func readIndex(path string) (entries []indexed, shared string, err error) {
	data, err := file.Read("", path, maxIndex)
	if err != nil {
		return nil, "", err
	}
	const head = 12
	end := len(data) - gitstore.HashSize
	if end < head || string(data[:4]) != "DIRC" {
		return nil, "", errIndex
	}
	sum := sha1.Sum(data[:end])
	if trailer := data[end:]; !bytes.Equal(sum[:], trailer) && !bytes.Equal(make([]byte, len(trailer)), trailer) { // index.skipHash
		return nil, "", fmt.Errorf("%w: its checksum is another", errIndex)
	}
	version := binary.BigEndian.Uint32(data[4:])
	if version < 2 || version > 4 {
		return nil, "", fmt.Errorf("version %d is not known", version)
	}
	p := indexParser{rest: data[head:end], version: version}
	for range binary.BigEndian.Uint32(data[8:]) {
		e, ok := p.entry()
		if !ok {
			return nil, "", errIndex
		}
		if e.name != "" { // one of a split index that says more of a shared one
			entries = append(entries, e)
		}
	}
	return entries, sharedIndex(p.rest), nil
}

// sharedIndex finds the name of the other half of a split index in its extensions.
func sharedIndex(extensions []byte) string {
	const head = 8
	for rest := extensions; len(rest) >= head; {
		size := int(binary.BigEndian.Uint32(rest[4:]))
		body := rest[head:]
		if size > len(body) {
			return ""
		}
		if string(rest[:4]) == "link" && size >= gitstore.HashSize {
			name := body[:gitstore.HashSize]
			if bytes.Equal(name, make([]byte, len(name))) {
				return ""
			}
			return hex.EncodeToString(name)
		}
		rest = body[size:]
	}
	return ""
}

// indexParser reads the entries of an index.
type indexParser struct {
	rest    []byte
	version uint32
	last    string // the name before, which version 4 abbreviates by
}

// entry reads the next entry; false if there is no whole one.
func (p *indexParser) entry() (e indexed, ok bool) {
	const (
		modeAt, hashAt = 24, 40
		flagsAt        = hashAt + gitstore.HashSize
		extended       = 0x4000 // there are two more bytes of flags
		folder         = 0o040000
	)
	size := flagsAt + 2
	if len(p.rest) < size {
		return e, false
	}
	start := p.rest
	if binary.BigEndian.Uint16(start[flagsAt:])&extended != 0 {
		size += 2
	}
	if len(start) < size {
		return e, false
	}
	p.rest = start[size:]
	if p.version == 4 {
		cut, ok := p.distance()
		if !ok || cut > uint64(len(p.last)) {
			return e, false
		}
		e.name = p.last[:len(p.last)-int(cut)]
	}
	tail, after, ok := bytes.Cut(p.rest, []byte{0})
	if !ok {
		return e, false
	}
	e.name += string(tail)
	p.last, p.rest = e.name, after
	if p.version < 4 {
		// An entry ends with one to eight zeros, so that its length is a multiple of eight.
		padded := (size + len(tail) + 8) &^ 7
		if padded > len(start) {
			return e, false
		}
		p.rest = start[padded:]
	}
	if binary.BigEndian.Uint32(start[modeAt:]) == folder {
		e.tree = plumbing.Hash(start[hashAt:flagsAt])
	}
	return e, true
}

// distance reads how much of the name before is cut off, in the numbers of packs' offsets.
func (p *indexParser) distance() (n uint64, ok bool) {
	for i, b := range p.rest[:min(len(p.rest), 8)] {
		n = n<<7 | uint64(b&0x7f)
		if b&0x80 == 0 {
			p.rest = p.rest[i+1:]
			return n, true
		}
		n++
	}
	return 0, false
}
