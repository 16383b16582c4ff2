package wedatasim

import (
	"slices"
	"time"
)

// Types of tasks.
const (
	typeRealtime = 201
	typeOffline  = 202
)

// Statuses of a task in production.
const (
	StatusNew        = 0
	StatusNotStarted = 1
	StatusRunning    = 3
	StatusPaused     = 4
	StatusStopped    = 6
	StatusFailed     = 7
)

type taskKey struct{ project, task string }

// Task is one integration task.
type Task struct {
	ProjectID       string    `json:"project_id"`
	TaskID          string    `json:"task_id"`
	TaskType        int64     `json:"task_type"`
	Name            string    `json:"name"`
	Description     string    `json:"description,omitempty"`
	Status          int64     `json:"status"` // in production
	InstanceVersion int64     `json:"instance_version"`
	Submitted       bool      `json:"submitted"`              // it is in production
	HasVersion      bool      `json:"has_version"`            // it was, ever
	Exported        bool      `json:"exported,omitempty"`     // of an offline task: to orchestration
	Draft           bool      `json:"draft,omitempty"`        // in development it differs from production
	Locker          string    `json:"locker,omitempty"`       // who has it open, a UIN
	OperatorUIN     string    `json:"operator_uin,omitempty"` // of the last operation; the platform has none
	OperateID       string    `json:"operate_id,omitempty"`
	NumRestarts     int64     `json:"num_restarts"`
	RunCount        int64     `json:"run_count"` // of runs so far, whoever started them
	RunAt           time.Time `json:"run_at,omitzero"`
	ReaderDelay     int64     `json:"reader_delay"`           // in seconds
	NoSavepoint     bool      `json:"no_savepoint,omitempty"` // NotExistsCheckPoint is 1
	Discarded       int       `json:"discarded"`              // how often its state was lost
	CreateTime      time.Time `json:"create_time"`
	UpdateTime      time.Time `json:"update_time"`
	ExtConfig       []Param   `json:"ext_config,omitempty"`
	Operations      []Operate `json:"operations,omitempty"` // oldest first; of more than 1,024 the older half goes
}

// Operate is one operation on a task.
type Operate struct {
	OperateID       string    `json:"operate_id"`
	Event           string    `json:"event"`
	At              time.Time `json:"at"`
	OperatorUIN     string    `json:"operator_uin,omitempty"`
	InstanceVersion int64     `json:"instance_version,omitempty"`
	CommitType      int64     `json:"commit_type"`
	VersionDesc     string    `json:"version_desc,omitempty"`
	NumRestarts     int64     `json:"num_restarts"`
}

// Tasks returns all tasks, in order of project and task.
func (s *Server) Tasks() []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	tasks := make([]Task, 0, len(s.tasks))
	for _, t := range s.tasks {
		tasks = append(tasks, t.clone())
	}
	slices.SortFunc(tasks, func(a, b Task) int { return compareTasks(&a, &b) })
	return tasks
}

// Task returns one task, if there is such a one.
func (s *Server) Task(projectID, taskID string) (Task, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tasks[taskKey{projectID, taskID}]
	if !ok {
		return Task{}, false
	}
	return t.clone(), true
}

// Edit changes a task as a person in the console would, and creates it if there is
// none: it counts as an operation of its own.
func (s *Server) Edit(projectID, taskID string, change func(*Task)) Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(taskKey{projectID, taskID})
	t := s.taskOrNew(taskKey{projectID, taskID}, typeRealtime)
	change(t)
	t.HasVersion = t.HasVersion || t.Submitted
	t.ProjectID, t.TaskID = projectID, taskID
	s.operate(t, Operate{Event: "console", OperatorUIN: t.OperatorUIN, InstanceVersion: t.InstanceVersion})
	return t.clone()
}

// Lock opens a task for editing by uin, which keeps others from committing it; an
// empty uin closes it. It is no operation.
func (s *Server) Lock(projectID, taskID, uin string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(taskKey{projectID, taskID})
	s.taskOrNew(taskKey{projectID, taskID}, typeRealtime).Locker = uin
}

// taskOrNew returns the task, made if there is none. s.mu is held.
func (s *Server) taskOrNew(key taskKey, taskType int64) *Task {
	t, ok := s.tasks[key]
	if !ok {
		now := s.now()
		t = &Task{ProjectID: key.project, TaskID: key.task, TaskType: taskType, Name: "task " + key.task, CreateTime: now, UpdateTime: now}
		s.tasks[key] = t
	}
	return t
}

// operate records an operation on the task. s.mu is held.
func (s *Server) operate(t *Task, o Operate) {
	o.OperateID, o.At, o.NumRestarts = s.id(), s.now(), t.NumRestarts
	t.OperateID, t.UpdateTime = o.OperateID, o.At
	if len(t.Operations) == maxOperations {
		t.Operations = slices.Clone(t.Operations[maxOperations/2:]) // clones have the others
	}
	t.Operations = append(t.Operations, o)
}

// maxOperations bounds what is kept of the operations of one task.
const maxOperations = 1 << 10

// commit makes a commit take effect. s.mu is held.
func (s *Server) commit(p *commitParams) {
	s.remember(p.key())
	t := s.taskOrNew(p.key(), p.taskType())
	wasRunning := t.Status == StatusRunning
	t.TaskType, t.OperatorUIN = p.taskType(), p.by
	t.ExtConfig = p.ExtConfig
	t.submit(p.InstanceVersion)
	if p.CommitType != 0 {
		t.run(s.now())
	}
	if p.CommitType != 0 && wasRunning {
		t.NumRestarts++
	}
	if p.CommitType == 2 {
		t.Discarded++
	}
	if p.CommitType != 0 && p.fails {
		t.Status = StatusFailed
	}
	s.operate(t, Operate{
		Event:           string(DeedCommit),
		OperatorUIN:     p.by,
		InstanceVersion: t.InstanceVersion,
		CommitType:      p.CommitType,
		VersionDesc:     p.VersionDesc,
	})
}

// run starts a run of the task at now. An offline task is scheduled, and is never
// said to be running.
func (t *Task) run(now time.Time) {
	t.RunCount++
	t.RunAt = now
	if t.TaskType != typeOffline {
		t.Status = StatusRunning
	}
}

// clone copies what the task refers to, too. Operations are only ever appended: those
// there are can be shared.
func (t *Task) clone() Task {
	c := *t
	c.ExtConfig = slices.Clone(t.ExtConfig)
	c.Operations = slices.Clip(t.Operations)
	return c
}
