package state

import "time"

// Release is what is remembered of one revision: who wrote it, when it was first seen,
// what it asked for, and what has become of it. What was sent for it is in the history.
type Release struct {
	Revision    string    `json:"revision"`
	Author      string    `json:"author,omitempty"`
	Committer   string    `json:"committer,omitempty"`
	Subject     string    `json:"subject,omitempty"`
	CommittedAt time.Time `json:"committed_at,omitzero"` // by the committer's clock
	SeenAt      time.Time `json:"seen_at,omitzero"`      // when a poll first returned it
	StartedAt   time.Time `json:"started_at,omitzero"`   // when its plan passed the guards; zero before
	EndedAt     time.Time `json:"ended_at,omitzero"`     // when it was done, failed or overtaken; zero before
	PlanHash    string    `json:"plan_hash,omitempty"`   // of its first plan
	Approver    string    `json:"approver,omitempty"`    // who approved that past a guard; empty if nobody had to

	// What its first plan asked for.
	Commits  int `json:"commits"`
	Removed  int `json:"removed,omitempty"`  // tasks that were removed from the state
	Returned int `json:"returned,omitempty"` // tasks that are managed again

	Outcome ReleaseOutcome `json:"outcome"`
	// Guard is the guard that holds its plan, and Why what the guard says; empty if none does.
	Guard string `json:"guard,omitempty"`
	Why   string `json:"why,omitempty"`
	// Left counts the tasks that were not as the revision says when the outcome was
	// recorded, by state, such as "refused"; "invalid" counts errors in specs.
	Left map[string]int `json:"left,omitempty"`
	// OvertakenBy is the revision that came before this one was done.
	OvertakenBy string `json:"overtaken_by,omitempty"`
}

// ReleaseOutcome says how far a release is.
type ReleaseOutcome string

// The outcomes of a Release.
const (
	ReleaseUnderWay  ReleaseOutcome = "under-way" // goes on by itself
	ReleaseHeld      ReleaseOutcome = "held"      // by a guard, a window, a pause or a suspension
	ReleaseDone      ReleaseOutcome = "done"      // everything is live, and runs where its spec waits for that
	ReleaseFailed    ReleaseOutcome = "failed"    // something does not go on without a new revision or an operator
	ReleaseOvertaken ReleaseOutcome = "overtaken" // a newer revision came before it was done
)

// MaxReleases bounds Control.Releases.
const MaxReleases = 100

// Wanted is what an attempt is to bring its task to.
type Wanted struct {
	Name            string `json:"name,omitempty"`
	CommitType      string `json:"commit_type"`
	InstanceVersion int64  `json:"instance_version,omitempty"`
	Reason          string `json:"reason,omitempty"`
	File            string `json:"file,omitempty"`
	Line            int    `json:"line,omitempty"`
}

// Stage is how far the newest commit of a task is.
type Stage string

// The stages.
const (
	StageSending    Stage = "sending"
	StageWaiting    Stage = "waiting" // not applied; sent again automatically
	StageLocked     Stage = "locked"  // the same, as somebody has the task open
	StageRefused    Stage = "refused"
	StageUnknown    Stage = "unknown"
	StageApproval   Stage = "approval" // accepted, and waits for an approval in WeData
	StageAccepted   Stage = "accepted" // and not seen live yet
	StageNotLive    Stage = "not-live" // accepted, and not seen live in time
	StageLive       Stage = "live"
	StageStarting   Stage = "starting" // live, and followed until it is healthy
	StageNotRunning Stage = "not-running"
	StageUnhealthy  Stage = "unhealthy" // it runs, and is not healthy
	StageRunning    Stage = "running"   // and healthy, where its spec waits for that
	StageDropped    Stage = "dropped"   // not applied, and not asked for any more
)

// StageOf returns how far the record's task is. A nil record is one that nothing is left of.
func StageOf(rec *Record) Stage {
	switch {
	case rec == nil:
		return StageDropped
	case rec.Status == StatusIntent:
		return StageSending
	case rec.Status == StatusWaiting && rec.Attempt.Outcome.Locker != "":
		return StageLocked
	case rec.Status == StatusApplied && rec.Attempt != nil:
		return acceptedStage(rec.Attempt)
	case rec.Status == StatusApplied:
		return runStage(rec.Applied.Run)
	default:
		return Stage(rec.Status) // waiting, refused, unknown or none
	}
}

func acceptedStage(a *Attempt) Stage {
	switch {
	case a.NeedsOperator != "":
		return StageNotLive
	case a.Outcome.TaskApproveID != "":
		return StageApproval
	default:
		return StageAccepted
	}
}

func runStage(run *Run) Stage {
	switch {
	case run == nil:
		return StageLive
	case run.Status == RunStarting:
		return StageStarting
	case run.Status == RunRunning:
		return StageRunning
	case run.Status == RunUnhealthy:
		return StageUnhealthy
	default:
		return StageNotRunning
	}
}
