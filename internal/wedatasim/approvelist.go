package wedatasim

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// approveListParams are the parameters of DescribeApproveList.
type approveListParams struct {
	ApproveClassification string
	PageNumber, PageSize  int64
	Filters               []filter
	OrderFields           []orderField
}

func parseApproveList(body []byte) (call, *apiError) {
	p := &approveListParams{PageNumber: 1, PageSize: 10}
	err := bind(body, map[string]any{
		"ApproveClassification": &p.ApproveClassification, "PageNumber": &p.PageNumber, "PageSize": &p.PageSize,
		"Filters": &p.Filters, "OrderFields": &p.OrderFields,
	}, "ApproveClassification")
	switch {
	case err != nil:
	case p.PageNumber < 1 || p.PageSize < 1 || p.PageSize > maxPage:
		err = errorf(codeInvalid, "the value of `PageNumber` or `PageSize` is out of its range")
	default:
		err = cmp.Or(p.checkFilters(), p.checkOrder())
	}
	return p, err
}

func (p *approveListParams) checkFilters() *apiError {
	for _, f := range p.Filters {
		if !slices.Contains([]string{"Status", "ProjectName", "ApproveType", "Keyword", "ApplicantName"}, f.Name) {
			return errorf(codeInvalid, "the filter `%s` is not known", f.Name)
		}
	}
	return nil
}

func (p *approveListParams) checkOrder() *apiError {
	for _, o := range p.OrderFields {
		if o.Name != "CreateTime" || o.Direction != "ASC" && o.Direction != "DESC" {
			return errorf(codeInvalid, "the order by `%s` `%s` is not known", o.Name, o.Direction)
		}
	}
	return nil
}

func (p *approveListParams) key() taskKey { return taskKey{} }

func (p *approveListParams) check(*Server, Account) *apiError { return nil }

func (p *approveListParams) result(s *Server) map[string]any {
	rows := []map[string]any{}
	for _, a := range s.approvals {
		if row := s.approvalRow(a); p.ApproveClassification == "task" && p.matches(row) {
			rows = append(rows, row)
		}
	}
	if len(p.OrderFields) == 0 || p.OrderFields[0].Direction == "DESC" {
		slices.Reverse(rows)
	}
	total := int64(len(rows))
	first := min((p.PageNumber-1)*p.PageSize, total)
	last := min(first+p.PageSize, total)
	return map[string]any{"Data": map[string]any{
		"Rows": rows[first:last], "TotalCount": total, "PageNumber": p.PageNumber, "PageSize": p.PageSize,
		"TotalPageNumber": (total + p.PageSize - 1) / p.PageSize,
	}}
}

// approvalRow is the approval as the API tells it: all strings, and two numbers.
func (s *Server) approvalRow(a *Approval) map[string]any {
	row := map[string]any{
		"ApproveId": a.ID, "ApplyId": a.ID, "ApplyName": "commit task " + a.TaskID,
		"ApplicantId": a.Applicant, "ApplicantName": "user " + a.Applicant,
		"ApproverId": nullable(a.Approver), "ApproverName": nil,
		"ApproveType": "TASK_COMMIT", "ApproveTypeName": "submit an integration task", "ApproveProjectName": projectName(a.ProjectID),
		"Status": s.opts.Behavior.Approvals.code(a.State), "Remark": nullable(a.Remark), "Reason": nil, "ErrorMessage": nullable(a.Error),
		"CreateTime": localTime(a.Created), "CreateTimestamp": a.Created.UnixMilli(),
		"ApproveTime": nil, "ApproveTimestamp": nil, "Metadata": nil,
	}
	if a.Approver != "" {
		row["ApproverName"] = "user " + a.Approver
	}
	if !a.Ended.IsZero() {
		row["ApproveTime"], row["ApproveTimestamp"] = localTime(a.Ended), a.Ended.UnixMilli()
	}
	return row
}

func projectName(id string) string { return "project " + id }

// localTime writes a time as WeData does: local, without a zone, to the second.
func localTime(t time.Time) string { return t.In(china()).Format(time.DateTime) }

func (p *approveListParams) matches(row map[string]any) bool {
	for _, f := range p.Filters {
		has := func(name string) bool {
			text, _ := row[name].(string)
			return slices.Contains(f.Values, text)
		}
		ok := false
		switch f.Name {
		case "ProjectName":
			ok = has("ApproveProjectName")
		case "Keyword":
			ok = slices.ContainsFunc(f.Values, func(word string) bool {
				return strings.Contains(row["ApplyName"].(string), word) || row["ApproveId"] == word
			})
		default:
			ok = has(f.Name)
		}
		if !ok {
			return false
		}
	}
	return true
}
