package bench_test

import (
	"testing"
	"time"
)

// BenchmarkColdStart starts a daemon that has nothing yet, and measures to its first
// plan: the clone, the parsing of all specs, the plan. peak-MB is the most memory that
// it had by then.
//
// The naive way clones a worktree, parses everything and compares; naive-MB is what it
// takes without git itself.
func BenchmarkColdStart(b *testing.B) {
	for _, l := range layouts() {
		b.Run(l.String(), func(b *testing.B) {
			o, e := originOf(b, l), startEndpoint(b)
			var ours, naives sample
			var peak, naivePeak float64
			for b.Loop() {
				d := newHome(b, o, e.url).start(b)
				ours = append(ours, d.ready)
				_, most := d.memory(b)
				peak = max(peak, most)
				d.stop(b)
				took, most := newNaive(b, o).sync(b, o.specs())
				naives, naivePeak = append(naives, took), max(naivePeak, most)
			}
			report(b, ours, naives)
			b.ReportMetric(peak/MB, "peak-MB")
			b.ReportMetric(naivePeak/MB, "naive-MB")
		})
	}
}

// BenchmarkRestart starts a daemon again whose repository has not changed, and
// measures to its first plan. upgrade-ns is the same where the binary is another build than
// the one that wrote the cache. above-idle-MB is how much more memory it then has had at
// most than it has when it is idle, and above-one-MB than a daemon of one spec has had.
//
// The naive way pulls, parses everything and compares.
func BenchmarkRestart(b *testing.B) {
	e := startEndpoint(b)
	one := memoryOfOne(b, e)
	for _, l := range layouts() {
		b.Run(l.String(), func(b *testing.B) {
			o := originOf(b, l)
			naive := newNaive(b, o)
			naive.sync(b, o.specs())
			h := newHome(b, o, e.url)
			h.adopt(b)
			h.start(b).stop(b)
			var ours, upgrades, naives sample
			var peak float64
			for b.Loop() {
				h.program = program
				d := h.start(b)
				ours = append(ours, d.ready)
				_, most := d.memory(b)
				peak = max(peak, most)
				d.stop(b)
				h.program = upgraded
				d = h.start(b)
				upgrades = append(upgrades, d.ready)
				d.stop(b)
				if len(naives) < 2 {
					took, _ := naive.sync(b, 0)
					naives = append(naives, took)
				}
			}
			report(b, ours, naives)
			b.ReportMetric(float64(upgrades.median()), "upgrade-ns")
			b.ReportMetric((peak-one)/MB, "above-one-MB")
			if !testing.Short() {
				b.ReportMetric((peak-h.idleMemory(b))/MB, "above-idle-MB")
			}
		})
	}
}

// idleMemory starts a daemon and returns what memory it has, in bytes, once nothing
// happens any more.
func (h *home) idleMemory(b *testing.B) float64 {
	b.Helper()
	d := h.start(b)
	defer d.stop(b)
	time.Sleep(15 * time.Second) // what a start has used is given back after 10 s
	now, _ := d.memory(b)
	return now
}

// memoryOfOne returns the most memory that a daemon of one spec has had by its first
// plan, in bytes.
func memoryOfOne(b *testing.B, e *endpoint) float64 {
	b.Helper()
	o := originOf(b, layout{files: 1, each: 1})
	h := newHome(b, o, e.url)
	h.adopt(b)
	d := h.start(b)
	defer d.stop(b)
	_, peak := d.memory(b)
	return peak
}
