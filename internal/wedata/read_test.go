package wedata_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

func TestReadErrors(t *testing.T) {
	read := "DescribeIntegrationTask"
	tests := []struct {
		name  string
		fault wedatasim.Fault
		want  error
	}{
		{"no such task", wedatasim.Fault{Code: "ResourceNotFound"}, reconcile.ErrTaskGone},
		{"no such task, with a sub-code", wedatasim.Fault{Code: "ResourceNotFound.Task"}, reconcile.ErrTaskGone},
		{"not permitted", wedatasim.Fault{Code: "UnauthorizedOperation"}, reconcile.ErrReadDenied},
		{"not permitted, says the gateway", wedatasim.Fault{Code: "AuthFailure.UnauthorizedOperation"}, reconcile.ErrReadDenied},
		{"credentials", wedatasim.Fault{Code: "AuthFailure.TokenFailure"}, wedata.ErrAuth},
		{"too fast", wedatasim.Fault{Code: "RequestLimitExceeded"}, reconcile.ErrReadThrottled},
		{"a wrong request", wedatasim.Fault{Code: "InvalidParameter"}, wedata.ErrRefused},
		{"in use", wedatasim.Fault{Code: "ResourceInUse"}, wedata.ErrTemporary},
		{"an error inside", wedatasim.Fault{Code: "InternalError"}, wedata.ErrTemporary},
		{"no answer", wedatasim.Fault{Answer: wedatasim.ReplyHang}, wedata.ErrTemporary},
		{"a broken connection", wedatasim.Fault{Answer: wedatasim.ReplyDrop}, wedata.ErrTemporary},
		{"a page", wedatasim.Fault{Answer: wedatasim.ReplyHTML}, wedata.ErrTemporary},
		{"{}", wedatasim.Fault{Answer: wedatasim.ReplyEmpty}, wedata.ErrTemporary},
		{"no task", raw(`{"Response":{"RequestId":"r"}}`), wedata.ErrTemporary},
		{"task null", raw(`{"Response":{"TaskInfo":null,"RequestId":"r"}}`), wedata.ErrTemporary},
		{"another task", raw(`{"Response":{"TaskInfo":{"TaskId":"b"},"RequestId":"r"}}`), wedata.ErrTemporary},
		{"the task of another project", raw(`{"Response":{"TaskInfo":{"ProjectId":"2"},"RequestId":"r"}}`), wedata.ErrTemporary},
		{"a version that is no number", raw(`{"Response":{"TaskInfo":{"InstanceVersion":"3"},"RequestId":"r"}}`), wedata.ErrTemporary},
		{"two versions", raw(`{"Response":{"TaskInfo":{"InstanceVersion":3,"instanceVersion":4},"RequestId":"r"}}`), wedata.ErrTemporary},
		{"a list", raw(`{"Response":{"TaskInfo":[],"RequestId":"r"}}`), wedata.ErrTemporary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim, c := newSim(t, wedatasim.Options{})
				sim.Edit("1", "a", func(*wedatasim.Task) {})
				tt.fault.Action = read
				sim.Inject(tt.fault)
				live, err := c.Read(t.Context(), spec.Key{ProjectID: "1", TaskID: "a"}, spec.Realtime)
				readErr, ok := errors.AsType[*wedata.ReadError](err)
				if live != nil || !ok || !errors.Is(err, tt.want) || readErr.Action != read {
					t.Errorf("got %v, %v; want %v", live, err, tt.want)
				}
			})
		})
	}
}

func raw(body string) wedatasim.Fault {
	return wedatasim.Fault{Answer: wedatasim.ReplyRaw, Body: body}
}

func rawOnce(body string) wedatasim.Fault {
	f := raw(body)
	f.Times = 1
	return f
}

