package state_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

const benchTasks = 100_000

// BenchmarkSave saves transitions of a state with 100,000 tasks, each durable when
// its Save returns.
func BenchmarkSave(b *testing.B) {
	path := diskPath(b)
	s := open(b, path)
	adopt(b, s, benchTasks)
	for _, workers := range []int{1, 4, 20, 64} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			var n atomic.Int64
			b.SetParallelism(max(1, workers/2))
			start := time.Now()
			if workers == 1 {
				for b.Loop() {
					save(b, s, int(n.Add(1)*7919)%benchTasks)
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						save(b, s, int(n.Add(1)*7919)%benchTasks)
					}
				})
			}
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "saves/s")
		})
	}
}

func save(b *testing.B, s *state.Store, n int) {
	if err := s.Save(b.Context(), applied(n)); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpen opens a state with 100,000 tasks and reads all records.
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
	for b.Loop() {
		s := open(b, path)
		n := 0
		for _, err := range s.Records(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != benchTasks {
			b.Fatalf("%d records", n)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheck verifies all of a state with 100,000 tasks and events.
func BenchmarkCheck(b *testing.B) {
	path := diskPath(b)
	adopt(b, open(b, path), benchTasks)
	for b.Loop() {
		if _, err := state.Check(b.Context(), path); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWordsPending asks whether a person has posted a word.
func BenchmarkWordsPending(b *testing.B) {
	s := open(b, diskPath(b))
	for b.Loop() {
		if _, err := s.WordsPending(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
