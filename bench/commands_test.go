package bench_test

import (
	"testing"
	"time"
)

// BenchmarkCommands runs the commands that people type, as processes: beside a daemon that
// runs, and without one, where its mirror is there.
func BenchmarkCommands(b *testing.B) {
	e := startEndpoint(b)
	for _, l := range layouts() {
		b.Run(l.String(), func(b *testing.B) {
			h := newHome(b, originOf(b, l), e.url)
			h.adopt(b)
			d := h.start(b)
			times := map[string]sample{}
			timed := func(unit string, args ...string) {
				begun := time.Now()
				run(b, h.command(b, args...))
				times[unit] = append(times[unit], time.Since(begun))
			}
			task := taskID(l.files / 2)
			for b.Loop() {
				if d == nil {
					d = h.start(b)
				}
				for h.command(b, "status").Run() != nil {
					time.Sleep(10 * time.Millisecond) // the pass of its first plan has not ended
				}
				timed("status-ns", "status")
				timed("history-ns", "history", task)
				timed("beside-ns", "plan")
				timed("explain-ns", "explain", task)
				begun := time.Now()
				d.stop(b)
				times["stop-ns"] = append(times["stop-ns"], time.Since(begun))
				d = nil
				timed("plan-ns", "plan")
			}
			for unit, s := range times {
				b.ReportMetric(float64(s.median()), unit)
			}
			b.ReportMetric(0, "ns/op") // it holds the preparations, too
		})
	}
}