func TestReadErrorText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		sim.Inject(wedatasim.Fault{Code: "UnauthorizedOperation", Message: "ask\nfor more"})
		_, err := c.Read(t.Context(), spec.Key{ProjectID: "1", TaskID: "a"}, 0)
		want := fmt.Sprintf("DescribeIntegrationTask: reading tasks is not permitted: UnauthorizedOperation: ask for more (request %s)", sim.Ledger()[0].RequestID)
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
}

// Every field of a task can be null.
func TestReadNulls(t *testing.T) {
	tests := []struct {
		name string
		info string
		want state.Live
	}{
		{"nothing", `{}`, state.Live{}},
		{"nulls", `{"Status":null,"InstanceVersion":null,"Submit":null,"Locked":null,"Locker":null,"LastOperateInfo":null}`, state.Live{}},
		{"an operation without id", `{"LastOperateInfo":{"TaskEvent":"commit"}}`, state.Live{}},
		{"locked", `{"Locked":true,"Locker":"100028625403"}`, state.Live{Locked: true, Locker: "100028625403"}},
		{"offline, not submitted", `{"OfflineTaskStatus":1}`, state.Live{}},
		{"offline, submitted", `{"OfflineTaskStatus":2}`, state.Live{Submitted: true}},
		{"offline, exported", `{"OfflineTaskStatus":3}`, state.Live{Submitted: true}},
		{"a status that is new to us", `{"Status":20}`, state.Live{Status: 20}},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			sim, c := newSim(t, wedatasim.Options{})
			sim.Inject(raw(`{"Response":{"TaskInfo":` + tt.info + `,"RequestId":"r"}}`))
			sim.Edit("1", "a", func(*wedatasim.Task) {})
			live, err := c.Read(t.Context(), spec.Key{ProjectID: "1", TaskID: "a"}, 0)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if diff := cmp.Diff(&tt.want, live); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		})
	}
}

// Reading asks for the task's own type: the API takes real-time for none.
func TestReadOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newSim(t, wedatasim.Options{})
		want := commitOf("a")
		want.TaskType, want.InstanceVersion = spec.Offline, 0
		if out, _ := c.Commit(t.Context(), want); out.Class != state.ClassApplied {
			t.Fatalf("got %+v", out)
		}
		if _, err := c.Read(t.Context(), want.Key, 0); !errors.Is(err, reconcile.ErrTaskGone) {
			t.Errorf("read as real-time: %v", err)
		}
		live, err := c.Read(t.Context(), want.Key, spec.Offline)
		if err != nil || !live.Submitted || live.InstanceVersion != 0 {
			t.Errorf("got %+v, %v", live, err)
		}
	})
}

func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		const all = 250
		for i := range all {
			sim.Edit("1", fmt.Sprintf("t%03d", i), func(task *wedatasim.Task) {
				task.Submitted, task.Status, task.InstanceVersion = true, wedatasim.StatusRunning, int64(i)
				task.ExtConfig = []wedatasim.Param{{Name: "n", Value: "v"}}
			})
		}
		sim.Edit("1", "in development", func(*wedatasim.Task) {})
		sim.Edit("2", "of another project", func(task *wedatasim.Task) { task.Submitted = true })
		turns := 0
		n := 0
		for task, err := range c.List(t.Context(), wedata.ListOptions{ProjectID: "1", Turn: func(context.Context) error { turns++; return nil }}) {
			if err != nil {
				t.Fatal(err)
			}
			id := fmt.Sprintf("t%03d", n)
			sims, _ := sim.Task("1", id)
			want := wedata.Task{
				Key:      spec.Key{ProjectID: "1", TaskID: id},
				Name:     "task " + id,
				TaskType: spec.Realtime,
				Live: state.Live{
					InstanceVersion: int64(n), Status: state.TaskRunning, Submitted: true,
					OperateID: sims.OperateID, UpdateTime: "2000-01-01 08:00:00",
				},
				ExtConfig: []spec.Param{{Name: "n", Value: "v"}},
			}
			if diff := cmp.Diff(want, task); diff != "" {
				t.Fatalf("task %d (-want +got):\n%s", n, diff)
			}
			n++
		}
		if n != all || turns != 3 {
			t.Errorf("%d tasks in %d requests, want %d in 3", n, turns, all)
		}
	})
}

