package plan

import (
	"fmt"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// The codes of commits that were not sent because of what is live.
const (
	CodeAlreadyLive = "AlreadyLive"
	CodeNewerLive   = "NewerLive"
	CodeNoSavepoint = "NoSavepoint"
	// CodeInOperation is of a commit that is made when the task has come to rest.
	CodeInOperation = "InOperation"
)

// RestoredAfter is how many tasks that are already live hold the whole plan: the state
// was probably put back, or lost.
const RestoredAfter = 2

// GuardRestored is the name of the guard that does.
const GuardRestored = "restored"

// Doubt says why what is live, just before a commit, argues against sending it: there is
// no savepoint of the state that it is to keep; or the task is already where the spec wants it, or beyond, by an operation that the state
// does not know. That is so after a state was lost or put back, and after a hotfix in
// the console. It returns "" if nothing does. operator is our own account as reads name
// it, or empty.
func Doubt(c *Change, live *state.Live, operator string) (code, why string) {
	have := c.Have
	switch {
	case live == nil || live.Missing || have != nil && have.Attempt != nil && have.Attempt.Forced && have.Attempt.WantedID == c.Want.Wanted():
		return "", ""
	case live.HasNoSavepoint() && live.Status > state.TaskNotStarted && (c.Impact == ImpactPause || c.Impact == ImpactKeepState):
		return CodeNoSavepoint, fmt.Sprintf("WeData has no savepoint of the task: %s would continue from a state that does not exist", c.Want.CommitType)
	case c.Reason == ReasonDrift:
		return "", ""
	}
	applied := new(state.Applied)
	if have != nil && have.Applied != nil {
		applied = have.Applied
	}
	want := c.Want.InstanceVersion
	switch {
	case live.OperateID != "" && live.OperateID == applied.OperateID:
		return "", "" // the state knows what is live
	case want != 0 && live.InstanceVersion > want && live.InstanceVersion != applied.InstanceVersion:
		return CodeNewerLive, fmt.Sprintf("version %d is live%s, which is newer than the wanted %d, and the state did not apply it", live.InstanceVersion, operatedBy(live), want)
	case !stands(c.Want, live):
		return "", ""
	case want != 0 && live.InstanceVersion == want && applied.InstanceVersion != want,
		want != 0 && live.InstanceVersion == want && c.Reason == ReasonStart:
		return CodeAlreadyLive, fmt.Sprintf("version %d is %s already%s, by an operation that the state does not know", want, EndOf(c.Want.CommitType), operatedBy(live))
	case c.Reason == ReasonNew && (want == 0 || live.InstanceVersion == 0):
		return CodeAlreadyLive, fmt.Sprintf("the task is %s already%s, the state does not know it, and its version cannot be compared", EndOf(c.Want.CommitType), operatedBy(live))
	case (c.Reason == ReasonRerun || c.Reason == ReasonContent) && applied.OperateID != "" && live.OperateID != "" && live.Operator != "" && live.Operator == operator:
		return CodeAlreadyLive, "the last operation on the task is one of this account that the state does not know: the state is older than the task"
	default:
		return "", ""
	}
}

// InOperation says that a commit would come while WeData starts or stops the task, or
// returns "": what it comes to then is not known.
func InOperation(c *Change, live *state.Live) string {
	if live == nil || !c.Want.CommitType.Runs() || live.Status != state.TaskInOperation && live.Status != state.TaskStopping {
		return ""
	}
	return fmt.Sprintf("WeData says that the task is %s: it is committed when that is over", live.Status)
}

// losesFullPhase says that a commit ends a full phase, which begins again, or returns "".
func losesFullPhase(c *Change, live *state.Live) string {
	if live == nil || !live.InFullPhase() || c.Impact != ImpactDiscardState && c.Impact != ImpactFreshStart {
		return ""
	}
	return "its full phase is not over, and begins again"
}

// Withhold holds the calls of the plan that would not be made because of what is live, and
// returns how many tasks are already live. live returns what is known of a task, or nil.
func (p *Plan) Withhold(live func(spec.Key) *state.Live, operator string) (already int) {
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action != ActionCommit {
			continue
		}
		switch code, why := Doubt(c, live(c.Key), operator); code {
		case CodeAlreadyLive:
			c.Action, c.Hold, c.Detail = ActionHold, HoldAlreadyLive, why
			already++
		case CodeNewerLive:
			c.Action, c.Hold, c.Detail = ActionHold, HoldNewerLive, why
		case CodeNoSavepoint:
			c.Action, c.Hold, c.Detail = ActionHold, HoldNoSavepoint, why
		default:
			if why = InOperation(c, live(c.Key)); why != "" {
				c.Action, c.Hold, c.Detail = ActionHold, HoldWaiting, why
			} else if why = losesFullPhase(c, live(c.Key)); why != "" && c.Detail == "" {
				c.Detail = why
			}
		}
	}
	p.Hash = hashOf(p)
	return already
}

// stands reports whether the task is where the spec wants it to end up.
func stands(want *spec.Commit, live *state.Live) bool {
	if want.CommitType.Runs() && want.TaskType.OrDefault() != spec.Offline {
		return live.Status == state.TaskRunning || live.Status == state.TaskInOperation
	}
	return live.Submitted || !live.NotSubmitted && want.InstanceVersion != 0 && live.InstanceVersion == want.InstanceVersion
}

// RefusedHold says why a commit that was refused, or withheld, with the code is not sent again.
func RefusedHold(code string) HoldReason {
	switch code {
	case CodeAlreadyLive:
		return HoldAlreadyLive
	case CodeNewerLive:
		return HoldNewerLive
	case CodeNoSavepoint:
		return HoldNoSavepoint
	default:
		return HoldRefused
	}
}

// Withheld reports whether the newest commit of the record was not sent because of what
// is live.
func Withheld(rec *state.Record) bool { return WithheldCode(rec) != "" }

// WithheldCode returns the code of a commit that was withheld because of what is live,
// or "".
func WithheldCode(rec *state.Record) string {
	if rec == nil || rec.Status != state.StatusRefused {
		return ""
	}
	switch code := rec.Attempt.Outcome.Code; code {
	case CodeAlreadyLive, CodeNewerLive, CodeNoSavepoint:
		return code
	default:
		return ""
	}
}
