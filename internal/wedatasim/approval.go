package wedatasim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ApprovalState is how an approval stands.
type ApprovalState string

// The six states that the product's document has.
const (
	ApprovalWaiting   ApprovalState = "waiting"  // nobody has looked at it yet
	ApprovalUnderway  ApprovalState = "underway" // one of several approvers has
	ApprovalPassed    ApprovalState = "passed"   // the commit has taken effect
	ApprovalRejected  ApprovalState = "rejected"
	ApprovalWithdrawn ApprovalState = "withdrawn" // by who asked for it
	ApprovalFailed    ApprovalState = "failed"    // it was approved, and the commit went wrong

	// ApprovalDrawn stands for one of the four ends, by chance.
	ApprovalDrawn ApprovalState = "drawn"
)

func ends() []ApprovalState {
	return []ApprovalState{ApprovalPassed, ApprovalRejected, ApprovalWithdrawn, ApprovalFailed}
}

// Approvals says which commits wait for an approval, and how that ends if nobody
// orders it ([Server.EndApproval]).
type Approvals struct {
	Projects []string // all tasks of these; "*" is every project
	Tasks    []string // these, in any project

	End    ApprovalState // one of the ends, or ApprovalDrawn; empty: it never ends
	After  time.Duration // from the commit to the end
	Jitter time.Duration // up to so much later, by chance

	// Codes are how DescribeApproveList says a state, in place of the simulator's own
	// codes: how WeData does is not documented, but for the words in three examples.
	Codes map[ApprovalState]string
	// FirstPage is the number of the first page of DescribeApproveList: 0, as in the
	// examples of its document, or 1.
	FirstPage int64
}

// wanted reports whether a commit of the task waits for an approval.
func (a *Approvals) wanted(key taskKey) bool {
	return slices.Contains(a.Projects, "*") || slices.Contains(a.Projects, key.project) || slices.Contains(a.Tasks, key.task)
}

// code returns how a state is said in a list.
func (a *Approvals) code(s ApprovalState) string { return cmp.Or(a.Codes[s], defaultCodes()[s]) }

func defaultCodes() map[ApprovalState]string {
	return map[ApprovalState]string{
		ApprovalWaiting: "new", ApprovalUnderway: "approving", ApprovalPassed: "pass",
		ApprovalRejected: "reject", ApprovalWithdrawn: "withdraw", ApprovalFailed: "fail",
	}
}

func (a *Approvals) check() error {
	known := defaultCodes()
	for _, state := range slices.Sorted(maps.Keys(a.Codes)) {
		if known[state] == "" {
			return fmt.Errorf("no such state of an approval: %q", state)
		}
	}
	switch {
	case a.End != "" && a.End != ApprovalDrawn && !slices.Contains(ends(), a.End):
		return fmt.Errorf("no such end of an approval: %q", a.End)
	case a.After < 0 || a.Jitter < 0:
		return errors.New("an approval cannot end before its commit")
	case a.FirstPage != 0 && a.FirstPage != 1:
		return errors.New("the first page of a list is 0 or 1")
	}
	return nil
}

// Approval is what a commit waits for.
type Approval struct {
	ID        string        `json:"id"`
	ProjectID string        `json:"project_id"`
	TaskID    string        `json:"task_id"`
	N         int           `json:"n"` // of the commit in the ledger
	State     ApprovalState `json:"state"`
	Applicant string        `json:"applicant"` // a UIN
	Approver  string        `json:"approver,omitempty"`
	Remark    string        `json:"remark,omitempty"`
	Error     string        `json:"error,omitempty"`
	Created   time.Time     `json:"created"`
	Ended     time.Time     `json:"ended,omitzero"`

	commit *commitParams
}

// maxApprovals bounds what is kept; the older half goes when it is reached.
const maxApprovals = 1 << 14

// ask makes the commit wait for an approval. id is its number; if empty, it gets
// one.
func (w *world) ask(n int, p *commitParams, id string) {
	if len(w.approvals) == maxApprovals {
		w.approvals = slices.Delete(w.approvals, 0, maxApprovals/2)
	}
	w.asked++
	a := &Approval{
		ID: cmp.Or(id, strconv.Itoa(100000+w.asked)), ProjectID: p.ProjectID, TaskID: p.TaskID, N: n,
		State: ApprovalWaiting, Applicant: p.by, Created: w.now(), commit: p,
	}
	w.approvals = append(w.approvals, a)
	p.approveID = a.ID
	e := w.log.entry(n)
	e.ApproveID, e.Approval = a.ID, a.State
	rules := &w.opts.Behavior.Approvals
	if id != "" || rules.End == "" {
		return
	}
	key := p.key()
	w.approvalsOf[key]++
	count := w.approvalsOf[key]
	end := rules.End
	if end == ApprovalDrawn {
		end = ends()[int(w.chance("approval", key, count)*float64(len(ends())))]
	}
	w.later(rules.After+w.drawn(rules.Jitter, "approval after", key, count), func() {
		_ = w.end(a, end, "100000000099", "by schedule") // unless somebody was earlier
	})
}

