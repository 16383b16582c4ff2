package state

import (
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// Status is where the newest attempt to commit a task stands.
type Status string

// The statuses of a Record. Every attempt ends in one of them, and none but
// StatusIntent is left without an outcome.
const (
	StatusApplied Status = "applied" // WeData accepted it: Record.Applied says what
	StatusIntent  Status = "intent"  // durable before the request; the outcome is not known yet
	StatusWaiting Status = "waiting" // definitely not applied; to be sent again after Attempt.NextAt
	StatusRefused Status = "refused" // definitely not applied; not again until the spec changes or a person says retry
	StatusUnknown Status = "unknown" // it may or may not have been applied: never sent again blindly
)

// Record is what is known of one task: what was last applied, and how the
// newest attempt stands if it was not applied.
type Record struct {
	Key     spec.Key
	Status  Status
	Applied *Applied // nil until the first commit or adoption
	Attempt *Attempt // nil when nothing is open
	// Suspended is a person's word to leave the task alone; nil when there is none.
	Suspended *Suspension
}

// Origin says how an Applied came to be known.
type Origin string

// The origins of an Applied.
const (
	OriginCommit   Origin = "commit"    // the API answered that it was applied
	OriginReadBack Origin = "read-back" // the answer was lost; reading back proved it
	OriginResolved Origin = "resolved"  // a person said so
	OriginAdopted  Origin = "adopted"   // taken over without a call
)

// Applied is what a task was last brought to. It holds digests of extConfig,
// never its values.
type Applied struct {
	CommitType      spec.CommitType `json:"commit_type"`
	TaskType        spec.TaskType   `json:"task_type,omitempty"`
	InstanceVersion int64           `json:"instance_version,omitempty"`
	VersionDesc     string          `json:"version_desc,omitempty"`
	EventDesc       string          `json:"event_desc,omitempty"`
	Rerun           string          `json:"rerun,omitempty"`
	Content         spec.Digest     `json:"content"`
	Ext             spec.Digest     `json:"ext_config"`
	Revision        string          `json:"revision,omitempty"`
	RequestID       string          `json:"request_id,omitempty"`
	TaskApproveID   string          `json:"task_approve_id,omitempty"` // the commit waits for a person's approval in WeData
	Origin          Origin          `json:"origin"`
	At              time.Time       `json:"at"`
}

// Attempt is one intended commit: what it was to bring the task to, why, what
// was live before, and what has come of it.
type Attempt struct {
	ID       string      `json:"id"`     // unique in the state
	Wanted   Applied     `json:"wanted"` // becomes Record.Applied when the attempt is applied
	WantedID spec.Digest `json:"wanted_digest"`
	Request  spec.Digest `json:"request_digest"`
	Reason   string      `json:"reason"`
	PlanHash string      `json:"plan_hash"`
	Author   string      `json:"author,omitempty"` // of the revision
	File     string      `json:"file"`
	Line     int         `json:"line"`
	At       time.Time   `json:"at"` // when the intent was made; no request byte was written before
	// Before is what was live just before the request; nil if it could not be read.
	Before *Live `json:"before,omitempty"`

	// What has come of it; zero while the status is StatusIntent.
	Outcome Outcome   `json:"outcome,omitzero"`
	Since   time.Time `json:"since,omitzero"`   // when the task began to wait for the reason it waits for now
	Tries   int       `json:"tries,omitempty"`  // requests so far for what is wanted, or read-backs of an unknown one
	NextAt  time.Time `json:"next_at,omitzero"` // when to try, or to read back, again
	// NeedsPerson says why nothing more happens by itself; empty while something will.
	NeedsPerson string `json:"needs_person,omitempty"`
}

// Class is what an answer means for the commit it answers.
type Class string

// The classes of an Outcome. Only ClassUnknown leaves open whether WeData acted.
const (
	ClassApplied      Class = "applied"      // WeData accepted the commit
	ClassNotSent      Class = "not-sent"     // no byte of the request was written
	ClassRefused      Class = "refused"      // it will not help to repeat it
	ClassWaiting      Class = "waiting"      // the same request can succeed later: a lock, a resource in use
	ClassThrottled    Class = "throttled"    // over the rate: the limiter slows, the commit goes back in the queue
	ClassAuth         Class = "auth"         // the credentials were not accepted: everyone stops
	ClassUnauthorized Class = "unauthorized" // no permission: the project stops
	ClassUnknown      Class = "unknown"      // anything may have happened
)

// Outcome is what one request came to. Messages come from the other side: they
// are bounded, and are text to show, never to act on.
type Outcome struct {
	Class         Class  `json:"class"`
	Code          string `json:"code,omitempty"`    // the API's error code, or our own word for a fault below it
	Message       string `json:"message,omitempty"` // at most MaxMessage bytes
	RequestID     string `json:"request_id,omitempty"`
	Locker        string `json:"locker,omitempty"`          // who holds the task's lock, an account id
	TaskApproveID string `json:"task_approve_id,omitempty"` // accepted, and waiting for a person's approval in WeData
}

// MaxMessage bounds Outcome.Message and every text from outside that the state
// keeps, in bytes.
const MaxMessage = 512

// Live is what WeData says of a task: the part of TaskInfo that shows whether a
// commit happened.
type Live struct {
	InstanceVersion int64      `json:"instance_version,omitempty"`
	Status          TaskStatus `json:"status"`
	Submitted       bool       `json:"submitted,omitempty"`
	Locked          bool       `json:"locked,omitempty"`
	Locker          string     `json:"locker,omitempty"`
	OperateID       string     `json:"operate_id,omitempty"`
	NumRestarts     int64      `json:"num_restarts,omitempty"`
	UpdateTime      string     `json:"update_time,omitempty"`
}

// TaskStatus is the API's Status of a task.
type TaskStatus int

// The statuses of the SDK's TaskInfo that decisions need.
const (
	TaskNotStarted  TaskStatus = 1
	TaskInOperation TaskStatus = 2
	TaskRunning     TaskStatus = 3
	TaskPaused      TaskStatus = 4
	TaskStopping    TaskStatus = 5
	TaskStopped     TaskStatus = 6
	TaskFailed      TaskStatus = 7
)

// Suspension is a person's word to leave a task, or everything, alone.
type Suspension struct {
	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"` // zero: until someone says unsuspend
}

// Active reports whether the suspension holds at now. It re-arms by itself.
func (s *Suspension) Active(now time.Time) bool {
	return s != nil && (s.Until.IsZero() || now.Before(s.Until))
}

// Control is what the daemon as a whole remembers across restarts.
type Control struct {
	Revision  string      `json:"revision,omitempty"` // the newest revision a finished pass was made for
	Pauses    []Pause     `json:"pauses,omitempty"`
	Approvals []Approval  `json:"approvals,omitempty"`
	Suspended *Suspension `json:"suspended,omitempty"`
	// Restored is set when an older or damaged state was taken back by a person:
	// the first plan that would call is then held for approval.
	Restored bool `json:"restored,omitempty"`
}

// Pause stops the sends of everything, or of one project, for a while.
type Pause struct {
	ProjectID string    `json:"project_id,omitempty"` // empty: everything
	Code      string    `json:"code"`
	Message   string    `json:"message"`
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	Tries     int       `json:"tries"`
}

// Approval is a person's word that one plan may go past the guards.
type Approval struct {
	PlanHash string    `json:"plan_hash"`
	Actor    string    `json:"actor"`
	At       time.Time `json:"at"`
	Expires  time.Time `json:"expires"`
	// Calls are the spec.Commit.Wanted digests of the approved plan, taken when it
	// was first met: what is left of the plan later is still approved.
	Calls []spec.Digest `json:"calls,omitempty"`
}

// EventKind says what a row of the history records.
type EventKind string

// The kinds of Event.
const (
	EventIntent    EventKind = "intent"    // a request is about to be sent
	EventOutcome   EventKind = "outcome"   // what became of it; Outcome.Class says
	EventReadBack  EventKind = "read-back" // what was live, and what that proves
	EventForgotten EventKind = "forgotten" // the spec is gone; no call was made
	EventAdopted   EventKind = "adopted"   // taken as applied without a call
	EventWord      EventKind = "word"      // a person's word: approve, retry, resolve, suspend, unsuspend
	EventPause     EventKind = "pause"     // sends stopped, or started again
	EventRevision  EventKind = "revision"  // a pass for this revision finished
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
	Actor    string      `json:"actor,omitempty"` // the revision's author, or who gave the word
	Revision string      `json:"revision,omitempty"`
	PlanHash string      `json:"plan_hash,omitempty"`
	Request  spec.Digest `json:"request_digest,omitzero"`
	Before   *Live       `json:"before,omitempty"`
	After    *Live       `json:"after,omitempty"`
	Outcome  Outcome     `json:"outcome,omitzero"`
	Note     string      `json:"note,omitempty"` // at most MaxMessage bytes
}

// Transition is what changes together: it is durable as a whole or not at all.
// Nil parts stay as they are.
type Transition struct {
	Record  *Record   // the task's new record
	Forget  *spec.Key // the task whose record goes
	Control *Control
	Events  []Event // appended in order; at least one, so that nothing changes without a trace
}

// Identity is what a state belongs to. A state is never used for another one.
type Identity struct {
	Source   string `json:"source"` // without userinfo
	Branch   string `json:"branch,omitempty"`
	Path     string `json:"path,omitempty"`
	Endpoint string `json:"endpoint"`
	Region   string `json:"region"`
}

// Word is what a person asks of the daemon. Any process may post one; the holder
// of the state's lock carries it out and answers.
type Word struct {
	ID    int64     `json:"id"`
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	Verb  Verb      `json:"verb"`
	// Target is a plan hash for approve, else "projectId/taskId", or empty for everything.
	Target string    `json:"target,omitempty"`
	Arg    string    `json:"arg,omitempty"` // resolve: "applied" or "not-applied"; suspend: the reason
	Until  time.Time `json:"until,omitzero"`
}

// Verb is what a Word asks for.
type Verb string

// The verbs of a Word.
const (
	VerbApprove   Verb = "approve"
	VerbRetry     Verb = "retry"
	VerbResolve   Verb = "resolve"
	VerbSuspend   Verb = "suspend"
	VerbUnsuspend Verb = "unsuspend"
)

// Answer is what became of a Word.
type Answer struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}
