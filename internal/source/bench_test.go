package source

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
	"github.com/wedatasync/wedatasync/internal/speccache"
)

// withCPU runs f again and again, and reports what it uses of the processors: that
// of the git command which serves is not in it.
func withCPU(b *testing.B, f func()) {
	before := cpuTime()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// layout is a way to write commits into files.
type layout struct {
	name  string
	files map[string]string
	// edit changes ten commits, or as few as can be.
	edit func(version int) map[string]string
}

func layouts() []layout {
	var all []layout
	for _, n := range sourcetest.Sizes(*long) {
		all = append(all, layout{fmt.Sprintf("files=%d", n), sourcetest.ManyFiles(n, 1), func(version int) map[string]string { return everyHundredth(n, version) }})
	}
	const commits = 10_000
	one := func(version int) map[string]string {
		var b strings.Builder
		b.WriteString("apiVersion: wedatasync/v1\ndefaults: {projectId: \"1\", commitType: start}\ncommits:\n")
		for i := range commits {
			v := 1
			if i%(commits/10) == 0 {
				v = version
			}
			fmt.Fprintf(&b, "  - taskId: t%06d\n    instanceVersion: %d\n", i, v)
		}
		return map[string]string{"in/all.yaml": b.String()}
	}
	return append(all, layout{fmt.Sprintf("commits-in-one-file=%d", commits), one(1), one})
}

// BenchmarkGit measures the polls of a git source: the first, that of a restart with
// a mirror and with or without saved specs, one without news, and one after a push
// that changes ten commits. For a restart it also reports what is held after it.
func BenchmarkGit(b *testing.B) {
	for _, l := range layouts() {
		r := newRepo(b)
		head := r.Import("", true, l.files)
		r.Bare("gc", "-q")
		config := GitConfig{URL: r.Dir, Path: "in", Mirror: filepath.Join(b.TempDir(), "mirror.git")}
		open := func(c GitConfig) *Git {
			g, err := OpenGit(c)
			must(b, err)
			return g
		}
		b.Run("first/"+l.name, func(b *testing.B) {
			withCPU(b, func() {
				g := open(GitConfig{URL: r.Dir, Path: "in"})
				poll(b, g)
				must(b, g.Close())
			})
		})
		g := open(config)
		poll(b, g)
		must(b, g.Close())
		for _, saved := range []string{"saved", "parsed"} {
			b.Run("restart-"+saved+"/"+l.name, func(b *testing.B) {
				withCPU(b, func() {
					if saved == "parsed" {
						must(b, os.Remove(filepath.Join(config.Mirror, speccache.Name)))
					}
					g := open(config)
					if poll(b, g).Specs.Len() == 0 {
						b.Fatal("there are no specs")
					}
					must(b, g.Close())
				})
				before := heldBytes()
				g := open(config)
				poll(b, g)
				b.ReportMetric(float64(heldBytes()-before)/1e6, "held-MB")
				must(b, g.Close())
			})
		}
		g = open(config)
		poll(b, g)
		b.Run("unchanged/"+l.name, func(b *testing.B) {
			b.ReportAllocs()
			withCPU(b, func() { poll(b, g) })
		})
		version := 1
		b.Run("ten/"+l.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				version++
				head = r.Import(head, false, l.edit(version))
				b.StartTimer()
				if rev := poll(b, g); rev.ID != head {
					b.Fatalf("the revision is %s, want %s", rev.ID, head)
				}
				if changed, all := g.revision.Specs.Changed(); !all && len(changed) != 10 {
					b.Fatalf("%d commits have changed, want 10", len(changed))
				}
			}
		})
		must(b, g.Close())
	}
}

// heldBytes is what the heap holds on to.
func heldBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkChanges compares revisions that differ in 10 files, opening the
// repository each time, beside what git diff --stat takes.
func BenchmarkChanges(b *testing.B) {
	for _, n := range sourcetest.Sizes(*long) {
		r := newRepo(b)
		base := r.Import("", true, sourcetest.ManyFiles(n, 1))
		head := r.Import(base, false, everyHundredth(n, 2))
		r.Bare("gc", "-q")
		b.Run(fmt.Sprintf("ours/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				repository, err := OpenRepository(r.Dir)
				must(b, err)
				changes, err := repository.Changes(b.Context(), base, head, "in")
				if err != nil || len(changes) != 10 {
					b.Fatalf("the changes are %v, %v", changes, err)
				}
				must(b, repository.Close())
			}
		})
		b.Run(fmt.Sprintf("git/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				r.Bare("diff", "--stat", base, head, "--", "in")
			}
		})
	}
}
