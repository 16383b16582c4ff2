package wedatasim

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// What people do in the console shows in the two lists as the document says: status
// in production only, and a draft in development only.
func TestAct(t *testing.T) {
	const person = "100028625403"
	tests := []struct {
		act         Act
		version     any // as production tells it
		status      any
		submitted   any // as development tells it
		operator    any
		operates    bool // it becomes the newest operation
		inProduct   bool
		description any
	}{
		{act: Act{Do: DeedLock, Operator: person}, version: 3.0, status: 3.0, submitted: true, operator: "100000000001", inProduct: true},
		{act: Act{Do: DeedUnlock, Operator: person}, version: 3.0, status: 3.0, submitted: true, operator: "100000000001", inProduct: true},
		{act: Act{Do: DeedDescribe, Operator: person, Description: "d"}, version: 3.0, status: 3.0, submitted: true, operator: person, operates: true, inProduct: true, description: "d"},
		{act: Act{Do: DeedEdit, Operator: person}, version: 3.0, status: 3.0, submitted: false, operator: person, operates: true, inProduct: true},
		{act: Act{Do: DeedCommit, Operator: person}, version: 4.0, status: 3.0, submitted: true, operator: person, operates: true, inProduct: true},
		{act: Act{Do: DeedCommit, Operator: person, InstanceVersion: 9}, version: 9.0, status: 3.0, submitted: true, operator: person, operates: true, inProduct: true},
		{act: Act{Do: DeedPause, Operator: person}, version: 3.0, status: 4.0, submitted: true, operator: person, operates: true, inProduct: true},
		{act: Act{Do: DeedStop, Operator: person}, version: 3.0, status: 6.0, submitted: true, operator: person, operates: true, inProduct: true},
		{act: Act{Do: DeedStart, Operator: person}, version: 3.0, status: 3.0, submitted: true, operator: person, operates: true, inProduct: true},
		{act: Act{Do: DeedRollback, Operator: person}, version: 2.0, status: 3.0, submitted: true, operator: person, operates: true, inProduct: true},
		{act: Act{Do: DeedRollback, Operator: person, InstanceVersion: 1}, version: 1.0, status: 3.0, submitted: true, operator: person, operates: true, inProduct: true},
		{act: Act{Do: DeedAgain, Operator: person}, version: 3.0, status: 3.0, submitted: true, operator: person, operates: true, inProduct: true},
		{act: Act{Do: DeedFail}, version: 3.0, status: 7.0, submitted: true, operates: true, inProduct: true},
		{act: Act{Do: DeedRestart}, version: 3.0, status: 3.0, submitted: true, operates: true, inProduct: true},
		{act: Act{Do: DeedWithdraw, Operator: person}, submitted: false, operator: person, operates: true},
	}
	for _, tt := range tests {
		t.Run(string(tt.act.Do), func(t *testing.T) {
			do(t, Options{Behavior: Behavior{PlatformTrace: TraceOperation}}, func(t *testing.T, c *client) {
				c.call("CommitIntegrationTask", commit)
				time.Sleep(time.Hour)
				if _, err := c.server.Act("1", "a", tt.act); err != nil {
					t.Fatal(err)
				}
				const page = `{"ProjectId":"1","PageNumber":1,"PageSize":10`
				dev := c.call("DescribeIntegrationTasks", page+`}`).TaskInfos
				if len(dev) != 1 || dev[0]["Status"] != float64(StatusNew) || dev[0]["Submit"] != tt.submitted {
					t.Errorf("in development: %v", dev)
				}
				prod := c.call("DescribeIntegrationTasks", page+`,"Filters":[{"Name":"ProductionState","Values":["true"]}]}`).TaskInfos
				if !tt.inProduct {
					if len(prod) != 0 {
						t.Errorf("in production: %v", prod)
					}
					return
				}
				got := prod[0]
				if got["InstanceVersion"] != tt.version || got["Status"] != tt.status || got["Submit"] != true ||
					got["OperatorUin"] != tt.operator || got["Description"] != tt.description {
					t.Errorf("in production: %v", got)
				}
				event, at := "commit", "2000-01-01 08:00:00"
				if tt.operates {
					event, at = string(tt.act.Do), "2000-01-01 09:00:00"
				}
				last, _ := got["LastOperateInfo"].(map[string]any)
				if last["TaskEvent"] != event || last["CreatedTime"] != at || got["UpdateTime"] != at {
					t.Errorf("the last operation: %v, updated %v; want %s at %s", last, got["UpdateTime"], event, at)
				}
			})
		})
	}
}

// What the platform does by itself is nobody's operation, unless the behavior says that
// it leaves a trace.
func TestPlatformTrace(t *testing.T) {
	for trace, want := range map[Trace]string{TraceNone: "commit 08:00:00", TraceTime: "commit 09:00:00", TraceOperation: "restart 09:00:00"} {
		do(t, Options{Behavior: Behavior{PlatformTrace: trace}}, func(t *testing.T, c *client) {
			c.call("CommitIntegrationTask", commit)
			time.Sleep(time.Hour)
			for _, deed := range []Deed{DeedFail, DeedRestart} {
				if _, err := c.server.Act("1", "a", Act{Do: deed}); err != nil {
					t.Fatal(err)
				}
			}
			a := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`)
			last, _ := a.TaskInfo["LastOperateInfo"].(map[string]any)
			got := fmt.Sprintf("%s %.8s", last["TaskEvent"], strings.TrimPrefix(a.TaskInfo["UpdateTime"].(string), "2000-01-01 "))
			if got != want || a.TaskInfo["NumRestarts"] != 1.0 || a.TaskInfo["Status"] != 3.0 || a.Runs[0].RunningOrderID != 2 {
				t.Errorf("%s: %s, %v restarts, runs %+v; want %s", trace, got, a.TaskInfo["NumRestarts"], a.Runs, want)
			}
		})
	}
}

func TestActRefused(t *testing.T) {
	do(t, Options{}, func(t *testing.T, c *client) {
		if _, err := c.server.Act("1", "a", Act{Do: DeedStart}); !errors.Is(err, ErrNotDone) {
			t.Errorf("a task that is not there: %v", err)
		}
		c.call("CommitIntegrationTask", commit)
		c.server.Lock("1", "a", "7")
		if _, err := c.server.Act("1", "a", Act{Do: DeedStop, Operator: "8"}); !errors.Is(err, ErrNotDone) {
			t.Errorf("locked by another: %v", err)
		}
		if _, err := c.server.Act("1", "a", Act{Do: DeedFail}); err != nil {
			t.Errorf("the platform needs no lock: %v", err)
		}
		if _, err := c.server.Act("1", "a", Act{Do: "guess", Operator: "7"}); !errors.Is(err, ErrNotDone) {
			t.Errorf("no deed: %v", err)
		}
		for _, version := range []int64{3, 4, -1} {
			if _, err := c.server.Act("1", "a", Act{Do: DeedRollback, Operator: "7", InstanceVersion: version}); !errors.Is(err, ErrNotDone) {
				t.Errorf("back to version %d: %v", version, err)
			}
		}
		if _, err := c.server.Act("1", "a", Act{Do: DeedDelete, Operator: "7"}); err != nil {
			t.Fatal(err)
		}
		if got := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`).code(); got != "ResourceNotFound" {
			t.Errorf("a task that was deleted: %q", got)
		}
	})
}
