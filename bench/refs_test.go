package bench_test

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/source"
)

// BenchmarkRefs polls a repository of many refs in which nothing is new: answered is what its
// server sends for one poll, and cpu-ns the computing time of this side. Neither is to grow
// with the refs. The naive way is git fetch, as a process.
func BenchmarkRefs(b *testing.B) {
	sizes := []int{1_000, 10_000, 100_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("refs=%d", n), func(b *testing.B) {
			o := makeOrigin(b, layout{files: 100, each: 1}, fmt.Sprintf("refs-%d", n), nil)
			o.addRefs(b, n)
			fetch := fetcher(b, o)
			g := openSource(b, o)
			var fetches sample
			for range 5 {
				fetches = append(fetches, fetch())
			}
			poll(b, g)
			before := o.sent(b)
			start, _ := cpu(b)
			for b.Loop() {
				poll(b, g)
			}
			end, _ := cpu(b)
			b.ReportMetric(float64(end-start)/float64(b.N), "cpu-ns")
			b.ReportMetric(float64(o.sent(b)-before)/float64(b.N), "answered")
			b.ReportMetric(float64(fetches.median()), "naive-cpu-ns")
		})
	}
}

// addRefs gives the repository n more branches, packed as git packs them.
func (o *origin) addRefs(b testing.TB, n int) {
	b.Helper()
	f, err := os.Create(filepath.Join(o.dir, "packed-refs"))
	must(b, err)
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "# pack-refs with: peeled fully-peeled sorted ")
	for i := range n {
		fmt.Fprintf(w, "%s refs/heads/feature/%07d\n", o.head, i)
	}
	must(b, w.Flush())
	must(b, f.Close())
	must(b, move(o.dir, o.head)) // main is a file of its own
}

// BenchmarkPath starts a daemon on the specs in one folder of a repository that has 50 MB of
// other files, and reports what its server sends until the first plan: answered. The naive way
// is git clone.
func BenchmarkPath(b *testing.B) {
	size := 50_000_000
	if testing.Short() {
		size = 5_000_000
	}
	o, e := makeOrigin(b, layout{files: 1_000, each: 1}, "path", func(w io.Writer) {
		const each = 500_000
		for i := range size / each {
			fmt.Fprintf(w, "M 100644 inline data/%03d.bin\ndata %d\n", i, each)
			_, _ = io.CopyN(w, rand.Reader, each)
			fmt.Fprintln(w)
		}
	}), startEndpoint(b)
	for b.Loop() {
		before := o.sent(b)
		h := newHome(b, o, e.url)
		h.env = append(h.env, "WEDATASYNC_PATH=tasks")
		h.start(b).stop(b)
		cloned := o.sent(b)
		b.ReportMetric(float64(cloned-before), "answered")
		o.git(b, nil, "clone", "-q", "--bare", o.url, filepath.Join(b.TempDir(), "clone.git"))
		b.ReportMetric(float64(o.sent(b)-cloned), "naive-answered")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkPacks fetches ten changes into a mirror to which that many fetches have added a
// pack each. Every operation adds one more.
func BenchmarkPacks(b *testing.B) {
	sizes := []int{1, 10, 50}
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("packs=%d", n), func(b *testing.B) {
			o := originOf(b, layout{files: 10_000, each: 1})
			g, err := source.OpenGit(source.GitConfig{URL: o.url, Mirror: filepath.Join(b.TempDir(), "mirror.git")})
			must(b, err)
			defer func() { must(b, g.Close()) }()
			poll(b, g)
			fetch := func() time.Duration {
				o.prepare(b)
				o.publish(b)
				start, _ := cpu(b)
				poll(b, g)
				end, _ := cpu(b)
				return end - start
			}
			for range n - 1 {
				fetch()
			}
			var all sample
			for b.Loop() {
				all = append(all, fetch())
			}
			b.ReportMetric(float64(all.median()), "cpu-ns")
			b.ReportMetric(0, "ns/op")
		})
	}
}
