package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// sampleIdentity is what the states of the tests belong to.
func sampleIdentity() state.Identity {
	return state.Identity{
		Source:   "https://git.example.com/data/streams.git",
		Branch:   "main",
		Path:     ".",
		Endpoint: "wedata.tencentcloudapi.com",
		Region:   "ap-guangzhou",
	}
}

// sampleTime is when the samples happened.
func sampleTime() time.Time { return time.Date(2026, 11, 2, 9, 30, 0, 125e6, time.UTC) }

func sampleKey(n int) spec.Key {
	return spec.Key{ProjectID: "1486804694126882816", TaskID: fmt.Sprintf("kb947c997-4f91-4a1f-913d-%012d", n)}
}

// samplePlan is the hash of the plan that the samples were part of.
const samplePlan = "sha256:0f343b0931126a20f133d67c2b018a3b5f1f7a8d0f3b1f0c8b7b0b1e7a2d4c11"

func sampleDigest(n byte) spec.Digest {
	var d spec.Digest
	for i := range d {
		d[i] = n + byte(i)*7
	}
	return d
}

// sampleApplied is what a commit of the n-th task leaves.
func sampleApplied(n int) *state.Applied {
	return &state.Applied{
		CommitType: spec.Start, TaskType: spec.Realtime, InstanceVersion: int64(n%50 + 1), VersionDesc: "v1",
		Content: sampleDigest(1), Ext: sampleDigest(2), Revision: "9fceb02d0ae598e95dc970b74767f19372d61af8",
		RequestID: "eac6b301-a322-493a-8e36-83b295459397", Origin: state.OriginCommit, At: sampleTime(),
	}
}

// applied is the transition that ends a commit of the n-th task.
func applied(n int) state.Transition {
	return state.Transition{
		Record: &state.Record{Key: sampleKey(n), Status: state.StatusApplied, Applied: sampleApplied(n)},
		Events: []state.Event{{
			At: sampleTime(), Kind: state.EventOutcome, Key: sampleKey(n), Attempt: "01JC4ZJ9D3V8", Revision: "9fceb02d0ae598e95dc970b74767f19372d61af8",
			PlanHash: samplePlan, Request: sampleDigest(3),
			Outcome: state.Outcome{Class: state.ClassApplied, RequestID: "eac6b301-a322-493a-8e36-83b295459397"},
		}},
	}
}

// intent is the transition that begins a commit of the n-th task.
func intent(n int) state.Transition {
	a := sampleApplied(n)
	wanted := *a
	wanted.RequestID, wanted.Origin, wanted.At = "", "", time.Time{}
	return state.Transition{
		Record: &state.Record{Key: sampleKey(n), Status: state.StatusIntent, Applied: a, Attempt: &state.Attempt{
			ID: "01JC4ZJ9D3V8", Wanted: wanted, WantedID: sampleDigest(4), Request: sampleDigest(3), Reason: "version",
			PlanHash: samplePlan, Author: "Ada <ada@example.com>", File: "tasks/orders.yaml", Line: 4, At: sampleTime(),
			Before: &state.Live{InstanceVersion: 3, Status: state.TaskRunning, UpdateTime: "2026-11-01 08:00:00"},
		}},
		Events: []state.Event{{
			At: sampleTime(), Kind: state.EventIntent, Key: sampleKey(n), Attempt: "01JC4ZJ9D3V8", Actor: "Ada <ada@example.com>",
			Revision: a.Revision, PlanHash: samplePlan, Request: sampleDigest(3),
		}},
	}
}

// forgotten is the transition that ends what is known of the n-th task.
func forgotten(n int) state.Transition {
	return state.Transition{
		Forget: new(sampleKey(n)),
		Events: []state.Event{{At: sampleTime(), Kind: state.EventForgotten, Key: sampleKey(n)}},
	}
}

// removed is the transition that leaves the n-th task without a spec.
func removed(n int) state.Transition {
	tr := applied(n)
	tr.Record.Removed = &state.Removal{At: sampleTime(), Revision: "1a410efbd13591db07496601ebc7a059dd55cfe9"}
	tr.Events = []state.Event{{At: sampleTime(), Kind: state.EventForgotten, Key: sampleKey(n)}}
	return tr
}

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

// content is all that a state says.
type content struct {
	Records  []state.Record
	Control  state.Control
	History  []state.Event
	Commands []state.Command
}

// reading is what a Store and a Reader have in common.
type reading interface {
	Records(context.Context) iter.Seq2[state.Record, error]
	Control(context.Context) (state.Control, error)
	History(context.Context, state.HistoryQuery) ([]state.Event, error)
	PendingCommands(context.Context) ([]state.Command, error)
}

// read returns all that the state says.
func read(ctx context.Context, r reading) (content, error) {
	var c content
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return content{}, err
		}
		c.Records = append(c.Records, rec)
	}
	var err error
	if c.Control, err = r.Control(ctx); err != nil {
		return content{}, err
	}
	if c.History, err = r.History(ctx, state.HistoryQuery{Limit: state.MaxHistory}); err != nil {
		return content{}, err
	}
	c.Commands, err = r.PendingCommands(ctx)
	return c, err
}

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
