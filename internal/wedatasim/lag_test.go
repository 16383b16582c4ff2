package wedatasim

import (
	"fmt"
	"testing"
	"time"
)

// A read shows the state of a time within the lag: never an older one, not always the
// newest one, and the same for the same seed.
func TestReadLag(t *testing.T) {
	const lag, describe, list = 10 * time.Second, `{"ProjectId":"1","TaskId":"a"}`, `{"ProjectId":"1","PageNumber":1,"PageSize":10}`
	run := func(seed uint64) (seen string) {
		do(t, Options{Limit: -1, Seed: seed, Behavior: Behavior{ReadLag: lag}}, func(t *testing.T, c *client) {
			stale := 0
			for second := range 60 {
				c.call("CommitIntegrationTask", fmt.Sprintf(`{"ProjectId":"1","TaskId":"a","CommitType":1,"InstanceVersion":%d}`, second+1))
				time.Sleep(time.Second)
				a := c.call("DescribeIntegrationTask", describe)
				version := 0
				if a.code() == "" {
					version = int(a.TaskInfo["InstanceVersion"].(float64))
				}
				seen += fmt.Sprint(version, " ")
				if version < second-int(lag/time.Second) || version > second+1 {
					t.Errorf("at second %d: version %d", second, version)
				}
				if version != second+1 {
					stale++
				}
				if infos := c.call("DescribeIntegrationTasks", list).TaskInfos; len(infos) == 1 {
					seen += fmt.Sprint(infos[0]["InstanceVersion"], " ")
				}
			}
			if stale < 30 || stale == 60 {
				t.Errorf("%d of 60 reads are stale", stale)
			}
			time.Sleep(lag)
			if got := c.call("DescribeIntegrationTask", describe).TaskInfo["InstanceVersion"]; got != 60.0 {
				t.Errorf("after the lag: version %v", got)
			}
		})
		return seen
	}
	first := run(1)
	if again := run(1); again != first {
		t.Errorf("the same seed:\n%s\n%s", first, again)
	}
	if run(2) == first {
		t.Error("another seed shows the same")
	}
}

// A task that was deleted is still shown within the lag, and one that is new is not
// yet; without a lag nothing of the past is kept.
func TestReadLagOfExistence(t *testing.T) {
	do(t, Options{Limit: -1, Behavior: Behavior{ReadLag: time.Hour}}, func(t *testing.T, c *client) {
		read := func() string { return c.call("DescribeIntegrationTask", `{"ProjectId":"1","TaskId":"a"}`).code() }
		total := func() int {
			return c.call("DescribeIntegrationTasks", `{"ProjectId":"1","PageNumber":1,"PageSize":10}`).Total
		}
		c.call("CommitIntegrationTask", commit)
		if got := read(); got != codeNotFound || total() != 0 {
			t.Errorf("a task of now: %q", got)
		}
		time.Sleep(time.Hour)
		if got := read(); got != "" || total() != 1 {
			t.Errorf("a task of an hour ago: %q", got)
		}
		if _, err := c.server.Act("1", "a", Act{Do: DeedDelete, Operator: "7"}); err != nil {
			t.Fatal(err)
		}
		if got := read(); got != "" || total() != 1 {
			t.Errorf("deleted now: %q", got)
		}
		if err := c.server.SetBehavior(Behavior{}); err != nil {
			t.Fatal(err)
		}
		if got := read(); got != codeNotFound || total() != 0 {
			t.Errorf("deleted, without a lag: %q", got)
		}
		c.call("CommitIntegrationTask", commit)
		if n := len(c.server.pasts); n != 0 {
			t.Errorf("%d pasts are kept without a lag", n)
		}
	})
}
