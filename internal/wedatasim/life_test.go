package wedatasim

import (
	"fmt"
	"testing"
	"time"
)

// A job goes as its life says, from each start on, and as reads show it.
func TestLife(t *testing.T) {
	tests := []struct {
		name string
		life Life
		want map[time.Duration]string // status, restarts, lag and phase, by the time since the start
	}{
		{"catches up", Life{Starting: 20, Lag: 900, CatchUp: 600, FullPhase: 60}, map[time.Duration]string{
			10 * time.Second: "2 0 885 0", 30 * time.Second: "3 0 855 0", 5 * time.Minute: "3 0 450 2", time.Hour: "3 0 0 2",
		}},
		{"never does", Life{Lag: 340}, map[time.Duration]string{time.Second: "3 0 340 <nil>", time.Hour: "3 0 340 <nil>"}},
		{"is not known", Life{Lag: -1, CatchUp: 600}, map[time.Duration]string{time.Hour: "3 0 -1 <nil>"}},
		{"restarts", Life{RestartEvery: 40}, map[time.Duration]string{39 * time.Second: "3 0 0 <nil>", 2 * time.Minute: "3 3 0 <nil>"}},
		{"restarts twice", Life{RestartEvery: 40, Restarts: 2}, map[time.Duration]string{time.Hour: "3 2 0 <nil>"}},
		{"fails", Life{RestartEvery: 100, FailsAfter: 420}, map[time.Duration]string{7*time.Minute - time.Second: "3 4 0 <nil>", time.Hour: "7 4 0 <nil>"}},
	}
	for _, tt := range tests {
		for after, want := range tt.want {
			do(t, Options{Limit: -1}, func(t *testing.T, c *client) {
				c.server.Edit("1", "a", func(task *Task) { task.Life = &tt.life })
				c.call("CommitIntegrationTask", commit)
				time.Sleep(after)
				i := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`).TaskInfo
				if got := fmt.Sprint(i["Status"], " ", i["NumRestarts"], " ", i["ReaderDelay"], " ", i["ReadPhase"]); got != want {
					t.Errorf("%s, after %s: %s, want %s", tt.name, after, got, want)
				}
			})
		}
	}
}

// Another commit begins another life, and the job's count of restarts goes on. While the
// job is in operation WeData takes none.
func TestLife_committedAgain(t *testing.T) {
	do(t, Options{Limit: -1}, func(t *testing.T, c *client) {
		c.server.Edit("1", "a", func(task *Task) { task.Life = &Life{Starting: 5, RestartEvery: 60, Restarts: 1} })
		c.call("CommitIntegrationTask", commit)
		if code := c.call("CommitIntegrationTask", commit).code(); code != "FailedOperation" {
			t.Errorf("in operation: %q", code)
		}
		time.Sleep(2 * time.Minute)
		if code := c.call("CommitIntegrationTask", commit).code(); code != "" {
			t.Errorf("running: %q", code)
		}
		time.Sleep(10 * time.Second)
		if i := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`).TaskInfo; i["Status"] != 3.0 || i["NumRestarts"] != 2.0 {
			t.Errorf("after another commit: %v", i)
		}
		if task, err := c.server.Act("1", "a", Act{Do: DeedStop, Operator: "7"}); err != nil || task.Status != StatusStopped || task.StopTime.IsZero() {
			t.Errorf("stopped: %+v, %v", task, err)
		}
	})
}

// What keeps state that is not there loses it.
func TestNoSavepoint(t *testing.T) {
	do(t, Options{Limit: -1}, func(t *testing.T, c *client) {
		c.server.Edit("1", "a", func(task *Task) { task.NoSavepoint = true })
		for _, commitType := range []int{1, 4, 3} {
			c.call("CommitIntegrationTask", fmt.Sprintf(`{"ProjectId":"1","TaskId":"a","CommitType":%d}`, commitType))
		}
		if task, _ := c.server.Task("1", "a"); task.Discarded != 2 {
			t.Errorf("its state was lost %d times", task.Discarded)
		}
	})
}
