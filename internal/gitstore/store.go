package gitstore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1" // git's names of objects
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

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
	loose bool     // git commands may write to them meanwhile
	cache *objectCache

	adding sync.Mutex
	packs  atomic.Pointer[[]*pack] // those that are likely to be asked first at the end
}

// Open opens the object directories. loose tells whether they are git's: they may hold
// objects outside of packs, and git may pack them anew at any time.
func Open(loose bool, dirs ...string) (*Store, error) {
	s := &Store{dirs: dirs, loose: loose, cache: newObjectCache(cacheSize)}
	s.packs.Store(new([]*pack))
	if _, err := s.addNew(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// addNew opens the packs that are not open yet, and reports whether there are any. One
// without its index, or without its objects, does not count: git is about to finish it, or
// to remove it.
func (s *Store) addNew() (found bool, err error) {
	known := make(map[string]bool)
	for _, p := range *s.packs.Load() {
		known[p.name] = true
	}
	for _, dir := range s.dirs {
		names, err := packNames(filepath.Join(dir, "pack"))
		if err != nil {
			return found, err
		}
		for _, name := range names {
			if known[name] {
				continue
			}
			switch err := s.Add(name); {
			case err == nil:
				found = true
			case !s.loose || !errors.Is(err, fs.ErrNotExist):
				return found, err
			}
		}
	}
	return found, nil
}

// packNames lists the packs of a folder that have an index, without extension.
func packNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".idx"); ok {
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
	s.adding.Lock()
	defer s.adding.Unlock()
	s.packs.Store(new(append(slices.Clip(*s.packs.Load()), p)))
	return nil
}

// Close closes the packs.
func (s *Store) Close() error {
	var errs []error
	for _, p := range *s.packs.Swap(new([]*pack)) {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// PackCount returns how many packs there are.
func (s *Store) PackCount() int { return len(*s.packs.Load()) }

// Size returns how many bytes the packs take.
func (s *Store) Size() (bytes int64) {
	for _, p := range *s.packs.Load() {
		bytes += p.size
	}
	return bytes
}

// JoinPacks writes the objects of the small packs of a store of its own into one pack. What
// that costs depends on what they hold, and hardly on the large ones. It only reads: the store
// may be used, and packs added to it, until replace puts the new one in the place of those
// that it was made from. The store has the same objects before and after, and after an error.
func (s *Store) JoinPacks(ctx context.Context) (replace func() error, err error) {
	small := smallPacks(*s.packs.Load())
	if len(small) < 2 {
		return func() error { return nil }, nil
	}
	name, err := joinPacks(ctx, small, filepath.Join(s.dirs[0], "pack"))
	if err != nil {
		return nil, fmt.Errorf("join %d packs: %w", len(small), err)
	}
	return func() error { return s.replace(small, name) }, nil
}

// replace puts a pack in the place of others.
func (s *Store) replace(others []*pack, name string) error {
	if err := s.Add(name); err != nil {
		return err
	}
	s.adding.Lock()
	s.packs.Store(new(slices.DeleteFunc(slices.Clone(*s.packs.Load()), func(p *pack) bool { return slices.Contains(others, p) })))
	s.adding.Unlock()
	s.cache.evict()
	var errs []error
	for _, p := range others {
		errs = append(errs, p.close())
		if p.name != name { // unless the others had nothing that it lacked
			errs = append(errs, os.Remove(p.name+".idx"), os.Remove(p.name+".pack"))
		}
	}
	return errors.Join(errs...)
}

// Has reports whether the store holds the object. An index that cannot be read holds
// none; to read the object then is an error.
func (s *Store) Has(h plumbing.Hash) bool {
	for _, p := range *s.packs.Load() {
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
	o, err := s.find(h, limit)
	if !s.loose || !errors.Is(err, ErrMissing) {
		return o, err
	}
	// Git may have packed it anew since the packs were opened: a fetch does, after it ended.
	if found, errNew := s.addNew(); !found {
		return o, cmp.Or(errNew, err)
	}
	return s.find(h, limit)
}

func (s *Store) find(h plumbing.Hash, limit int64) (Object, error) {
	for _, p := range slices.Backward(*s.packs.Load()) {
		at, ok, err := p.index.find(h)
		if err != nil {
			return Object{}, err
		}
		if ok {
			return p.read(at, limit)
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
	return Object{}, Missing{h}
}

// Abbreviated returns the names of all objects that begin with the hexadecimal digits, of
// which there are at least two, in small letters.
func (s *Store) Abbreviated(digits string) ([]plumbing.Hash, error) {
	var names []plumbing.Hash
	for _, p := range *s.packs.Load() {
		found, err := p.index.withPrefix(digits)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	if s.loose {
		for _, dir := range s.dirs {
			entries, err := os.ReadDir(filepath.Join(dir, digits[:2]))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			for _, e := range entries {
				if name := digits[:2] + e.Name(); strings.HasPrefix(name, digits) && plumbing.IsHash(name) {
					names = append(names, plumbing.NewHash(name))
				}
			}
		}
	}
	slices.SortFunc(names, func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(names), nil
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
	for _, p := range *s.packs.Load() {
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
