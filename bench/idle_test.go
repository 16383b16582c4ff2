package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile"
)

// footprint is what a process must not need more and more of.
type footprint struct {
	heap        int64 // bytes that are in use
	goroutines  int
	descriptors int
}

func footprintNow(t *testing.T) footprint {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors are counted on Linux alone: ", err)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{int64(m.HeapAlloc), runtime.NumGoroutine(), len(fds)}
}

// wantFlat fails if the footprint has grown by more than a little heap, for which
// caches and the collector are good, or anything else.
func (f footprint) wantFlat(t *testing.T, later footprint, descriptors int) {
	t.Helper()
	t.Logf("%+v, later %+v", f, later)
	if later.heap > f.heap+f.heap/10+1<<20 {
		t.Errorf("the heap has grown from %d to %d bytes", f.heap, later.heap)
	}
	if later.goroutines > f.goroutines {
		t.Errorf("the goroutines have grown from %d to %d", f.goroutines, later.goroutines)
	}
	if later.descriptors > f.descriptors+descriptors {
		t.Errorf("the descriptors have grown from %d to %d", f.descriptors, later.descriptors)
	}
}

// TestIdle_Day lets a daemon poll every 30 s for a day in which nothing happens, under
// a clock of its own: the second half of it needs no more than the first.
func TestIdle_Day(t *testing.T) {
	half := 20 * time.Minute
	if *long {
		half = 12 * time.Hour
	}
	synctest.Test(t, func(t *testing.T) {
		sim := wedatasim.New(wedatasim.Options{Seed: 1})
		defer sim.Close()
		s := &countedSource{settledSource: settledSource{tasks(20, 1)}}
		r := reconciler(t, sim, s)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx, nil) }()
		time.Sleep(half)
		synctest.Wait() // a poll that begins in the same moment has goroutines of its own
		before, polls := footprintNow(t), s.polls.Load()
		time.Sleep(half)
		synctest.Wait()
		before.wantFlat(t, footprintNow(t), 0)
		if got, want := s.polls.Load()-polls, int64(half/(30*time.Second)); got < want-1 || got > want+1 {
			t.Errorf("%d polls in the second half, want %d", got, want)
		}
		cancel()
		must(t, <-ended)
		if applied := len(sim.Tasks()); applied != 20 {
			t.Errorf("%d tasks were committed, want 20", applied)
		}
	})
}

// countedSource counts its polls.
type countedSource struct {
	settledSource
	polls atomic.Int64
}

// Poll implements reconcile.Source.
func (s *countedSource) Poll(ctx context.Context) (*reconcile.Revision, error) {
	s.polls.Add(1)
	return s.settledSource.Poll(ctx)
}

// TestIdle_Mirror makes the polls of a day with the real source, as fast as they go.
// Each fetch adds a pack to the mirror: they do not pile up, and what they need does
// not either.
func TestIdle_Mirror(t *testing.T) {
	polls, pushes := 60, 20
	if *long {
		polls, pushes = 2_880, 720
	}
	o := &origin{layout: layout{files: 100, each: 1}, dir: filepath.Join(t.TempDir(), "origin.git"), version: 1}
	commits := o.fill(t, pushes+1)
	mirror := filepath.Join(t.TempDir(), "mirror.git")
	g, err := source.OpenGit(source.GitConfig{URL: o.dir, Mirror: mirror})
	must(t, err)
	defer g.Close()
	warm := polls / 10
	var before, later footprint
	most, packs, packsBefore := 0, 0, 0
	for i := range polls {
		o.head = commits[i*pushes/polls]
		o.publish(t)
		if got := poll(t, g).ID; got != o.head {
			t.Fatalf("poll %d: the revision is %s, want %s", i, got, o.head)
		}
		found, err := filepath.Glob(filepath.Join(mirror, "objects", "pack", "*.pack"))
		must(t, err)
		packs = len(found)
		most = max(most, packs)
		switch {
		case i == warm:
			before, packsBefore = footprintNow(t), packs
		case i > warm && packs == packsBefore: // what is known of each pack is memory, too
			later = footprintNow(t)
		}
	}
	t.Logf("%d polls, %d pushes: at most %d packs, %d at the end", polls, pushes, most, packs)
	if most > maxPacks {
		t.Errorf("the mirror has had %d packs, want at most %d", most, maxPacks)
	}
	descriptors := 2   // one more or less may just be closing
	if most == packs { // they were never put together, in the short run
		later, descriptors = footprintNow(t), packs-packsBefore
	}
	before.wantFlat(t, later, descriptors)
}

// maxPacks is how many packs a mirror may have at any time.
const maxPacks = 130

// fill makes the repository with a history of n commits, each of which changes ten
// specs, and returns them.
func (o *origin) fill(t *testing.T, n int) []string {
	t.Helper()
	must(t, os.MkdirAll(o.dir, 0o755))
	o.git(t, nil, "init", "-q", "--bare", "-b", "main")
	var in bytes.Buffer
	for v := 1; v <= n; v++ {
		o.version = v
		o.header(&in, "next")
		for i := range o.files {
			if v == 1 || i < changed {
				writeFile(&in, o.layout, i, v)
			}
		}
		fmt.Fprintln(&in)
	}
	o.git(t, &in, "fast-import", "--quiet")
	return strings.Fields(o.git(t, nil, "rev-list", "--reverse", "next"))
}
