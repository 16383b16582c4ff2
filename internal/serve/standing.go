package serve

import (
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// standing says in a word how a task stands. The words are a closed set: they are
// labels of metrics, and filters of the page.
type standing string

const (
	standInSync      standing = "in-sync"
	standSending     standing = "sending"
	standToSend      standing = "to-send"
	standUnknown     standing = "unknown"
	standRefused     standing = "refused"
	standGuard       standing = "guard"
	standPaused      standing = "paused"
	standLocked      standing = "locked"
	standWaiting     standing = "waiting"
	standApproval    standing = "approval"
	standAccepted    standing = "accepted"
	standNotLive     standing = "not-live"
	standAlreadyLive standing = "already-live"
	standNewerLive   standing = "newer-live"
	standNotRunning  standing = "not-running"
	standStarting    standing = "starting"
	standWindow      standing = "window"
	standDependency  standing = "dependency"
	standSuspended   standing = "suspended"
	standAdopted     standing = "adopted"
	standContested   standing = "contested"
	standUnversioned standing = "unversioned"
	standForgotten   standing = "forgotten"
	standReturned    standing = "returned"
	standRemoved     standing = "removed"
	standSpent       standing = "spent"
	standRecalled    standing = "recalled"
)

// tone is how much a standing asks for attention; it is a class of the style sheet.
type tone string

const (
	toneOK   tone = "ok"
	toneBusy tone = "busy"
	toneWait tone = "wait"
	toneBad  tone = "bad"
	toneCalm tone = "calm"
)

// standingInfo is what the page says of a standing.
type standingInfo struct {
	standing standing
	tone     tone
	label    string
	meaning  string
}

// standings lists all standings, those that need a person first.
func standings() []standingInfo {
	return []standingInfo{
		{standUnknown, toneBad, "unknown outcome", "it may or may not have happened; it is read back, and never repeated blindly"},
		{standRefused, toneBad, "refused", "WeData refused exactly this commit; not again until the spec changes or someone says retry"},
		{standNotRunning, toneBad, "not running", "it was applied, and did not come to run; look at it in WeData, and then say retry"},
		{standNotLive, toneBad, "not live", "WeData accepted the commit, and no read has shown it live; check the task in WeData"},
		{standAlreadyLive, toneBad, "already live", "what is wanted is live, by an operation that the state does not know; nothing is sent"},
		{standNewerLive, toneBad, "newer live", "a newer version is live than is wanted, and the state did not apply it; nothing is sent"},
		{standContested, toneBad, "contested", "others change it again whenever it is healed; not again until the spec changes or someone says retry"},
		{standRecalled, toneBad, "applied before", "its spec is back, and it is not known which version was applied; take it over with import, or say retry"},
		{standSpent, toneBad, "discardState used", "its acknowledgement was used already; not sent until the spec changes"},
		{standGuard, toneWait, "held by a guard", "a guard in the daemon's configuration does not let it pass"},
		{standPaused, toneWait, "paused", "sends have stopped, for everything or for its project"},
		{standLocked, toneWait, "locked", "someone has the task open in WeData; sent by itself once they let go"},
		{standApproval, toneWait, "awaits approval", "WeData accepted the commit, and a person there has to approve it"},
		{standAccepted, toneWait, "accepted", "WeData accepted the commit; it is read until it is live"},
		{standStarting, toneWait, "starting", "it was applied, and is followed until it runs"},
		{standWaiting, toneWait, "backing off", "WeData could not take it; sent again by itself"},
		{standWindow, toneWait, "held by a window", "sent by itself as soon as a window lets it"},
		{standDependency, toneWait, "waits for another", "a task it depends on is not as its spec says; sent by itself once that one is"},
		{standSuspended, toneCalm, "suspended", "left alone until the suspension ends"},
		{standAdopted, toneCalm, "adopted", "others have changed it, and that was adopted; nothing is sent until its spec changes or someone says retry"},
		{standSending, toneBusy, "sending", "the request is on its way, or its answer is"},
		{standToSend, toneBusy, "to send", "in the queue of this pass"},
		{standUnversioned, toneCalm, "no new version", "changed without a new instanceVersion: nothing is sent"},
		{standForgotten, toneCalm, "to be removed", "its spec is gone; it is no longer managed, without a call"},
		{standReturned, toneCalm, "managed again", "its spec is back, as it was applied; no call is made"},
		{standRemoved, toneCalm, "not managed", "its spec is gone; what was applied is kept"},
		{standInSync, toneOK, "in sync", "as its spec says"},
	}
}

// info returns what the page says of s.
func (s standing) info() standingInfo {
	for _, i := range standings() {
		if i.standing == s {
			return i
		}
	}
	return standingInfo{standing: s, tone: toneCalm, label: string(s)}
}

// standingOf says how the plan has the task.
func standingOf(c *reconcile.Change) standing {
	switch c.Action {
	case reconcile.ActionCommit:
		return standToSend
	case reconcile.ActionForget:
		return standForgotten
	case reconcile.ActionReturn:
		return standReturned
	case reconcile.ActionUnversioned:
		return standUnversioned
	case reconcile.ActionFollow:
		switch {
		case c.NotRunning():
			return standNotRunning
		case c.NotLive():
			return standNotLive
		case c.Have.Accepted():
			return acceptedStanding(c.Have)
		default:
			return standStarting
		}
	default:
		return standing(c.Hold) // the words of holds are words of standings
	}
}

// acceptedStanding says what an accepted commit waits for.
func acceptedStanding(rec *state.Record) standing {
	if rec.Attempt.Outcome.TaskApproveID != "" {
		return standApproval
	}
	return standAccepted
}

// standingAfter says how a task stands once a call has come to an outcome.
func standingAfter(rec *state.Record) standing {
	switch rec.Status {
	case state.StatusApplied:
		if rec.Accepted() {
			return acceptedStanding(rec)
		}
		if rec.Applied != nil && rec.Applied.Run != nil {
			return standStarting
		}
		return standInSync
	case state.StatusRefused:
		return standing(reconcile.RefusedHold(rec))
	case state.StatusUnknown:
		return standUnknown
	case state.StatusIntent:
		return standSending
	default:
		if rec.Attempt != nil && rec.Attempt.Outcome.Locker != "" {
			return standLocked
		}
		return standWaiting
	}
}
