package sqlstore_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/statefile"
)

func TestAFailedCreationLeavesNothing(t *testing.T) {
	for _, point := range []string{"begin", "commit"} {
		t.Run(point, func(t *testing.T) {
			path := statePath(t)
			f := &faults{err: errDisk}
			f.point.Store(&point)
			opt := sqlstore.WithFault(sqlstore.Options{Create: true}, f.at)
			if _, err := sqlstore.Open(t.Context(), path, sampleIdentity(), opt); !errors.Is(err, errDisk) {
				t.Fatalf("got %v", err)
			}
			if got := files(t, path); len(got) > 0 {
				t.Errorf("there are %d files", len(got))
			}
			adopt(t, open(t, path), 1)
		})
	}
}

// TestACreationThatIsKilledIsBegunAgain has the kernel kill a process at the k-th
// call that changes the disk while it makes a state, for each k until it succeeds.
// The next start makes a state, or has the one that was made.
func TestACreationThatIsKilledIsBegunAgain(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	calls := "fsync,fdatasync,rename,renameat,renameat2"
	if *long {
		calls += ",openat,pwrite64,write,unlink,unlinkat,ftruncate"
	}
	for k := 1; ; k++ {
		path := statePath(t)
		cmd := child(t, "starter", path)
		cmd.Args = append([]string{
			strace, "-f", "-o", path + ".strace", "-e", "trace=" + calls,
			"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", calls, k), cmd.Path,
		}, cmd.Args[1:]...)
		cmd.Path = strace
		out, err := cmd.Output()
		if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
			t.Fatal(err)
		}
		if rep, err := sqlstore.Check(t.Context(), path); err != nil && !errors.Is(err, state.ErrMissing) {
			t.Errorf("call %d: %+v, %v", k, rep, err)
		}
		s, openErr := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{Create: true})
		if openErr != nil {
			t.Fatalf("call %d: %v", k, openErr)
		}
		if openErr := errors.Join(s.Save(t.Context(), applied(1)), s.Close()); openErr != nil {
			t.Errorf("call %d: %v", k, openErr)
		}
		if err == nil && strings.Contains(string(out), "holds") {
			t.Logf("%d calls", k-1)
			return
		}
	}
}

func TestFresh(t *testing.T) {
	path := statePath(t)
	if fresh, err := statefile.Fresh(path); !fresh || err != nil {
		t.Errorf("with nothing there: %v, %v", fresh, err)
	}
	open(t, path).Close()
	if fresh, err := statefile.Fresh(path); fresh || err != nil {
		t.Errorf("with a state: %v, %v", fresh, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if fresh, err := statefile.Fresh(path); fresh || !errors.Is(err, state.ErrMissing) {
		t.Errorf("with what is left of one: %v, %v", fresh, err)
	}
}

func TestAReaderKnowsWhoseStateItIs(t *testing.T) {
	r, err := sqlstore.OpenReader(t.Context(), newState(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Belongs(t.Context(), sampleIdentity()); err != nil {
		t.Error(err)
	}
	if err := r.Belongs(t.Context(), state.Identity{}); !errors.Is(err, state.ErrForeign) {
		t.Errorf("got %v", err)
	}
}
