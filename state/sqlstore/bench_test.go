package sqlstore_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// benchTasks is how many tasks the states of the benchmarks have, each with an event.
const benchTasks = 100_000

// BenchmarkSave saves transitions of a state with 100,000 tasks, each durable when
// its Save returns, by so many goroutines at a time.
func BenchmarkSave(b *testing.B) {
	s := open(b, diskPath(b))
	adopt(b, s, benchTasks)
	for _, workers := range []int{1, 4, 20, 64} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			took := make([][]time.Duration, workers)
			n := b.N / workers
			start, cpu := time.Now(), cpuTime()
			var wg sync.WaitGroup
			for w := range workers {
				extra := 0
				if w < b.N%workers {
					extra = 1
				}
				wg.Go(func() {
					for i := range n + extra {
						took[w] = append(took[w], timeSave(b, s, w*n+i))
					}
				})
			}
			wg.Wait()
			elapsed := time.Since(start)
			all := slices.Concat(took...)
			b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(percentile(all, 50)), "p50-ns")
			b.ReportMetric(float64(percentile(all, 99)), "p99-ns")
			b.ReportMetric(float64(b.N)/elapsed.Seconds(), "saves/s")
		})
	}
}

// BenchmarkSaveBeside saves, one at a time, beside what people know, in turn and on
// the same disk. Its ratios do not depend on the machine: raw-sync is the least that
// a durable change can take, and json-file what it takes without a database.
func BenchmarkSaveBeside(b *testing.B) {
	path := diskPath(b)
	s := open(b, path)
	adopt(b, s, benchTasks)

	// A round appends the text of as many transitions to a file, each with its fsync.
	b.Run("raw-sync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(filepath.Dir(path), "appended"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		text := jsonOf(b, applied(0))
		const round = 100
		var saves, syncs []time.Duration
		for b.Loop() {
			for i := range round {
				saves = append(saves, timeSave(b, s, len(saves)+i))
			}
			settle()
			for range round {
				syncs = append(syncs, timeOf(func() {
					if _, err := f.Write(text); err != nil {
						b.Fatal(err)
					}
					if err := f.Sync(); err != nil {
						b.Fatal(err)
					}
				}))
			}
		}
		save, sync := percentile(saves, 50), percentile(syncs, 50)
		b.ReportMetric(0, "ns/op") // the sum of both says nothing
		b.ReportMetric(float64(save), "save-p50-ns")
		b.ReportMetric(float64(percentile(saves, 99)), "save-p99-ns")
		b.ReportMetric(float64(sync), "sync-p50-ns")
		b.ReportMetric(float64(save)/float64(sync), "x-raw-sync")
	})

	// A round replaces a JSON file of all records, durably, once.
	b.Run("json-file", func(b *testing.B) {
		records := make([]*state.Record, benchTasks)
		for n := range records {
			records[n] = applied(n).Record
		}
		name := filepath.Join(filepath.Dir(path), "records.json")
		const round = 100
		var saves, files []time.Duration
		for b.Loop() {
			for i := range round {
				saves = append(saves, timeSave(b, s, len(saves)+i))
			}
			settle()
			files = append(files, timeOf(func() {
				if err := sqlstore.ReplaceFile(name, jsonOf(b, records)); err != nil {
					b.Fatal(err)
				}
			}))
		}
		save, file := percentile(saves, 50), percentile(files, 50)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(save), "save-p50-ns")
		b.ReportMetric(float64(file), "json-file-p50-ns")
		b.ReportMetric(float64(file)/float64(save), "x-json-file")
	})
}

// settle waits until what follows the saves has reached the disk, too: what is
// measured next must not share it.
func settle() { time.Sleep(2 * sqlstore.HeadSyncEvery) }

// timeSave saves a version of the n-th of some tasks that are apart in the state.
func timeSave(b *testing.B, s *sqlstore.Store, n int) time.Duration {
	tr := applied(n * 7919 % benchTasks)
	tr.Record.Applied.InstanceVersion = int64(time.Now().UnixNano()) // another row each time
	return timeOf(func() {
		if err := s.Save(b.Context(), tr); err != nil {
			b.Error(err)
		}
	})
}

func timeOf(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// percentile sorts d and returns the value below which p percent of it are.
func percentile(d []time.Duration, p int) time.Duration {
	slices.Sort(d)
	return d[len(d)*p/100]
}

func jsonOf(b *testing.B, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// BenchmarkOpen opens a state with 100,000 tasks, loads all records, as the daemon does
// when it starts, and closes it. heap-B/record is what is kept of them.
func BenchmarkOpen(b *testing.B) {
	path := diskPath(b)
	s := open(b, path)
	start := time.Now()
	adopt(b, s, benchTasks)
	b.Logf("adopted %d tasks in %v", benchTasks, time.Since(start))
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d bytes, %d per task with one event", info.Size(), info.Size()/benchTasks)

	var records *state.Records
	b.ReportAllocs()
	cpu, n := cpuTime(), 0
	for b.Loop() {
		s := open(b, path)
		if records, err = s.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(n), "cpu-ns/op")
	if records.Len() != benchTasks {
		b.Fatalf("%d records", records.Len())
	}
	with := heap()
	runtime.KeepAlive(records)
	records = nil
	b.ReportMetric(float64(with-heap())/benchTasks, "heap-B/record")
}

// heap returns how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkCheck verifies all of a state with 100,000 tasks and events.
func BenchmarkCheck(b *testing.B) {
	path := diskPath(b)
	adopt(b, open(b, path), benchTasks)
	for b.Loop() {
		if _, err := sqlstore.Check(b.Context(), path); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHasPendingCommands asks whether an operator has enqueued a command.
func BenchmarkHasPendingCommands(b *testing.B) {
	s := open(b, diskPath(b))
	for b.Loop() {
		if _, err := s.HasPendingCommands(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
