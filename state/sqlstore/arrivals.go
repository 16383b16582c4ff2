package sqlstore

import (
	"log/slog"
	"os"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// lookFirst is how soon after a write to the log to look for commands. The system
	// notifies of the first byte, and a transaction can be seen only once it is synced: so
	// there are more looks, each after twice the time, until lookLast.
	lookFirst = 10 * time.Millisecond
	lookLast  = 5 * time.Second
	// lookEvery is the time between two looks where the system does not notify.
	lookEvery = 2 * time.Second
)

// arrivals tells when to look for commands that other processes have enqueued.
type arrivals struct {
	look    chan struct{}
	every   time.Duration     // between two looks where the system does not notify
	watcher *fsnotify.Watcher // nil: the system gives none
	stop    chan struct{}
	done    chan struct{}
}

// watchArrivals watches the write-ahead log of a database that is open.
func watchArrivals(wal string, every time.Duration, log *slog.Logger) *arrivals {
	a := &arrivals{look: make(chan struct{}), every: every, stop: make(chan struct{}), done: make(chan struct{})}
	var events <-chan fsnotify.Event
	var errs <-chan error
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		a.watcher, events, errs = watcher, watcher.Events, watcher.Errors
		err = watcher.Add(wal)
	}
	if err == nil {
		// The daemon relies on notifications once it was notified of this.
		err = os.Chtimes(wal, time.Time{}, time.Now())
	}
	if err != nil {
		log.Warn("the state cannot be watched: commands are seen a little later", "error", err, "every", every)
	}
	go func() {
		defer close(a.done)
		a.run(events, errs)
	}()
	return a
}

// run tells when to look until the watch ends.
func (a *arrivals) run(events <-chan fsnotify.Event, errs <-chan error) {
	notified := false
	wait := time.Duration(0) // until the next look after a write; 0: none is due
	timer := time.NewTimer(a.every)
	defer timer.Stop()
	for {
		select {
		case <-a.stop:
			return
		case e := <-events:
			notified = !e.Has(fsnotify.Remove) && !e.Has(fsnotify.Rename)
			if wait == 0 {
				timer.Reset(lookFirst)
			}
			wait = lookFirst
			continue
		case <-errs:
			notified = false // until the next notification
			timer.Reset(lookFirst)
			continue
		case <-timer.C:
		}
		select {
		case a.look <- struct{}{}:
		default: // who does something else looks afterwards
		}
		if wait *= 2; wait > lookLast {
			wait = 0
		}
		switch {
		case wait > 0:
			timer.Reset(wait)
		case !notified:
			timer.Reset(a.every)
		}
	}
}

// close ends the watch.
func (a *arrivals) close() error {
	close(a.stop)
	<-a.done
	if a.watcher == nil {
		return nil
	}
	return a.watcher.Close()
}
