package sqlstore

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"
)

// TestArrivals_Looks: after a write the daemon looks at once and some more times, as the
// write can be seen later. It does not wake again until the next one. Where nothing says that
// notifications come, or that they have been lost, it looks every 2 s.
func TestArrivals_Looks(t *testing.T) {
	const ms = time.Millisecond
	after := []time.Duration{10 * ms, 30 * ms, 70 * ms, 150 * ms, 310 * ms, 630 * ms, 1270 * ms, 2550 * ms, 5110 * ms}
	later := func(by time.Duration) (looks []time.Duration) {
		for _, d := range after {
			looks = append(looks, by+d)
		}
		return looks
	}
	tests := []struct {
		name   string
		happen func(events chan<- fsnotify.Event, errs chan<- error)
		want   []time.Duration
	}{
		{"no notifications", func(chan<- fsnotify.Event, chan<- error) {}, []time.Duration{2 * time.Second, 4 * time.Second, 6 * time.Second, 8 * time.Second}},
		{"one write", func(events chan<- fsnotify.Event, _ chan<- error) {
			events <- fsnotify.Event{Op: fsnotify.Write}
		}, after},
		{"another one", func(events chan<- fsnotify.Event, _ chan<- error) {
			events <- fsnotify.Event{Op: fsnotify.Chmod}
			time.Sleep(50 * ms)
			events <- fsnotify.Event{Op: fsnotify.Write}
		}, append([]time.Duration{10 * ms, 30 * ms, 70 * ms}, later(60 * ms)[1:]...)},
		{"notifications were lost", func(events chan<- fsnotify.Event, errs chan<- error) {
			events <- fsnotify.Event{Op: fsnotify.Chmod}
			time.Sleep(6 * time.Second)
			errs <- fsnotify.ErrEventOverflow
		}, append(later(0), 6010*ms, 8010*ms)},
		{"the log was removed", func(events chan<- fsnotify.Event, _ chan<- error) {
			events <- fsnotify.Event{Op: fsnotify.Remove}
		}, append(later(0), 7110*ms, 9110*ms)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &arrivals{look: make(chan struct{}), every: lookEvery, stop: make(chan struct{})}
				events, errs := make(chan fsnotify.Event), make(chan error)
				began := time.Now()
				go a.run(events, errs)
				go tt.happen(events, errs)
				var looks []time.Duration
				for end := time.After(9*time.Second + 999*ms); ; {
					select {
					case <-a.look:
						looks = append(looks, time.Since(began))
						continue
					case <-end:
					}
					break
				}
				close(a.stop)
				if diff := cmp.Diff(tt.want, looks); diff != "" {
					t.Errorf("looks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestArrivals_Written: the system notifies of a file that was watched, and of each write to
// it by anybody.
func TestArrivals_Written(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s.db-wal")
	if err := os.WriteFile(name, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	a := watchArrivals(name, time.Hour, slog.New(slog.NewTextHandler(&log, nil)))
	for range 10 { // more often than it looks after one write
		<-a.look
		if err := os.WriteFile(name, []byte("2"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.close(); err != nil || log.Len() > 0 {
		t.Errorf("%v\n%s", err, log.String())
	}
}

// TestArrivals_NotThere: a log that cannot be watched is said, and the looks come.
func TestArrivals_NotThere(t *testing.T) {
	var log strings.Builder
	a := watchArrivals(filepath.Join(t.TempDir(), "gone"), time.Millisecond, slog.New(slog.NewTextHandler(&log, nil)))
	<-a.look
	<-a.look
	if err := a.close(); err != nil || !strings.Contains(log.String(), "commands are seen a little later") {
		t.Errorf("%v\n%s", err, log.String())
	}
}
