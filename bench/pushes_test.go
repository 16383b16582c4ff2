package bench_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// BenchmarkPushes pushes a change a thousand times to one running daemon, as fast as its
// polls see them: the mirror is compacted several times in between, and no push is to wait
// for that. It reports the quantiles of the time from the moment at which a poll can see a
// push to the first request, p99-x-median, the 99th percentile by the median, and of the
// slowest push what git's server took of it.
func BenchmarkPushes(b *testing.B) {
	l, n := layout{files: 100_000, each: 1}, 1_000
	if testing.Short() {
		l, n = layout{files: 1_000, each: 1}, 150
	}
	o, e, h := pushedTo(b, l)
	for b.Loop() {
		var all sample
		var worst, worstGit time.Duration
		compactions, before := 0, 0
		for _, commit := range o.line(b, n) {
			o.head = commit
			answering := o.answering(b)
			took := o.pushOne(b, e)
			if took > worst {
				worst, worstGit = took, time.Duration(o.answering(b)-answering)
			}
			all = append(all, took)
			packs, err := filepath.Glob(filepath.Join(h.dir, "*", "objects", "pack", "*.pack"))
			must(b, err)
			if len(packs) < before {
				compactions++
			}
			before = len(packs)
		}
		b.ReportMetric(float64(all.median()), "median-ns")
		b.ReportMetric(float64(all.at(0.99)), "p99-ns")
		b.ReportMetric(float64(worst), "max-ns")
		b.ReportMetric(float64(worstGit), "max-git-ns")
		b.ReportMetric(float64(all.at(0.99))/float64(all.median()), "p99-x-median")
		b.ReportMetric(float64(compactions), "compactions")
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkBusy pushes changes to a daemon on a busy machine: as many processes spin as there
// are processors, and git's server competes with them, too.
func BenchmarkBusy(b *testing.B) {
	l, n := layout{files: 10_000, each: 1}, 100
	if testing.Short() {
		l, n = layout{files: 1_000, each: 1}, 10
	}
	o, e, _ := pushedTo(b, l)
	for range runtime.NumCPU() {
		spin := exec.CommandContext(b.Context(), "sh", "-c", "while :; do :; done")
		must(b, spin.Start())
		defer func() {
			_ = spin.Process.Kill()
			_ = spin.Wait() // it was killed
		}()
	}
	for b.Loop() {
		var all sample
		for _, commit := range o.line(b, n) {
			o.head = commit
			all = append(all, o.pushOne(b, e))
		}
		b.ReportMetric(float64(all.median()), "median-ns")
		b.ReportMetric(float64(all.at(0.99)), "p99-ns")
	}
	b.ReportMetric(0, "ns/op")
}

// pushedTo starts a daemon that has adopted a repository of the layout.
func pushedTo(b *testing.B, l layout) (*origin, *endpoint, *home) {
	b.Helper()
	o, e := originOf(b, l), startEndpoint(b)
	h := newHome(b, o, e.url)
	h.adopt(b)
	b.Cleanup(h.start(b).kill)
	return o, e, h
}

// line makes n commits, each of one changed spec, and returns them. Nobody sees them before
// they are published.
func (o *origin) line(b testing.TB, n int) []string {
	b.Helper()
	var in bytes.Buffer
	was := o.head
	for i := range n {
		o.version++
		o.header(&in, "next")
		o.head = "" // what follows on a branch needs no from
		writeFile(&in, o.layout, i*97%o.files, o.version)
	}
	o.head = was
	o.git(b, &in, "fast-import", "--quiet", "--force")
	return strings.Fields(o.git(b, nil, "rev-list", "--reverse", was+"..next"))
}

// pushOne publishes the commit of one change, and returns how long its request took.
func (o *origin) pushOne(b *testing.B, e *endpoint) time.Duration {
	b.Helper()
	o.publishBeforePoll(b)
	select {
	case at := <-e.arrived:
		return at.Sub(o.published(b))
	case <-time.After(time.Minute):
		b.Fatal("the commit does not arrive")
		return 0
	}
}
