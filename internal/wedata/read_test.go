package wedata_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/approval/listing"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
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
		{"no such task", wedatasim.Fault{Code: "ResourceNotFound"}, plan.ErrTaskGone},
		{"no such task, with a sub-code", wedatasim.Fault{Code: "ResourceNotFound.Task"}, plan.ErrTaskGone},
		{"not permitted", wedatasim.Fault{Code: "UnauthorizedOperation"}, plan.ErrReadDenied},
		{"not permitted, says the gateway", wedatasim.Fault{Code: "AuthFailure.UnauthorizedOperation"}, plan.ErrReadDenied},
		{"credentials", wedatasim.Fault{Code: "AuthFailure.TokenFailure"}, wedata.ErrAuth},
		{"too fast", wedatasim.Fault{Code: "RequestLimitExceeded"}, plan.ErrReadThrottled},
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
				live, err := c.Read(t.Context(), spec.Key{ProjectID: "1", TaskID: "a"}, spec.Realtime, nil)
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

func TestReadErrorText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		sim.Inject(wedatasim.Fault{Code: "UnauthorizedOperation", Message: "ask\nfor more"})
		_, err := c.Read(t.Context(), spec.Key{ProjectID: "1", TaskID: "a"}, 0, nil)
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
		{"offline, not submitted", `{"TaskType":202,"OfflineTaskStatus":1}`, state.Live{NotSubmitted: true}},
		{"offline, submitted", `{"TaskType":202,"OfflineTaskStatus":2}`, state.Live{Submitted: true}},
		{"offline, exported", `{"TaskType":202,"OfflineTaskStatus":3}`, state.Live{Submitted: true}},
		{
			"real-time, the newest shape", `{"TaskType":201,"Submit":null,"OfflineTaskStatus":1,"HasVersion":true,"InstanceVersion":3,"NumRestarts":-1}`,
			state.Live{Submitted: true, InstanceVersion: 3},
		},
		{"real-time, never submitted", `{"TaskType":201,"Submit":null,"HasVersion":false}`, state.Live{NotSubmitted: true}},
		{"real-time, a draft of what is in production", `{"TaskType":201,"Submit":false,"HasVersion":true}`, state.Live{NotSubmitted: true}},
		{"operated by", `{"OperatorUin":"100028625403"}`, state.Live{Operator: "100028625403"}},
		{"a status that is new to us", `{"Status":20}`, state.Live{Status: 20}},
		{"how the job goes, and nothing of it", `{"NumRestarts":-1,"ReaderDelay":-1,"BusinessLatency":-1,"ReadPhase":null,"NotExistsCheckPoint":null,"StopTime":null}`, state.Live{}},
		{"how the job goes", `{"NumRestarts":0,"ReaderDelay":0.2,"BusinessLatency":7,"ReadPhase":1,"NotExistsCheckPoint":1,"StopTime":"2026-11-30 12:00:00"}`, state.Live{
			NumRestarts: new(int64(0)),
			Vitals:      &state.Vitals{ReaderDelay: 1, BusinessLatency: 7, ReadPhase: 1, NoSavepoint: true, StopTime: "2026-11-30 12:00:00"},
		}},
		{"there is a savepoint", `{"NotExistsCheckPoint":0}`, state.Live{}},
		{"a delay that cannot be", `{"ReaderDelay":1e300}`, state.Live{Vitals: &state.Vitals{ReaderDelay: 1 << 40, BusinessLatency: state.Untold, ReadPhase: state.Untold}}},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			sim, c := newSim(t, wedatasim.Options{})
			sim.Inject(raw(`{"Response":{"TaskInfo":` + tt.info + `,"RequestId":"r"}}`))
			sim.Edit("1", "a", func(*wedatasim.Task) {})
			live, err := c.Read(t.Context(), spec.Key{ProjectID: "1", TaskID: "a"}, 0, nil)
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
		if out, _ := c.Commit(t.Context(), want, nil); out.Class != state.ClassApplied {
			t.Fatalf("got %+v", out)
		}
		if _, err := c.Read(t.Context(), want.Key, 0, nil); !errors.Is(err, plan.ErrTaskGone) {
			t.Errorf("read as real-time: %v", err)
		}
		live, err := c.Read(t.Context(), want.Key, spec.Offline, nil)
		if err != nil || !live.Submitted || live.InstanceVersion != 0 {
			t.Errorf("got %+v, %v", live, err)
		}
	})
}

