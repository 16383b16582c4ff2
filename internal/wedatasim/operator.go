package wedatasim

import (
	"fmt"
	"slices"
	"time"
)

// Behavior returns how the server behaves.
func (s *Server) Behavior() Behavior {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts.Behavior
}

// SetBehavior changes how the server behaves from now on. Reads show no state from
// before a ReadLag was set.
func (s *Server) SetBehavior(b Behavior) error {
	if err := b.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Behavior = b
	return nil
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
	s.remember(key)
	if a.Do == DeedDelete {
		delete(s.tasks, key)
		return *t, nil
	}
	trace, err := t.act(&a, s.now())
	if err != nil {
		return Task{}, err
	}
	if a.Operator == "" && (a.Do == DeedFail || a.Do == DeedRestart) {
		trace = s.opts.Behavior.PlatformTrace
	}
	switch trace {
	case TraceOperation:
		t.OperatorUIN = a.Operator
		s.operate(t, Operate{Event: string(a.Do), OperatorUIN: a.Operator, InstanceVersion: t.InstanceVersion})
	case TraceTime:
		t.UpdateTime = s.now()
	}
	return t.clone(), nil
}

// Approvals returns the approvals, oldest first; of more than 16,384 the oldest go.
func (s *Server) Approvals() []Approval {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Approval, 0, len(s.approvals))
	for _, a := range s.approvals {
		list = append(list, *a)
	}
	return list
}

// EndApproval brings the approval to a state: ApprovalUnderway, or one of the ends.
// One that has ended stays as it is. The error is ErrNotDone.
func (s *Server) EndApproval(id string, state ApprovalState, approver, remark string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.approvals, func(a *Approval) bool { return a.ID == id })
	switch {
	case i < 0:
		return fmt.Errorf("%w: there is no approval %q", ErrNotDone, id)
	case state != ApprovalUnderway && !slices.Contains(ends(), state):
		return fmt.Errorf("%w: an approval cannot be brought to %q", ErrNotDone, state)
	}
	return s.end(s.approvals[i], state, approver, remark)
}

// Inject orders a fault and returns its number.
func (s *Server) Inject(f Fault) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.last++
	f.ID = s.faults.last
	s.faults.armed = append(s.faults.armed, &armed{Fault: f})
	return f.ID
}

// Clear takes back the faults with these numbers, or all of them if none is given.
func (s *Server) Clear(ids ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.armed = slices.DeleteFunc(s.faults.armed, func(a *armed) bool { return len(ids) == 0 || slices.Contains(ids, a.ID) })
}

// Faults returns the faults that can still be met, in the order in which they were
// ordered.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := []Fault{}
	for _, a := range s.faults.armed {
		if !a.spent() {
			faults = append(faults, a.Fault)
		}
	}
	return faults
}

// Ledger returns every request, in the order in which they left the client; of more than 262,144 the oldest go.
func (s *Server) Ledger() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.entries)
}

// Applied returns the commits of the task that took effect, in the order in which
// they did.
func (s *Server) Applied(projectID, taskID string) []Entry {
	var applied []Entry
	for _, e := range s.Ledger() {
		if e.Applied && e.ProjectID == projectID && e.TaskID == taskID {
			applied = append(applied, e)
		}
	}
	slices.SortFunc(applied, func(a, b Entry) int { return int(a.Sequence - b.Sequence) })
	return applied
}

// Windows returns the loads of the action over the whole ledger.
func (s *Server) Windows(action string) Loads {
	var all, accepted []time.Time
	for _, e := range s.Ledger() {
		if e.Action != action {
			continue
		}
		all = append(all, e.At)
		if e.Code != codeThrottled {
			accepted = append(accepted, e.At)
		}
	}
	return Loads{All: loadOf(all), Accepted: loadOf(accepted)}
}
