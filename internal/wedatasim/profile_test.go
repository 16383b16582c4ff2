package wedatasim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// told is what a read tells of the fields that a profile can hide, in short.
func told(a *answer) string {
	i := a.TaskInfo
	operated := i["LastOperateInfo"] != nil
	return fmt.Sprintf("operated %v, updated %v, v%v, submit %v, has %v, offline %v, restarts %v, delay %v, no savepoint %v, operator %v, version %v, runs %d",
		operated, i["UpdateTime"] != nil, i["InstanceVersion"], i["Submit"], i["HasVersion"], i["OfflineTaskStatus"],
		i["NumRestarts"], i["ReaderDelay"], i["NotExistsCheckPoint"], i["OperatorUin"] != nil, a.Version != nil, len(a.Runs))
}

// Each profile tells what it says of a task that was committed twice, and a real-time
// and an offline task have shapes of their own.
func TestProfiles(t *testing.T) {
	const rest = "restarts %d, delay 0, no savepoint 0, operator true, version true, runs 1"
	realtime := "operated true, updated true, v3, submit true, has true, offline <nil>, " + fmt.Sprintf(rest, 1)
	offline := "operated true, updated true, v3, submit true, has true, offline 2, " + fmt.Sprintf(rest, 0)
	const silent = "operated false, updated false, v<nil>, submit <nil>, has <nil>, offline <nil>, restarts <nil>, delay <nil>, no savepoint <nil>, operator false, version false, runs 0"
	const newest = "operated true, updated true, v3, submit <nil>, has true, offline 1, restarts -1, delay -1, no savepoint 0, operator true, version false, runs 1"
	bare := strings.NewReplacer("operated true, updated true", "operated false, updated false",
		"operator true, version true, runs 1", "operator false, version false, runs 0")
	tests := []struct{ profile, realtime, offline string }{
		{"full", realtime, offline},
		{"newest", newest, newest},
		{"silent", silent, silent},
		{"bare", bare.Replace(realtime), bare.Replace(offline)},
		{"offline-bare", realtime, strings.Replace(bare.Replace(offline), "v3", "v<nil>", 1)},
		{"versionless", strings.Replace(realtime, "v3", "v<nil>", 1), strings.Replace(offline, "v3", "v<nil>", 1)},
		{"no-operate-id", strings.NewReplacer("operated true", "operated false", "runs 1", "runs 0").Replace(realtime), strings.NewReplacer("operated true", "operated false", "runs 1", "runs 0").Replace(offline)},
		{"no-update-time", strings.Replace(realtime, "updated true", "updated false", 1), strings.Replace(offline, "updated true", "updated false", 1)},
	}
	seen := make(map[string]bool)
	for _, tt := range tests {
		seen[tt.profile] = true
		profile, err := ProfileOf(tt.profile)
		if err != nil {
			t.Error(err)
			continue
		}
		do(t, Options{Behavior: Behavior{Profile: profile}}, func(t *testing.T, c *client) {
			for taskType, want := range map[int]string{typeRealtime: tt.realtime, typeOffline: tt.offline} {
				id := fmt.Sprintf(`{"ProjectId":"1","TaskId":"t%d","TaskType":%[1]d,"InstanceVersion":`, taskType)
				c.call("CommitIntegrationTask", id+`2,"CommitType":1}`)
				c.call("CommitIntegrationTask", id+`3,"CommitType":1,"VersionDesc":"third"}`)
				if got := told(c.call("DescribeIntegrationTask", id+`3}`)); got != want {
					t.Errorf("%s, %d: %s\nwant %s", tt.profile, taskType, got, want)
				}
			}
		})
	}
	for name, p := range Profiles() {
		if !seen[name] || p.Name != name {
			t.Errorf("the profile %q is not tested", name)
		}
	}
}

// A drawn profile is one of its seed, and is the same when it was written.
func TestDrawProfile(t *testing.T) {
	different := 0
	for seed := range uint64(20) {
		p := DrawProfile(seed)
		if p != DrawProfile(seed) {
			t.Errorf("seed %d: two profiles", seed)
		}
		if p.Realtime != p.Offline {
			different++
		}
		if named, err := ProfileOf(p.Name); err != nil || named != p {
			t.Errorf("seed %d: by its name: %v", seed, err)
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var again Profile
		if err := json.Unmarshal(data, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Error(diff)
		}
	}
	if different < 15 || DrawProfile(1) == DrawProfile(2) {
		t.Errorf("%d of 20 differ by type", different)
	}
}

// TaskVersion and TaskVersionList tell of the commit itself: its description, and the
// runs so far.
func TestTaskVersion(t *testing.T) {
	do(t, Options{}, func(t *testing.T, c *client) {
		for version := 1; version <= 3; version++ {
			c.call("CommitIntegrationTask", fmt.Sprintf(`{"ProjectId":"1","TaskId":"a","CommitType":1,"InstanceVersion":%d,"VersionDesc":"d%[1]d"}`, version))
		}
		a := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a","InstanceVersion":2}`)
		if a.Version["VersionDesc"] != "d2" || a.Version["InstanceStatus"] != 0.0 || a.Version["SubmitterUin"] != c.account.UIN || a.Runs[0].RunningOrderID != 3 {
			t.Errorf("version 2: %v, runs %v", a.Version, a.Runs)
		}
		a = c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a","InstanceVersion":3}`)
		if a.Version["InstanceStatus"] != 1.0 {
			t.Errorf("version 3: %v", a.Version)
		}
		if a = c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a","InstanceVersion":4}`); a.Version != nil {
			t.Errorf("version 4: %v", a.Version)
		}
	})
}

