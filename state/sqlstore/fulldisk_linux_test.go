package sqlstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// TestARealFullDisk fills a small file system under the state, by more each time,
// and frees it again: what was acknowledged is there, and it goes on.
func TestARealFullDisk(t *testing.T) {
	fills := 5
	if *long {
		fills = 250
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m,mode=0755"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path, filler := filepath.Join(dir, "wedatasync.db"), filepath.Join(dir, "filler")
	s, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	acked := int64(0)
	save := func() error {
		err := s.Save(t.Context(), applied(int(acked%40)))
		if err == nil {
			acked++
		}
		return err
	}
	for fill := range fills {
		fillUp(t, filler, fill%50*4096)
		for err = nil; err == nil; {
			err = save()
		}
		if !errors.Is(err, state.ErrFull) {
			t.Fatalf("fill %d: %v", fill, err)
		}
		if fill%10 == 0 || fill == fills-1 {
			rep, err := sqlstore.Check(t.Context(), path)
			if err != nil || rep.Events != acked+1 {
				t.Fatalf("fill %d: %d events for %d acknowledged saves: %v", fill, rep.Events, acked, err)
			}
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if err := save(); err != nil {
			t.Fatalf("fill %d: with space again: %v", fill, err)
		}
	}
	t.Logf("%d saves", acked)
}

// fillUp leaves about spare bytes of the file system free.
func fillUp(t *testing.T, name string, spare int) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(name), &st); err != nil {
		t.Fatal(err)
	}
	err := os.WriteFile(name, make([]byte, max(0, int(st.Bavail)*int(st.Bsize)-spare)), 0o600)
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
