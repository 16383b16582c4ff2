package explain

import (
	"strconv"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
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
		return "rerun requested"
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
	return Version(c.Want.CommitType.String(), c.Want.InstanceVersion)
}

// Sends says what a change sends, and which rule asks for it.
func Sends(c *plan.Change) string {
	text := Commit(c)
	if why := Rule(c.Reason); c.Reason != plan.ReasonDrift && why != "" {
		text += "; " + why
	}
	if c.Detail != "" {
		text += "; " + c.Detail
	}
	return text
}

// Version says what a commit of the type, by its name, and version is.
func Version(commitType string, version int64) string {
	if version == 0 {
		return commitType
	}
	return commitType + ", version " + strconv.FormatInt(version, 10)
}

// Origin says where the state has it from that a version was applied.
func Origin(o state.Origin) string {
	switch o {
	case state.OriginCommit:
		return "commit response"
	case state.OriginReadBack, state.OriginLive:
		return "read-back"
	case state.OriginResolved:
		return "operator action"
	case state.OriginAdopted:
		return "spec, adopted without a call"
	case state.OriginImported:
		return "import, without a call"
	case state.OriginDrift:
		return "drift, adopted without a call"
	case state.OriginHistory:
		return "history of an earlier version"
	default:
		return string(o)
	}
}

// BaseNote says what a plan consulted that was made against a base, and not against the
// state.
func BaseNote(base string) string {
	if base == plan.AgainstLive {
		return " (the versions in WeData)"
	}
	return " (git only; applied state not consulted)"
}
