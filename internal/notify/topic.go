package notify

import "slices"

// Topic is what an event is about.
type Topic string

// The topics.
const (
	TaskApplied    Topic = "task.applied"     // WeData accepted the commit
	TaskApproval   Topic = "task.approval"    // it did, and waits for an approval there
	TaskWaiting    Topic = "task.waiting"     // it could not take it now, as when someone has the task open
	TaskRefused    Topic = "task.refused"     // it will not help to repeat it
	TaskUnknown    Topic = "task.unknown"     // the answer was lost; it is read back
	TaskNotRunning Topic = "task.not-running" // it was applied, and did not come to run
	TaskUnhealthy  Topic = "task.unhealthy"   // it was applied and runs, and is not healthy
	TaskPerson     Topic = "task.person"      // reading back does not tell: an operator has to
	TaskHeld       Topic = "task.held"        // it is not sent before the spec changes or an operator acts
	TaskDrifted    Topic = "task.drifted"     // somebody else has changed it
	PlanHeld       Topic = "plan.held"        // a guard holds the whole plan
	SpecsInvalid   Topic = "specs.invalid"    // files or commits that cannot be used
	SendsPaused    Topic = "sends.paused"     // WeData does not accept the credentials, or fails
	ReleaseDone    Topic = "release.done"     // everything that can be sent for a revision has an outcome
)

// Topics lists the topics.
func Topics() []Topic {
	return append([]Topic{TaskApplied, TaskWaiting, TaskUnknown, ReleaseDone}, required...)
}

// required are the topics of what requires action.
var required = []Topic{TaskApproval, TaskRefused, TaskPerson, TaskHeld, TaskNotRunning, TaskUnhealthy, TaskDrifted, PlanHeld, SpecsInvalid, SendsPaused}

// Required reports whether somebody has to act: a receiver is notified of it before the
// rest, and at least once.
func (t Topic) Required() bool { return slices.Contains(required, t) }

// summed reports whether the summary of a release has it, so that a chat that gets that
// needs no message of its own for it.
func (t Topic) summed() bool { return t == TaskApplied || t == TaskWaiting || t == TaskUnknown }
