package wedatasim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
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
	// codes: how WeData does is not documented.
	Codes map[ApprovalState]string
}

// wanted reports whether a commit of the task waits for an approval.
func (a *Approvals) wanted(key taskKey) bool {
	return slices.Contains(a.Projects, "*") || slices.Contains(a.Projects, key.project) || slices.Contains(a.Tasks, key.task)
}

// code returns how a state is said in a list.
func (a *Approvals) code(s ApprovalState) string { return cmp.Or(a.Codes[s], defaultCodes()[s]) }

func defaultCodes() map[ApprovalState]string {
	return map[ApprovalState]string{
		ApprovalWaiting: "WAIT_APPROVE", ApprovalUnderway: "APPROVING", ApprovalPassed: "PASS",
		ApprovalRejected: "REJECT", ApprovalWithdrawn: "WITHDRAW", ApprovalFailed: "FAIL",
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

// Approvals returns the approvals, oldest first; of more than 16,384 the oldest go.
func (s *Server) Approvals() []Approval {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Approval, 0, len(s.approvals))
	for _, a := range s.approvals {
		list = append(list, *a)
	}
	return list
}

// ask makes the commit wait for an approval. id is its number; if empty, it gets
// one. s.mu is held.
func (s *Server) ask(n int, p *commitParams, id string) {
	if len(s.approvals) == maxApprovals {
		s.approvals = slices.Delete(s.approvals, 0, maxApprovals/2)
	}
	s.asked++
	a := &Approval{
		ID: cmp.Or(id, strconv.Itoa(100000+s.asked)), ProjectID: p.ProjectID, TaskID: p.TaskID, N: n,
		State: ApprovalWaiting, Applicant: p.by, Created: s.now(), commit: p,
	}
	s.approvals = append(s.approvals, a)
	p.approveID = a.ID
	e := s.entry(n)
	e.ApproveID, e.Approval = a.ID, a.State
	rules := &s.opts.Behavior.Approvals
	if id != "" || rules.End == "" {
		return
	}
	key := p.key()
	s.approvalsOf[key]++
	count := s.approvalsOf[key]
	end := rules.End
	if end == ApprovalDrawn {
		end = ends()[int(s.chance("approval", key, count)*float64(len(ends())))]
	}
	time.AfterFunc(rules.After+s.drawn(rules.Jitter, "approval after", key, count), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = s.end(a, end, "100000000099", "by schedule") // unless somebody was earlier
	})
}

// EndApproval brings the approval to a state: ApprovalUnderway, or one of the ends.
// One that has ended stays as it is. The error is ErrNotDone.
func (s *Server) EndApproval(id string, state ApprovalState, approver, remark string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.approvals, func(a *Approval) bool { return a.ID == id })
	switch {
	case i < 0:
		return fmt.Errorf("%w: there is no approval %q", ErrNotDone, id)
	case state != ApprovalUnderway && !slices.Contains(ends(), state):
		return fmt.Errorf("%w: an approval cannot be brought to %q", ErrNotDone, state)
	}
	return s.end(s.approvals[i], state, approver, remark)
}

// end brings an approval to a state. s.mu is held.
func (s *Server) end(a *Approval, state ApprovalState, approver, remark string) error {
	if !a.Ended.IsZero() {
		return fmt.Errorf("%w: the approval %s is %s already", ErrNotDone, a.ID, a.State)
	}
	a.State, a.Approver, a.Remark = state, approver, remark
	s.entry(a.N).Approval = state
	switch state {
	case ApprovalUnderway:
		return nil
	case ApprovalPassed:
		s.apply(a.N, a.commit)
	case ApprovalFailed:
		a.Error = "CloudApiException: commit failed"
	}
	a.Ended = s.now()
	s.write(a.N)
	return nil
}

// postApproval answers POST /_sim/approvals/{id}.
func (s *Server) postApproval(w http.ResponseWriter, r *http.Request) {
	var order struct {
		State    ApprovalState `json:"state"`
		Operator string        `json:"operator"`
		Remark   string        `json:"remark"`
	}
	if !readJSON(w, r, &order) {
		return
	}
	if err := s.EndApproval(r.PathValue("id"), order.State, order.Operator, order.Remark); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	writeJSON(w, s.Approvals())
}
