package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// readPairs is a process that reads a state until its stdin ends. Two tasks are
// always changed together: it fails when it sees one without the other.
func readPairs(path string) error {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for n := 0; ; n++ {
		c, err := readPath(context.Background(), path)
		if err != nil {
			return err
		}
		if len(c.Records) != 2 || c.Records[0].Applied.InstanceVersion != c.Records[1].Applied.InstanceVersion {
			return fmt.Errorf("half of a transaction: %+v", c.Records)
		}
		if n == 0 {
			fmt.Println("reads")
		}
		select {
		case <-ended:
			return nil
		default:
		}
	}
}

// pair is one version of both tasks.
func pair(version int64) []state.Transition {
	a, b := applied(0), applied(1)
	a.Record.Applied.InstanceVersion, b.Record.Applied.InstanceVersion = version, version
	return []state.Transition{a, b}
}

// startReader starts a reading process and returns how to end it.
func startReader(t *testing.T, cmd *exec.Cmd) (stop func() error) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("reads\n"))
	if _, err := io.ReadFull(out, line); err != nil {
		t.Errorf("the reader says nothing: %v: %v", err, cmd.Wait())
		return func() error { return nil }
	}
	return func() error { return errors.Join(in.Close(), cmd.Wait()) }
}

func TestAnotherProcessReadsWhileTheStoreWrites(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	if err := s.SaveAll(t.Context(), pair(1)); err != nil {
		t.Fatal(err)
	}
	stop := startReader(t, child(t, "reader", path))
	for version := range int64(200) {
		if err := s.SaveAll(t.Context(), pair(version)); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// publicState makes a state that other users may read, in a folder they may not
// write to, with a copy of the test binary they may run.
func publicState(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir, err := os.MkdirTemp("", "wedatasync-state-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(exe)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "state.test"), data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "wedatasync.db")
}

// makePublic lets every user read the files of the state.
func makePublic(t *testing.T, path string) {
	t.Helper()
	for _, ext := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(path+ext, 0o644); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// asNobody returns a process that reads a public state as another user.
func asNobody(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := child(t, "reader", path)
	cmd.Path = filepath.Join(filepath.Dir(path), "state.test")
	becomeNobody(cmd)
	return cmd
}

func TestAnotherUserReadsTheState(t *testing.T) {
	path := publicState(t)
	s := open(t, path)
	if err := s.SaveAll(t.Context(), pair(1)); err != nil {
		t.Fatal(err)
	}
	makePublic(t, path)
	t.Run("while it is held", func(t *testing.T) {
		stop := startReader(t, asNobody(t, path))
		for version := range int64(50) {
			if err := s.SaveAll(t.Context(), pair(version)); err != nil {
				t.Fatal(err)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("while nobody holds it", func(t *testing.T) {
		before := files(t, path)
		if err := startReader(t, asNobody(t, path))(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(before, files(t, path)); diff != "" {
			t.Errorf("reading changed the files:\n%.1000s", diff)
		}
	})
}

// The index of the log is half-written for some microseconds of each transaction. Who may
// not write to it meets that without a lock to wait for.
func TestAnotherUserReadsDuringAChange(t *testing.T) {
	path := publicState(t)
	s := open(t, path)
	if err := s.SaveAll(t.Context(), pair(1)); err != nil {
		t.Fatal(err)
	}
	makePublic(t, path)
	index, err := os.OpenFile(path+"-shm", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	const changes = 8 // where the first of the header's two copies counts its changes
	whole, half := make([]byte, 4), []byte{0xde, 0xad, 0xbe, 0xef}
	if _, err := index.ReadAt(whole, changes); err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		if _, err := index.WriteAt(b, changes); err != nil {
			t.Error(err)
		}
	}

	t.Run("that goes on", func(t *testing.T) {
		stop := startReader(t, asNobody(t, path))
		for range 10_000 {
			put(half)
			put(whole)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	t.Run("that was never finished", func(t *testing.T) {
		put(half)
		defer put(whole)
		var out strings.Builder
		cmd := asNobody(t, path)
		cmd.Stderr = &out
		err := cmd.Run()
		want := "the state was left in the middle of a change: start the daemon, or run as the one who owns the state"
		if err == nil || strings.Count(out.String(), want) != 1 {
			t.Errorf("%v: %s\nwant %q, once", err, out.String(), want)
		}
	})
}

func TestReadingWritesNothing(t *testing.T) {
	path := newState(t, 30)
	before := files(t, path)
	c := mustRead(t, path)
	if len(c.Records) != 30 {
		t.Errorf("%d records", len(c.Records))
	}
	if _, err := sqlstore.Check(t.Context(), path); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, files(t, path)); diff != "" {
		t.Errorf("reading changed the files:\n%.1000s", diff)
	}
}

// A Reader shows the moment at which it was opened, and no part of a later one.
func TestAReaderShowsOneMoment(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	if err := s.SaveAll(t.Context(), pair(1)); err != nil {
		t.Fatal(err)
	}
	r, err := sqlstore.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	before, err := read(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SaveAll(t.Context(), pair(2)); err != nil {
		t.Fatal(err)
	}
	after, err := read(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("it moved (-before +after):\n%s", diff)
	}
	if c := mustRead(t, path); c.Records[0].Applied.InstanceVersion != 2 {
		t.Error("a new reader does not see what is new")
	}
}

// A state without a log is read from its database alone. If somebody begins to use
// it meanwhile, the reader says so instead of mixing two moments.
func TestAStateThatComesIntoUseWhileItIsRead(t *testing.T) {
	path := newState(t, 20)
	r, err := sqlstore.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := read(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	adopt(t, s, 40)
	if err := s.Close(); err != nil { // moves the log into the database
		t.Fatal(err)
	}
	if _, err := read(t.Context(), r); !errors.Is(err, state.ErrChanged) {
		t.Errorf("got %v", err)
	}
	if c := mustRead(t, path); len(c.Records) != 40 {
		t.Errorf("%d records", len(c.Records))
	}
}

// A log whose database has no index file, as in a copy, in a folder that cannot be
// written: what is in the log must not be missed.
func TestALogIsNeverPassedOver(t *testing.T) {
	path := publicState(t)
	from := statePath(t)
	s := open(t, from)
	if err := s.SaveAll(t.Context(), pair(1)); err != nil {
		t.Fatal(err)
	}
	copyState(t, from, path)
	for _, ext := range []string{"", "-wal"} {
		if err := os.Chmod(path+ext, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := asNobody(t, path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if out, err := cmd.Output(); err == nil && !strings.Contains(string(out), "reads") {
		t.Errorf("it read %q", out)
	} else if err != nil {
		t.Logf("refused: %s", stderr.String())
	}
}
