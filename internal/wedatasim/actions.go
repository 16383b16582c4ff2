package wedatasim

import "cmp"

// call is a request with valid parameters.
type call interface {
	// key is the task or, with an empty task, the project it is about.
	key() taskKey
	// check reports why the action would refuse. s.mu is held.
	check(s *Server, by Account) *apiError
	// result is the answer. s.mu is held.
	result(s *Server) map[string]any
}

// parserOf returns what reads the parameters of the action, nil if there is no such.
func parserOf(action string) func(body []byte) (call, *apiError) {
	switch action {
	case "CommitIntegrationTask":
		return parseCommit
	case "DescribeIntegrationTask":
		return parseDescribe
	case "DescribeIntegrationTasks":
		return parseList
	case "DescribeApproveList":
		return parseApproveList
	default:
		return nil
	}
}

// commitParams are the parameters of CommitIntegrationTask.
type commitParams struct {
	TaskID, ProjectID      string
	CommitType, TaskType   int64
	InstanceVersion        int64
	VersionDesc, EventDesc string
	CurrentStatus          int64
	ExtConfig              []Param
	approveID              string // what the commit waits for
	fails                  bool   // its job does at once
	by                     string // the account that asks for it
}

func parseCommit(body []byte) (call, *apiError) {
	p := &commitParams{TaskType: typeRealtime}
	err := bind(body, map[string]any{
		"TaskId": &p.TaskID, "ProjectId": &p.ProjectID, "CommitType": &p.CommitType, "TaskType": &p.TaskType,
		"InstanceVersion": &p.InstanceVersion, "VersionDesc": &p.VersionDesc, "EventDesc": &p.EventDesc,
		"CurrentStatus": &p.CurrentStatus, "ExtConfig": &p.ExtConfig,
	}, "TaskId", "ProjectId")
	err = cmp.Or(err, checkID("ProjectId", p.ProjectID), checkID("TaskId", p.TaskID), checkTaskType(p.TaskType))
	switch {
	case err != nil:
	case p.CommitType < 0 || p.CommitType > 4:
		err = errorf(codeInvalid, "the value of `CommitType` is not 0, 1, 2, 3 or 4")
	case p.InstanceVersion < 0:
		err = errorf(codeInvalid, "the value of `InstanceVersion` is negative")
	case len(p.VersionDesc) > maxDesc || len(p.EventDesc) > maxDesc:
		err = errorf(codeInvalid, "a description is over %d bytes", maxDesc)
	}
	return p, err
}

const maxDesc = 4 << 10

func (p *commitParams) key() taskKey { return taskKey{p.ProjectID, p.TaskID} }

func (p *commitParams) taskType() int64 { return p.TaskType }

func (p *commitParams) check(s *Server, by Account) *apiError {
	t, ok := s.tasks[p.key()]
	if !ok {
		if s.opts.KnownOnly {
			return errorf(codeNotFound, "the task %s is not found", p.TaskID)
		}
		return nil
	}
	if t.Locker != "" && t.Locker != by.UIN {
		return &apiError{"UnsupportedOperation", s.opts.Behavior.lockMessage(t.Locker)}
	}
	return nil
}

func (p *commitParams) result(*Server) map[string]any {
	return map[string]any{"Data": true, "DataDto": map[string]any{"TaskApproveId": nullable(p.approveID)}}
}
