package wedatasim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A commit that waits leaves what is live as it was; only a passed one takes effect,
// when it passes, and the ledger says so.
func TestApprovals(t *testing.T) {
	tests := []struct {
		end     ApprovalState
		code    string
		applied bool
	}{
		{ApprovalPassed, "pass", true},
		{ApprovalRejected, "no", false},
		{ApprovalWithdrawn, "withdraw", false},
		{ApprovalFailed, "fail", false},
	}
	for _, tt := range tests {
		b := Behavior{Approvals: Approvals{Projects: []string{"1"}, End: tt.end, After: time.Minute, Codes: map[ApprovalState]string{ApprovalRejected: "no"}}}
		do(t, Options{Behavior: b}, func(t *testing.T, c *client) {
			before := c.server.Edit("1", "a", func(t *Task) { t.Submitted, t.Status, t.InstanceVersion = true, StatusRunning, 2 })
			a := c.call("CommitIntegrationTask", commit)
			if string(a.Data) != "true" || a.DataDto.TaskApproveId == nil {
				t.Fatalf("%s: answered %+v", tt.end, a)
			}
			id := *a.DataDto.TaskApproveId
			task, _ := c.server.Task("1", "a")
			if got, want := fmt.Sprintf("%+v", task), fmt.Sprintf("%+v", before); got != want {
				t.Errorf("%s: while it waits: %s", tt.end, got)
			}
			if e := c.server.Ledger()[0]; e.Applied || e.ApproveID != id || e.Approval != ApprovalWaiting || e.ArrivedAt.IsZero() {
				t.Errorf("%s: while it waits: %+v", tt.end, e)
			}
			if row := c.approvals(`{"Name":"Keyword","Values":["` + id + `"]}`)[0]; row["Status"] != "new" || row["ApproveTime"] != nil {
				t.Errorf("%s: while it waits: %v", tt.end, row)
			}
			time.Sleep(2 * time.Minute)
			task, _ = c.server.Task("1", "a")
			e := c.server.Ledger()[0]
			if (task.InstanceVersion == 3) != tt.applied || e.Applied != tt.applied || e.Approval != tt.end || tt.applied && e.AppliedAt.Sub(e.At) != time.Minute {
				t.Errorf("%s: version %d, %+v", tt.end, task.InstanceVersion, e)
			}
			if row := c.approvals("")[0]; row["Status"] != tt.code || row["ApproveTime"] != "2000-01-01 08:01:00" || row["ApplicantId"] != c.account.UIN ||
				(row["ErrorMessage"] != nil) != (tt.end == ApprovalFailed) {
				t.Errorf("%s: in the end: %v", tt.end, row)
			}
		})
	}
}

// approvals lists the approvals that fit the filters.
func (c *client) approvals(filters string) []map[string]any {
	c.t.Helper()
	a := c.call("DescribeApproveList", `{"ApproveClassification":"task","PageNumber":0,"PageSize":10,"Filters":[`+filters+`]}`)
	var data struct{ Rows []map[string]any }
	if err := json.Unmarshal(a.Data, &data); err != nil {
		c.t.Fatalf("%v: %+v", err, a)
	}
	return data.Rows
}

// An approval without a schedule ends by order, once.
func TestEndApproval(t *testing.T) {
	do(t, Options{Behavior: Behavior{Approvals: Approvals{Tasks: []string{"a"}}}}, func(t *testing.T, c *client) {
		c.call("CommitIntegrationTask", commit)
		c.call("CommitIntegrationTask", strings.Replace(commit, `"a"`, `"b"`, 1))
		time.Sleep(1000 * time.Hour)
		list := c.server.Approvals()
		if len(list) != 1 || list[0].State != ApprovalWaiting || len(c.server.Applied("1", "b")) != 1 {
			t.Fatalf("got %+v", list)
		}
		id := list[0].ID
		if status, got := ask(t, c.server, "POST", "/_sim/approvals/"+id, `{"state":"underway","operator":"8"}`); status != 200 {
			t.Errorf("%d %s", status, got)
		}
		if row := c.approvals("")[0]; row["Status"] != "approving" || row["ApproverId"] != "8" || row["ApproveTime"] != nil {
			t.Errorf("underway: %v", row)
		}
		for _, state := range []ApprovalState{ApprovalWaiting, ApprovalDrawn, "won"} {
			if err := c.server.EndApproval(id, state, "7", ""); !errors.Is(err, ErrNotDone) {
				t.Errorf("to %s: %v", state, err)
			}
		}
		if err := c.server.EndApproval(id, ApprovalPassed, "7", "fine"); err != nil {
			t.Fatal(err)
		}
		if err := c.server.EndApproval(id, ApprovalRejected, "7", ""); !errors.Is(err, ErrNotDone) {
			t.Errorf("a second end: %v", err)
		}
		if n := len(c.server.Applied("1", "a")); n != 1 {
			t.Errorf("%d applied", n)
		}
		if row := c.approvals(`{"Name":"Status","Values":["pass"]}`)[0]; row["Remark"] != "fine" || row["ApproverName"] != "user 7" {
			t.Errorf("passed: %v", row)
		}
	})
}

