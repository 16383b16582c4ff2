package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/reconcile"
)

// Config says which folder to read specs from.
type Config struct {
	Dir            string
	Path           string        // of the folder with the specs, below Dir; Dir itself if empty or "."
	RescanInterval time.Duration // how often everything is looked at, notified or not; 1 minute if zero
	// FollowLinks lets symbolic links count that lead to what is below Dir and is not read
	// otherwise, as those of a ConfigMap's volume do. Without it they are complaints, as they
	// are in git.
	FollowLinks bool
	Logger      *slog.Logger // nil: no logs
}

// Source reads specs from a folder. It is notified of changes, and reads again
// only what was changed. It never leaves the folder.
type Source struct {
	config Config
	dir    string // absolute
	log    *slog.Logger
	watch  *watch

	index    *specfiles.Index
	stamps   map[string]stamp
	rules    specfiles.Rules
	root     fs.FileInfo // of the folder that was read last
	links    []target    // that were followed
	revision *reconcile.Revision
}

// racy is how old a file's time of change must be to be trusted: a file may be
// changed twice within the resolution of its file system's clock.
const racy = 2 * time.Second

// stamp tells cheaply that a file has not changed.
type stamp struct {
	size  int64
	mtime time.Time
	kind  specfiles.Kind
}

var _ reconcile.Source = (*Source)(nil)

// Open starts to watch a folder. The first Poll reads it.
func Open(c Config) (*Source, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	c.RescanInterval = cmp.Or(c.RescanInterval, time.Minute)
	if c.Path, err = specfiles.CleanPath(c.Path); err != nil {
		return nil, fmt.Errorf("open folder %s: %w", dir, err)
	}
	f := &Source{config: c, dir: dir, log: c.Logger, index: specfiles.NewIndex(), stamps: make(map[string]stamp)}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	at, err := f.open()
	if err != nil {
		return nil, f.describe(err)
	}
	at.close()
	f.root = at.info
	f.watch = startWatch(c.RescanInterval, f.log)
	f.watch.keep(f.targets())
	return f, nil
}

// Changed is sent to soon after something in the folder has changed, once for any
// number of changes, and at each rescan: it is time to Poll.
func (f *Source) Changed() <-chan struct{} { return f.watch.changed }

// Poll returns the folder as it is. The Set stays the same one from poll to poll.
// After an error it is as it was.
func (f *Source) Poll(ctx context.Context) (*reconcile.Revision, error) {
	todo, err := f.watch.take(ctx)
	if err != nil {
		return nil, f.describe(err)
	}
	if todo.empty() && f.revision != nil {
		return f.revision, nil
	}
	if err := f.update(ctx, todo); err != nil {
		f.watch.giveBack(todo)
		f.watch.lost(f.targets())
		return nil, f.describe(err)
	}
	return f.revision, nil
}

// place is the folder with the specs, opened.
type place struct {
	top  *os.Root // Dir, which links may lead to
	root *os.Root // Path, below it
	base string   // where that is below Dir, by names that are no links
	info fs.FileInfo
}

func (p *place) close() {
	p.root.Close()
	p.top.Close()
}

// open opens the folder with the specs.
func (f *Source) open() (*place, error) {
	top, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, &Error{Kind: ErrNoFolder, Err: err, Hint: "check that it exists and may be read"}
	}
	base, err := resolve(top, f.config.Path)
	var root *os.Root
	if err == nil {
		root, err = top.OpenRoot(filepath.FromSlash(base))
	}
	if err != nil {
		top.Close()
		return nil, &Error{Kind: gitstore.ErrNoPath, Err: err}
	}
	p := &place{top: top, root: root, base: base}
	if p.info, err = root.Stat("."); err != nil {
		p.close()
		return nil, &Error{Kind: ErrNoFolder, Err: err}
	}
	return p, nil
}

// path returns how the system names what is below Dir.
func (f *Source) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// targets are what has to stand for what was read to be so.
func (f *Source) targets() []target {
	return append([]target{{f.path(f.config.Path), f.root}}, f.links...)
}

// mostScans is how often a folder is read that is exchanged meanwhile.
const mostScans = 3

// update reads what is to be read again: of one state of the folder, and not of two.
func (f *Source) update(ctx context.Context, todo dirty) error {
	var failed error
	for range mostScans {
		s, err := f.read(ctx, todo)
		switch {
		case s == nil: // a link to it may just be exchanged
			failed = err
		case !s.stands():
			failed = &Error{Kind: ErrNoFolder, Detail: "it is exchanged again and again while it is read"}
			todo.all, todo.renamed = true, true
		case err == nil:
			f.take(s)
			f.watch.keep(f.targets())
			return nil
		default:
			return err
		}
	}
	return failed
}

