package explain

import (
	"strconv"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// Rule says which rule asks for a commit; empty if none does.
func Rule(r plan.Reason) string {
	switch r {
	case plan.ReasonNew:
		return "first commit"
	case plan.ReasonVersion:
		return "new version"
	case plan.ReasonRollback:
		return "rollback"
	case plan.ReasonStart:
		return "was only submitted"
	case plan.ReasonRerun:
		return "rerun asked for"
	case plan.ReasonContent:
		return "content changed"
	case plan.ReasonDrift:
		return "heals drift"
	default:
		return ""
	}
}

// Commit says what a change sends; empty if it has no spec.
func Commit(c *plan.Change) string {
	if c.Want == nil {
		return ""
	}
	return Version(c.Want.CommitType, c.Want.InstanceVersion)
}

// Sends says what a change sends, and which rule asks for it.
func Sends(c *plan.Change) string {
	text := Commit(c)
	if why := Rule(c.Reason); c.Reason == plan.ReasonDrift {
		text += "; " + c.Detail
	} else if why != "" {
		text += "; " + why
	}
	return text
}

// Version says what a commit of the type and version is.
func Version(t spec.CommitType, version int64) string {
	if version == 0 {
		return t.String()
	}
	return t.String() + ", version " + strconv.FormatInt(version, 10)
}
