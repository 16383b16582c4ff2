package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// BenchmarkCommits makes 1,000 commits with the program itself, over a real
// connection, at an endpoint that answers in 150 ms ± 50 ms and counts. percent and
// learned-percent are of the 20 a second that the API allows, over the whole run and
// once the jitter is learned; fixed and sliding are the requests of the endpoint's
// busiest second, and rejected those that it did not take: on a machine that has other
// work a request can come later than any that went before. [.TestPace] is the same
// without the machine.
//
// The naive way sends one commit after the other.
func BenchmarkCommits(b *testing.B) {
	commits, naiveCommits := paceCommits, 40
	if testing.Short() {
		commits, naiveCommits = 60, 10
	}
	for b.Loop() {
		e := startEndpoint(b)
		answers(e.Server)
		commitAll(b, e, commits)
		got := paceOf(e.Server)
		naive := startEndpoint(b)
		answers(naive.Server)
		rate := commitNaively(b, naive.url, naiveCommits)
		b.ReportMetric(100*got.whole, "percent")
		if commits > paceLearning {
			b.ReportMetric(100*got.learned, "learned-percent")
		}
		b.ReportMetric(float64(got.windows.Fixed), "fixed")
		b.ReportMetric(float64(got.windows.Sliding), "sliding")
		b.ReportMetric(float64(got.rejected), "rejected")
		b.ReportMetric(100*rate/paceRate, "naive-percent")
		b.ReportMetric(got.whole*paceRate/rate, "x-naive")
	}
	b.ReportMetric(0, "ns/op")
}

// commitAll lets the program commit n tasks in one pass.
func commitAll(b *testing.B, e *endpoint, n int) {
	b.Helper()
	specs := filepath.Join(b.TempDir(), "specs")
	must(b, os.Mkdir(specs, 0o755))
	_, text := layout{list: n}.file(0, 1)
	must(b, os.WriteFile(filepath.Join(specs, "list.yaml"), text, 0o644))
	h := newHome(b, &origin{url: specs}, e.url)
	must(b, os.WriteFile(filepath.Join(h.dir, "wedatasync.yaml"), []byte("guards: {maxChangePercent: 0}\n"), 0o600))
	run(b, h.command(b, "run", "--once"))
}

// commitNaively sends n commits, one after the other, and returns how many that is a
// second.
func commitNaively(b *testing.B, url string, n int) float64 {
	b.Helper()
	credentials, err := wedata.FindCredentials(b.Context(), wedata.CredentialSources{Getenv: wedatasim.DefaultAccount().Getenv})
	must(b, err)
	client, err := wedata.New(wedata.Config{
		Endpoint: url, Region: "ap-guangzhou",
		Credentials: credentials,
	})
	must(b, err)
	defer client.Close()
	start := time.Now()
	for i := range n {
		key := spec.Key{ProjectID: "1", TaskID: fmt.Sprintf("task-%d", i)}
		out, _ := client.Commit(b.Context(), &spec.Commit{Key: key, CommitType: spec.Start, InstanceVersion: 1}, nil)
		if out.Class != state.ClassApplied {
			b.Fatalf("commit %d came to %+v", i, out)
		}
	}
	return float64(n) / time.Since(start).Seconds()
}
