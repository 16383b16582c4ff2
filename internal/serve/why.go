package serve

import (
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// why says on one line what a task waits for, or what has happened to it. c and rec
// may be nil.
func (l *look) why(s standing, c *reconcile.Change, rec *state.Record) string {
	var a *state.Attempt
	if rec != nil {
		a = rec.Attempt
	}
	switch {
	case s == standSending || s == standInSync:
		return ""
	case a != nil && s == standUnknown:
		return l.unknownText(a)
	case a != nil && s == standRefused:
		return answerText(a.Outcome)
	case a != nil && s == standLocked:
		return fmt.Sprintf("locked by %s for %s; %s", report.Visible(a.Outcome.Locker), span(l.now.Sub(a.Since)), l.nextText(a))
	case a != nil && s == standWaiting:
		return fmt.Sprintf("%s; %s", strings.TrimSuffix(answerText(a.Outcome), "."), l.nextText(a))
	case a != nil && s == standApproval:
		return fmt.Sprintf("accepted %s; waits for approval %s in WeData", l.clock(a.At), report.Visible(a.Outcome.TaskApproveID))
	case a != nil && s == standAccepted:
		return fmt.Sprintf("accepted %s, and not seen live yet", l.clock(a.Since))
	case a != nil && s == standNotLive:
		return fmt.Sprintf("accepted %s, and not seen live: %s", l.clock(a.Since), report.Visible(a.NeedsPerson))
	case a != nil && (s == standAlreadyLive || s == standNewerLive):
		return report.Visible(a.Outcome.Message)
	case s == standStarting && rec != nil && rec.Applied != nil && rec.Applied.Run != nil:
		return fmt.Sprintf("applied %s; has until %s to run", l.clock(rec.Applied.Run.Since), l.clock(rec.Applied.Run.Until))
	case s == standSuspended && rec != nil && rec.Suspended.Active(l.now):
		return fmt.Sprintf("by %s%s: %s", report.Visible(rec.Suspended.Actor), untilText(l, rec.Suspended), report.Visible(rec.Suspended.Reason))
	case c == nil:
		return ""
	case c.Action == reconcile.ActionHold || c.Action == reconcile.ActionFollow:
		return report.Visible(c.Detail)
	case c.Action == reconcile.ActionCommit:
		return changeText(c)
	default:
		return ""
	}
}

// unknownText says how an unknown outcome will end.
func (l *look) unknownText(a *state.Attempt) string {
	switch {
	case a.NeedsPerson != "":
		return fmt.Sprintf("sent %s, and only a person can say what became of it: %s", l.clock(a.At), report.Visible(a.NeedsPerson))
	case a.NextAt.IsZero():
		return fmt.Sprintf("sent %s; %s", l.clock(a.At), answerText(a.Outcome))
	default:
		return fmt.Sprintf("sent %s; %s; read back %s", l.clock(a.At), strings.TrimSuffix(answerText(a.Outcome), "."), l.clock(a.NextAt))
	}
}

func (l *look) nextText(a *state.Attempt) string {
	if a.NextAt.IsZero() {
		return "next try in the next pass"
	}
	return "next try " + l.clock(a.NextAt)
}

// clock writes a time by how far it is: what a person wants to know of it here.
func (l *look) clock(t time.Time) string { return momentOf(t, l.now).Text }

// answerText is an answer of WeData, or of what is between.
func answerText(o state.Outcome) string {
	switch {
	case o.Code == "":
		return report.Visible(o.Message)
	case o.Message == "":
		return report.Visible(o.Code)
	default:
		return report.Visible(o.Code + ": " + o.Message)
	}
}

// changeText says what is sent, and which rule asks for it.
func changeText(c *reconcile.Change) string {
	if c.Reason == reconcile.ReasonDrift {
		return commitText(c) + "; " + report.Visible(c.Detail)
	}
	if why := whyText(c.Reason); why != "" {
		return commitText(c) + "; " + why
	}
	return commitText(c)
}

// whyText says which rule asks for a commit.
func whyText(r reconcile.Reason) string {
	switch r {
	case reconcile.ReasonNew:
		return "first commit"
	case reconcile.ReasonVersion:
		return "new version"
	case reconcile.ReasonRollback:
		return "rollback"
	case reconcile.ReasonStart:
		return "was only submitted"
	case reconcile.ReasonRerun:
		return "rerun asked for"
	case reconcile.ReasonContent:
		return "content changed"
	case reconcile.ReasonDrift:
		return "heals drift"
	default:
		return ""
	}
}

// commands are what a person can type to end how the task stands: one of them.
func (l *look) commands(s standing, key spec.Key, c *reconcile.Change, rec *state.Record) []string {
	switch {
	case s == standRefused || s == standNotRunning || s == standContested || s == standAdopted || s == standRecalled:
		return []string{taskCommand("retry", key)}
	case (s == standUnknown || s == standNotLive) && rec != nil && rec.Attempt != nil && rec.Attempt.NeedsPerson != "":
		return resolveCommands(key)
	case s == standAlreadyLive:
		return []string{taskCommand("resolve", key) + " applied", taskCommand("retry", key)}
	case s == standNewerLive:
		return []string{taskCommand("retry", key)}
	case s == standSuspended && rec != nil && rec.Suspended.Active(l.now):
		return []string{taskCommand("unsuspend", key)}
	case s == standSuspended && l.status.Control.Suspended.Active(l.now):
		return []string{"wedatasync unsuspend"}
	case (s == standGuard || s == standWindow) && c != nil && heldWithPlan(l.plan(), c):
		return []string{approveCommand(l.plan())}
	default:
		return nil
	}
}

// progress is how far the calls of the pass under way are.
func (l *look) progress() (progress, bool) {
	if l.pass == nil {
		return progress{}, false
	}
	return l.pass.progress(l.now, l.period)
}

// inSync reports whether every spec is applied.
func (l *look) inSync() bool {
	if l.status.Plan == nil || l.digest.errors > 0 || len(l.status.Flying) > 0 {
		return false
	}
	for _, i := range standings() {
		switch i.standing {
		case standInSync, standUnversioned, standForgotten, standReturned:
		default:
			if l.count(i.standing) > 0 {
				return false
			}
		}
	}
	return true
}
