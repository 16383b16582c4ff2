package folder

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/spec"
)

// scan looks at folders, and makes the files that are new or differ. Names are
// paths below the source's root.
type scan struct {
	folder *Source
	at     *place
	rules  specfiles.Rules
	dirty  map[string]struct{} // names to look at whatever their stamps say

	ctx     context.Context
	readers *errgroup.Group
	parser  *specfiles.Parser
	budget  *specfiles.Budget

	listed   map[string]struct{} // folders whose entries are known
	folders  map[string]struct{} // folders that are there
	unread   int                 // of what is not specs whatever it is
	whole    bool                // everything was looked at
	links    []target            // that were followed
	linked   []string            // the folders behind them
	replaced bool                // the folder is another one than before

	mu      sync.Mutex          // of what follows
	seen    map[string]struct{} // files that are there
	changes []specfiles.Change
	files   []*spec.File // of each change; nil if it is gone
	stamps  map[string]stamp
}

func newScan(ctx context.Context, f *Source, at *place, dirty map[string]struct{}) *scan {
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(runtime.GOMAXPROCS(0))
	b := specfiles.NewBudget(ctx, spec.NewSet()) // what is moved is not known to be gone yet
	return &scan{
		parser: specfiles.NewParser(ctx, b), budget: b,
		folder: f, at: at, dirty: dirty, ctx: ctx, readers: readers,
		listed: make(map[string]struct{}), folders: make(map[string]struct{}),
		seen: make(map[string]struct{}), stamps: make(map[string]stamp),
	}
}

// everything looks at the whole tree.
func (s *scan) everything() error {
	s.whole = true
	return s.finish(s.visit(s.at.root, nil, specfiles.AreaSpecs, true))
}

// changed looks at the folders that the dirty names are in.
func (s *scan) changed() error {
	parents := make(map[string]struct{})
	for name := range s.dirty {
		parents[path.Dir(name)] = struct{}{}
	}
	for _, dir := range slices.Sorted(maps.Keys(parents)) {
		if _, ok := s.listed[dir]; ok {
			continue
		}
		if err := s.scanFolder(dir); err != nil {
			return s.finish(err)
		}
	}
	return s.finish(nil)
}

// scanFolder looks at one folder, if it still is one.
func (s *scan) scanFolder(dir string) error {
	below, ok := s.below(dir)
	if !ok {
		return nil
	}
	for i := range below {
		if s.rules.AreaOf(below[:i+1], true, specfiles.AreaSpecs, s.budget) != specfiles.AreaSpecs {
			return nil // nothing is watched there: the next look at everything finds it
		}
	}
	at, err := s.at.root.OpenRoot(".")
	if err != nil {
		return err
	}
	for _, part := range below {
		sub, err := openFolder(at, part)
		at.Close()
		if err != nil {
			return nil // the folder above has changed too, and tells what is left
		}
		at = sub
	}
	defer at.Close()
	return s.visit(at, below, specfiles.AreaSpecs, false)
}

// below splits a name into its parts below the source's path.
func (s *scan) below(name string) (parts []string, ok bool) {
	base := s.folder.config.Path
	switch rest, inside := strings.CutPrefix(name, base+"/"); {
	case name == base:
		return nil, true
	case base == ".":
		return strings.Split(name, "/"), true
	case inside:
		return strings.Split(rest, "/"), true
	}
	return nil, false
}

func (s *scan) name(parts []string) string {
	return path.Join(s.folder.config.Path, path.Join(parts...))
}

