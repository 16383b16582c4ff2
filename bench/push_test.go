package bench_test

import (
	"testing"
	"time"
)

// BenchmarkPush pushes changes of ten specs to a running daemon, and measures from
// the moment at which the poll can see them to the arrival of the first
// CommitIntegrationTask request, at an endpoint that answers at once. The wait for the
// poll comes on top: next to nothing with a webhook, else half an interval on average.
// git-ns is what of the median the repository's server took for its answers.
// [BenchmarkPushes] has the slow ones.
//
// The naive way pulls, parses everything and compares.
func BenchmarkPush(b *testing.B) {
	for _, l := range layouts() {
		b.Run(l.String(), func(b *testing.B) {
			o, e := originOf(b, l), startEndpoint(b)
			naive := newNaive(b, o)
			naive.sync(b, o.specs())
			h := newHome(b, o, e.url)
			h.adopt(b)
			d := h.start(b)
			defer d.kill()
			var ours, gits, naives sample
			for b.Loop() {
				took, git := push(b, o, e)
				ours, gits = append(ours, took), append(gits, git)
				if len(naives) < 2 {
					took, _ = naive.sync(b, changed)
					naives = append(naives, took)
				}
			}
			report(b, ours, naives)
			b.ReportMetric(float64(gits.median()), "git-ns")
			settle(b, d)
			now, peak := d.memory(b)
			b.ReportMetric(now/MB, "rss-MB")
			b.ReportMetric(peak/MB, "peak-MB")
			d.stop(b)
		})
	}
}

// push publishes the next commit and waits until all of its tasks are committed. It
// returns how long the first took, and what of that was the repository's server's.
func push(b *testing.B, o *origin, e *endpoint) (took, git time.Duration) {
	b.Helper()
	o.prepare(b)
	before := o.answering(b)
	o.publishBeforePoll(b)
	var first time.Time
	for i := range changed {
		select {
		case at := <-e.arrived:
			if i == 0 {
				first, git = at, o.answering(b)-before // later polls do not count
			}
		case <-time.After(time.Minute):
			b.Fatalf("after %d commits nothing more arrives", i)
		}
	}
	return first.Sub(o.published(b)), git
}

// settle lets the daemon poll for a while without news, so that what it needed for
// a moment is given back.
func settle(b *testing.B, d *daemon) {
	b.Helper()
	before, _ := d.memory(b)
	for range 20 {
		time.Sleep(500 * time.Millisecond)
		now, _ := d.memory(b)
		if now >= before {
			return
		}
		before = now
	}
}
