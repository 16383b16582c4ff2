package state

import (
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// Control is what the daemon as a whole remembers across restarts.
type Control struct {
	Revision string `json:"revision,omitempty"` // the newest revision a finished pass was made for
	// Pending is the newest revision that was planned for, if that is another one: a guard
	// holds its plan.
	Pending string `json:"pending,omitempty"`
	// Verified is the newest commit that counts: signed as it had to be, approved by an
	// operator, or read while nothing had to be signed. It never moves back in history.
	Verified string `json:"verified,omitempty"`
	// Trusted are commits that operators let count, the newest approval last.
	Trusted   []TrustedCommit `json:"trusted,omitempty"`
	Pauses    []Pause         `json:"pauses,omitempty"`
	Approvals []Approval      `json:"approvals,omitempty"`
	Suspended *Suspension     `json:"suspended,omitempty"`
	// Restored is set when an older or damaged state was accepted by an operator:
	// the first plan that would call is then held for approval.
	Restored bool `json:"restored,omitempty"`
	// Operator is the account that reads name for our own commits; nil before the first
	// that a read showed live.
	Operator *Operator `json:"operator,omitempty"`
	// ApprovalFlows says of each project in which a commit was accepted whether an answer
	// ever named an approval in WeData: a commit there can be accepted and leave what is
	// live as it was. No map is ever changed in place.
	ApprovalFlows map[string]bool `json:"approval_flows,omitempty"`
	// DriftScan is the last scan of what is live; nil before the first.
	DriftScan *DriftScan `json:"look,omitempty"`
	// Releases are the newest revisions, at most MaxReleases, the newest last. The list is
	// never changed in place.
	Releases []Release `json:"releases,omitempty"`
}

// TrustedCommit is a commit that an operator lets count, with all that led to it, although
// nobody trusted has signed it.
type TrustedCommit struct {
	Commit string    `json:"commit"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
}

// Operator is an account as reads name it.
type Operator struct {
	UIN  string `json:"uin"`
	Seen int    `json:"seen"` // commits of ours in a row that it was named for
}

// Pause stops the sends of everything, or of one project, for a while.
type Pause struct {
	ProjectID string    `json:"project_id,omitempty"` // empty: everything
	Code      string    `json:"code"`
	Message   string    `json:"message"`
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	Tries     int       `json:"tries"`
}

// Approval is an operator's leave that one plan may go past the guards that held it.
type Approval struct {
	PlanHash string    `json:"plan_hash"` // all of it
	Actor    string    `json:"actor"`
	At       time.Time `json:"at"`
	Expires  time.Time `json:"expires"`
	// Guards are those that held the plan when it was approved: it goes past no other.
	Guards []string `json:"guards,omitempty"`
	// Calls are digests of what is left of the plan: its calls, removals and returns that
	// the approval has not let through yet.
	Calls []spec.Digest `json:"calls,omitempty"`
	// Used counts what it has let through.
	Used int `json:"used,omitempty"`
}
