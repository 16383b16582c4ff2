package state

import "time"

// ApprovalState is how an approval in WeData stands.
type ApprovalState string

// The six states that WeData's document has. One that cannot be recognized is empty.
const (
	ApprovalOpen      ApprovalState = "open"      // nobody has decided yet
	ApprovalUnderWay  ApprovalState = "under-way" // one of several approvers has
	ApprovalPassed    ApprovalState = "passed"
	ApprovalRejected  ApprovalState = "rejected"
	ApprovalWithdrawn ApprovalState = "withdrawn" // by who asked for it
	ApprovalFailed    ApprovalState = "failed"
)

// Ended reports whether the commit that waits for the approval will not take effect any more.
func (s ApprovalState) Ended() bool {
	return s == ApprovalRejected || s == ApprovalWithdrawn || s == ApprovalFailed
}

// TaskApproval is what WeData's list of approvals says of the one that a commit waits for.
// All of it but State and SeenAt is as WeData says it, and can be empty.
type TaskApproval struct {
	State     ApprovalState `json:"state,omitempty"`
	Status    string        `json:"status"`
	Applicant string        `json:"applicant,omitempty"`
	Approver  string        `json:"approver,omitempty"` // who decides, or has decided
	Remark    string        `json:"remark,omitempty"`   // of the approver
	Error     string        `json:"error,omitempty"`
	CreatedAt string        `json:"created_at,omitempty"`
	DecidedAt string        `json:"decided_at,omitempty"`
	SeenAt    time.Time     `json:"seen_at"` // when the list was first asked that said State
}
