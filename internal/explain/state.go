package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/progress"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// State is the condition of a task, in a word. The words are a closed set: they are
// labels of metrics, and filters of the page.
type State string

// The states of a task.
const (
	InSync      State = "in-sync"
	Sending     State = "sending"
	ToSend      State = "to-send"
	Unknown     State = "unknown"
	Refused     State = "refused"
	Guard       State = "guard"
	Paused      State = "paused"
	Locked      State = "locked"
	Waiting     State = "waiting"
	Approval    State = "approval"
	Accepted    State = "accepted"
	NotLive     State = "not-live"
	AlreadyLive State = "already-live"
	NewerLive   State = "newer-live"
	NoSavepoint State = "no-savepoint"
	NotRunning  State = "not-running"
	Unhealthy   State = "unhealthy"
	Starting    State = "starting"
	Window      State = "window"
	Dependency  State = "dependency"
	Suspended   State = "suspended"
	Adopted     State = "adopted"
	Contested   State = "contested"
	Unversioned State = "unversioned"
	Forgotten   State = "forgotten"
	Returned    State = "returned"
	Removed     State = "removed"
	Spent       State = "spent"
	Recalled    State = "recalled"
	Invalid     State = "invalid"
	Drifted     State = "drifted"
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

// Info says what is true of every task in a state.
type Info struct {
	State   State
	Tone    Tone
	Label   string
	Meaning string // what has happened
	// Next is what comes next by itself, or what an operator can do, with TASK in the
	// place of the task; empty if nothing does.
	Next string
	// Commands are what an operator types for it, one of them, with TASK in the place of
	// the task; none if nothing, or no command, is needed.
	Commands []string
}

// anyTask stands for the task in words about several.
const anyTask = "TASK"

const (
	retryTask     = "wedatasync retry " + anyTask
	resolveTask   = "wedatasync resolve " + anyTask
	resolveEither = resolveTask + " applied|not-applied"
)

// either are the two commands of resolveEither.
func either() []string { return []string{resolveTask + " applied", resolveTask + " not-applied"} }

func retry() []string { return []string{retryTask} }

// States lists all states, those that need an operator first.
func States() []Info {
	return []Info{
		{Unknown, ToneBad, "unknown outcome", "the outcome of its last commit is not known; it is read back", "if the read-back does not resolve it, check the task in WeData, then: " + resolveEither, either()},
		{Refused, ToneBad, "refused", "WeData refused exactly this commit", "change the spec, or to send it again: " + retryTask, retry()},
		{NotRunning, ToneBad, "not running", "it was applied, and does not run", "check the task in WeData, then: " + retryTask, retry()},
		{Unhealthy, ToneBad, "not healthy", "it runs, but does not meet the conditions of its wait", "check the task in WeData, then: " + retryTask, retry()},
		{NotLive, ToneBad, "not live", "WeData accepted the commit, and no read has shown it live", "check the task in WeData, then: " + resolveEither, either()},
		{
			AlreadyLive, ToneBad, "already live", "live already, by an operation unknown to the state",
			"to mark it as applied: " + resolveTask + " applied; to commit it all the same: " + retryTask,
			[]string{resolveTask + " applied", retryTask},
		},
		{NewerLive, ToneBad, "newer live", "a newer version is live, and the state did not apply it", "raise instanceVersion in the spec, or to go back to its version: " + retryTask, retry()},
		{NoSavepoint, ToneBad, "no savepoint", "its commit keeps the state, and WeData has no savepoint of it", "take a savepoint in WeData and raise instanceVersion, or to commit it without: " + retryTask, retry()},
		{Contested, ToneBad, "contested", "others change it again whenever it is healed", "change the spec, or to heal it once more: " + retryTask, retry()},
		{Recalled, ToneBad, "applied before", "the spec is back; its applied version is not known", "take it over with wedatasync import, or to send it: " + retryTask, retry()},
		{Spent, ToneBad, "discardState used", "its discardState was used already", "keep the state with commitType resume or pause-resume, or release another version", nil},
		{Invalid, ToneBad, "invalid spec", "its spec has an error, so the task is skipped", "correct the spec", nil},
		{Drifted, ToneBad, "drifted", "others have changed it since it was applied", "undo it in WeData, or change the spec to what is live", nil},
		{Guard, ToneWait, "held by a guard", "a guard in the daemon's configuration does not let it pass", "change the spec or the configuration", nil},
		{Paused, ToneWait, "paused", "sending is paused, for everything or for its project", "sent automatically at the next try; now with: wedatasync retry", nil},
		{Locked, ToneWait, "locked", "someone has the task open in WeData", "sent automatically once it is closed there", nil},
		{Approval, ToneWait, "awaits approval", "WeData accepted the commit, and it waits for an approval there", "if that was rejected: " + retryTask, nil},
		{Accepted, ToneWait, "accepted", "WeData accepted the commit, and no read has shown it live yet", "read until it is live", nil},
		{Starting, ToneWait, "starting", "it was applied, and is not running or not healthy yet", "read until it is", nil},
		{Waiting, ToneWait, "backing off", "WeData could not take it", "sent again automatically", nil},
		{Window, ToneWait, "held by a window", "a window does not let it be committed now", "sent automatically as soon as one does", nil},
		{Dependency, ToneWait, "waits for another", "a task it depends on is not live", "sent automatically once that one is", nil},
		{Suspended, ToneCalm, "suspended", "it is left alone", "take suspend out of the spec, or: wedatasync unsuspend " + anyTask, nil},
		{Adopted, ToneCalm, "adopted", "others have changed it, and that was adopted", "change the spec, or to go back to it: " + retryTask, retry()},
		{Sending, ToneBusy, "sending", "the request is on its way, or its answer is", "", nil},
		{ToSend, ToneBusy, "to send", "in the queue of this pass", "", nil},
		{Unversioned, ToneCalm, "no new version", "changed without a new instanceVersion: nothing is sent", "", nil},
		{Forgotten, ToneCalm, "to be removed", "its spec was removed; it is no longer managed; no call", "", nil},
		{Returned, ToneCalm, "managed again", "its spec is back at the applied version; no call is made", "", nil},
		{Removed, ToneCalm, "not managed", "its spec was removed; the applied version is kept", "", nil},
		{InSync, ToneOK, "in sync", "it matches its spec", "", nil},
	}
}

// infos has the states by their word: front ends ask for each task.
var infos = func() map[State]Info {
	m := map[State]Info{}
	for _, i := range States() {
		m[i.State] = i
	}
	return m
}()

// Info returns what is true of every task in the state.
func (s State) Info() Info {
	if i, ok := infos[s]; ok {
		return i
	}
	return Info{State: s, Tone: ToneCalm, Label: strings.ReplaceAll(string(s), "-", " ")}
}

// OfStage describes the stage of a task in a release, and what the answer to its commit makes
// of it.
func OfStage(st state.Stage, answer state.Outcome) Info {
	switch st {
	case state.StageRefused:
		return State(plan.RefusedHold(answer.Code)).Info()
	case state.StageLive:
		return Info{Tone: ToneOK, Label: "live", Meaning: "the wanted version is live"}
	case state.StageRunning:
		return Info{Tone: ToneOK, Label: "running", Meaning: "it is live, and runs"}
	case state.StageDropped:
		return Info{Tone: ToneCalm, Label: "no longer requested", Meaning: "it was not applied, and the specs do not ask for it any more"}
	default:
		return State(st).Info() // the names of the other stages are names of states
	}
}

// OfRelease says on one line how far a release is.
func OfRelease(r *state.Release) string { return ofRelease(r, "") }

// OfReleaseAfter is OfRelease, and says how long it took.
func OfReleaseAfter(r *state.Release, took time.Duration) string {
	return ofRelease(r, fmt.Sprintf(" after %v", took))
}

func ofRelease(r *state.Release, more string) string {
	var order []string
	for _, i := range States() {
		order = append(order, string(i.State))
	}
	return progress.Text(r, order, func(name string) string { return State(name).Info().Label }, more)
}

// For returns the information with the task in the place of TASK.
func (i Info) For(key spec.Key) Info {
	word := key.ShellWord()
	i.Next = strings.ReplaceAll(i.Next, anyTask, word)
	var commands []string
	for _, c := range i.Commands {
		commands = append(commands, strings.ReplaceAll(c, anyTask, word))
	}
	i.Commands = commands
	return i
}

// Holds lists the states of tasks whose commits are held, those that need an operator
// first.
func Holds() []State {
	return []State{
		Unknown, Refused, AlreadyLive, NewerLive, NoSavepoint, Contested, Recalled, Spent, Guard, Paused, Suspended, Adopted, Locked, Waiting, Window, Dependency,
	}
}

// StateOf returns the state that the plan has the task in.
func StateOf(c *plan.Change) State {
	switch c.Action {
	case plan.ActionCommit:
		return ToSend
	case plan.ActionForget:
		return Forgotten
	case plan.ActionReturn:
		return Returned
	case plan.ActionUnversioned:
		return Unversioned
	case plan.ActionFollow:
		if st := appliedState(c.Have); st != InSync {
			return st
		}
		return Starting // it is followed from now on
	default:
		return State(c.Hold) // the words of holds are words of states
	}
}

// appliedState says what has become of a commit that WeData has accepted.
func appliedState(rec *state.Record) State {
	switch a := rec.Attempt; {
	case a != nil && a.NeedsOperator != "":
		return NotLive
	case a != nil && a.Outcome.TaskApproveID != "":
		return Approval
	case a != nil:
		return Accepted
	case rec.Applied == nil || rec.Applied.Run == nil || rec.Applied.Run.Status == state.RunRunning:
		return InSync
	case rec.Applied.Run.Status == state.RunStarting:
		return Starting
	case rec.Applied.Run.Status == state.RunUnhealthy:
		return Unhealthy
	default:
		return NotRunning
	}
}

// StateAfter returns the state of a task whose call has come to an outcome.
func StateAfter(rec *state.Record) State {
	switch rec.Status {
	case state.StatusApplied:
		return appliedState(rec)
	case state.StatusRefused:
		return State(plan.RefusedHold(rec.Attempt.Outcome.Code))
	case state.StatusUnknown:
		return Unknown
	case state.StatusIntent:
		return Sending
	default:
		if rec.Attempt != nil && rec.Attempt.Outcome.Locker != "" {
			return Locked
		}
		return Waiting
	}
}
