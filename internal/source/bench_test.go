package source

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// sizes are the numbers of files to measure with.
func sizes() []int {
	if *long {
		return []int{1_000, 10_000, 100_000}
	}
	return []int{1_000, 10_000}
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkGit measures the polls of a git source: the first, that of a restart
// with a mirror, one without news, and one after a push of 10 files.
func BenchmarkGit(b *testing.B) {
	for _, n := range sizes() {
		r := newRepo(b)
		head := r.importFiles("", true, manyFiles(n, 1))
		r.bare("gc", "-q")
		config := GitConfig{URL: r.dir, Path: "in", Mirror: filepath.Join(b.TempDir(), "mirror.git")}
		open := func(c GitConfig) *Git {
			g, err := OpenGit(c)
			must(b, err)
			return g
		}
		b.Run(fmt.Sprintf("first/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				g := open(GitConfig{URL: r.dir, Path: "in"})
				poll(b, g)
				must(b, g.Close())
			}
		})
		g := open(config)
		poll(b, g)
		must(b, g.Close())
		for _, saved := range []string{"warm", "cold"} {
			b.Run(fmt.Sprintf("restart-%s/files=%d", saved, n), func(b *testing.B) {
				before := cpuTime()
				for b.Loop() {
					if saved == "cold" {
						must(b, os.Remove(filepath.Join(config.Mirror, savedFile)))
					}
					g := open(config)
					poll(b, g)
					must(b, g.Close())
				}
				b.ReportMetric(float64((cpuTime()-before).Milliseconds())/float64(b.N), "cpu-ms/op")
			})
		}
		g = open(config)
		poll(b, g)
		b.Run(fmt.Sprintf("unchanged/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				poll(b, g)
			}
		})
		version := 1
		b.Run(fmt.Sprintf("ten/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				version++
				head = r.importFiles(head, false, everyHundredth(n, version))
				b.StartTimer()
				if rev := poll(b, g); rev.ID != head {
					b.Fatalf("the revision is %s, want %s", rev.ID, head)
				}
			}
		})
		must(b, g.Close())
	}
}

// BenchmarkChanges compares revisions that differ in 10 files, opening the
// repository each time, beside what git diff --stat takes.
func BenchmarkChanges(b *testing.B) {
	for _, n := range sizes() {
		r := newRepo(b)
		base := r.importFiles("", true, manyFiles(n, 1))
		head := r.importFiles(base, false, everyHundredth(n, 2))
		r.bare("gc", "-q")
		b.Run(fmt.Sprintf("ours/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				repository, err := OpenRepository(r.dir)
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
				r.bare("diff", "--stat", base, head, "--", "in")
			}
		})
	}
}

// BenchmarkFolder measures reading a folder first, looking at it again without a
// change, and from an edit to the end of the poll.
func BenchmarkFolder(b *testing.B) {
	for _, n := range sizes() {
		f := newFolder(b, manyFiles(n, 1))
		b.Run(fmt.Sprintf("first/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				s, err := OpenFolder(FolderConfig{Dir: f.dir})
				must(b, err)
				poll(b, s)
				must(b, s.Close())
			}
		})
		s := f.open(FolderConfig{})
		poll(b, s)
		time.Sleep(racy) // until the files' times are trusted
		s.watch.giveBack(dirty{all: true})
		poll(b, s)
		b.Run(fmt.Sprintf("rescan/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				s.watch.giveBack(dirty{all: true})
				poll(b, s)
			}
		})
		version := 1
		b.Run(fmt.Sprintf("edit/files=%d", n), func(b *testing.B) {
			for b.Loop() {
				version++
				before := poll(b, s).ID
				f.write(map[string]string{"in/0000/000000.yaml": specOf("t000000", version)})
				for poll(b, s).ID == before {
					<-s.Changed()
				}
			}
		})
	}
}
