package source

import (
	"crypto/sha1" // git's names of objects
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// The bounds of objects, in bytes.
const (
	maxObject = 128 << 20 // any object; the largest file that the large git hosts accept is smaller
	maxTree   = 32 << 20  // one folder: about half a million entries
	maxCommit = 1 << 20

	maxMessage = 4 << 10 // bytes of a commit's message that are looked at
	maxParents = 100     // of a commit; the most that anyone has merged at once is 66

	workspaceSize = 16 << 20
)

// object is the content of a git object.
type object struct {
	kind plumbing.ObjectType
	data []byte // not to be changed: others may hold it
}

// store reads git objects from one or more object directories. Each object it
// returns was checked against its name, so a store that was damaged on disk is
// found out and never taken for what a commit says.
//
// Reading is safe for concurrent use.
type store struct {
	dirs  []string // object directories, without loose objects if bare packs are all there is
	loose bool
	packs []*pack
	work  *workspace
}

// openStore opens the object directories. loose tells whether they may hold
// objects outside of packs.
func openStore(loose bool, dirs ...string) (*store, error) {
	s := &store{dirs: dirs, loose: loose, work: newWorkspace(workspaceSize)}
	for _, dir := range dirs {
		names, err := packNames(filepath.Join(dir, "pack"))
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		for _, name := range names {
			if err := s.add(name); err != nil {
				return nil, errors.Join(err, s.close())
			}
		}
	}
	return s, nil
}

// packNames lists the packs of a folder that have an index, without extension.
func packNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".idx"); ok && strings.HasPrefix(name, "pack-") {
			names = append(names, filepath.Join(dir, name))
		}
	}
	return names, nil
}

// add opens one more pack, by its path without extension.
func (s *store) add(name string) error {
	p, err := openPack(name, s.work)
	if err != nil {
		return fmt.Errorf("open pack: %w", err)
	}
	s.packs = append(s.packs, p)
	return nil
}

func (s *store) close() error {
	var errs []error
	for _, p := range s.packs {
		errs = append(errs, p.close())
	}
	s.packs = nil
	return errors.Join(errs...)
}

// size returns how many bytes the packs take.
func (s *store) size() (bytes int64) {
	for _, p := range s.packs {
		bytes += p.size
	}
	return bytes
}

// has reports whether the store holds the object. It does not if that cannot be
// read: to read the object is an error then.
func (s *store) has(h plumbing.Hash) bool {
	for _, p := range s.packs {
		if _, ok, err := p.index.find(h); ok && err == nil {
			return true
		}
	}
	if s.loose {
		for _, dir := range s.dirs {
			if _, err := os.Stat(loosePath(dir, h)); err == nil {
				return true
			}
		}
	}
	return false
}

// read returns the content of the object, unless it has more than limit bytes.
func (s *store) read(h plumbing.Hash, kind plumbing.ObjectType, limit int64) ([]byte, error) {
	o, err := s.load(h, limit)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s %s: %w", kind, h, err)
	case o.kind != kind:
		return nil, fmt.Errorf("read %s %s: %w: it is a %s", kind, h, errDamaged, o.kind)
	case name(o) != h:
		return nil, fmt.Errorf("read %s %s: %w: its content has another hash", kind, h, errDamaged)
	}
	return o.data, nil
}

// name returns the name of an object: the hash of its header and its content.
func name(o object) plumbing.Hash {
	sum := sha1.New()
	sum.Write(strconv.AppendInt(append(o.kind.Bytes(), ' '), int64(len(o.data)), 10))
	sum.Write([]byte{0})
	sum.Write(o.data)
	return plumbing.Hash(sum.Sum(nil))
}

func (s *store) load(h plumbing.Hash, limit int64) (object, error) {
	for i := len(s.packs) - 1; i >= 0; i-- {
		at, ok, err := s.packs[i].index.find(h)
		if err != nil {
			return object{}, err
		}
		if ok {
			return s.packs[i].read(at, limit)
		}
	}
	if s.loose {
		for _, dir := range s.dirs {
			o, err := s.readLoose(loosePath(dir, h), limit)
			if !errors.Is(err, fs.ErrNotExist) {
				return o, err
			}
		}
	}
	return object{}, fmt.Errorf("%w: it is missing", errDamaged)
}

func loosePath(dir string, h plumbing.Hash) string {
	hex := h.String()
	return filepath.Join(dir, hex[:2], hex[2:])
}

// readLoose reads an object that stands in a file of its own: its kind, a space,
// its size, a zero byte and its content, compressed.
func (s *store) readLoose(path string, limit int64) (object, error) {
	file, err := os.Open(path)
	if err != nil {
		return object{}, err
	}
	defer file.Close()
	f := s.work.inflater()
	defer s.work.inflaters.Put(f)
	f.in.Reset(file)
	kind, size, err := f.header()
	switch {
	case err != nil:
		return object{}, err
	case size > limit:
		return object{}, tooLarge{size, limit}
	}
	data, err := f.rest(size)
	return object{kind, data}, err
}

// rest gives back the memory that reading much has taken, for little is read next.
func (s *store) rest() {
	s.work.rest()
	for _, p := range s.packs {
		p.index.rest()
	}
}

// tree returns the entries of a folder.
func (s *store) tree(h plumbing.Hash) ([]treeEntry, error) {
	data, err := s.read(h, plumbing.TreeObject, maxTree)
	if err != nil {
		return nil, err
	}
	entries, err := parseTree(data)
	if err != nil {
		return nil, fmt.Errorf("read tree %s: %w", h, err)
	}
	return entries, nil
}

// commit returns a commit. Its methods that would read more objects must not be
// used.
func (s *store) commit(h plumbing.Hash) (*gitobject.Commit, error) {
	data, err := s.read(h, plumbing.CommitObject, maxCommit)
	if err != nil {
		return nil, err
	}
	var o plumbing.MemoryObject
	o.SetType(plumbing.CommitObject)
	if _, err := o.Write(data); err != nil {
		return nil, err
	}
	c, err := gitobject.DecodeCommit(nil, &o)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", h, err)
	}
	if len(c.ParentHashes) > maxParents {
		return nil, fmt.Errorf("%w: commit %s has %d parents", ErrTooLarge, h, len(c.ParentHashes))
	}
	// Thousands of commits may be held at once where history is walked.
	c.Message, c.PGPSignature, c.MergeTag = strings.Clone(c.Message[:min(len(c.Message), maxMessage)]), "", ""
	return c, nil
}
