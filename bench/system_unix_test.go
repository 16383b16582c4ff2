//go:build unix

package bench_test

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

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
		if runtime.GOOS == "darwin" {
			return float64(u.Maxrss) // others tell it in KiB
		}
		return float64(u.Maxrss) * 1024
	}
	return 0
}

// syncDisks writes what the system holds for its disks.
func syncDisks() { syscall.Sync() }