func TestListEnds(t *testing.T) {
	tests := []struct {
		name     string
		faults   []wedatasim.Fault
		turn     error
		tasks    int
		requests int
		fails    bool
	}{
		{name: "with the last page", tasks: 150, requests: 2},
		{name: "with an error", faults: []wedatasim.Fault{{Skip: 1, Code: "InternalError"}}, tasks: 100, requests: 2, fails: true},
		{name: "with its turn", turn: context.Canceled, fails: true},
		{name: "with what is no task", faults: []wedatasim.Fault{raw(`{"Response":{"TaskInfoSet":[null],"TotalCount":1,"RequestId":"r"}}`)}, requests: 1, fails: true},
		{name: "with a task of another project", faults: []wedatasim.Fault{raw(`{"Response":{"TaskInfoSet":[{"TaskId":"a","ProjectId":"2"}],"TotalCount":1,"RequestId":"r"}}`)}, requests: 1, fails: true},
		{name: "with an empty page, whatever the count", faults: []wedatasim.Fault{raw(`{"Response":{"TaskInfoSet":[],"TotalCount":7,"RequestId":"r"}}`)}, requests: 1},
		{name: "without a count, with an empty page", faults: []wedatasim.Fault{rawOnce(`{"Response":{"TaskInfoSet":[{"TaskId":"a"}],"RequestId":"r"}}`), raw(`{"Response":{"TaskInfoSet":[],"RequestId":"r"}}`)}, tasks: 1, requests: 2},
		{name: "with nulls", faults: []wedatasim.Fault{raw(`{"Response":{"TaskInfoSet":null,"TotalCount":null,"RequestId":"r"}}`)}, requests: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim, c := newSim(t, wedatasim.Options{})
				for i := range 150 {
					sim.Edit("1", fmt.Sprintf("t%03d", i), func(task *wedatasim.Task) { task.Submitted = true })
				}
				for _, f := range tt.faults {
					sim.Inject(f)
				}
				tasks, failed := 0, false
				for _, err := range c.List(t.Context(), wedata.ListOptions{ProjectID: "1", Turn: func(context.Context) error { return tt.turn }}) {
					if err != nil {
						failed = true
						continue
					}
					tasks++
				}
				if tasks != tt.tasks || failed != tt.fails || len(sim.Ledger()) != tt.requests {
					t.Errorf("%d tasks, failed %v, %d requests; want %d, %v, %d", tasks, failed, len(sim.Ledger()), tt.tasks, tt.fails, tt.requests)
				}
			})
		})
	}
}

// A reader that has seen enough asks for no more.
func TestListStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		for i := range 150 {
			sim.Edit("1", fmt.Sprintf("t%03d", i), func(task *wedatasim.Task) { task.Submitted = true })
		}
		for range c.List(t.Context(), wedata.ListOptions{ProjectID: "1"}) {
			break
		}
		if n := len(sim.Ledger()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// Reading keeps no more than it may: a task's texts come from outside.
func TestReadBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		sim.Edit("1", "a", func(*wedatasim.Task) {})
		long := time.Now().String()
		for len(long) < 10_000 {
			long += long
		}
		sim.Inject(raw(`{"Response":{"TaskInfo":{"Locker":"` + long + `","UpdateTime":"` + long + `","LastOperateInfo":{"OperateId":"\u001b[2J` + long + `"}},"RequestId":"r"}}`))
		live, err := c.Read(t.Context(), spec.Key{ProjectID: "1", TaskID: "a"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{live.Locker, live.UpdateTime, live.OperateID} {
			if len(s) > 128 || s[0] == '\x1b' {
				t.Errorf("kept %q", s)
			}
		}
	})
}
