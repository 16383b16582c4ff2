package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

var errDisk = errors.New("input/output error")

// faults has one error to return at one point, as often as it is met.
type faults struct {
	point atomic.Pointer[string]
	err   error
	met   atomic.Int64
}

func (f *faults) at(point string) error {
	if p := f.point.Load(); p == nil || *p != point {
		return nil
	}
	f.met.Add(1)
	return f.err
}

// openFaulty opens the state with a fault that is not yet at any point.
func openFaulty(t *testing.T, path string, err error) (*sqlstore.Store, *faults) {
	t.Helper()
	f := &faults{err: err}
	s, openErr := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.WithFault(sqlstore.Options{}, f.at))
	if openErr != nil {
		t.Fatal(openErr)
	}
	return s, f
}

// TestAfterAFailedWriteNothingIsWritten fails each point of the way to the disk.
// The save that met it, or for what is done beside the saves the next one, says so,
// no other one touches the disk again, and a new start finds all that was
// acknowledged.
func TestAfterAFailedWriteNothingIsWritten(t *testing.T) {
	for _, point := range []string{"begin", "commit", "head-write", "head-sync"} {
		t.Run(point, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := newState(t, 3)
				s, f := openFaulty(t, path, errDisk)
				if err := s.Save(t.Context(), applied(5)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				f.point.Store(&point)
				err := s.Save(t.Context(), applied(6))
				acked := err == nil
				time.Sleep(sqlstore.HeadSyncEvery)
				synctest.Wait()
				for n := range 3 {
					if !acked || n > 0 {
						if !errors.Is(err, state.ErrBroken) || !errors.Is(err, errDisk) {
							t.Fatalf("save %d: %v", n, err)
						}
					}
					err = s.Save(t.Context(), applied(7))
				}
				if n := f.met.Load(); n != 1 {
					t.Errorf("the disk was asked %d times", n)
				}
				_ = s.Close()

				c := mustRead(t, path)
				want := []state.Record{*applied(0).Record, *applied(1).Record, *applied(2).Record, *applied(5).Record}
				if len(c.Records) < 4 || acked && len(c.Records) < 5 {
					t.Fatalf("%d records", len(c.Records))
				}
				if diff := cmp.Diff(want, c.Records[:4]); diff != "" {
					t.Errorf("what was acknowledged (-want +got):\n%s", diff)
				}
				reopened, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(reopened.Save(t.Context(), applied(6)), reopened.Close()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A full disk is no broken one: nothing is written, and with space it goes on.
func TestAFullDiskIsWaitedFor(t *testing.T) {
	for _, point := range []string{"begin", "commit"} {
		t.Run(point, func(t *testing.T) {
			path := newState(t, 3)
			s, f := openFaulty(t, path, fmt.Errorf("write: %w", state.ErrFull))
			defer s.Close()
			f.point.Store(&point)
			for range 3 {
				if err := s.Save(t.Context(), applied(5)); !errors.Is(err, state.ErrFull) || errors.Is(err, state.ErrBroken) {
					t.Fatalf("got %v", err)
				}
			}
			if rec, err := s.Record(t.Context(), sampleKey(5)); rec != nil || err != nil {
				t.Errorf("something is there: %v, %v", rec, err)
			}
			f.point.Store(nil)
			if err := s.Save(t.Context(), applied(5)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Another program's transaction is waited for, and then nothing was written.
func TestAnotherProgramsTransactionIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := newState(t, 3)
		s, _ := openFaulty(t, path, nil)
		defer s.Close()
		other, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		other.SetMaxOpenConns(1)
		exec := func(query string) {
			if _, err := other.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		exec("BEGIN IMMEDIATE")
		start := time.Now()
		if err := s.Save(t.Context(), applied(5)); !errors.Is(err, state.ErrBusy) || errors.Is(err, state.ErrBroken) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited < 4*time.Second || waited > 6*time.Second {
			t.Errorf("it waited %v", waited)
		}
		exec("ROLLBACK")
		if err := s.Save(t.Context(), applied(5)); err != nil {
			t.Error(err)
		}
	})
}

// The log is moved beside the saves: while it cannot be for want of space nothing is
// written, and any other failure ends the writing.
func TestMovingTheLogCanFail(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"full", fmt.Errorf("write: %w", state.ErrFull), state.ErrFull},
		{"broken", errDisk, state.ErrBroken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, f := openFaulty(t, newState(t, 3), tt.err)
			defer s.Close()
			f.point.Store(new("checkpoint"))
			adopt(t, s, 1000)
			if err := s.Save(t.Context(), applied(5)); !errors.Is(err, tt.want) {
				t.Errorf("got %v", err)
			}
			f.point.Store(nil)
			if err := s.Save(t.Context(), applied(5)); (err == nil) != (tt.want == state.ErrFull) {
				t.Errorf("when the disk is well again: %v", err)
			}
		})
	}
}

// saveTillError is a process that saves until it cannot, and says each time what
// became of it.
func saveTillError(path string) error {
	ctx := context.Background()
	s, err := sqlstore.Open(ctx, path, sampleIdentity(), sqlstore.Options{})
	if err != nil {
		return err
	}
	fmt.Println("open")
	failed := 0
	for n := 0; failed < 3 && n < 200; n++ {
		if err := s.Save(ctx, applied(n)); err != nil {
			fmt.Println("failed", errors.Is(err, state.ErrBroken), err)
			failed++
		} else {
			fmt.Println("saved", n)
		}
	}
	return nil // without Close: the process ends as after a crash
}

// writeCarelessly is a process that acknowledges what it has not synced: what the
// test of power cuts must catch.
func writeCarelessly(path string) error {
	db, err := sql.Open("sqlite", path+"?_journal_mode=WAL&_synchronous=OFF")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS versions (version INTEGER)"); err != nil {
		return err
	}
	for version := 1; ; version++ {
		if _, err := db.Exec("INSERT INTO versions VALUES ($1)", version); err != nil {
			return err
		}
		fmt.Println(0, version)
	}
}

// TestARealFailedSync has the kernel fail the k-th sync of a process, for each k.
func TestARealFailedSync(t *testing.T) {
	if !*long {
		t.Skip("needs -long")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	// The log is synced with fdatasync, all else with fsync.
	for n := range 120 {
		k, call := n/2+1, []string{"fsync", "fdatasync"}[n%2]
		path := newState(t, 0)
		cmd := child(t, "saver", path)
		cmd.Args = append([]string{strace, "-f", "-o", path + ".strace", "-e", "trace=fsync,fdatasync", "-e", fmt.Sprintf("inject=%s:error=EIO:when=%d", call, k), cmd.Path}, cmd.Args[1:]...)
		cmd.Path = strace
		out, err := cmd.Output()
		if err != nil {
			if strings.Contains(string(out), "open") {
				t.Errorf("%s %d: %v", call, k, err)
			}
			continue // the start was refused
		}
		acked := 0
		for line := range strings.Lines(string(out)) {
			switch {
			case strings.HasPrefix(line, "saved"):
				acked++
			case strings.HasPrefix(line, "failed") && !strings.HasPrefix(line, "failed true"):
				t.Errorf("%s %d: %s", call, k, line)
			}
		}
		if again := syncedAgain(t, path+".strace"); again != "" {
			t.Errorf("%s %d: the disk was asked again: %s", call, k, again)
		}
		if c := mustRead(t, path); len(c.Records) < acked {
			t.Errorf("%s %d: %d acknowledged, %d there", call, k, acked, len(c.Records))
		}
		reopened := open(t, path)
		if err := reopened.Save(t.Context(), applied(1)); err != nil {
			t.Errorf("%s %d: after a new start: %v", call, k, err)
		}
	}
}

// syncedAgain returns the line of a trace that syncs a file after its sync has failed.
func syncedAgain(t *testing.T, name string) string {
	t.Helper()
	trace, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	for line := range strings.Lines(string(trace)) {
		_, call, ok := strings.Cut(line, "sync(")
		if !ok {
			continue
		}
		file, _, _ := strings.Cut(call, ")")
		if failed[file] {
			return line
		}
		failed[file] = strings.Contains(line, "(INJECTED)")
	}
	return ""
}
