package approval

import (
	"strings"

	"github.com/wedatasync/wedatasync/state"
)

// words are the texts of Status that are recognized, in lower case and without separators.
// How Status is coded is not documented, so each row says what it rests on. A text that is
// not here is no end: it is shown as it comes, and the commit goes on waiting. So does one
// that could mean two of the states, such as "success" or "cancel", and any number: nothing
// says which state has which.
var words = map[string]state.ApprovalState{
	// The examples of the API's document: rows of DescribeApproveList that nobody has
	// decided and that somebody has rejected, and the Status that ModifyApproveStatus is
	// sent to approve.
	"new":    state.ApprovalOpen,
	"reject": state.ApprovalRejected,
	"pass":   state.ApprovalPassed,

	// The names of the six states in the product's document, in both languages.
	"未审批": state.ApprovalOpen, "待审批": state.ApprovalOpen,
	"审批中": state.ApprovalUnderWay,
	"已通过": state.ApprovalPassed, "审批通过": state.ApprovalPassed,
	"已驳回": state.ApprovalRejected, "已拒绝": state.ApprovalRejected, "审批驳回": state.ApprovalRejected, "审批拒绝": state.ApprovalRejected,
	"已撤回": state.ApprovalWithdrawn, "已撤销": state.ApprovalWithdrawn,
	"审批失败":   state.ApprovalFailed,
	"passed": state.ApprovalPassed, "rejected": state.ApprovalRejected, "withdrawn": state.ApprovalWithdrawn, "failed": state.ApprovalFailed,

	// Other forms of the same words, which can mean nothing else.
	"waitapprove": state.ApprovalOpen, "pending": state.ApprovalOpen, "waiting": state.ApprovalOpen,
	"approving": state.ApprovalUnderWay, "inapproval": state.ApprovalUnderWay,
	"approved": state.ApprovalPassed, "refused": state.ApprovalRejected,
	"withdraw": state.ApprovalWithdrawn, "revoked": state.ApprovalWithdrawn,
	"fail": state.ApprovalFailed,
}

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// StateOf returns the state that WeData's Status says, or "" if that is not recognized.
func StateOf(status string) state.ApprovalState {
	return words[strings.ToLower(separators.Replace(status))]
}
