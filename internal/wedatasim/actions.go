package wedatasim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is a request with valid parameters.
type call interface {
	// key is the task or, with an empty task, the project it is about.
	key() taskKey
	// check reports why the action would refuse. s.mu is held.
	check(s *Server, by Account) *apiError
	// effect carries the action out. s.mu is held.
	effect(s *Server)
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
	approveID              string // the commit waits for a person
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
		return errorf("UnsupportedOperation", "CloudApiException: The current task is locked by %s and cannot be committed", t.Locker)
	}
	return nil
}

func (p *commitParams) effect(s *Server) { s.commit(p) }

func (p *commitParams) result(*Server) map[string]any {
	return map[string]any{"Data": true, "DataDto": map[string]any{"TaskApproveId": nullable(p.approveID)}}
}

// describeParams are the parameters of DescribeIntegrationTask.
type describeParams struct {
	TaskID, ProjectID string
	TaskType          int64
	InstanceVersion   int64
	ExtConfig         []Param
}

func parseDescribe(body []byte) (call, *apiError) {
	p := &describeParams{TaskType: typeRealtime}
	err := bind(body, map[string]any{
		"TaskId": &p.TaskID, "ProjectId": &p.ProjectID, "TaskType": &p.TaskType,
		"InstanceVersion": &p.InstanceVersion, "ExtConfig": &p.ExtConfig,
	}, "TaskId", "ProjectId")
	return p, cmp.Or(err, checkID("ProjectId", p.ProjectID), checkID("TaskId", p.TaskID), checkTaskType(p.TaskType))
}

func (p *describeParams) key() taskKey { return taskKey{p.ProjectID, p.TaskID} }

func (p *describeParams) check(s *Server, _ Account) *apiError {
	if t, ok := s.tasks[p.key()]; !ok || t.TaskType != p.TaskType {
		return errorf(codeNotFound, "the task %s of type %d is not found", p.TaskID, p.TaskType)
	}
	return nil
}

func (p *describeParams) effect(*Server) {}

func (p *describeParams) result(s *Server) map[string]any {
	t := s.tasks[p.key()]
	return map[string]any{"TaskInfo": t.info(t.Submitted)}
}

// listParams are the parameters of DescribeIntegrationTasks.
type listParams struct {
	ProjectID            string
	PageNumber, PageSize int64
	Filters              []filter
	OrderFields          []orderField
	StartTime, EndTime   string
	TaskType             int64

	production bool
	wanted     map[string][]string // of the other filters
	from, to   time.Time
}

// filter keeps what has one of the values.
type filter struct {
	Name   string
	Values []string
}

// orderField sorts by one field.
type orderField struct{ Name, Direction string }

// maxPage bounds a page. What WeData's bound is, is not documented. Its document
// requires number and size.
const maxPage = 100

func parseList(body []byte) (call, *apiError) {
	p := &listParams{TaskType: typeRealtime, wanted: make(map[string][]string)}
	err := bind(body, map[string]any{
		"ProjectId": &p.ProjectID, "PageNumber": &p.PageNumber, "PageSize": &p.PageSize, "Filters": &p.Filters,
		"OrderFields": &p.OrderFields, "StartTime": &p.StartTime, "EndTime": &p.EndTime, "TaskType": &p.TaskType,
	}, "ProjectId", "PageNumber", "PageSize")
	err = cmp.Or(err, checkID("ProjectId", p.ProjectID), checkTaskType(p.TaskType))
	if err == nil && (p.PageNumber < 1 || p.PageSize < 1 || p.PageSize > maxPage) {
		err = errorf(codeInvalid, "the value of `PageNumber` or `PageSize` is out of its range")
	}
	if err == nil {
		err = cmp.Or(p.parseFilters(), p.parseOrder(), parseTime("StartTime", p.StartTime, &p.from), parseTime("EndTime", p.EndTime, &p.to))
	}
	return p, err
}

func (p *listParams) parseFilters() *apiError {
	for _, f := range p.Filters {
		switch f.Name {
		case "ProductionState":
			if len(f.Values) != 1 || f.Values[0] != "true" && f.Values[0] != "false" {
				return errorf(codeInvalid, "the filter `ProductionState` is not true or false")
			}
			p.production = f.Values[0] == "true"
		case "TaskId", "TaskName", "Status":
			p.wanted[f.Name] = f.Values
		default:
			return errorf(codeInvalid, "the filter `%s` is not known", f.Name)
		}
	}
	return nil
}

