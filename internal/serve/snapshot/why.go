package snapshot

import (
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Why is what a task waits for, or what has happened to it, on one line. c and rec may be
// nil.
func Why(ts TaskState, c *plan.Change, rec *state.Record, now time.Time) string {
	var a *state.Attempt
	if rec != nil {
		a = rec.Attempt
	}
	switch {
	case ts == StateSending || ts == StateInSync:
		return ""
	case a != nil && ts == StateUnknown:
		return unknownText(a, now)
	case a != nil && ts == StateRefused:
		return AnswerText(a.Outcome)
	case a != nil && ts == StateLocked:
		return fmt.Sprintf("locked by %s for %s; %s", text.Visible(a.Outcome.Locker), Span(now.Sub(a.Since)), nextText(a, now))
	case a != nil && ts == StateWaiting:
		return fmt.Sprintf("%s; %s", strings.TrimSuffix(AnswerText(a.Outcome), "."), nextText(a, now))
	case a != nil && ts == StateApproval:
		return fmt.Sprintf("accepted %s; waits for approval %s in WeData", Ago(a.At, now), text.Visible(a.Outcome.TaskApproveID))
	case a != nil && ts == StateAccepted:
		return fmt.Sprintf("accepted %s, and not seen live yet", Ago(a.Since, now))
	case a != nil && ts == StateNotLive:
		return fmt.Sprintf("accepted %s, and not seen live: %s", Ago(a.Since, now), text.Visible(a.NeedsOperator))
	case a != nil && (ts == StateAlreadyLive || ts == StateNewerLive):
		return text.Visible(a.Outcome.Message)
	case ts == StateStarting && rec != nil && rec.Applied != nil && rec.Applied.Run != nil:
		return fmt.Sprintf("applied %s; has until %s to run", Ago(rec.Applied.Run.Since, now), Ago(rec.Applied.Run.Until, now))
	case ts == StateSuspended && rec != nil && rec.Suspended.Active(now):
		return fmt.Sprintf("by %s%s: %s", text.Visible(rec.Suspended.Actor), UntilText(rec.Suspended, now), text.Visible(rec.Suspended.Reason))
	case c == nil:
		return ""
	case c.Action == plan.ActionHold || c.Action == plan.ActionFollow:
		return text.Visible(c.Detail)
	case c.Action == plan.ActionCommit:
		return ChangeText(c)
	default:
		return ""
	}
}

// unknownText says how an unknown outcome will end.
func unknownText(a *state.Attempt, now time.Time) string {
	switch {
	case a.NeedsOperator != "":
		return fmt.Sprintf("sent %s, and only a person can say what became of it: %s", Ago(a.At, now), text.Visible(a.NeedsOperator))
	case a.NextAt.IsZero():
		return fmt.Sprintf("sent %s; %s", Ago(a.At, now), AnswerText(a.Outcome))
	default:
		return fmt.Sprintf("sent %s; %s; read back %s", Ago(a.At, now), strings.TrimSuffix(AnswerText(a.Outcome), "."), Ago(a.NextAt, now))
	}
}

func nextText(a *state.Attempt, now time.Time) string {
	if a.NextAt.IsZero() {
		return "next try in the next pass"
	}
	return "next try " + Ago(a.NextAt, now)
}

// UntilText says for how long a suspension lasts; nothing if it has no end.
func UntilText(s *state.Suspension, now time.Time) string {
	if s.Until.IsZero() {
		return ""
	}
	return " for " + Span(s.Until.Sub(now))
}

// AnswerText is an answer of WeData, or of what is between.
func AnswerText(o state.Outcome) string {
	switch {
	case o.Code == "":
		return text.Visible(o.Message)
	case o.Message == "":
		return text.Visible(o.Code)
	default:
		return text.Visible(o.Code + ": " + o.Message)
	}
}

// ChangeText says what is sent, and which rule asks for it.
func ChangeText(c *plan.Change) string {
	if c.Reason == plan.ReasonDrift {
		return commitText(c) + "; " + text.Visible(c.Detail)
	}
	if why := RuleText(c.Reason); why != "" {
		return commitText(c) + "; " + why
	}
	return commitText(c)
}

// RuleText says which rule asks for a commit.
func RuleText(r plan.Reason) string {
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

// Commands are the ways to end the state of the task: an operator types one of them.
func Commands(s *Snapshot, ts TaskState, key spec.Key, c *plan.Change, rec *state.Record) []string {
	switch ts {
	case StateUnknown, StateNotLive:
		if rec == nil || rec.Attempt == nil || rec.Attempt.NeedsOperator == "" {
			return nil // it is still read back
		}
	case StateSuspended:
		switch {
		case rec != nil && rec.Suspended.Active(s.Now):
			return []string{taskCommand("unsuspend", key)}
		case s.Status.Control.Suspended.Active(s.Now):
			return []string{"wedatasync unsuspend"}
		}
	case StateGuard, StateWindow:
		if c != nil && HeldWithPlan(s.Plan(), c) {
			return []string{ApproveCommand(s.Plan())}
		}
	}
	return taskCommands(ts, key)
}

// taskCommands are the ways to end a state that stays until an operator acts.
func taskCommands(ts TaskState, key spec.Key) []string {
	switch ts {
	case StateUnknown, StateNotLive:
		return []string{taskCommand("resolve", key) + " applied", taskCommand("resolve", key) + " not-applied"}
	case StateAlreadyLive:
		return []string{taskCommand("resolve", key) + " applied", taskCommand("retry", key)}
	case StateRefused, StateNotRunning, StateContested, StateAdopted, StateRecalled, StateNewerLive:
		return []string{taskCommand("retry", key)}
	default:
		return nil
	}
}
