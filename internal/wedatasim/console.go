package wedatasim

import (
	"errors"
	"fmt"
	"net/http"
)

// Act is one thing that a person does to a task in the console, or the platform by
// itself.
type Act struct {
	Do       Deed   `json:"do"`
	Operator string `json:"operator"` // a person's UIN; empty for the platform
	// InstanceVersion is the version that DeedCommit makes; 0 is the next one.
	InstanceVersion int64  `json:"instance_version,omitempty"`
	Description     string `json:"description,omitempty"` // for DeedDescribe
}

// Deed is what an Act does.
type Deed string

// The deeds. The first four leave production as it is.
const (
	DeedLock     Deed = "lock"     // opens the task for editing
	DeedUnlock   Deed = "unlock"   // closes it
	DeedDescribe Deed = "describe" // changes its description
	DeedEdit     Deed = "edit"     // changes the draft in development

	DeedCommit   Deed = "commit"   // submits a version; whether the task runs stays
	DeedStart    Deed = "start"    // and continues what was paused
	DeedPause    Deed = "pause"    //
	DeedStop     Deed = "stop"     //
	DeedWithdraw Deed = "withdraw" // takes it out of production
	DeedDelete   Deed = "delete"   // and there is no such task any more

	DeedFail    Deed = "fail"    // the job ends with an error
	DeedRestart Deed = "restart" // the job is started again after one
)

// ErrNotDone says that the console would refuse.
var ErrNotDone = errors.New("the console refuses")

// Act does something to a task as a person in the console would. The error is
// ErrNotDone.
func (s *Server) Act(projectID, taskID string, a Act) (Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := taskKey{projectID, taskID}
	t, ok := s.tasks[key]
	switch {
	case !ok:
		return Task{}, fmt.Errorf("%w: there is no task %s/%s", ErrNotDone, projectID, taskID)
	case t.Locker != "" && a.Operator != "" && t.Locker != a.Operator:
		return Task{}, fmt.Errorf("%w: the task is locked by %s", ErrNotDone, t.Locker)
	}
	if a.Do == DeedDelete {
		delete(s.tasks, key)
		return *t, nil
	}
	switch known, operation := t.act(&a); {
	case !known:
		return Task{}, fmt.Errorf("%w: there is no deed %q", ErrNotDone, a.Do)
	case operation:
		t.OperatorUIN = a.Operator
		s.operate(t, Operate{Event: string(a.Do), OperatorUIN: a.Operator, InstanceVersion: t.InstanceVersion})
	}
	return t.clone(), nil
}

// act changes the task, and reports whether the deed is known and leaves a trace.
func (t *Task) act(a *Act) (known, operation bool) {
	switch a.Do {
	case DeedLock:
		t.Locker = a.Operator
		return true, false
	case DeedUnlock:
		t.Locker = ""
		return true, false
	case DeedDescribe:
		t.Description = a.Description
	case DeedEdit:
		t.Draft = true
	case DeedCommit:
		t.submit(a.InstanceVersion)
	case DeedStart:
		t.Status = StatusRunning
	case DeedPause:
		t.Status = StatusPaused
	case DeedStop:
		t.Status = StatusStopped
	case DeedWithdraw:
		t.Submitted, t.Status = false, StatusNew
	case DeedFail:
		t.Status = StatusFailed
	case DeedRestart:
		t.Status = StatusRunning
		t.NumRestarts++
	default:
		return false, false
	}
	return true, true
}

// submit brings a version to production; 0 is the next one. Offline tasks tell no
// version unless one was given.
func (t *Task) submit(version int64) {
	t.Submitted, t.Draft = true, false
	switch {
	case version != 0:
		t.InstanceVersion = version
	case t.TaskType != typeOffline:
		t.InstanceVersion++
	}
	if t.Status == StatusNew {
		t.Status = StatusNotStarted
	}
}

// postAct answers POST /_sim/tasks/{project}/{task}.
func (s *Server) postAct(w http.ResponseWriter, r *http.Request) {
	var a Act
	if !readJSON(w, r, &a) {
		return
	}
	t, err := s.Act(r.PathValue("project"), r.PathValue("task"), a)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	writeJSON(w, t)
}
