package folder

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wedatasync/wedatasync/internal/specfiles"
)

// How long events are waited for before a folder is read: editors write a file in
// several steps.
const (
	quietTime = 50 * time.Millisecond  // without an event
	mostQuiet = 500 * time.Millisecond // in all, if events keep coming
)

const (
	// lookEvery is how often the root and what links lead to are looked at: a link that is
	// exchanged, or a folder that comes back, has no event.
	lookEvery = 250 * time.Millisecond
	// lookShare bounds what that costs: one in so many seconds.
	lookShare = 20
)

// watch collects what the system says of changes in folders. It sees a folder
// only after add, and none below it.
type watch struct {
	interval time.Duration
	quiet    time.Duration
	log      *slog.Logger
	changed  chan struct{}

	events *fsnotify.Watcher // nil if the system has none to give
	stop   context.CancelFunc
	done   sync.WaitGroup
	full   bool // a folder could not be watched, and that was said

	mu      sync.Mutex // of what follows
	folders map[string]struct{}
	dirty   dirty
	first   time.Time // of the events in dirty
	last    time.Time
	targets []target // what has to stand
	away    int      // looks in a row that did not find the root
}

// dirty is what is to be read again.
type dirty struct {
	all     bool
	renamed bool                // a folder has moved, and is known by its old name
	paths   map[string]struct{} // as the system names them
}

func (d dirty) empty() bool { return !d.all && len(d.paths) == 0 }

// startWatch watches nothing yet, but asks for everything to be read once, and
// again at each interval: no notification is sure to arrive.
func startWatch(interval time.Duration, log *slog.Logger) *watch {
	w := &watch{interval: interval, quiet: quietTime, log: log, changed: make(chan struct{}, 1), dirty: dirty{all: true}}
	w.start()
	return w
}

func (w *watch) start() {
	w.folders = make(map[string]struct{})
	var events chan fsnotify.Event
	var errs chan error
	if watcher, err := fsnotify.NewWatcher(); err == nil {
		w.events, events, errs = watcher, watcher.Events, watcher.Errors
	} else {
		w.log.Warn("the system gives no notifications: changes are seen at each rescan only", "error", err, "interval", w.interval)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	w.done.Go(func() { w.run(ctx, events, errs) })
}

func (w *watch) close() error {
	w.stop()
	w.done.Wait()
	if w.events == nil {
		return nil
	}
	return w.events.Close()
}

// renew forgets all folders: a moved one would go on under its old name, and
// those in it, too. What is dirty stays so.
func (w *watch) renew() {
	if err := w.close(); err != nil {
		w.log.Debug("notifications ended with an error", "error", err)
	}
	w.events = nil
	w.start()
}

// add watches one folder. A folder that cannot be watched is still rescanned.
func (w *watch) add(dir string) {
	if w.events == nil {
		return
	}
	w.mu.Lock()
	w.folders[dir] = struct{}{}
	w.mu.Unlock()
	if err := w.events.Add(dir); err != nil && !w.full {
		w.full = true
		w.log.Warn("a folder cannot be watched: changes in it, and in others like it, are seen at each rescan only", "folder", dir, "error", err)
	}
}

func (w *watch) run(ctx context.Context, events chan fsnotify.Event, errs chan error) {
	rescan := time.NewTicker(w.interval)
	defer rescan.Stop()
	settled := time.NewTimer(w.interval)
	defer settled.Stop()
	look := time.NewTimer(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				events = nil
			} else if d, ok := w.heard(e); ok {
				settled.Reset(w.note(d))
			}
		case err, ok := <-errs: // such as more events than the system keeps
			if !ok {
				errs = nil
				continue
			}
			w.log.Debug("rescanning after an error of notifications", "error", err)
			settled.Reset(w.note(dirty{all: true}))
		case <-rescan.C:
			settled.Reset(w.note(dirty{all: true}))
		case <-look.C:
			start := time.Now()
			if w.look() {
				settled.Reset(w.note(dirty{all: true, renamed: true}))
			}
			look.Reset(max(lookEvery, lookShare*time.Since(start)))
		case <-settled.C:
			w.signal()
		}
	}
}

// keep says what has to stand, the root first. A difference is told once: what is read next
// says anew.
func (w *watch) keep(targets []target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.targets, w.away = targets, 0
}

// lost is for when nothing could be read. If that is because the root is away, it is told
// when it comes back.
func (w *watch) lost(targets []target) {
	if _, err := os.Stat(targets[0].path); err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.targets, w.away = targets, 2
}

// look reports whether something is not where it was, or the root is there again. That it
// is away counts from the second look on: where it is exchanged it may be so for a moment.
func (w *watch) look() bool {
	w.mu.Lock()
	targets, away := w.targets, w.away
	w.mu.Unlock()
	if len(targets) == 0 {
		return false
	}
	_, err := os.Stat(targets[0].path)
	differs := away > 0 || slices.ContainsFunc(targets, target.moved)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.away++
		return w.away == 2
	}
	if w.away = 0; differs {
		w.targets = nil
	}
	return differs
}

// heard tells what an event makes dirty, if anything.
func (w *watch) heard(e fsnotify.Event) (dirty, bool) {
	w.mu.Lock()
	_, folder := w.folders[e.Name]
	w.mu.Unlock()
	switch name := filepath.Base(e.Name); {
	case folder && e.Has(fsnotify.Rename):
		return dirty{all: true, renamed: true}, true
	case strings.HasPrefix(name, ".."): // a kubelet exchanges ..data
		return dirty{all: true}, true
	case !folder && strings.HasPrefix(name, ".") && name != specfiles.IgnoreFile:
		return dirty{}, false
	}
	return dirty{paths: map[string]struct{}{e.Name: {}}}, true
}

// note adds to what is dirty, and returns how long to wait for more.
func (w *watch) note(d dirty) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.dirty.empty() {
		w.first = now
	}
	w.last = now
	w.merge(d)
	return w.left(now)
}

func (w *watch) merge(d dirty) {
	w.dirty.all = w.dirty.all || d.all
	w.dirty.renamed = w.dirty.renamed || d.renamed
	if w.dirty.paths == nil {
		w.dirty.paths = make(map[string]struct{})
	}
	for path := range d.paths {
		w.dirty.paths[path] = struct{}{}
	}
}

// left returns how long it takes until things count as quiet.
func (w *watch) left(now time.Time) time.Duration {
	return max(0, min(w.last.Add(w.quiet).Sub(now), w.first.Add(mostQuiet).Sub(now)))
}

func (w *watch) signal() {
	w.mu.Lock()
	quiet := w.dirty.empty()
	w.mu.Unlock()
	if quiet {
		return
	}
	select {
	case w.changed <- struct{}{}:
	default: // one is waiting already
	}
}

// take returns what is dirty and forgets it, after a quiet moment.
func (w *watch) take(ctx context.Context) (dirty, error) {
	for {
		w.mu.Lock()
		wait := w.left(time.Now())
		if wait == 0 {
			d := w.dirty
			w.dirty = dirty{}
			w.mu.Unlock()
			return d, nil
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return dirty{}, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// giveBack is for what was taken and could not be read.
func (w *watch) giveBack(d dirty) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.merge(d)
}