// visit looks at a folder, and below it at those that deep or a dirty name asks for.
func (s *scan) visit(root *os.Root, parts []string, in specfiles.Area, deep bool) error {
	dir := s.name(parts)
	if in != specfiles.AreaSpecs {
		return s.visitUnread(root, parts, in)
	}
	s.folder.watch.add(s.folder.path(dir)) // first, so that no change is missed
	entries, err := readDir(root)
	if err != nil {
		if len(parts) == 0 {
			return &Error{Kind: ErrNoFolder, Err: err}
		}
		return s.complain(dir, specfiles.KindUnreadable)
	}
	if err := s.budget.Entries(len(entries)); err != nil {
		return err
	}
	s.listed[dir] = struct{}{}
	behind := s.behindLinks(root, entries)
	var reads []read
	for _, e := range entries {
		if slices.Contains(behind, e.Name()) {
			continue
		}
		if err := cmp.Or(context.Cause(s.ctx), s.budget.Entries(0)); err != nil {
			return err
		}
		r, err := s.entry(root, append(parts, e.Name()), e.Type(), specfiles.AreaSpecs, deep)
		if err != nil {
			return err
		}
		if r != nil {
			reads = append(reads, *r)
		}
	}
	return s.read(root, reads)
}

// visitUnread looks at a folder in which nothing is read, and below it, as far as that
// costs little. It is not watched.
func (s *scan) visitUnread(root *os.Root, parts []string, in specfiles.Area) error {
	entries, err := readDir(root)
	if s.unread += len(entries); err != nil || s.unread > specfiles.MaxUnread {
		return s.ctx.Err()
	}
	s.listed[s.name(parts)] = struct{}{}
	var reads []read
	for _, e := range entries {
		r, err := s.entry(root, append(parts, e.Name()), e.Type(), in, true)
		if err != nil {
			return err
		}
		if r != nil {
			reads = append(reads, *r)
		}
	}
	return s.read(root, reads)
}

// entry looks at one entry of a folder. It returns what is to be read of it, if
// anything.
func (s *scan) entry(root *os.Root, parts []string, mode fs.FileMode, in specfiles.Area, deep bool) (*read, error) {
	last := parts[len(parts)-1]
	name := path.Join(s.name(parts[:len(parts)-1]), specfiles.Shown(last))
	_, dirty := s.dirty[name]
	switch {
	case in != specfiles.AreaSpecs || !s.folder.config.FollowLinks:
	case strings.HasPrefix(last, ".."), last == "tmp-link" && mode&fs.ModeSymlink != 0:
		return nil, nil // where a kubelet keeps what its links lead to; a link of git-sync on the way to its place
	case mode&fs.ModeSymlink != 0:
		return nil, s.link(name, parts)
	}
	switch k, in := s.rules.KindOf(parts, mode, in, s.budget); k {
	case specfiles.KindNone:
		return nil, nil
	case specfiles.KindFolder:
		s.folders[name] = struct{}{}
		if bad := s.folder.index.Leaf(name) != (specfiles.Leaf{}); !deep && !dirty && !bad {
			return nil, nil
		}
		sub, err := openFolder(root, last)
		if err != nil && in != specfiles.AreaSpecs {
			return nil, nil
		}
		if err != nil {
			return nil, s.vanished(name, err)
		}
		defer sub.Close()
		return nil, s.visit(sub, parts, in, true)
	case specfiles.KindSpec, specfiles.KindHidden, specfiles.KindIgnored:
		info, err := root.Lstat(last)
		if errors.Is(err, fs.ErrNotExist) || err != nil && k.OfInterest() {
			return nil, nil
		}
		if err != nil {
			return nil, s.complain(name, specfiles.KindUnreadable)
		}
		s.see(name)
		st := stamp{info.Size(), info.ModTime(), k}
		if s.folder.stamps[name] == st && !dirty && !s.replaced {
			return nil, nil
		}
		return &read{name, last, k, info, false}, nil
	default:
		return nil, s.complain(name, k)
	}
}

// vanished notes a folder that could not be opened a moment after it was listed.
func (s *scan) vanished(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		delete(s.folders, name)
		return nil
	}
	return s.complain(name, specfiles.KindUnreadable)
}

// complain notes an entry that is not read.
func (s *scan) complain(name string, k specfiles.Kind) error {
	return s.found(specfiles.Change{Name: name, Leaf: specfiles.Leaf{Kind: k}}, func() (*spec.File, error) { return s.parser.Take(k.Complaint(name)) })
}

