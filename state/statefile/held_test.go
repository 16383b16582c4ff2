package statefile

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestHeld: who holds a state can be seen without touching its lock.
func TestHeld(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system does not list its locks")
	}
	path := filepath.Join(t.TempDir(), "wedatasync.db")
	want := func(when string, want bool, pid int) {
		t.Helper()
		h, held, err := LockHolder(path)
		if err != nil || held != want || h.PID != pid {
			t.Errorf("%s: held is %v by process %d (%v), want %v by %d", when, held, h.PID, err, want, pid)
		}
	}
	want("before the first start", false, 0)
	fl, err := Locate(path)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := fl.TakeLock("v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	want("in use", true, os.Getpid())
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	want("afterwards", false, 0)
}