// The ends that are drawn are all four, by the seed.
func TestDrawnApprovals(t *testing.T) {
	run := func(seed uint64) (got string) {
		b := Behavior{Approvals: Approvals{Projects: []string{"*"}, End: ApprovalDrawn, After: time.Minute, Jitter: time.Minute}}
		do(t, Options{Limit: -1, Seed: seed, Behavior: b}, func(t *testing.T, c *client) {
			for range 40 {
				c.call("CommitIntegrationTask", commit)
			}
			time.Sleep(2 * time.Minute)
			for _, a := range c.server.Approvals() {
				if took := a.Ended.Sub(a.Created); took < time.Minute || took >= 2*time.Minute {
					t.Errorf("ended after %s", took)
				}
				got += string(a.State) + " "
			}
		})
		return got
	}
	first := run(1)
	if again := run(1); again != first || run(2) == first {
		t.Errorf("seed 1 gives %s and %s", first, again)
	}
	for _, end := range ends() {
		if !strings.Contains(first, string(end)) {
			t.Errorf("none is %s: %s", end, first)
		}
	}
}

func TestApproveList(t *testing.T) {
	do(t, Options{Limit: -1, Behavior: Behavior{Approvals: Approvals{Projects: []string{"*"}}}}, func(t *testing.T, c *client) {
		for i := range 5 {
			c.call("CommitIntegrationTask", fmt.Sprintf(`{"ProjectId":"%d","TaskId":"t%d"}`, i%2+1, i))
			time.Sleep(time.Minute)
		}
		const page = `{"ApproveClassification":"task","PageSize":2,`
		tests := []struct {
			name, body, want string
			code             string
		}{
			{name: "the newest first", body: `{"ApproveClassification":"task"}`, want: "t4 t3 t2 t1 t0 of 5, 1 pages"},
			{name: "the oldest first", body: `{"ApproveClassification":"task","OrderFields":[{"Name":"CreateTime","Direction":"ASC"}]}`, want: "t0 t1 t2 t3 t4 of 5, 1 pages"},
			{name: "a page", body: page + `"PageNumber":2}`, want: "t0 of 5, 3 pages"},
			{name: "after the last page", body: page + `"PageNumber":3}`, want: " of 5, 3 pages"},
			{name: "of a project", body: page + `"Filters":[{"Name":"ProjectName","Values":["project 2"]}]}`, want: "t3 t1 of 2, 1 pages"},
			{name: "of a task", body: page + `"Filters":[{"Name":"Keyword","Values":["t3"]}]}`, want: "t3 of 1, 1 pages"},
			{name: "of nobody", body: page + `"Filters":[{"Name":"ApplicantName","Values":["x"]}]}`, want: " of 0, 0 pages"},
			{name: "of something else", body: `{"ApproveClassification":"resource"}`, want: " of 0, 0 pages"},
			{name: "no classification", body: `{}`, code: "MissingParameter"},
			{name: "an unknown filter", body: page + `"Filters":[{"Name":"TaskId","Values":["t3"]}]}`, code: "InvalidParameterValue"},
			{name: "an unknown order", body: page + `"OrderFields":[{"Name":"Status","Direction":"ASC"}]}`, code: "InvalidParameterValue"},
			{name: "page 0", body: page + `"PageNumber":0}`, want: "t4 t3 of 5, 3 pages"},
			{name: "a page before the first", body: page + `"PageNumber":-2}`, code: "InvalidParameterValue"},
		}
		for _, tt := range tests {
			a := c.call("DescribeApproveList", tt.body)
			var data struct {
				Rows                        []struct{ ApplyName string }
				TotalCount, TotalPageNumber int
			}
			got := ""
			if a.code() == "" {
				if err := json.Unmarshal(a.Data, &data); err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, row := range data.Rows {
					names = append(names, strings.TrimPrefix(row.ApplyName, "commit task "))
				}
				got = fmt.Sprintf("%s of %d, %d pages", strings.Join(names, " "), data.TotalCount, data.TotalPageNumber)
			}
			if got != tt.want || a.code() != tt.code {
				t.Errorf("%s: %q %q, want %q %q", tt.name, got, a.code(), tt.want, tt.code)
			}
		}
	})
}
