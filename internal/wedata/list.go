package wedata

import (
	"cmp"
	"context"
	"errors"

	api "github.com/wedatasync/wedatasync/internal/wedata/v20210820"
	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/approval/listing"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// pageSize is how many tasks are listed by one request.
const pageSize = 100

// Page lists tasks that are in production. The error is a [*ReadError]. Tasks that
// are created or removed between two pages can be missed, or come twice.
func (c *Client) Page(ctx context.Context, q drift.Query, number int, gate pace.Gate) (drift.Page, error) {
	const action = "DescribeIntegrationTasks"
	request := api.NewDescribeIntegrationTasksRequest()
	request.ProjectId = new(q.ProjectID)
	request.PageNumber = new(int64(number))
	request.PageSize = new(int64(pageSize))
	request.TaskType = taskType(q.TaskType.OrDefault())
	// Without this filter the answer is about development, where every task is new.
	request.Filters = []*api.Filter{{Name: new("ProductionState"), Values: []*string{new("true")}}}
	if len(q.TaskIDs) > 0 {
		named := &api.Filter{Name: new("TaskId")}
		for _, id := range q.TaskIDs {
			named.Values = append(named.Values, new(id))
		}
		request.Filters = append(request.Filters, named)
	}
	request.OrderFields = []*api.OrderField{{Name: new("CreateTime"), Direction: new("ASC")}}
	var response *api.DescribeIntegrationTasksResponse
	err := c.read(ctx, action, gate, func(ctx context.Context, client *api.Client) (err error) {
		response, err = client.DescribeIntegrationTasksWithContext(ctx, request)
		return err
	})
	if err != nil {
		return drift.Page{}, err
	}
	set := response.Response.TaskInfoSet
	var p drift.Page
	for _, info := range set {
		if info == nil || info.TaskId == nil || or(info.ProjectId, q.ProjectID) != q.ProjectID {
			return drift.Page{}, unusable(action, "the answer lists something that is not a task of the project")
		}
		p.Tasks = append(p.Tasks, sighting(info, spec.Key{ProjectID: q.ProjectID, TaskID: *info.TaskId}, q.TaskType))
	}
	seen := (number-1)*pageSize + len(set)
	p.Total = int(or(response.Response.TotalCount, int64(seen)))
	p.Last = len(set) == 0 || response.Response.TotalCount != nil && seen >= p.Total
	return p, nil
}

// sighting returns what info tells of the task, which was asked for as one of type t.
func sighting(info *api.IntegrationTaskInfo, key spec.Key, t spec.TaskType) drift.LiveTask {
	text := newCleaner(nil)
	s := drift.LiveTask{
		Key:      key,
		TaskType: spec.TaskType(or(info.TaskType, int64(t.OrDefault()))),
		Name:     text.text(or(info.TaskName, "")),
		Live:     *live(info, t),
	}
	// A draft of a task in production is not submitted either: HasVersion tells them apart.
	s.NotSubmitted = s.Live.NotSubmitted && !or(info.HasVersion, false)
	if o := info.LastOperateInfo; o != nil {
		s.Event, s.EventTime = text.id(or(o.TaskEvent, "")), text.id(or(o.CreatedTime, ""))
	}
	return s
}

// Approvals returns a page of the list of approvals of tasks, the newest first. The error
// is a [*ReadError]; it is a [listing.ErrNoPage], too, if the answer may mean that the list
// has no page with that number.
func (c *Client) Approvals(ctx context.Context, number int, gate pace.Gate) ([]approval.Row, error) {
	const action = "DescribeApproveList"
	request := api.NewDescribeApproveListRequest()
	request.ApproveClassification = new("task")
	request.PageNumber = new(uint64(number))
	request.PageSize = new(uint64(pageSize))
	request.OrderFields = []*api.OrderFieldOptional{{Name: new("CreateTime"), Direction: new("DESC")}}
	var response *api.DescribeApproveListResponse
	err := c.read(ctx, action, gate, func(ctx context.Context, client *api.Client) (err error) {
		response, err = client.DescribeApproveListWithContext(ctx, request)
		return err
	})
	switch {
	case errors.Is(err, ErrRefused):
		return nil, errors.Join(err, listing.ErrNoPage)
	case err != nil:
		return nil, err
	}
	var rows []approval.Row
	for _, row := range or(response.Response.Data, api.DescribeApply{}).Rows {
		if row != nil {
			rows = append(rows, applyOf(row))
		}
	}
	return rows, nil
}

// applyOf returns what a row of the list of approvals tells.
func applyOf(row *api.Apply) approval.Row {
	t := newCleaner(nil)
	told := func(s *string) string {
		if text := t.text(or(s, "")); text != "null" { // as an example of the API's document has it
			return text
		}
		return ""
	}
	return approval.Row{
		ID: t.id(or(row.ApproveId, "")), ApplyID: t.id(or(row.ApplyId, "")),
		TaskApproval: state.TaskApproval{
			Status: told(row.Status), Remark: told(row.Remark), Error: told(row.ErrorMessage),
			Applicant: cmp.Or(told(row.ApplicantName), told(row.ApplicantId)),
			Approver:  cmp.Or(told(row.ApproverName), told(row.ApproverId)),
			CreatedAt: told(row.CreateTime), DecidedAt: told(row.ApproveTime),
		},
	}
}