// end brings an approval to a state.
func (w *world) end(a *Approval, state ApprovalState, approver, remark string) error {
	if !a.Ended.IsZero() {
		return fmt.Errorf("%w: the approval %s is %s already", ErrNotDone, a.ID, a.State)
	}
	a.State, a.Approver, a.Remark = state, approver, remark
	w.log.entry(a.N).Approval = state
	switch state {
	case ApprovalUnderway:
		return nil
	case ApprovalPassed:
		w.apply(a.N, a.commit)
	case ApprovalFailed:
		a.Error = "CloudApiException: commit failed"
	}
	a.Ended = w.now()
	w.write(a.N)
	return nil
}

// approveListParams are the parameters of DescribeApproveList.
type approveListParams struct {
	ApproveClassification string
	PageNumber, PageSize  int64
	Filters               []filter
	OrderFields           []orderField

	page int64 // counted from 0
}

func parseApproveList(body []byte) (call, *apiError) {
	p := &approveListParams{PageNumber: -1, PageSize: 10}
	err := bind(body, map[string]any{
		"ApproveClassification": &p.ApproveClassification, "PageNumber": &p.PageNumber, "PageSize": &p.PageSize,
		"Filters": &p.Filters, "OrderFields": &p.OrderFields,
	}, "ApproveClassification")
	switch {
	case err != nil:
	case p.PageSize < 1 || p.PageSize > maxPage:
		err = errorf(codeInvalid, "the value of `PageSize` is out of its range")
	default:
		err = cmp.Or(p.checkFilters(), p.checkOrder())
	}
	return p, err
}

func (p *approveListParams) checkFilters() *apiError {
	for _, f := range p.Filters {
		if !slices.Contains([]string{"Status", "ProjectName", "ApproveType", "Keyword", "ApplicantName"}, f.Name) {
			return errorf(codeInvalid, "the filter `%s` is not known", f.Name)
		}
	}
	return nil
}

func (p *approveListParams) checkOrder() *apiError {
	for _, o := range p.OrderFields {
		if o.Name != "CreateTime" || o.Direction != "ASC" && o.Direction != "DESC" {
			return errorf(codeInvalid, "the order by `%s` `%s` is not known", o.Name, o.Direction)
		}
	}
	return nil
}

func (p *approveListParams) key() taskKey { return taskKey{} }

func (p *approveListParams) check(w *world, _ Account) *apiError {
	first := w.opts.Behavior.Approvals.FirstPage
	if p.PageNumber == -1 {
		p.PageNumber = first
	}
	if p.page = p.PageNumber - first; p.page < 0 {
		return errorf(codeInvalid, "the value of `PageNumber` is out of its range")
	}
	return nil
}

func (p *approveListParams) result(w *world) map[string]any {
	rows := []map[string]any{}
	for _, a := range w.approvals {
		if row := a.row(&w.opts.Behavior.Approvals); p.ApproveClassification == "task" && p.matches(row) {
			rows = append(rows, row)
		}
	}
	if len(p.OrderFields) == 0 || p.OrderFields[0].Direction == "DESC" {
		slices.Reverse(rows)
	}
	total := int64(len(rows))
	first := min(p.page*p.PageSize, total)
	last := min(first+p.PageSize, total)
	return map[string]any{"Data": map[string]any{
		"Rows": rows[first:last], "TotalCount": total, "PageNumber": p.PageNumber, "PageSize": p.PageSize,
		"TotalPageNumber": (total + p.PageSize - 1) / p.PageSize,
	}}
}

// row is the approval as the API tells it: all strings, and two numbers.
func (a *Approval) row(codes *Approvals) map[string]any {
	row := map[string]any{
		"ApproveId": a.ID, "ApplyId": a.ID, "ApplyName": "commit task " + a.TaskID,
		"ApplicantId": a.Applicant, "ApplicantName": "user " + a.Applicant,
		"ApproverId": nullable(a.Approver), "ApproverName": nil,
		"ApproveType": "TASK_COMMIT", "ApproveTypeName": "submit an integration task", "ApproveProjectName": projectName(a.ProjectID),
		"Status": codes.code(a.State), "Remark": nullable(a.Remark), "Reason": nil, "ErrorMessage": nullable(a.Error),
		"CreateTime": localTime(a.Created), "CreateTimestamp": a.Created.UnixMilli(),
		"ApproveTime": nil, "ApproveTimestamp": nil, "Metadata": nil,
	}
	if a.Approver != "" {
		row["ApproverName"] = "user " + a.Approver
	}
	if !a.Ended.IsZero() {
		row["ApproveTime"], row["ApproveTimestamp"] = localTime(a.Ended), a.Ended.UnixMilli()
	}
	return row
}

func projectName(id string) string { return "project " + id }

// localTime writes a time as WeData does: local, without a zone, to the second.
func localTime(t time.Time) string { return t.In(china()).Format(time.DateTime) }

func (p *approveListParams) matches(row map[string]any) bool {
	for _, f := range p.Filters {
		has := func(name string) bool {
			text, _ := row[name].(string)
			return slices.Contains(f.Values, text)
		}
		ok := false
		switch f.Name {
		case "ProjectName":
			ok = has("ApproveProjectName")
		case "Keyword":
			ok = slices.ContainsFunc(f.Values, func(word string) bool {
				return strings.Contains(row["ApplyName"].(string), word) || row["ApproveId"] == word
			})
		default:
			ok = has(f.Name)
		}
		if !ok {
			return false
		}
	}
	return true
}
