package bench_test

import (
	"slices"
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

// MB is how memory is reported: in units of 1,000,000 bytes.
const MB = 1e6
