package release

import (
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Stage is how far a task of a release is.
type Stage = state.Stage

// Task is what happened to one task for a release.
type Task struct {
	spec.Key
	state.Wanted
	Stage      Stage         `json:"stage"`
	BeganAt    time.Time     `json:"began_at"`             // the first event
	SentAt     time.Time     `json:"sent_at,omitzero"`     // the last request; zero if none left
	AcceptedAt time.Time     `json:"accepted_at,omitzero"` // by WeData
	LiveAt     time.Time     `json:"live_at,omitzero"`     // when it was seen live
	RunningAt  time.Time     `json:"running_at,omitzero"`  // when it was seen to run, where its spec waits for that
	Requests   int           `json:"requests"`             // retries included
	Outcome    state.Outcome `json:"outcome,omitzero"`     // the last answer
	Note       string        `json:"note,omitempty"`       // of the last event
	Waits      []Wait        `json:"waits,omitempty"`      // what it waited for, in order; at most maxWaits
}

// Wait is what a task waited for: a lock, a resource, a pause.
type Wait struct {
	Code   string    `json:"code,omitempty"`
	Locker string    `json:"locker,omitempty"` // who held the task's lock, an account id
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero while it lasts
}

const (
	// MaxTasks bounds the tasks of a Release.
	MaxTasks = 1000
	// maxWaits bounds the waits of a task.
	maxWaits = 10
)

// tasksOf folds the events of a release, the newest first, into its tasks. A command counts
// for the revision whose commit was the task's newest then.
func tasksOf(revision string, events []state.Event) []Task {
	var tasks []Task
	places := map[spec.Key]int{}  // in tasks
	newest := map[spec.Key]bool{} // whether the task's newest commit is of the revision
	for _, e := range slices.Backward(events) {
		switch {
		case e.Stage == "":
			continue
		case e.Kind != state.EventCommand:
			newest[e.Key] = e.Revision == revision
		}
		if !newest[e.Key] {
			continue
		}
		n, known := places[e.Key]
		if !known {
			n = len(tasks)
			places[e.Key] = n
			tasks = append(tasks, Task{Key: e.Key, BeganAt: e.At})
		}
		tasks[n].add(&e)
	}
	sortTasks(tasks)
	return tasks
}

// add takes in the next event of the task.
func (t *Task) add(e *state.Event) {
	if e.Wanted != nil {
		t.Wanted = *e.Wanted
	}
	t.Stage, t.Note = e.Stage, e.Note
	if e.Kind == state.EventIntent {
		t.SentAt = e.At
		t.Requests++
	}
	if e.Outcome.Class != "" { // of the answer, or of its approval
		t.Outcome = e.Outcome
	}
	t.wait(e)
	switch e.Stage {
	case state.StageApproval, state.StageAccepted, state.StageNotLive, state.StageStarting, state.StageLive, state.StageNotRunning, state.StageUnhealthy, state.StageRunning:
		first(&t.AcceptedAt, e.At)
	}
	switch e.Stage {
	case state.StageStarting, state.StageLive, state.StageNotRunning, state.StageUnhealthy, state.StageRunning:
		first(&t.LiveAt, e.At)
	}
	if e.Stage == state.StageRunning {
		first(&t.RunningAt, e.At)
	}
}

// wait notes what the task waits for from the event on.
func (t *Task) wait(e *state.Event) {
	var open *Wait
	if n := len(t.Waits); n > 0 && t.Waits[n-1].Until.IsZero() {
		open = &t.Waits[n-1]
	}
	waits := e.Stage == state.StageWaiting || e.Stage == state.StageLocked
	switch {
	case e.Kind == state.EventIntent: // its answer says whether the wait goes on
	case open != nil && waits && open.Code == e.Outcome.Code && open.Locker == e.Outcome.Locker:
	default:
		if open != nil {
			open.Until = e.At
		}
		if waits && len(t.Waits) < maxWaits {
			t.Waits = append(t.Waits, Wait{Code: e.Outcome.Code, Locker: e.Outcome.Locker, Since: e.At})
		}
	}
}

// first sets a time that is not set yet.
func first(t *time.Time, at time.Time) {
	if t.IsZero() {
		*t = at
	}
}
