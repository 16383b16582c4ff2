package approval

import (
	"maps"

	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/state"
)

// FlowOf says whether commits of the project wait for an approval in WeData.
func FlowOf(control *state.Control, projectID string) proof.ApprovalFlow {
	switch needed, known := control.ApprovalFlows[projectID]; {
	case !known:
		return proof.ApprovalUnknown
	case needed:
		return proof.ApprovalNeeded
	default:
		return proof.ApprovalNone
	}
}

// NoteFlow returns the control that remembers what an accepted commit tells of the
// approvals of its project, or nil if that is known. A project that has ever needed one
// keeps to need it.
func NoteFlow(next state.Control, projectID string, out state.Outcome) *state.Control {
	needed := out.TaskApproveID != ""
	if was, known := next.ApprovalFlows[projectID]; out.Class != state.ClassApplied || known && (was || !needed) {
		return nil
	}
	flows := maps.Clone(next.ApprovalFlows)
	if flows == nil {
		flows = map[string]bool{}
	}
	flows[projectID] = needed
	next.ApprovalFlows = flows
	return &next
}
