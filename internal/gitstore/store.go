package gitstore

import (
	"crypto/sha1" // git's names of objects
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// The bounds of objects, in bytes.
const (
	MaxObject = 128 << 20 // any object; the largest file that the large git hosts accept is smaller
	maxTree   = 32 << 20  // one folder: about half a million entries
	MaxCommit = 1 << 20

	maxMessage = 4 << 10 // bytes of a commit's message that are looked at
	maxParents = 100     // of a commit; the most that anyone has merged at once is 66

	cacheSize = 16 << 20 // of the bases of deltas
)

// Object is the content of a git object.
type Object struct {
	Kind plumbing.ObjectType
	Data []byte // shared: nobody may change it
}

// Store reads git objects from one or more object directories. Each object it
// returns was checked against its name, so a store that was damaged on disk is
// found out and never taken for what a commit says.
//
// Reading is safe for concurrent use.
type Store struct {
	dirs  []string // object directories, without loose objects if bare packs are all there is
	loose bool
	packs []*pack
	cache *objectCache
}

// Open opens the object directories. loose tells whether they may hold
// objects outside of packs.
func Open(loose bool, dirs ...string) (*Store, error) {
	s := &Store{dirs: dirs, loose: loose, cache: newObjectCache(cacheSize)}
	for _, dir := range dirs {
		names, err := packNames(filepath.Join(dir, "pack"))
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		for _, name := range names {
			if err := s.Add(name); err != nil {
				return nil, errors.Join(err, s.Close())
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

// Add opens one more pack, by its path without extension.
func (s *Store) Add(name string) error {
	p, err := openPack(name, s.cache)
	if err != nil {
		return fmt.Errorf("open pack: %w", err)
	}
	s.packs = append(s.packs, p)
	return nil
}

// Close closes the packs.
func (s *Store) Close() error {
	var errs []error
	for _, p := range s.packs {
		errs = append(errs, p.close())
	}
	s.packs = nil
	return errors.Join(errs...)
}

// PackCount returns how many packs there are.
func (s *Store) PackCount() int { return len(s.packs) }

// Size returns how many bytes the packs take.
func (s *Store) Size() (bytes int64) {
	for _, p := range s.packs {
		bytes += p.size
	}
	return bytes
}

// Has reports whether the store holds the object. An index that cannot be read holds
// none; to read the object then is an error.
func (s *Store) Has(h plumbing.Hash) bool {
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

// Read returns the content of the object, unless it has more than limit bytes.
func (s *Store) Read(h plumbing.Hash, kind plumbing.ObjectType, limit int64) ([]byte, error) {
	o, err := s.Object(h, limit)
	if err == nil && o.Kind != kind {
		err = fmt.Errorf("%w: it is a %s", ErrDamaged, o.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, h, err)
	}
	return o.Data, nil
}

// Object returns the object of any kind, unless it has more than limit bytes.
func (s *Store) Object(h plumbing.Hash, limit int64) (Object, error) {
	o, err := s.load(h, limit)
	if err == nil && HashObject(o.Kind, o.Data) != h {
		err = fmt.Errorf("%w: its content has another hash", ErrDamaged)
	}
	return o, err
}

// HashObject returns the name of an object: the hash of its header and its content.
func HashObject(kind plumbing.ObjectType, data []byte) plumbing.Hash {
	sum := sha1.New()
	sum.Write(objectHeader(kind, int64(len(data))))
	sum.Write(data)
	return plumbing.Hash(sum.Sum(nil))
}

func (s *Store) load(h plumbing.Hash, limit int64) (Object, error) {
	for i := len(s.packs) - 1; i >= 0; i-- {
		at, ok, err := s.packs[i].index.find(h)
		if err != nil {
			return Object{}, err
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
	return Object{}, fmt.Errorf("%w: it is missing", ErrDamaged)
}

func loosePath(dir string, h plumbing.Hash) string {
	hex := h.String()
	return filepath.Join(dir, hex[:2], hex[2:])
}

// readLoose reads an object from a file of its own: its kind, a space, its size, a
// zero byte and its content, compressed.
func (s *Store) readLoose(path string, limit int64) (Object, error) {
	file, err := os.Open(path)
	if err != nil {
		return Object{}, err
	}
	defer file.Close()
	f := s.cache.inflater()
	defer s.cache.inflaters.Put(f)
	f.in.Reset(file)
	kind, size, err := f.header()
	switch {
	case err != nil:
		return Object{}, err
	case size > limit:
		return Object{}, TooLarge{size, limit}
	}
	data, err := f.readRest(size)
	return Object{kind, data}, err
}

// Evict frees the memory of caches. It is called after much was read and before little
// is.
func (s *Store) Evict() {
	s.cache.evict()
	for _, p := range s.packs {
		p.index.evict()
	}
}

// Tree returns the entries of a folder.
func (s *Store) Tree(h plumbing.Hash) ([]TreeEntry, error) {
	data, err := s.Read(h, plumbing.TreeObject, maxTree)
	if err != nil {
		return nil, err
	}
	entries, err := ParseTree(data)
	if err != nil {
		return nil, fmt.Errorf("read tree %s: %w", h, err)
	}
	return entries, nil
}

// Commit returns a commit. It has no storage: none of its methods that read more
// objects may be used.
func (s *Store) Commit(h plumbing.Hash) (*gitobject.Commit, error) {
	data, err := s.Read(h, plumbing.CommitObject, MaxCommit)
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
