package app

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/file"
)

const (
	// settleTime is how long nothing has to happen to a file before it is read: a program
	// that writes it in place pauses for less.
	settleTime = 500 * time.Millisecond
	// settleMost is how long that can take in all.
	settleMost = 5 * time.Second
	// readEvery is the time between two reads of the files without a notification: on some
	// file systems there is none.
	readEvery = 10 * time.Second
	// maxLinks bounds the symbolic links from a name to its file.
	maxLinks = 16
)

// fileWatch reports when the content of files changes: written in place,
// replaced by a rename, or by exchanging a symbolic link on the way to it, as
// Kubernetes does. The files need not be there yet.
type fileWatch struct {
	// changed has the name of each file that has changed.
	changed chan string

	log    *slog.Logger
	settle time.Duration // how long nothing has to happen to them first
	every  time.Duration // how often they are read in any case
	names  []string
	seen   map[string][sha256.Size]byte
	paths  []string          // the names, and what the links at them lead to
	events *fsnotify.Watcher // nil if the system has none to give
}

// newFileWatch begins to watch the files. What they hold now is no change.
func newFileWatch(log *slog.Logger, names ...string) *fileWatch {
	w := &fileWatch{changed: make(chan string), log: log, settle: settleTime, every: readEvery, seen: map[string][sha256.Size]byte{}}
	for _, name := range names {
		if name != "" {
			w.names = append(w.names, name)
		}
	}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("the system gives no notifications: changed files are seen a little later", "error", err, "every", readEvery)
	} else {
		w.events = events
	}
	w.follow()
	for _, name := range w.names {
		w.seen[name] = fingerprint(name)
	}
	return w
}

// run watches until ctx is done.
func (w *fileWatch) run(ctx context.Context) {
	var events chan fsnotify.Event
	var errs chan error
	if w.events != nil {
		defer w.events.Close()
		events, errs = w.events.Events, w.events.Errors
	}
	regular := time.NewTicker(w.every)
	defer regular.Stop()
	settled := time.NewTimer(w.every)
	defer settled.Stop()
	var first time.Time // of the events that have not settled
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				events = nil
			}
			if !w.concerns(e.Name) {
				continue
			}
			if first.IsZero() {
				first = time.Now()
			}
			settled.Reset(min(w.settle, time.Until(first.Add(settleMost))))
		case _, ok := <-errs:
			if !ok {
				errs = nil
			}
		case <-settled.C:
			first = time.Time{}
			w.check(ctx)
		case <-regular.C:
			if first.IsZero() {
				w.check(ctx)
			}
		}
	}
}

// check reports which files have changed.
func (w *fileWatch) check(ctx context.Context) {
	w.follow()
	for _, name := range w.names {
		now := fingerprint(name)
		if now == w.seen[name] {
			continue
		}
		w.seen[name] = now
		select {
		case w.changed <- name:
		case <-ctx.Done():
			return
		}
	}
}

// concerns reports whether something at the path can make one of the files another.
func (w *fileWatch) concerns(path string) bool {
	for _, p := range w.paths {
		if rest, ok := strings.CutPrefix(p, path); ok && (rest == "" || rest[0] == filepath.Separator) {
			return true
		}
	}
	return false
}

// follow watches the folders that the files are in now, and those of the links that
// lead to them. A folder that is not there is waited for in the one above it.
func (w *fileWatch) follow() {
	w.paths = w.paths[:0]
	for _, name := range w.names {
		if abs, err := filepath.Abs(name); err == nil {
			w.paths = append(w.paths, trail(abs)...)
		}
	}
	if w.events == nil {
		return
	}
	for _, path := range w.paths {
		dir := filepath.Dir(path)
		for ; w.events.Add(dir) != nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		}
	}
}

// trail lists the name and what the links at it lead to, one after the other.
func trail(name string) []string {
	paths := []string{name}
	for range maxLinks {
		target, err := os.Readlink(name)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		name = target
		paths = append(paths, name)
	}
	return paths
}

// fingerprint is a digest of the content of a file. It is zero if the file cannot be read.
func fingerprint(name string) (sum [sha256.Size]byte) {
	data, err := file.Read("", name, config.MaxFile)
	if err != nil {
		return sum
	}
	return sha256.Sum256(data)
}
