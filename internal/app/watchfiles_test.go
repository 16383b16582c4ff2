package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestFileWatch: whatever way a file becomes another one is told, by what the system
// tells alone.
func TestFileWatch(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(d folder)
		change func(d folder)
	}{
		"written in place": {
			func(d folder) { d.write("etc/config", "1") },
			func(d folder) { d.write("etc/config", "2") },
		},
		"written in two steps": {
			func(d folder) { d.write("etc/config", "1") },
			func(d folder) { d.write("etc/config", ""); d.write("etc/config", "2") },
		},
		"replaced by a rename": {
			func(d folder) { d.write("etc/config", "1") },
			func(d folder) { d.write("etc/config~", "2"); d.rename("etc/config~", "etc/config") },
		},
		"removed": {
			func(d folder) { d.write("etc/config", "1") },
			func(d folder) { d.remove("etc/config") },
		},
		"appears": {
			func(d folder) { d.write("etc/other", "1") },
			func(d folder) { d.write("etc/config", "2") },
		},
		"appears with its folder": {
			func(folder) {},
			func(d folder) { d.write("new/config", "2"); d.rename("new", "etc") },
		},
		"its folder is replaced": {
			func(d folder) { d.write("etc/config", "1"); d.link("etc/config", "config") },
			func(d folder) { d.write("new/config", "2"); d.rename("etc", "old"); d.rename("new", "etc") },
		},
		"a link to it is exchanged": {
			func(d folder) { d.write("one", "1"); d.write("etc/two", "2"); d.link("../one", "etc/config") },
			func(d folder) { d.link("two", "etc/new"); d.rename("etc/new", "etc/config") },
		},
		"written where a link leads": {
			func(d folder) { d.write("far/away", "1"); d.link("../far/away", "etc/config") },
			func(d folder) { d.write("far/away", "2") },
		},
		"a link on the way is exchanged, as by Kubernetes": {
			func(d folder) {
				d.write("etc/..2026_1/config", "1")
				d.link("..2026_1", "etc/..data")
				d.link("..data/config", "etc/config")
			},
			func(d folder) {
				d.write("etc/..2026_2/config", "2")
				d.link("..2026_2", "etc/..data_tmp")
				d.rename("etc/..data_tmp", "etc/..data")
				d.remove("etc/..2026_1")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := folder{t, t.TempDir()}
			// A second file shows that only the one that has changed is told, and that
			// all that came before was.
			d.write("busy/last", "1")
			tt.before(d)
			w := newFileWatch(slog.New(slog.DiscardHandler), d.path("etc/config"), d.path("busy/last"))
			w.settle, w.every = 50*time.Millisecond, time.Hour
			d.start(w)
			tt.change(d)
			d.wantChanged(w, "etc/config")
			d.write("busy/last", "2")
			d.wantChanged(w, "busy/last")
		})
	}
}

// TestFileWatch_Same: what leaves the content as it is, or happens beside it, is not
// told.
func TestFileWatch_Same(t *testing.T) {
	t.Parallel()
	d := folder{t, t.TempDir()}
	d.write("etc/config", "1")
	d.write("etc/last", "1")
	w := newFileWatch(slog.New(slog.DiscardHandler), d.path("etc/config"), d.path("etc/last"), "")
	w.settle, w.every = 50*time.Millisecond, time.Hour
	d.start(w)
	d.write("etc/config", "1")
	d.write("etc/config.bak", "2")
	d.write("etc/last", "2")
	d.wantChanged(w, "etc/last")
}

// TestFileWatch_Silence: without notifications the files are looked at all the same.
func TestFileWatch_Silence(t *testing.T) {
	t.Parallel()
	d := folder{t, t.TempDir()}
	d.write("config", "1")
	w := newFileWatch(slog.New(slog.DiscardHandler), d.path("config"))
	d.must(w.events.Close())
	w.events, w.every = nil, 10*time.Millisecond
	d.start(w)
	d.write("config", "2")
	d.wantChanged(w, "config")
}

// folder is where files change.
type folder struct {
	t   *testing.T
	dir string
}

func (d folder) path(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

// start runs the watch to the end of the test.
func (d folder) start(w *fileWatch) {
	ctx, cancel := context.WithCancel(d.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(ctx)
	}()
	d.t.Cleanup(func() { cancel(); <-done })
}

func (d folder) wantChanged(w *fileWatch, want string) {
	d.t.Helper()
	select {
	case got := <-w.changed:
		if got != d.path(want) {
			d.t.Errorf("%s is told to have changed, want %s", got, want)
		}
	case <-time.After(time.Minute):
		d.t.Fatalf("that %s has changed is not told", want)
	}
}

func (d folder) write(name, text string) {
	d.t.Helper()
	d.must(os.MkdirAll(filepath.Dir(d.path(name)), 0o700))
	d.must(os.WriteFile(d.path(name), []byte(text), 0o600))
}

func (d folder) rename(from, to string) {
	d.t.Helper()
	d.must(os.Rename(d.path(from), d.path(to)))
}

func (d folder) remove(name string) {
	d.t.Helper()
	d.must(os.RemoveAll(d.path(name)))
}

func (d folder) link(to, name string) {
	d.t.Helper()
	d.must(os.MkdirAll(filepath.Dir(d.path(name)), 0o700))
	d.must(os.Symlink(to, d.path(name)))
}

func (d folder) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}