// An offline task is scheduled by a start, and never running; exported, it says so.
func TestOfflineNeverRuns(t *testing.T) {
	do(t, Options{}, func(t *testing.T, c *client) {
		const id = `{"ProjectId":"1","TaskId":"a","TaskType":202`
		for commitType := range 5 {
			c.call("CommitIntegrationTask", fmt.Sprintf(`%s,"CommitType":%d}`, id, commitType))
			if got := c.call("DescribeIntegrationTask", id+"}").TaskInfo; got["Status"] != float64(StatusNotStarted) || got["OfflineTaskStatus"] != 2.0 {
				t.Errorf("after commit type %d: %v", commitType, got)
			}
		}
		c.server.Edit("1", "a", func(t *Task) { t.Exported = true })
		if got := c.call("DescribeIntegrationTask", id+"}").TaskInfo; got["OfflineTaskStatus"] != 3.0 {
			t.Errorf("exported: %v", got)
		}
	})
}

// Whether HasVersion stays true when a task is taken out of production is open: in the
// newest shape it does. Whether there is a savepoint is told where it is known.
func TestHasVersion(t *testing.T) {
	for _, telling := range []Telling{Told, Newest} {
		testHasVersion(t, telling, telling == Newest)
	}
}

func testHasVersion(t *testing.T, telling Telling, want bool) {
	do(t, Options{Behavior: Behavior{Profile: Profile{Realtime: Shape{HasVersion: telling}}}}, func(t *testing.T, c *client) {
		read := func() map[string]any {
			return c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`).TaskInfo
		}
		c.server.Edit("1", "a", func(*Task) {})
		if got := read(); got["HasVersion"] != false || got["NotExistsCheckPoint"] != nil {
			t.Errorf("a new task: %v", got)
		}
		c.call("CommitIntegrationTask", commit)
		if _, err := c.server.Act("1", "a", Act{Do: DeedWithdraw, Operator: "7"}); err != nil {
			t.Fatal(err)
		}
		if got := read(); got["HasVersion"] != want || got["Submit"] != false || got["NotExistsCheckPoint"] != 0.0 {
			t.Errorf("withdrawn: %v", got)
		}
		c.server.Edit("1", "a", func(t *Task) { t.NoSavepoint, t.ReaderDelay = true, 90 })
		if got := read(); got["NotExistsCheckPoint"] != 1.0 || got["ReaderDelay"] != 90.0 {
			t.Errorf("without a savepoint: %v", got)
		}
	})
}

// A job that fails at once has brought its version all the same.
func TestFailsAtOnce(t *testing.T) {
	do(t, Options{}, func(t *testing.T, c *client) {
		c.server.Inject(Fault{Fails: true})
		c.call("CommitIntegrationTask", commit)
		got := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`).TaskInfo
		if got["Status"] != float64(StatusFailed) || got["InstanceVersion"] != 3.0 {
			t.Errorf("got %v", got)
		}
		c.call("CommitIntegrationTask", strings.Replace(commit, `"CommitType":1`, `"CommitType":0`, 1))
		if task, _ := c.server.Task("1", "a"); task.Status != StatusFailed || task.RunCount != 1 {
			t.Errorf("a submit starts nothing: %+v", task)
		}
	})
}

// The words of a lock are the behavior's; Locked and Locker tell it in any case.
func TestLockMessage(t *testing.T) {
	do(t, Options{Behavior: Behavior{LockMessage: "CloudApiException: 当前任务已被 {locker} 锁定"}}, func(t *testing.T, c *client) {
		c.server.Lock("1", "a", "100028625403")
		want := &apiError{"UnsupportedOperation", "CloudApiException: 当前任务已被 100028625403 锁定"}
		if diff := cmp.Diff(want, c.call("CommitIntegrationTask", commit).Error); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`).TaskInfo; got["Locked"] != true || got["Locker"] != "100028625403" {
			t.Errorf("got %v", got)
		}
	})
}

// A clock that is off shows in Date and in what the server writes, and decides how old
// a signature is, on arrival.
func TestClock(t *testing.T) {
	const late = 4 * time.Minute
	tests := []struct {
		skew    time.Duration
		applied bool
	}{{0, true}, {time.Minute, true}, {time.Minute + time.Second, false}, {-4 * time.Minute, true}}
	for _, tt := range tests {
		do(t, Options{Behavior: Behavior{Skew: tt.skew}}, func(t *testing.T, c *client) {
			r := c.sign(c.request("DescribeApproveList", `{"ApproveClassification":"task"}`), `{"ApproveClassification":"task"}`)
			resp, err := c.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got, err := time.Parse(time.RFC1123, resp.Header.Get("Date")); err != nil || time.Until(got) != tt.skew {
				t.Errorf("skew %s: Date is %s, %v", tt.skew, got, err)
			}
			c.server.Inject(Fault{Effect: EffectLate, LateBy: late, Answer: ReplyDrop})
			if g := c.try(0); !g.broken {
				t.Errorf("skew %s: answered %+v", tt.skew, g)
			}
			e := c.server.Ledger()[1]
			if !e.ArrivedAt.IsZero() || e.Applied {
				t.Errorf("skew %s: under way: %+v", tt.skew, e)
			}
			time.Sleep(late)
			synctest.Wait()
			e = c.server.Ledger()[1]
			if e.Applied != tt.applied || e.ArrivedAt.Sub(e.At) != late || (e.Code == "AuthFailure.SignatureExpire") == tt.applied {
				t.Errorf("skew %s: arrived: %+v", tt.skew, e)
			}
		})
	}
}
