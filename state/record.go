package state

import (
	"strconv"
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// Status is where the newest attempt to commit a task stands.
type Status string

// The statuses of a Record. Every attempt ends in one of them, and none but
// StatusIntent is left without an outcome.
const (
	StatusNone    Status = "none"    // nothing was ever tried: an operator suspended the task before
	StatusApplied Status = "applied" // WeData accepted it: Record.Applied says what; see Record.Accepted
	StatusIntent  Status = "intent"  // durable before the request; the outcome is not known yet
	StatusWaiting Status = "waiting" // definitely not applied; to be sent again after Attempt.NextAt
	StatusRefused Status = "refused" // definitely not applied; not again until the spec changes or an operator says retry
	StatusUnknown Status = "unknown" // it may or may not have been applied: never sent again blindly
)

// Record is what is known of one task: what was last applied, and how the
// newest attempt stands if it was not applied.
type Record struct {
	Key     spec.Key `json:"key"`
	Status  Status   `json:"status"`
	Applied *Applied `json:"applied,omitempty"` // nil until the first commit or adoption
	Attempt *Attempt `json:"attempt,omitempty"` // nil when nothing is open
	// Suspended is an operator's order to leave the task alone; nil when there is none.
	Suspended *Suspension `json:"suspended,omitempty"`
	// Removed is since when the task has no spec; nil while it is managed. All the rest
	// stays as it was then: a spec that comes back is compared with it.
	Removed *Removal `json:"removed,omitempty"`
}

// Removal says since when a task has no spec.
type Removal struct {
	At       time.Time `json:"at"`
	Revision string    `json:"revision,omitempty"` // the one that no longer had the spec
}

// Spent is what counts once in the life of a task, and has: the acknowledgements and the
// rerun tokens of commits before the last one that was applied. What the last one has
// spent is in its Applied.
type Spent struct {
	Discards []int64  `json:"discards,omitempty"` // versions whose discardState was acknowledged and used, oldest first
	Reruns   []string `json:"reruns,omitempty"`   // digests of rerun tokens, oldest first
}

// Accepted reports whether WeData has accepted the newest commit, and no read has shown
// it live yet. Applied is what it brings the task to.
func (r *Record) Accepted() bool { return r.Status == StatusApplied && r.Attempt != nil }

// Bound reports whether a call for the task may have been accepted, or a read of it was:
// then the state belongs to the endpoint and the region.
func (r *Record) Bound() bool {
	return r.Applied != nil || r.Status == StatusIntent || r.Status == StatusUnknown ||
		r.Attempt != nil && r.Attempt.Outcome.TaskApproveID != ""
}

// Name is what people call the task, as the spec of its newest commit said; empty if none
// did. The record may be nil.
func (r *Record) Name() string {
	if r == nil {
		return ""
	}
	if r.Attempt != nil && r.Attempt.Wanted.Name != "" {
		return r.Attempt.Wanted.Name
	}
	if r.Applied != nil {
		return r.Applied.Name
	}
	return ""
}

// Done reports whether the newest commit is live, and where its spec waits for that,
// whether the task runs: what plans, exit codes, dependants and commit statuses take for
// the end of a release.
func (r *Record) Done() bool {
	return r.Status == StatusApplied && r.Attempt == nil && (r.Applied.Wait == 0 || r.Applied.Run != nil && r.Applied.Run.Status == RunRunning)
}

// Origin says how an Applied came to be known.
type Origin string

// The origins of an Applied.
const (
	OriginCommit   Origin = "commit"    // the API answered that it was applied
	OriginReadBack Origin = "read-back" // the answer was lost; reading back proved it
	OriginLive     Origin = "live"      // the answer was lost, and what it asked for is live, not provably by us
	OriginResolved Origin = "resolved"  // an operator said so
	OriginAdopted  Origin = "adopted"   // taken over without a call, at its spec's version
	OriginImported Origin = "imported"  // taken over without a call, as it was live
	OriginDrift    Origin = "drift"     // taken over without a call, as somebody else had changed it
	// OriginHistory: all that is known is what the history of an earlier version has, which
	// forgot a task with its spec: when, in which revision, and the digest of the request.
	OriginHistory Origin = "history"
)

// Applied is what a task was last brought to. It holds digests of extConfig,
// never its values.
type Applied struct {
	Name            string          `json:"name,omitempty"` // what people called the task
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
	TaskApproveID   string          `json:"task_approve_id,omitempty"` // the commit waits for an approval in WeData
	Origin          Origin          `json:"origin"`
	At              time.Time       `json:"at"`
	// Wait is how many seconds the task may take to become healthy, once the commit is
	// applied; 0 if the spec did not ask.
	Wait int64 `json:"wait_s,omitempty"`
	// Healthy is what that takes, beside that the task runs; nil if that is nothing.
	Healthy *Healthy `json:"healthy,omitempty"`
	// Run is whether it is; nil without a Wait, and before the commit is live.
	Run *Run `json:"run,omitempty"`
	// Idle says that the task did not run when its version was submitted: if it runs
	// later, somebody has started it.
	Idle bool `json:"idle,omitempty"`
	// OperateID is the operation by which a read showed the commit live; empty if none did.
	OperateID string `json:"operate_id,omitempty"`
	// Drift is what has to be remembered of changes by others; nil if that is nothing.
	Drift *Drifted `json:"drift,omitempty"`
	// Spent is what earlier commits of the task have used up; nil if that is nothing.
	Spent *Spent `json:"spent,omitempty"`
	// Request names the request that was applied; only with OriginHistory.
	Request spec.Digest `json:"request_digest,omitzero"`
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
	// Stale says that an operation that is not in Before proves nothing: Before may be
	// older than our own last commit of the task, because reads lag behind, or an earlier
	// request of ours can still arrive.
	Stale bool `json:"stale,omitempty"`
	// Prior is what had been applied before. It is kept while the commit is accepted and
	// not seen live, for the case that it never comes to be.
	Prior *Applied `json:"prior,omitempty"`
	// Forced says that an operator asked for this commit although it is live already.
	Forced bool `json:"forced,omitempty"`
	// Tag names the attempt in the description of the version that it submits; empty if it
	// was sent without.
	Tag string `json:"tag,omitempty"`

	// What has come of it; zero while the status is StatusIntent.
	Outcome Outcome   `json:"outcome,omitzero"`
	Since   time.Time `json:"since,omitzero"`   // since when the task waits for what Outcome says
	Tries   int       `json:"tries,omitempty"`  // requests so far for what is wanted, or read-backs of an unknown one
	NextAt  time.Time `json:"next_at,omitzero"` // when to try, or to read back, again
	// NeedsOperator says why nothing more happens by itself; empty while something will.
	NeedsOperator string `json:"needs_person,omitempty"`
	// Approval is what is known of the approval that the commit waits for; nil if nothing is.
	Approval *TaskApproval `json:"approval,omitempty"`
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
	TaskApproveID string `json:"task_approve_id,omitempty"` // accepted, and waiting for an approval in WeData
}

// MaxMessage bounds Outcome.Message and every text from outside that the state
// keeps, in bytes.
const MaxMessage = 512

// Live is what WeData says of a task: the part of TaskInfo that shows whether a
// commit happened. Every field can be untold, and is zero then.
type Live struct {
	Missing         bool       `json:"missing,omitempty"` // there was no such task; the rest is zero
	InstanceVersion int64      `json:"instance_version,omitempty"`
	Status          TaskStatus `json:"status"`
	Submitted       bool       `json:"submitted,omitempty"`     // told that it is in production
	NotSubmitted    bool       `json:"not_submitted,omitempty"` // told that this version is not
	Locked          bool       `json:"locked,omitempty"`
	Locker          string     `json:"locker,omitempty"`
	OperateID       string     `json:"operate_id,omitempty"`
	Operator        string     `json:"operator,omitempty"`     // who operated the task last, an account id
	NumRestarts     *int64     `json:"num_restarts,omitempty"` // by the job's own count
	UpdateTime      string     `json:"update_time,omitempty"`  // by WeData's clock, as it says it
	// Vitals is what else is told of how the job goes; nil if that is nothing.
	Vitals *Vitals `json:"vitals,omitempty"`
	// RunningOrder is the number of the newest run, which counts up, whoever starts one.
	RunningOrder int64 `json:"running_order,omitempty"`
	// Tag is that in the description of the version that an attempt wanted, and TagEnabled
	// whether that version is in production; only where that was asked for.
	Tag        string `json:"tag,omitempty"`
	TagEnabled bool   `json:"tag_enabled,omitempty"`
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
	TaskAbnormal    TaskStatus = 20
)

// String returns the status in the SDK's words, or its number.
func (s TaskStatus) String() string {
	switch s {
	case 0:
		return "new"
	case TaskNotStarted:
		return "not started"
	case TaskInOperation:
		return "in operation"
	case TaskRunning:
		return "running"
	case TaskPaused:
		return "paused"
	case TaskStopping:
		return "stopping"
	case TaskStopped:
		return "stopped"
	case TaskFailed:
		return "failed"
	case TaskAbnormal:
		return "abnormal"
	default:
		return "status " + strconv.Itoa(int(s))
	}
}

// Suspension is an operator's order to leave a task, or everything, alone.
type Suspension struct {
	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"` // zero: until unsuspended
}

// Active reports whether the suspension holds at now. It re-arms by itself.
func (s *Suspension) Active(now time.Time) bool {
	return s != nil && (s.Until.IsZero() || now.Before(s.Until))
}
