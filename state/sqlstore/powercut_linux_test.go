package sqlstore_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// TestNothingAcknowledgedIsLostByAPowerCut takes the disk away from a process that
// writes: it stops the process, and goes on with what is on the device at that
// moment, without what only the file system's memory has.
func TestNothingAcknowledgedIsLostByAPowerCut(t *testing.T) {
	if !*long {
		t.Skip("needs -long")
	}
	const cuts = 25
	t.Run("store", func(t *testing.T) {
		for range cuts {
			path, acked := cutPower(t, "writer")
			compareAcked(t, path, acked)
			if _, err := sqlstore.Check(t.Context(), path); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("careless program", func(t *testing.T) {
		lost := 0
		for range cuts {
			path, acked := cutPower(t, "careless")
			if newestVersion(path) < acked[0] {
				lost++
			}
		}
		if lost == 0 {
			t.Error("the cuts take nothing away: they test nothing")
		}
	})
}

// newestVersion returns what is left of what writeCarelessly wrote.
func newestVersion(path string) (version int64) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=rw")
	if err != nil {
		return 0
	}
	defer db.Close()
	if err := db.QueryRow("SELECT MAX(version) FROM versions").Scan(&version); err != nil {
		return 0 // the table is gone as well, or the file
	}
	return version
}

// cutPower runs a process on a small file system, cuts, and returns the file on
// what is left of it, and what the process had acknowledged.
func cutPower(t *testing.T, role string) (path string, acked []int64) {
	t.Helper()
	dir := t.TempDir()
	disk, left := filepath.Join(dir, "disk"), filepath.Join(dir, "left")
	if err := os.WriteFile(disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, 64<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", disk).CombinedOutput(); err != nil {
		t.Skipf("make a file system: %v: %s", err, out)
	}
	cmd := child(t, role, filepath.Join(mount(t, disk, filepath.Join(dir, "a")), "wedatasync.db"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	now, cut := make([]int64, writerTasks), make(chan []int64, 1)
	time.AfterFunc(time.Duration(150+rand.IntN(200))*time.Millisecond, func() {
		mu.Lock() // what is read later may have been written while the process is being stopped
		cut <- slices.Clone(now)
		mu.Unlock()
		err := cmd.Process.Signal(syscall.SIGSTOP)
		err = errors.Join(err, copyFile(disk, left), cmd.Process.Kill())
		if err != nil {
			t.Error(err)
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var task int
		var version int64
		if _, err := fmt.Sscan(lines.Text(), &task, &version); err == nil {
			mu.Lock()
			now[task] = max(now[task], version)
			mu.Unlock()
		}
	}
	_ = cmd.Wait()
	return filepath.Join(mount(t, left, filepath.Join(dir, "b")), "wedatasync.db"), <-cut
}

// mount mounts a file system for the life of the test.
func mount(t *testing.T, disk, dir string) string {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mount", "-o", "loop", disk, dir).CombinedOutput(); err != nil {
		t.Skipf("mount a file system: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
