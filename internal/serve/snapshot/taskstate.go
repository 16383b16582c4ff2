package snapshot

import (
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// TaskState is the condition of a task, in a word. The words are a closed set: they are
// labels of metrics, and filters of the page.
type TaskState string

// The states of a task.
const (
	StateInSync      TaskState = "in-sync"
	StateSending     TaskState = "sending"
	StateToSend      TaskState = "to-send"
	StateUnknown     TaskState = "unknown"
	StateRefused     TaskState = "refused"
	StateGuard       TaskState = "guard"
	StatePaused      TaskState = "paused"
	StateLocked      TaskState = "locked"
	StateWaiting     TaskState = "waiting"
	StateApproval    TaskState = "approval"
	StateAccepted    TaskState = "accepted"
	StateNotLive     TaskState = "not-live"
	StateAlreadyLive TaskState = "already-live"
	StateNewerLive   TaskState = "newer-live"
	StateNotRunning  TaskState = "not-running"
	StateStarting    TaskState = "starting"
	StateWindow      TaskState = "window"
	StateDependency  TaskState = "dependency"
	StateSuspended   TaskState = "suspended"
	StateAdopted     TaskState = "adopted"
	StateContested   TaskState = "contested"
	StateUnversioned TaskState = "unversioned"
	StateForgotten   TaskState = "forgotten"
	StateReturned    TaskState = "returned"
	StateRemoved     TaskState = "removed"
	StateSpent       TaskState = "spent"
	StateRecalled    TaskState = "recalled"
)

// Tone is how much a state asks for attention; it is a class of the style sheet.
type Tone string

// The tones.
const (
	ToneOK   Tone = "ok"
	ToneBusy Tone = "busy"
	ToneWait Tone = "wait"
	ToneBad  Tone = "bad"
	ToneCalm Tone = "calm"
)

// StateInfo is a state in words.
type StateInfo struct {
	State   TaskState
	Tone    Tone
	Label   string
	Meaning string
}

// TaskStates lists all states, those that need an operator first.
func TaskStates() []StateInfo {
	return []StateInfo{
		{StateUnknown, ToneBad, "unknown outcome", "it may or may not have happened; it is read back, and never repeated blindly"},
		{StateRefused, ToneBad, "refused", "WeData refused exactly this commit; not again until the spec changes or someone says retry"},
		{StateNotRunning, ToneBad, "not running", "it was applied, and did not come to run; look at it in WeData, and then say retry"},
		{StateNotLive, ToneBad, "not live", "WeData accepted the commit, and no read has shown it live; check the task in WeData"},
		{StateAlreadyLive, ToneBad, "already live", "what is wanted is live, by an operation that the state does not know; nothing is sent"},
		{StateNewerLive, ToneBad, "newer live", "a newer version is live than is wanted, and the state did not apply it; nothing is sent"},
		{StateContested, ToneBad, "contested", "others change it again whenever it is healed; not again until the spec changes or someone says retry"},
		{StateRecalled, ToneBad, "applied before", "its spec is back, and it is not known which version was applied; take it over with import, or say retry"},
		{StateSpent, ToneBad, "discardState used", "its acknowledgement was used already; not sent until the spec changes"},
		{StateGuard, ToneWait, "held by a guard", "a guard in the daemon's configuration does not let it pass"},
		{StatePaused, ToneWait, "paused", "sends have stopped, for everything or for its project"},
		{StateLocked, ToneWait, "locked", "someone has the task open in WeData; sent by itself once they let go"},
		{StateApproval, ToneWait, "awaits approval", "WeData accepted the commit, and a person there has to approve it"},
		{StateAccepted, ToneWait, "accepted", "WeData accepted the commit; it is read until it is live"},
		{StateStarting, ToneWait, "starting", "it was applied, and is followed until it runs"},
		{StateWaiting, ToneWait, "backing off", "WeData could not take it; sent again by itself"},
		{StateWindow, ToneWait, "held by a window", "sent by itself as soon as a window lets it"},
		{StateDependency, ToneWait, "waits for another", "a task it depends on is not as its spec says; sent by itself once that one is"},
		{StateSuspended, ToneCalm, "suspended", "left alone until the suspension ends"},
		{StateAdopted, ToneCalm, "adopted", "others have changed it, and that was adopted; nothing is sent until its spec changes or someone says retry"},
		{StateSending, ToneBusy, "sending", "the request is on its way, or its answer is"},
		{StateToSend, ToneBusy, "to send", "in the queue of this pass"},
		{StateUnversioned, ToneCalm, "no new version", "changed without a new instanceVersion: nothing is sent"},
		{StateForgotten, ToneCalm, "to be removed", "its spec is gone; it is no longer managed, without a call"},
		{StateReturned, ToneCalm, "managed again", "its spec is back, as it was applied; no call is made"},
		{StateRemoved, ToneCalm, "not managed", "its spec is gone; what was applied is kept"},
		{StateInSync, ToneOK, "in sync", "as its spec says"},
	}
}

// Info returns the state in words.
func (ts TaskState) Info() StateInfo {
	for _, i := range TaskStates() {
		if i.State == ts {
			return i
		}
	}
	return StateInfo{State: ts, Tone: ToneCalm, Label: string(ts)}
}

// stateOf returns the state that the plan has the task in.
func stateOf(c *plan.Change) TaskState {
	switch c.Action {
	case plan.ActionCommit:
		return StateToSend
	case plan.ActionForget:
		return StateForgotten
	case plan.ActionReturn:
		return StateReturned
	case plan.ActionUnversioned:
		return StateUnversioned
	case plan.ActionFollow:
		switch {
		case c.NotRunning():
			return StateNotRunning
		case c.NotLive():
			return StateNotLive
		case c.Have.Accepted():
			return acceptedState(c.Have)
		default:
			return StateStarting
		}
	default:
		return TaskState(c.Hold) // the words of holds are words of states
	}
}

// acceptedState says what an accepted commit waits for.
func acceptedState(rec *state.Record) TaskState {
	if rec.Attempt.Outcome.TaskApproveID != "" {
		return StateApproval
	}
	return StateAccepted
}

// stateAfter returns the state of a task whose call has come to an outcome.
func stateAfter(rec *state.Record) TaskState {
	switch rec.Status {
	case state.StatusApplied:
		if rec.Accepted() {
			return acceptedState(rec)
		}
		if rec.Applied != nil && rec.Applied.Run != nil {
			return StateStarting
		}
		return StateInSync
	case state.StatusRefused:
		return TaskState(plan.RefusedHold(rec))
	case state.StatusUnknown:
		return StateUnknown
	case state.StatusIntent:
		return StateSending
	default:
		if rec.Attempt != nil && rec.Attempt.Outcome.Locker != "" {
			return StateLocked
		}
		return StateWaiting
	}
}
