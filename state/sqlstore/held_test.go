package sqlstore

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/wedatasync/wedatasync/state"
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
	s, err := Open(t.Context(), path, state.Identity{Source: "a"}, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	want("in use", true, os.Getpid())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want("afterwards", false, 0)
}
