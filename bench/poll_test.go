package bench_test

import (
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/reconcile"
)

// BenchmarkPoll polls a repository in which nothing is new, over http. An operation
// is one poll: its time, the computing time of this side alone, the round trips that
// the server counts, and the allocations, which must not grow with the repository.
//
// The naive way is git fetch, as a process. x-naive is the computing time by the naive
// one.
func BenchmarkPoll(b *testing.B) {
	for _, l := range layouts() {
		b.Run(l.String(), func(b *testing.B) {
			o := originOf(b, l)
			fetch := fetcher(b, o)
			g := openSource(b, o)
			var fetches sample
			for range 5 {
				fetches = append(fetches, fetch())
			}
			before := o.requests(b)
			b.ReportAllocs()
			start, _ := cpu(b)
			for b.Loop() {
				poll(b, g)
			}
			end, _ := cpu(b)
			each := (end - start) / time.Duration(b.N)
			b.ReportMetric(float64(each), "cpu-ns")
			b.ReportMetric(float64(o.requests(b)-before)/float64(b.N), "round-trips")
			b.ReportMetric(float64(fetches.median()), "naive-cpu-ns")
			b.ReportMetric(float64(each)/float64(fetches.median()), "x-naive")
		})
	}
}

// openSource opens the repository's source, with a mirror and parsed specs that an earlier one
// has left, and polls it for the first time.
func openSource(b testing.TB, o *origin) reconcile.Source {
	b.Helper()
	mirror := filepath.Join(b.TempDir(), "mirror.git")
	open := func() *source.Git {
		g, err := source.OpenGit(source.GitConfig{URL: o.url, Mirror: mirror})
		must(b, err)
		poll(b, g)
		return g
	}
	must(b, open().Close())
	g := open()
	b.Cleanup(func() { must(b, g.Close()) })
	return g
}

func poll(b testing.TB, s reconcile.Source) *reconcile.Revision {
	b.Helper()
	revision, err := s.Poll(b.Context())
	must(b, err)
	return revision
}

// fetcher returns what fetches with git, and says how long that computed.
func fetcher(b testing.TB, o *origin) func() time.Duration {
	dir := b.TempDir()
	git := func(args ...string) time.Duration {
		cmd := exec.CommandContext(b.Context(), "git", append([]string{"-C", dir}, args...)...)
		cmd.Env, cmd.Stdout = gitEnv(), io.Discard
		must(b, cmd.Run())
		return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	git("init", "-q", "--bare")
	fetch := func() time.Duration {
		return git("fetch", "-q", "--prune", "--no-auto-gc", o.url, "+main:refs/heads/main")
	}
	fetch()
	return fetch
}