func (p *listParams) parseOrder() *apiError {
	for _, o := range p.OrderFields {
		if !slices.Contains([]string{"CreateTime", "UpdateTime", "TaskName"}, o.Name) || o.Direction != "ASC" && o.Direction != "DESC" {
			return errorf(codeInvalid, "the order by `%s` `%s` is not known", o.Name, o.Direction)
		}
	}
	return nil
}

func parseTime(name, text string, t *time.Time) *apiError {
	if text == "" {
		return nil
	}
	layout := time.DateTime
	if len(text) == len(time.DateOnly) {
		layout = time.DateOnly // as the document's example has it
	}
	at, err := time.ParseInLocation(layout, text, china())
	if err != nil {
		return errorf(codeInvalid, "the value of `%s` is not a time", name)
	}
	*t = at
	return nil
}

func (p *listParams) key() taskKey { return taskKey{project: p.ProjectID} }

func (p *listParams) check(*Server, Account) *apiError { return nil }

func (p *listParams) effect(*Server) {}

func (p *listParams) result(s *Server) map[string]any {
	var tasks []*Task
	for _, t := range s.tasks {
		if p.matches(t) {
			tasks = append(tasks, t)
		}
	}
	slices.SortFunc(tasks, p.compare)
	total := len(tasks)
	first := min((p.PageNumber-1)*p.PageSize, int64(total))
	last := min(first+p.PageSize, int64(total))
	set := []map[string]any{}
	for _, t := range tasks[first:last] {
		set = append(set, t.info(p.production))
	}
	return map[string]any{"TaskInfoSet": set, "TotalCount": total}
}

func (p *listParams) matches(t *Task) bool {
	has := func(name, value string) bool {
		values, ok := p.wanted[name]
		return !ok || slices.Contains(values, value)
	}
	status := int64(StatusNew)
	if p.production {
		status = t.Status
	}
	return t.ProjectID == p.ProjectID && t.TaskType == p.TaskType && (t.Submitted || !p.production) &&
		has("TaskId", t.TaskID) && has("TaskName", t.Name) && has("Status", strconv.FormatInt(status, 10)) &&
		(p.from.IsZero() || !t.CreateTime.Before(p.from)) && (p.to.IsZero() || !t.CreateTime.After(p.to))
}

func (p *listParams) compare(a, b *Task) int {
	for _, o := range p.OrderFields {
		c := 0
		switch o.Name {
		case "CreateTime":
			c = a.CreateTime.Compare(b.CreateTime)
		case "UpdateTime":
			c = a.UpdateTime.Compare(b.UpdateTime)
		case "TaskName":
			c = strings.Compare(a.Name, b.Name)
		}
		if o.Direction == "DESC" {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return compareTasks(a, b)
}

func compareTasks(a, b *Task) int {
	return cmp.Or(strings.Compare(a.ProjectID, b.ProjectID), strings.Compare(a.TaskID, b.TaskID))
}

// info is the task as the API tells it. In development every task is new, and a
// draft is not submitted.
func (t *Task) info(production bool) map[string]any {
	info := map[string]any{
		"TaskName": t.Name, "TaskType": t.TaskType, "TaskId": t.TaskID, "ProjectId": t.ProjectID,
		"Description": nullable(t.Description), "OperatorUin": nullable(t.OperatorUIN),
		"Status": StatusNew, "Submit": t.Submitted && (production || !t.Draft), "HasVersion": t.Submitted, "NumRestarts": t.NumRestarts,
		"Locked": t.Locker != "", "Locker": nullable(t.Locker), "ExtConfig": t.ExtConfig,
		"CreateTime": t.CreateTime.In(china()).Format(time.DateTime), "UpdateTime": t.UpdateTime.In(china()).Format(time.DateTime),
		"InstanceVersion": nil, "OfflineTaskStatus": nil, "LastOperateInfo": nil,
	}
	if production {
		info["Status"] = t.Status
	}
	if t.TaskType == typeOffline {
		info["OfflineTaskStatus"] = map[bool]int{false: 1, true: 2}[t.Submitted]
	}
	if t.InstanceVersion != 0 {
		info["InstanceVersion"] = t.InstanceVersion
	}
	if n := len(t.Operations); n > 0 {
		o := t.Operations[n-1]
		at := o.At.In(china()).Format(time.DateTime)
		info["LastOperateInfo"] = map[string]any{
			"TaskEvent": o.Event, "OperateId": o.OperateID, "ErrorMsg": nil, "CreatedTime": at, "UpdatedTime": at,
		}
	}
	return info
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// china is the zone of WeData's times.
func china() *time.Location { return time.FixedZone("CST", 8*60*60) }