// nothing notes that there is nothing at a name.
func (s *scan) nothing(name string) error {
	return s.found(specfiles.Change{Name: name}, func() (*spec.File, error) { return nil, nil })
}

// read is a file to read.
type read struct {
	name string
	last string // its name in its folder
	kind specfiles.Kind
	info fs.FileInfo
	link bool
}

// read makes files in the background.
func (s *scan) read(root *os.Root, reads []read) error {
	if len(reads) == 0 {
		return nil
	}
	root, err := root.OpenRoot(".") // ours until we are done
	if err != nil {
		return err
	}
	s.readers.Go(func() error {
		defer root.Close()
		for _, r := range reads {
			if err := s.ctx.Err(); err != nil {
				return err
			}
			if err := s.file(root, r); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// file reads and parses one file.
func (s *scan) file(root *os.Root, r read) error {
	start := time.Now()
	if r.kind.OfInterest() {
		return s.unreadFile(root, r, start)
	}
	data, err := readRegular(root, r.last, r.info, spec.MaxFileSize)
	l := specfiles.Leaf{Kind: specfiles.KindSpec}
	large, isLarge := errors.AsType[gitstore.TooLarge](err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.nothing(r.name)
	case isLarge:
		return s.found(specfiles.Change{Name: r.name, Leaf: l}, func() (*spec.File, error) { return s.parser.Take(specfiles.TooLargeFile(r.name, large)) })
	case err != nil:
		return s.complain(r.name, specfiles.KindUnreadable)
	}
	l.Hash = gitstore.HashObject(plumbing.BlobObject, data)
	if err := s.found(specfiles.Change{Name: r.name, Leaf: l}, func() (*spec.File, error) { return s.parser.File(r.name, l.Hash, data) }); err != nil {
		return err
	}
	s.stamp(r, start)
	return nil
}

// unreadFile looks whether a file beside the specs says that it is one.
func (s *scan) unreadFile(root *os.Root, r read, start time.Time) error {
	data, err := readRegular(root, r.last, r.info, specfiles.MaxUnreadSize)
	if err != nil || !specfiles.SaysSpec(data) {
		err = s.nothing(r.name)
	} else {
		err = s.complain(r.name, r.kind)
	}
	s.stamp(r, start)
	return err
}

// stamp keeps what tells that the file has not changed since it was read.
func (s *scan) stamp(r read, start time.Time) {
	if start.Sub(r.info.ModTime()) <= racy || r.link { // which can be to another file of the same time
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stamps[r.name] = stamp{r.info.Size(), r.info.ModTime(), r.kind}
}

// found notes what is at a name now, if it was not so before: what make makes of it.
func (s *scan) found(c specfiles.Change, make func() (*spec.File, error)) error {
	s.see(c.Name)
	if s.folder.index.Leaf(c.Name) == c.Leaf {
		return nil
	}
	file, err := make()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, c)
	s.files = append(s.files, file)
	return nil
}

func (s *scan) see(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[name] = struct{}{}
}

// finish waits for the files that are being read, and finds those that are gone.
func (s *scan) finish(err error) error {
	if err = errors.Join(err, s.readers.Wait()); err != nil {
		return err
	}
	for name := range s.folder.index.Set.Names() {
		if _, ok := s.seen[name]; !ok && s.gone(name) {
			s.changes = append(s.changes, specfiles.Change{Name: name})
			s.files = append(s.files, nil)
		}
	}
	return specfiles.NewBudget(s.ctx, s.folder.index.Set).Join(s.budget, s.changes)
}

// gone reports whether a file that was not seen is there no more. The nearest
// folder above it that was listed knows: by the file itself, or by the folder
// that leads to it.
func (s *scan) gone(name string) bool {
	for child := name; ; {
		dir := path.Dir(child)
		if _, ok := s.listed[dir]; ok {
			_, still := s.folders[child]
			return child == name || !still
		}
		if dir == s.folder.config.Path || dir == "." || dir == child {
			return false
		}
		child = dir
	}
}
