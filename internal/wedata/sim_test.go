package wedata_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// newClient returns a client of the simulator, connected in memory.
func newClient(t *testing.T, sim *wedatasim.Server) *wedata.Client {
	t.Helper()
	a := wedatasim.DefaultAccount()
	c, err := wedata.New(wedata.Config{
		Endpoint:    "http://127.0.0.1",
		Region:      "ap-guangzhou",
		Credentials: wedata.StaticCredentials(a.SecretID, a.SecretKey, a.Token),
		Dial:        sim.Dial,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); _ = sim.Close() })
	return c
}

func orders(version int64) *spec.Commit {
	return &spec.Commit{
		Key:             spec.Key{ProjectID: "1486804694126882816", TaskID: "kb947c997-4f91-4a1f-913d-06f66a5fb927"},
		CommitType:      spec.Start,
		TaskType:        spec.Realtime,
		InstanceVersion: version,
		VersionDesc:     "v1",
	}
}

func TestCommitAndReadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := wedatasim.New(wedatasim.Options{})
		c := newClient(t, sim)
		want := orders(3)
		out, timing := c.Commit(t.Context(), want)
		if out.Class != state.ClassApplied || out.RequestID == "" || timing.Wrote.IsZero() {
			t.Fatalf("got %+v, %+v", out, timing)
		}
		time.Sleep(time.Second)
		live, err := c.Read(t.Context(), want.Key, want.TaskType)
		if err != nil {
			t.Fatal(err)
		}
		task, _ := sim.Task(want.ProjectID, want.TaskID)
		wantLive := &state.Live{
			InstanceVersion: 3,
			Status:          state.TaskRunning,
			Submitted:       true,
			OperateID:       task.OperateID,
			UpdateTime:      "2000-01-01 08:00:00",
		}
		if diff := cmp.Diff(wantLive, live); diff != "" {
			t.Errorf("live (-want +got):\n%s", diff)
		}
	})
}