// A page tells all that the API tells of tasks in production.
func TestPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		const all = 250
		for i := range all {
			sim.Edit("1", fmt.Sprintf("t%03d", i), func(task *wedatasim.Task) {
				task.Submitted, task.Status, task.InstanceVersion, task.OperatorUIN = true, wedatasim.StatusRunning, int64(i), "100028625403"
			})
		}
		sim.Edit("1", "in development", func(*wedatasim.Task) {})
		sim.Edit("1", "offline", func(task *wedatasim.Task) { task.Submitted, task.TaskType = true, 202 })
		sim.Edit("2", "of another project", func(task *wedatasim.Task) { task.Submitted = true })
		n := 0
		for number, want := range map[int]struct {
			tasks int
			last  bool
		}{1: {100, false}, 2: {100, false}, 3: {50, true}, 4: {0, true}} {
			page, err := c.Page(t.Context(), drift.Query{ProjectID: "1"}, number, nil)
			if err != nil || len(page.Tasks) != want.tasks || page.Last != want.last || page.Total != all {
				t.Fatalf("page %d: %d tasks of %d, last %v, %v", number, len(page.Tasks), page.Total, page.Last, err)
			}
			for i, got := range page.Tasks {
				n++
				id := fmt.Sprintf("t%03d", (number-1)*100+i)
				sims, _ := sim.Task("1", id)
				want := drift.LiveTask{
					Key: spec.Key{ProjectID: "1", TaskID: id}, TaskType: spec.Realtime, Name: "task " + id,
					Live: state.Live{
						InstanceVersion: sims.InstanceVersion, Status: state.TaskRunning, Submitted: true,
						OperateID: sims.OperateID, Operator: "100028625403", UpdateTime: "2000-01-01 08:00:00",
						NumRestarts: new(int64(0)), Vitals: &state.Vitals{BusinessLatency: state.Untold, ReadPhase: state.Untold},
					},
					Event: "console", EventTime: "2000-01-01 08:00:00",
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s (-want +got):\n%s", id, diff)
				}
			}
		}
		if n != all {
			t.Errorf("%d tasks, want %d", n, all)
		}
		if page, err := c.Page(t.Context(), drift.Query{ProjectID: "1", TaskType: spec.Offline}, 1, nil); err != nil || len(page.Tasks) != 1 || page.Tasks[0].TaskType != spec.Offline {
			t.Errorf("offline: %+v, %v", page, err)
		}
		named := drift.Query{ProjectID: "1", TaskIDs: []string{"t007", "t249", "in development", "nobody"}}
		if page, err := c.Page(t.Context(), named, 1, nil); err != nil || len(page.Tasks) != 2 || !page.Last || page.Tasks[1].Key.TaskID != "t249" {
			t.Errorf("by name: %+v, %v", page, err)
		}
	})
}

