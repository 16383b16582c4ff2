package wedatasim

import (
	"errors"
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
		{act: Act{Do: DeedFail}, version: 3.0, status: 7.0, submitted: true, operates: true, inProduct: true},
		{act: Act{Do: DeedRestart}, version: 3.0, status: 3.0, submitted: true, operates: true, inProduct: true},
		{act: Act{Do: DeedWithdraw, Operator: person}, submitted: false, operator: person, operates: true},
	}
	for _, tt := range tests {
		t.Run(string(tt.act.Do), func(t *testing.T) {
			do(t, Options{}, func(t *testing.T, c *client) {
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
		if _, err := c.server.Act("1", "a", Act{Do: DeedDelete, Operator: "7"}); err != nil {
			t.Fatal(err)
		}
		if got := c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`).code(); got != "ResourceNotFound" {
			t.Errorf("a task that was deleted: %q", got)
		}
	})
}
