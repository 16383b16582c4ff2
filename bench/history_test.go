package bench_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// BenchmarkHistory shows the history of one task, as a process, in a state of 1,000 tasks
// whose history has that many rows: two for each commit.
func BenchmarkHistory(b *testing.B) {
	sizes := []int{1_000, 10_000, 100_000}
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			o := originOf(b, layout{files: 1_000, each: 1})
			h := newHome(b, o, startEndpoint(b).url)
			h.adopt(b)
			fillHistory(b, filepath.Join(h.dir, "wedatasync.db"), n)
			var all sample
			for b.Loop() {
				all = append(all, measure(b, h.command(b, "history", taskID(500))))
			}
			b.ReportMetric(float64(all.median()), "median-ns")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// fillHistory makes commits of all tasks in turn, until there are n more rows of the history.
func fillHistory(b *testing.B, path string, n int) {
	b.Helper()
	r, err := sqlstore.OpenReader(b.Context(), path)
	must(b, err)
	var records []*state.Record
	for rec, err := range r.Records(b.Context()) {
		must(b, err)
		records = append(records, &rec)
	}
	id := r.Identity()
	must(b, r.Close())
	s, err := sqlstore.Open(b.Context(), path, id, sqlstore.Options{})
	must(b, err)
	defer func() { must(b, s.Close()) }()
	for i := 0; i < n/2; {
		var batch []state.Transition
		for ; i < n/2 && len(batch) < 1_000; i++ {
			batch = append(batch, transitionsOf(records[i%len(records)], i)...)
		}
		must(b, s.SaveAll(b.Context(), batch))
	}
}
