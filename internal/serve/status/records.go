package status

import (
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// Records is what the records of a state tell by themselves. A [Status] knows more.
type Records struct {
	Tasks map[state.Status]int `json:"tasks"`
	Open  []OpenRecord         `json:"open"`
}

// NewRecords returns one that has counted nothing.
func NewRecords() Records { return Records{Tasks: map[state.Status]int{}, Open: []OpenRecord{}} }

// removed counts the tasks that are no longer managed, and accepted those whose
// newest commit no read has shown live yet.
const (
	removed  state.Status = "removed"
	accepted state.Status = "accepted"
)

// OpenRecord is a record that is not simply applied.
type OpenRecord struct {
	Name          string              `json:"name,omitempty"`
	ProjectID     string              `json:"project_id"`
	TaskID        string              `json:"task_id"`
	Status        state.Status        `json:"status"`
	Code          string              `json:"code,omitempty"`
	Message       string              `json:"message,omitempty"`
	Locker        string              `json:"locker,omitempty"`
	TaskApproveID string              `json:"task_approve_id,omitempty"`
	Approval      *state.TaskApproval `json:"approval,omitempty"` // what is known of it
	Since         time.Time           `json:"since,omitzero"`
	NextAt        time.Time           `json:"next_at,omitzero"`
	NeedsOperator string              `json:"needs_operator,omitempty"`
	NeedsPerson   string              `json:"needs_person,omitempty"` // NeedsOperator, by its name of before
	Suspended     *state.Suspension   `json:"suspended,omitempty"`
	Run           *state.Run          `json:"run,omitempty"` // of a task that is not running yet, or did not come to
}

// Add counts a record, and lists it if it is not simply applied.
func (s *Records) Add(rec *state.Record) {
	switch {
	case rec.Removed != nil:
		s.Tasks[removed]++
		return
	case rec.Accepted():
		s.Tasks[accepted]++
	default:
		s.Tasks[rec.Status]++
	}
	if rec.Attempt != nil || rec.Suspended != nil || notRunning(rec) != nil {
		s.Open = append(s.Open, openOf(rec))
	}
}

// notRunning returns the run of a task that was applied and is followed until it
// runs, or did not come to; nil if there is none.
func notRunning(rec *state.Record) *state.Run {
	if rec.Status != state.StatusApplied || rec.Applied.Run == nil || rec.Applied.Run.Status == state.RunRunning {
		return nil
	}
	return rec.Applied.Run
}

func openOf(rec *state.Record) OpenRecord {
	t := OpenRecord{Name: rec.Name(), ProjectID: rec.Key.ProjectID, TaskID: rec.Key.TaskID, Status: rec.Status, Suspended: rec.Suspended, Run: notRunning(rec)}
	if a := rec.Attempt; a != nil {
		t.Code, t.Message, t.Locker, t.TaskApproveID = a.Outcome.Code, a.Outcome.Message, a.Outcome.Locker, a.Outcome.TaskApproveID
		t.Since, t.NextAt, t.NeedsOperator = a.Since, a.NextAt, a.NeedsOperator
		t.NeedsPerson, t.Approval = t.NeedsOperator, a.Approval
	}
	return t
}
