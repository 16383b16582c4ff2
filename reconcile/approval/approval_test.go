package approval

import (
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestStateOf: a word is an end only if it can mean nothing else.
func TestStateOf(t *testing.T) {
	for status, want := range map[string]state.ApprovalState{
		"new": state.ApprovalOpen, "待审批": state.ApprovalOpen, "WAIT_APPROVE": state.ApprovalOpen,
		"审批中": state.ApprovalUnderWay, "Approving": state.ApprovalUnderWay,
		"pass": state.ApprovalPassed, "已通过": state.ApprovalPassed, "APPROVED": state.ApprovalPassed,
		"reject": state.ApprovalRejected, "已驳回": state.ApprovalRejected, "Rejected": state.ApprovalRejected,
		"WITHDRAWN": state.ApprovalWithdrawn, "已撤回": state.ApprovalWithdrawn,
		"fail": state.ApprovalFailed, "审批失败": state.ApprovalFailed,

		"": "", "0": "", "1": "", "2": "", "3": "", "5": "", "-1": "", "success": "", "成功": "", "cancel": "", "done": "", "closed": "",
		"unapproved": "", "not approved": "", "not passed": "", "未通过": "", "不通过": "", "rejecting": "", "pass_reject": "", "expired": "", "finish": "",
	} {
		if got := StateOf(status); got != want {
			t.Errorf("%q is %q, want %q", status, got, want)
		}
	}
}

// waiting is a record whose commit to start version 3 waits for approval 7.
func waiting() *state.Record {
	return &state.Record{
		Status: state.StatusApplied, Applied: &state.Applied{InstanceVersion: 3, TaskApproveID: "7"},
		Attempt: &state.Attempt{
			ID: "a", At: fixture.Noon, Since: fixture.Noon.Add(time.Second), Wanted: state.Applied{CommitType: spec.Start, InstanceVersion: 3},
			Before:  &state.Live{InstanceVersion: 2, Status: state.TaskRunning, OperateID: "op1"},
			Prior:   &state.Applied{InstanceVersion: 2, OperateID: "op1"},
			Outcome: state.Outcome{Class: state.ClassApplied, RequestID: "r", TaskApproveID: "7"},
		},
	}
}

func row(id, applyID, status, created string) Row {
	return Row{ID: id, ApplyID: applyID, TaskApproval: state.TaskApproval{Status: status, CreatedAt: created}}
}

// TestSeen has which rows of the list are about a commit's approval.
func TestSeen(t *testing.T) {
	const now, longAgo = "2026-12-01 20:00:01", "2026-11-30 20:00:00"
	for _, tt := range []struct {
		name string
		rows []Row
		want string // the status; empty: nothing is told
		is   state.ApprovalState
	}{
		{"nothing", nil, "", ""},
		{"another one", []Row{row("8", "9", "reject", now)}, "", ""},
		{"by its id", []Row{row("8", "9", "pass", now), row("7", "1", "reject", now)}, "reject", state.ApprovalRejected},
		{"by the id of what was applied for", []Row{row("1", "7", "reject", now)}, "reject", state.ApprovalRejected},
		{"with a zone", []Row{row("7", "", "reject", "2026-12-01T20:00:01+08:00")}, "reject", state.ApprovalRejected},
		{"without a time", []Row{row("7", "", "reject", "")}, "reject", state.ApprovalRejected},
		{"of another day", []Row{row("7", "", "reject", longAgo)}, "", ""},
		{"of another day, with a zone", []Row{row("7", "", "reject", "2026-11-30T20:00:01+08:00")}, "", ""},
		{"two that agree", []Row{row("7", "", "pass", now), row("1", "7", "APPROVED", now)}, "pass", state.ApprovalPassed},
		{"two that do not", []Row{row("7", "", "pass", now), row("1", "7", "reject", now)}, "pass", ""},
		{"a status that is not recognized", []Row{row("7", "", "3", now)}, "3", ""},
	} {
		next := Seen(waiting(), tt.rows, fixture.Noon)
		switch {
		case tt.want == "" && next != nil:
			t.Errorf("%s: %+v", tt.name, next.Attempt.Approval)
		case tt.want != "" && (next == nil || next.Attempt.Approval.Status != tt.want || next.Attempt.Approval.State != tt.is):
			t.Errorf("%s: %+v, want %q %q", tt.name, next, tt.want, tt.is)
		}
	}
	rec := Seen(waiting(), []Row{row("7", "", "reject", now)}, fixture.Noon)
	if again := Seen(rec, []Row{row("7", "", "reject", now)}, fixture.Noon.Add(time.Minute)); again != nil {
		t.Errorf("the same row is news: %+v", again)
	}
	told := row("7", "", "reject", now)
	told.Remark = "no"
	if later := Seen(rec, []Row{told}, fixture.Noon.Add(time.Minute)); later == nil || !later.Attempt.Approval.SeenAt.Equal(fixture.Noon) {
		t.Errorf("a remark is no news, or moves when the end was seen: %+v", later)
	}
}

// TestJudge: the list alone ends nothing where what is live can be read.
func TestJudge(t *testing.T) {
	before := &state.Live{InstanceVersion: 2, Status: state.TaskRunning, OperateID: "op1"}
	live := &state.Live{InstanceVersion: 3, Status: state.TaskRunning, OperateID: "op2", Operator: fixture.Other}
	rerun := func(rec *state.Record) {
		rec.Attempt.Before = &state.Live{InstanceVersion: 3, Status: state.TaskRunning, OperateID: "op1"}
		rec.Attempt.Prior = &state.Applied{InstanceVersion: 3, OperateID: "op1"}
	}
	silent := func(rec *state.Record) {
		rec.Attempt.Before = &state.Live{}
		rec.Attempt.Wanted = state.Applied{CommitType: spec.Start, TaskType: spec.Offline}
	}
	stale := func(rec *state.Record) { rec.Attempt.Stale = true }
	const soon, lagged = time.Second, proof.ReadLag
	for _, tt := range []struct {
		name   string
		status string
		edit   func(*state.Record)
		live   *state.Live // nil: the read failed
		denied bool
		after  time.Duration // from what the list said to the read
		want   Verdict
	}{
		{"not decided", "new", nil, before, false, time.Hour, Waits},
		{"not decided, and reads are denied", "new", nil, nil, true, time.Hour, Waits},
		{"not recognized", "3", nil, before, false, 1000 * time.Hour, Waits},
		{"not recognized, and reads are denied", "3", nil, nil, true, 1000 * time.Hour, Waits},
		{"rejected, and the read may be older", "reject", nil, before, false, lagged - 1, Waits},
		{"rejected, and no read is that old", "reject", nil, before, false, lagged, Ended},
		{"withdrawn", "withdraw", nil, before, false, lagged, Ended},
		{"failed", "fail", nil, before, false, lagged, Ended},
		{"rejected, and the read has failed", "reject", nil, nil, false, time.Hour, Waits},
		{"rejected, and reads are denied", "reject", nil, nil, true, 0, Ended},
		{"rejected, and it is live", "reject", nil, live, false, lagged, Live},
		{"rejected, a rerun, and others operate it", "reject", rerun, live, false, lagged, Ended},
		{"passed, and the read may be older", "pass", nil, before, false, soon, Waits},
		{"passed, and it is live", "pass", nil, live, false, soon, Live},
		{"passed, and it is live, of a commit that was given up before", "pass", stale, live, false, soon, Live},
		{"passed, a rerun", "pass", rerun, live, false, soon, Live},
		{"passed, a rerun that does not show", "pass", rerun, &state.Live{InstanceVersion: 3, OperateID: "op1"}, false, soon, Waits},
		{"passed, and not live in time", "pass", nil, before, false, proof.SettleTime, NotSeen},
		{"passed, and another version is live", "pass", nil, &state.Live{InstanceVersion: 4, OperateID: "op3"}, false, proof.SettleTime, NotSeen},
		{"passed, and the task is gone", "pass", nil, &state.Live{Missing: true}, false, proof.SettleTime, NotSeen},
		{"passed, and reads tell nothing", "pass", silent, &state.Live{}, false, soon, Counts},
		{"passed, and reads are denied", "pass", nil, nil, true, 0, Counts},
		{"passed, and the read has failed", "pass", nil, nil, false, time.Hour, Waits},
	} {
		rec := Seen(waiting(), []Row{row("7", "", tt.status, "")}, fixture.Noon)
		if tt.edit != nil {
			tt.edit(rec)
		}
		e := &proof.Evidence{Live: tt.live, At: fixture.Noon.Add(tt.after), Horizon: fixture.Horizon}
		if got := Judge(rec, e, tt.denied); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	if got := Judge(waiting(), &proof.Evidence{Live: before, At: fixture.Noon.Add(time.Hour)}, false); got != Waits {
		t.Errorf("nothing is known of the approval: %d", got)
	}
}

// TestEnd: a commit whose approval has ended is refused, and what was applied before it is
// what is applied.
func TestEnd(t *testing.T) {
	told := row("7", "", "reject", "2026-12-01 20:00:01")
	told.Approver, told.Remark, told.DecidedAt = "lin", "not now", "2026-12-01T21:00:00+08:00"
	rec := End(Seen(waiting(), []Row{told}, fixture.Noon), fixture.Noon.Add(time.Minute))
	a := rec.Attempt
	if rec.Status != state.StatusRefused || rec.Applied.InstanceVersion != 2 || a.Prior != nil || a.Outcome.Class != state.ClassRefused || a.Outcome.RequestID != "r" {
		t.Errorf("%+v, %+v", rec, a)
	}
	if want := "approval 7 was rejected by lin at 2026-12-01T21:00:00+08:00: not now"; a.Outcome.Code != "ApprovalRejected" || a.Outcome.Message != want {
		t.Errorf("%s: %s", a.Outcome.Code, a.Outcome.Message)
	}
}
