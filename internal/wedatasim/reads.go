package wedatasim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// describeParams are the parameters of DescribeIntegrationTask.
type describeParams struct {
	TaskID, ProjectID string
	TaskType          int64
	InstanceVersion   int64
	ExtConfig         []Param

	seen *Task // as it is told
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

func (p *describeParams) check(w *world, _ Account) *apiError {
	p.seen = w.seen(p.key(), w.lag(p.key()))
	if p.seen == nil || p.seen.TaskType != p.TaskType {
		return errorf(codeNotFound, "the task %s of type %d is not found", p.TaskID, p.TaskType)
	}
	return nil
}

func (p *describeParams) result(w *world) map[string]any {
	t, shape := p.seen, w.shapeOf(p.seen)
	return map[string]any{
		"TaskInfo": t.info(shape, t.Submitted), "TaskVersion": t.versionInfo(shape, p.InstanceVersion),
		"TaskVersionList": t.runsInfo(shape), "AgentStatus": nil,
	}
}

// lockParams are the parameters of DescribeTaskLockStatus.
type lockParams struct{ *describeParams }

func parseLockStatus(body []byte) (call, *apiError) {
	p, err := parseDescribe(body)
	return lockParams{p.(*describeParams)}, err
}

func (p lockParams) result(*world) map[string]any {
	return map[string]any{"TaskLockStatus": map[string]any{
		"Locker": nullable(p.seen.Locker), "IsLocker": map[bool]int{true: 1}[p.seen.Locker != ""], "IsRob": 0,
	}}
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

func (p *listParams) check(*world, Account) *apiError { return nil }

func (p *listParams) result(w *world) map[string]any {
	var tasks []*Task
	for _, t := range w.allSeen(w.lag(p.key())) {
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
		set = append(set, t.info(w.shapeOf(t), p.production))
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
