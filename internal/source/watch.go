package source

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// How long events are waited for before a folder is read: editors write a file in
// several steps.
const (
	quietTime = 50 * time.Millisecond  // without an event
	mostQuiet = 500 * time.Millisecond // in all, if events keep coming
)

// watch collects what the system says of changes in folders. It sees a folder
// only after add, and none below it.
type watch struct {
	events  *fsnotify.Watcher // nil if the system has none to give
	log     *slog.Logger
	changed chan struct{}
	stop    context.CancelFunc
	done    sync.WaitGroup

	mu    sync.Mutex
	dirty dirty
	first time.Time // of the events in dirty
	last  time.Time
}

// dirty is what is to be read again.
type dirty struct {
	all   bool
	paths map[string]struct{} // as the system names them
}

func (d dirty) empty() bool { return !d.all && len(d.paths) == 0 }

// startWatch watches nothing yet, but asks for everything to be read once, and
// again at each interval: no notification is sure to arrive.
func startWatch(interval time.Duration, log *slog.Logger) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{log: log, changed: make(chan struct{}, 1), stop: cancel, dirty: dirty{all: true}}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("the system gives no notifications: changes are seen at each rescan only", "error", err, "interval", interval)
	} else {
		w.events = events
	}
	w.done.Go(func() { w.run(ctx, interval) })
	return w
}

func (w *watch) close() error {
	w.stop()
	w.done.Wait()
	if w.events == nil {
		return nil
	}
	return w.events.Close()
}

// add watches one folder. A folder that cannot be watched is still rescanned.
func (w *watch) add(dir string) {
	if w.events == nil {
		return
	}
	if err := w.events.Add(dir); err != nil {
		w.log.Warn("a folder cannot be watched: changes in it are seen at each rescan only", "folder", dir, "error", err)
	}
}

func (w *watch) run(ctx context.Context, interval time.Duration) {
	var events chan fsnotify.Event
	var errs chan error
	if w.events != nil {
		events, errs = w.events.Events, w.events.Errors
	}
	rescan := time.NewTicker(interval)
	defer rescan.Stop()
	settled := time.NewTimer(0)
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			if name := filepath.Base(e.Name); name[0] == '.' && name != IgnoreFile {
				continue
			}
			settled.Reset(w.note(dirty{paths: map[string]struct{}{e.Name: {}}}))
		case err := <-errs: // such as more events than the system keeps
			w.log.Debug("rescanning after an error of notifications", "error", err)
			settled.Reset(w.note(dirty{all: true}))
		case <-rescan.C:
			settled.Reset(w.note(dirty{all: true}))
		case <-settled.C:
			w.signal()
		}
	}
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
	if w.dirty.paths == nil {
		w.dirty.paths = make(map[string]struct{})
	}
	for path := range d.paths {
		w.dirty.paths[path] = struct{}{}
	}
}

// left returns how long it takes until things count as quiet.
func (w *watch) left(now time.Time) time.Duration {
	return max(0, min(w.last.Add(quietTime).Sub(now), w.first.Add(mostQuiet).Sub(now)))
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
