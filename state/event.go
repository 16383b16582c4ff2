package state

import (
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// EventKind says what a row of the history records.
type EventKind string

// The kinds of Event.
const (
	EventIntent    EventKind = "intent"    // a request is about to be sent
	EventOutcome   EventKind = "outcome"   // what became of it; Outcome.Class says
	EventReadBack  EventKind = "read-back" // what was live, and what that proves
	EventForgotten EventKind = "forgotten" // the spec is gone, and the task no longer managed; no call was made
	EventReturned  EventKind = "returned"  // the spec is back, and the task managed again; no call was made
	EventAdopted   EventKind = "adopted"   // taken as applied without a call
	EventCommand   EventKind = "word"      // an operator's command: approve, retry, resolve, suspend, unsuspend
	EventPause     EventKind = "pause"     // sends stopped, or started again
	EventApproval  EventKind = "approval"  // an approval is used up, or has ended
	EventRevision  EventKind = "revision"  // a pass for this revision finished, or a guard holds it
	EventDrift     EventKind = "drift"     // somebody else has changed the task, or it is again as it was applied
	EventState     EventKind = "state"     // the state itself was created, imported or taken back
)

// Event is one row of the append-only history. Seq, and the hash that chains a
// row to the one before, are the store's.
type Event struct {
	Seq      int64       `json:"seq"`
	At       time.Time   `json:"at"`
	Kind     EventKind   `json:"kind"`
	Key      spec.Key    `json:"key,omitzero"`
	Attempt  string      `json:"attempt,omitempty"`
	Actor    string      `json:"actor,omitempty"` // the revision's author, or who gave the command
	Revision string      `json:"revision,omitempty"`
	PlanHash string      `json:"plan_hash,omitempty"`
	Request  spec.Digest `json:"request_digest,omitzero"`
	Before   *Live       `json:"before,omitempty"`
	After    *Live       `json:"after,omitempty"`
	Outcome  Outcome     `json:"outcome,omitzero"`
	Note     string      `json:"note,omitempty"`   // at most MaxMessage bytes
	Wanted   *Wanted     `json:"wanted,omitempty"` // what the attempt was for; nil without one
	Stage    Stage       `json:"stage,omitempty"`  // how far its task was then; empty if it is not about a commit
}

// HistoryQuery says which events History returns.
type HistoryQuery struct {
	Key    *spec.Key // of this task only, unless nil
	Before int64     // older than this Seq only, unless 0
	Limit  int       // at most so many, from 1 to MaxHistory; 0 means 100
}

// MaxHistory bounds how many events History returns at once.
const MaxHistory = 10_000
