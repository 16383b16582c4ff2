package bench_test

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// sample is a list of durations of the same thing.
type sample []time.Duration

// at returns the quantile q of the sample.
func (s sample) at(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (s sample) median() time.Duration { return s.at(0.5) }

// report gives the medians of what is ours and of the naive way, and x-naive, the one
// by the other, which does not depend on the machine.
func report(b *testing.B, ours, naive sample) {
	b.Helper()
	b.ReportMetric(float64(ours.median()), "median-ns")
	b.ReportMetric(float64(naive.median()), "naive-ns")
	b.ReportMetric(float64(ours.median())/float64(naive.median()), "x-naive")
	b.ReportMetric(0, "ns/op") // it holds the preparations, too
}

// cpu is the time that this process has computed, and that its children that have
// ended had.
func cpu(b testing.TB) (own, children time.Duration) {
	b.Helper()
	return usage(b, syscall.RUSAGE_SELF), usage(b, syscall.RUSAGE_CHILDREN)
}

func usage(b testing.TB, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(who, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakOf returns the most memory that a process which has ended had, in bytes.
func peakOf(p *os.ProcessState) float64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return float64(u.Maxrss) * 1024
	}
	return 0
}

// MB is how memory is reported: in units of 1,000,000 bytes.
const MB = 1e6
