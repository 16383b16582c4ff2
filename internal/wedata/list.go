package wedata

import (
	"context"
	"fmt"
	"iter"

	api "github.com/wedatasync/wedatasync/internal/wedata/v20210820"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	pageSize = 100
	maxPages = 1000
)

// ListOptions say which tasks [Client.List] yields, and when it may ask.
type ListOptions struct {
	ProjectID string
	TaskType  spec.TaskType // 0 is spec.Realtime: the API lists one type at a time
	// Turn, if not nil, is called before each request: a limiter.
	Turn func(context.Context) error
}

// Task is a task as it is in production.
type Task struct {
	Key       spec.Key
	Name      string
	TaskType  spec.TaskType
	Live      state.Live
	ExtConfig []spec.Param
}

// List yields the tasks of a project that are in production, page by page. The
// first error ends it. Tasks that are created or removed meanwhile can be missed,
// or come twice.
func (c *Client) List(ctx context.Context, opts ListOptions) iter.Seq2[Task, error] {
	return func(yield func(Task, error) bool) {
		for number := range maxPages {
			tasks, last, err := c.page(ctx, opts, int64(number+1))
			if err != nil {
				yield(Task{}, err)
				return
			}
			for _, t := range tasks {
				if !yield(t, nil) {
					return
				}
			}
			if last {
				return
			}
		}
		yield(Task{}, fmt.Errorf("list tasks of project %s: over %d", opts.ProjectID, maxPages*pageSize))
	}
}

// page reads one page, from 1, and reports whether it is the last.
func (c *Client) page(ctx context.Context, opts ListOptions, number int64) (tasks []Task, last bool, err error) {
	if opts.Turn != nil {
		if err := opts.Turn(ctx); err != nil {
			return nil, false, err
		}
	}
	const action = "DescribeIntegrationTasks"
	request := api.NewDescribeIntegrationTasksRequest()
	request.ProjectId = new(opts.ProjectID)
	request.PageNumber = new(number)
	request.PageSize = new(int64(pageSize))
	request.TaskType = taskType(opts.TaskType.OrDefault())
	// Without this filter the answer is about development, where every task is new.
	request.Filters = []*api.Filter{{Name: new("ProductionState"), Values: []*string{new("true")}}}
	request.OrderFields = []*api.OrderField{{Name: new("CreateTime"), Direction: new("ASC")}}
	var response *api.DescribeIntegrationTasksResponse
	err = c.read(ctx, action, func(ctx context.Context, client *api.Client) (err error) {
		response, err = client.DescribeIntegrationTasksWithContext(ctx, request)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	set := response.Response.TaskInfoSet
	for _, info := range set {
		if info == nil || info.TaskId == nil || or(info.ProjectId, opts.ProjectID) != opts.ProjectID {
			return nil, false, unusable(action, "the answer lists what is no task of the project")
		}
		tasks = append(tasks, taskOf(info, opts))
	}
	seen := (number-1)*pageSize + int64(len(set))
	return tasks, len(set) == 0 || seen >= or(response.Response.TotalCount, seen+1), nil
}

func taskOf(info *api.IntegrationTaskInfo, opts ListOptions) Task {
	t := Task{
		Key:      spec.Key{ProjectID: opts.ProjectID, TaskID: *info.TaskId},
		Name:     newCleaner(nil).text(or(info.TaskName, "")),
		TaskType: spec.TaskType(or(info.TaskType, int64(opts.TaskType.OrDefault()))),
		Live:     *live(info),
	}
	for _, f := range info.ExtConfig {
		if f != nil {
			t.ExtConfig = append(t.ExtConfig, spec.Param{Name: or(f.Name, ""), Value: or(f.Value, "")})
		}
	}
	return t
}
