package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/text"
)

const (
	maxRef      = 64 << 10 // bytes of a file of a ref, as of a name
	maxPacked   = 1 << 30  // bytes of the list of packed refs
	maxSymbolic = 5        // refs that lead to one another, as git has it
)

// ref is what a ref says: an object, or another ref.
type ref struct {
	hash   plumbing.Hash
	target string // empty: it is the object
}

// errNoRef says that a repository has no ref of a name.
var errNoRef = errors.New("there is no such ref")

// lookup follows a ref to its object.
func (l *layout) lookup(name string) (plumbing.Hash, error) {
	for range maxSymbolic + 1 {
		if !isRefName(name) {
			return plumbing.ZeroHash, errNoRef
		}
		found, err := l.readRef(name)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if found.target == "" {
			return found.hash, nil
		}
		name = found.target
	}
	return plumbing.ZeroHash, fmt.Errorf("more than %d refs lead to one another", maxSymbolic)
}

// readRef reads a ref from its own file, or else from the list of packed ones. Git writes
// that list before it removes the file.
func (l *layout) readRef(name string) (ref, error) {
	found, err := readLoose(filepath.Join(l.refDir(name), filepath.FromSlash(name)))
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, file.ErrNotRegular) {
		return found, err
	}
	hash, err := l.packedRef(name)
	return ref{hash: hash}, err
}

// refDir returns the folder that the ref is kept below: some are those of one work tree.
func (l *layout) refDir(name string) string {
	if !strings.HasPrefix(name, "refs/") {
		return l.dir
	}
	for _, own := range []string{"refs/bisect/", "refs/worktree/", "refs/rewritten/"} {
		if strings.HasPrefix(name, own) {
			return l.dir
		}
	}
	return l.common
}

// readLoose reads a ref from its own file.
func readLoose(path string) (ref, error) {
	if target, err := os.Readlink(path); err == nil && isRefName(filepath.ToSlash(target)) && strings.HasPrefix(target, "refs") {
		return ref{target: filepath.ToSlash(target)}, nil // as git wrote symbolic refs once
	}
	data, err := file.Read("", path, maxRef)
	if err != nil {
		return ref{}, err
	}
	if target, ok := bytes.CutPrefix(data, []byte("ref:")); ok {
		if target = bytes.TrimSpace(target); len(target) == 0 {
			return ref{}, fmt.Errorf("read %s: it names no ref", path)
		}
		return ref{target: string(target)}, nil
	}
	if i := bytes.IndexAny(data, " \t\r\n"); i >= 0 {
		data = data[:i] // FETCH_HEAD says more
	}
	hash, err := parseHash(string(data))
	if err != nil {
		return ref{}, fmt.Errorf("read %s: %w", path, err)
	}
	return ref{hash: hash}, nil
}

func parseHash(word string) (plumbing.Hash, error) {
	switch {
	case plumbing.IsHash(word) && len(word) == 2*gitstore.HashSize:
		return plumbing.NewHash(word), nil
	case len(word) == 64 && strings.Trim(word, "0123456789abcdef") == "":
		return plumbing.ZeroHash, gitstore.ErrSHA256
	default:
		return plumbing.ZeroHash, fmt.Errorf("%q is not the name of an object", text.OneLine(word, 60))
	}
}

// packedRef looks in the list of packed refs: a line has a hash, a space and a name.
func (l *layout) packedRef(name string) (plumbing.Hash, error) {
	list, err := l.packed.read(filepath.Join(l.common, "packed-refs"))
	if err != nil {
		return plumbing.ZeroHash, err
	}
	end := bytes.Index(list, []byte(" "+name+"\n"))
	if end < 0 {
		return plumbing.ZeroHash, errNoRef
	}
	return parseHash(string(list[bytes.LastIndexByte(list[:end], '\n')+1 : end]))
}

// packedRefs is the list of packed refs as it was last read.
type packedRefs struct {
	info fs.FileInfo
	list []byte
}

// read returns the list, which is empty if there is none.
func (p *packedRefs) read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if p.info != nil && os.SameFile(info, p.info) && info.ModTime().Equal(p.info.ModTime()) && info.Size() == p.info.Size() {
		return p.list, nil
	}
	f, err := file.Open("", path, maxPacked)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	list := make([]byte, info.Size()+1)
	if _, err := io.ReadFull(f, list[:info.Size()]); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	list[info.Size()] = '\n'
	p.info, p.list = info, list
	return list, nil
}

// isRefName reports whether git could have a ref of that name. No such name leads out of
// the folder that refs are in.
func isRefName(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.Contains(name, "..") && !strings.Contains(name, "@{") && !strings.HasSuffix(name, ".") &&
		!strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || slices.Contains([]rune(`~^:?*[\`), r) })
}
