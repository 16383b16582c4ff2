package sqlstore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/sqlstore/storetest"
)

// The samples of the suite are those of the other tests, too.
var (
	sampleIdentity = storetest.Identity
	sampleTime     = storetest.Time
	sampleKey      = storetest.Key
	applied        = storetest.Applied
	intent         = storetest.Intent
	removed        = storetest.Removed
	genTransition  = storetest.DrawTransition
	command        = storetest.Command
	answer         = storetest.Answer
	read           = storetest.Read
)

// statePath returns where a test keeps its state: in memory, if the disk has no
// part in what is tested.
func statePath(t testing.TB) string { return filepath.Join(memDir(t), "wedatasync.db") }

// diskPath returns where a test keeps its state on a disk.
func diskPath(t testing.TB) string { return filepath.Join(t.TempDir(), "wedatasync.db") }

// memFolder makes a folder, in memory if that can be.
func memFolder() (dir string, remove func()) {
	dir, err := os.MkdirTemp("/dev/shm", "wedatasync-state-*")
	if err != nil {
		dir, err = os.MkdirTemp("", "wedatasync-state-*")
	}
	if err != nil {
		panic(err)
	}
	return dir, func() { os.RemoveAll(dir) }
}

// memDir is memFolder for the life of a test.
func memDir(t testing.TB) string {
	dir, remove := memFolder()
	t.Cleanup(remove)
	return dir
}

// open opens the state and closes it with the test.
func open(t testing.TB, path string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{Create: true, Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// adopt saves n records at once.
func adopt(t testing.TB, s *sqlstore.Store, n int) {
	t.Helper()
	ts := make([]state.Transition, n)
	for i := range ts {
		ts[i] = applied(i)
	}
	if err := s.SaveAll(t.Context(), ts); err != nil {
		t.Fatal(err)
	}
}

// child returns a command that runs this test binary in another role.
func child(t testing.TB, role, path string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, path)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = t.Output()
	return cmd
}

type content = storetest.Content

// mustRead reads the state, whoever holds it.
func mustRead(t testing.TB, path string) content {
	t.Helper()
	c, err := readPath(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func readPath(ctx context.Context, path string) (_ content, err error) {
	r, err := sqlstore.OpenReader(ctx, path)
	if err != nil {
		return content{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return read(ctx, r)
}

// copyState copies the files of the state as they are, as a backup would.
func copyState(t testing.TB, from, to string) {
	t.Helper()
	for _, ext := range []string{"", "-wal", ".head"} {
		data, err := os.ReadFile(from + ext)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(to+ext, data, 0o640)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