func TestPageAnswers(t *testing.T) {
	body := func(set, total string) wedatasim.Fault {
		return raw(`{"Response":{"TaskInfoSet":` + set + `,"TotalCount":` + total + `,"RequestId":"r"}}`)
	}
	tests := []struct {
		name  string
		fault wedatasim.Fault
		want  drift.Page
		err   error
	}{
		{name: "an error", fault: wedatasim.Fault{Code: "InternalError"}, err: wedata.ErrTemporary},
		{name: "not permitted", fault: wedatasim.Fault{Code: "UnauthorizedOperation"}, err: plan.ErrReadDenied},
		{name: "what is no task", fault: body(`[null]`, `1`), err: wedata.ErrTemporary},
		{name: "a task without id", fault: body(`[{}]`, `1`), err: wedata.ErrTemporary},
		{name: "a task of another project", fault: body(`[{"TaskId":"a","ProjectId":"2"}]`, `1`), err: wedata.ErrTemporary},
		{name: "an empty page, whatever the count", fault: body(`[]`, `7`), want: drift.Page{Total: 7, Last: true}},
		{name: "nulls", fault: body(`null`, `null`), want: drift.Page{Last: true}},
		{
			name: "without a count", fault: body(`[{"TaskId":"a"}]`, `null`),
			want: drift.Page{Total: 1, Tasks: []drift.LiveTask{{Key: spec.Key{ProjectID: "1", TaskID: "a"}, TaskType: spec.Realtime}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim, c := newSim(t, wedatasim.Options{})
				sim.Inject(tt.fault)
				got, err := c.Page(t.Context(), drift.Query{ProjectID: "1"}, 1, nil)
				if _, ok := errors.AsType[*wedata.ReadError](err); (err != nil) != (tt.err != nil) || err != nil && (!ok || !errors.Is(err, tt.err)) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		})
	}
}

// That a task is not submitted has to be said in so many words.
func TestLookSubmission(t *testing.T) {
	for info, want := range map[string]bool{
		`{}`:                                        false,
		`{"Submit":null,"HasVersion":null}`:         false,
		`{"Submit":true}`:                           false,
		`{"Submit":false,"HasVersion":true}`:        false, // a draft
		`{"Submit":false}`:                          true,
		`{"Submit":false,"HasVersion":false}`:       true,
		`{"OfflineTaskStatus":1}`:                   false, // says nothing of a real-time task
		`{"OfflineTaskStatus":1,"HasVersion":true}`: false,
		`{"TaskType":202,"OfflineTaskStatus":1}`:    true,
		`{"TaskType":202,"OfflineTaskStatus":2}`:    false,
		`{"Submit":false,"OfflineTaskStatus":3}`:    true,
	} {
		synctest.Test(t, func(t *testing.T) {
			sim, c := newSim(t, wedatasim.Options{})
			sim.Inject(raw(`{"Response":{"TaskInfo":` + info + `,"RequestId":"r"}}`))
			sim.Edit("1", "a", func(*wedatasim.Task) {})
			seen, err := c.Describe(t.Context(), spec.Key{ProjectID: "1", TaskID: "a"}, 0, nil)
			if err != nil || seen.NotSubmitted != want {
				t.Errorf("%s: not submitted %v, %v", info, seen.NotSubmitted, err)
			}
		})
	}
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
		live, err := c.Read(t.Context(), spec.Key{ProjectID: "1", TaskID: "a"}, 0, nil)
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

// TestApprovals has what a row of the list of approvals tells: nothing of it is taken over
// as it comes, and "null" is no text.
func TestApprovals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{Behavior: wedatasim.Behavior{Approvals: wedatasim.Approvals{Projects: []string{"*"}}}})
		if out, _ := c.Commit(t.Context(), commitOf("a"), nil); out.TaskApproveID != "100001" {
			t.Fatalf("%+v", out)
		}
		if err := sim.EndApproval("100001", wedatasim.ApprovalRejected, "7", "no\n::error::"); err != nil {
			t.Fatal(err)
		}
		rows, err := c.Approvals(t.Context(), 0, nil)
		if err != nil || len(rows) != 1 || rows[0].ID != "100001" || rows[0].Status != "reject" || rows[0].Approver != "user 7" || rows[0].Remark != "no ::error::" {
			t.Errorf("%+v, %v", rows, err)
		}
		sim.Inject(raw(`{"Response":{"Data":{"Rows":[null,{"ApproveId":"1","ErrorMessage":"null","ApplicantId":"7"}]},"RequestId":"r"}}`))
		rows, err = c.Approvals(t.Context(), 0, nil)
		want := []approval.Row{{ID: "1", TaskApproval: state.TaskApproval{Applicant: "7"}}}
		if diff := cmp.Diff(want, rows); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		sim.Clear()
		for body, none := range map[string]bool{
			`{"Response":{"Data":null,"RequestId":"r"}}`:                           true,
			`{"Response":{"RequestId":"r"}}`:                                       true,
			`{"Response":{"Data":{"Rows":[{"Status":3}]},"RequestId":"r"}}`:        false,
			`{"Response":{"Data":{"Rows":{}},"RequestId":"r"}}`:                    false,
			`{"Response":{"Data":{"Rows":[]},"data":{"Rows":[]},"RequestId":"r"}}`: false,
		} {
			sim.Clear()
			sim.Inject(raw(body))
			if rows, err := c.Approvals(t.Context(), 0, nil); len(rows) > 0 || (err == nil) != none {
				t.Errorf("%s: %v, %v", body, rows, err)
			}
		}
		for code, is := range map[string]error{"UnauthorizedOperation": plan.ErrReadDenied, "InvalidParameterValue": listing.ErrNoPage, "RequestLimitExceeded": plan.ErrReadThrottled} {
			sim.Clear()
			sim.Inject(wedatasim.Fault{Code: code})
			if _, err := c.Approvals(t.Context(), 0, nil); !errors.Is(err, is) {
				t.Errorf("%s: %v", code, err)
			}
		}
	})
}

// TestVersion: of a version only what is told of it counts, not what the answer says of the
// task.
func TestVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		want := commitOf("a")
		want.InstanceVersion, want.VersionDesc = 3, "the\nthird (wedatasync:0123456789ab)"
		if out, _ := c.Commit(t.Context(), want, nil); out.Class != state.ClassApplied {
			t.Fatalf("%+v", out)
		}
		task, _ := sim.Task(want.ProjectID, "a")
		got, err := c.Version(t.Context(), want.Key, 0, 3, nil)
		if diff := cmp.Diff(&drift.Version{Number: 3, Submitter: task.OperatorUIN, SubmittedAt: "2000-01-01 08:00:00", Desc: "the third (wedatasync:0123456789ab)", Tag: "0123456789ab", Enabled: true}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		for _, body := range []string{
			`{"Response":{"TaskInfo":{"InstanceVersion":3},"TaskVersion":null,"RequestId":"r"}}`,
			`{"Response":{"TaskVersion":{"InstanceVersion":2,"SubmitterUin":"7"},"RequestId":"r"}}`,
		} {
			sim.Clear()
			sim.Inject(raw(body))
			if got, err := c.Version(t.Context(), want.Key, 0, 3, nil); got != nil || err != nil {
				t.Errorf("%s: %+v, %v", body, got, err)
			}
		}
	})
}