// read looks at the folder. What it has found is nil if there is no folder.
func (f *Source) read(ctx context.Context, todo dirty) (*scan, error) {
	at, err := f.open()
	if err != nil {
		return nil, err
	}
	defer at.close()
	names := f.names(todo.paths)
	_, ruled := names[path.Join(f.config.Path, specfiles.IgnoreFile)]
	replaced := f.revision == nil || !os.SameFile(at.info, f.root)
	everything := todo.all || ruled || replaced || len(f.links) > 0
	s := newScan(ctx, f, at, names)
	s.replaced = replaced
	s.rules = f.rules
	if everything {
		if s.rules, err = s.readRules(); err != nil {
			return s, s.finish(err)
		}
	}
	if todo.renamed || f.revision != nil && slices.ContainsFunc(f.targets(), target.moved) {
		f.watch.renew() // what is watched from here on is what the scan finds
	}
	if everything {
		return s, s.everything()
	}
	return s, s.changed()
}

// names makes names below the root of what the system calls them.
func (f *Source) names(paths map[string]struct{}) map[string]struct{} {
	names := make(map[string]struct{}, len(paths))
	for p := range paths {
		if name, err := filepath.Rel(f.dir, p); err == nil {
			names[filepath.ToSlash(name)] = struct{}{}
		}
	}
	return names
}

// take makes what a scan has found the present.
func (f *Source) take(s *scan) {
	for _, c := range s.changes {
		delete(f.stamps, c.Name) // unless it was read
	}
	if s.replaced {
		clear(f.stamps)
	}
	if s.whole {
		maps.DeleteFunc(f.stamps, func(name string, _ stamp) bool { _, ok := s.seen[name]; return !ok })
	}
	maps.Copy(f.stamps, s.stamps)
	f.root, f.rules, f.links = s.at.info, s.rules, s.links
	f.index.Apply(s.changes, s.files)
	if f.revision == nil || len(s.changes) > 0 {
		f.revision = &reconcile.Revision{ID: f.index.Digest(), Specs: f.index.Set}
	}
}

// Descends reports true: a folder has no history.
func (f *Source) Descends(context.Context, string, string) (bool, error) { return true, nil }

// SameSpecs reports whether the two are one: what a folder was is not kept.
func (f *Source) SameSpecs(_ context.Context, old, revision string) (bool, error) {
	return old == revision, nil
}

// Close stops watching.
func (f *Source) Close() error { return f.watch.close() }

func (f *Source) describe(err error) error {
	if err == nil {
		return nil
	}
	return describe(err, f.dir)
}

// openFolder opens a folder, but not through a symbolic link.
func openFolder(root *os.Root, name string) (*os.Root, error) {
	sub, err := root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	link, err := root.Lstat(name)
	if err == nil {
		var info fs.FileInfo
		if info, err = sub.Stat("."); err == nil && !os.SameFile(link, info) {
			err = fmt.Errorf("open %s: %w: it is a symbolic link", name, fs.ErrInvalid)
		}
	}
	if err != nil {
		sub.Close()
		return nil, err
	}
	return sub, nil
}

// readDir lists a folder in order of name.
func readDir(root *os.Root) ([]fs.DirEntry, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// readRegular reads a file that is still the one that info tells of: no symbolic
// link or pipe has taken its place.
func readRegular(root *os.Root, name string, info fs.FileInfo, most int64) ([]byte, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	now, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !now.Mode().IsRegular(), !os.SameFile(now, info) && isLink(root, name):
		return nil, fmt.Errorf("read %s: %w: it is not a regular file", name, fs.ErrInvalid)
	}
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, gitstore.TooLarge{Size: max(now.Size(), int64(len(data))), Limit: most}
	}
	return data, err
}

func isLink(root *os.Root, name string) bool {
	info, err := root.Lstat(name)
	return err != nil || info.Mode()&fs.ModeSymlink != 0
}

// readRules reads the folder's ignore file, if it has one.
func (s *scan) readRules() (specfiles.Rules, error) {
	name, root := specfiles.IgnoreFile, s.at.root
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return specfiles.Rules{}, nil
	}
	if err == nil && info.Mode()&fs.ModeSymlink != 0 && s.folder.config.FollowLinks {
		root = s.at.top
		name, info, err = s.follow(path.Join(s.folder.config.Path, name))
	}
	if err == nil && !info.Mode().IsRegular() {
		return specfiles.Rules{}, fmt.Errorf("%w: %s is not a regular file", specfiles.ErrIgnoreFile, specfiles.IgnoreFile)
	}
	if err == nil && info.Size() > specfiles.MaxIgnore {
		return specfiles.Rules{}, fmt.Errorf("%w: %s: %w", specfiles.ErrIgnoreFile, specfiles.IgnoreFile, gitstore.TooLarge{Size: info.Size(), Limit: specfiles.MaxIgnore})
	}
	if err != nil {
		return specfiles.Rules{}, fmt.Errorf("%w: %w", specfiles.ErrIgnoreFile, err)
	}
	data, err := readRegular(root, name, info, specfiles.MaxIgnore)
	if err != nil {
		return specfiles.Rules{}, fmt.Errorf("%w: %w", specfiles.ErrIgnoreFile, err)
	}
	return specfiles.ParseRules(data)
}
