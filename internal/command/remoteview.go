package command

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// remoteView is the state of a daemon elsewhere. Each question is a request, and what is
// about all tasks is read from one export.
type remoteView struct {
	from  *remote
	whole *export // nil before it was asked for
}

// export is the state as a daemon exports it.
type export struct {
	Lineage  string         `json:"lineage"`
	Serial   int64          `json:"serial"`
	Identity state.Identity `json:"identity"`
	Control  state.Control  `json:"control"`
	Records  []state.Record `json:"records"`
}

func (v *remoteView) export(ctx context.Context) (*export, error) {
	if v.whole != nil {
		return v.whole, nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	whole := new(export)
	if err := v.from.ask(ctx, http.MethodGet, "/state", nil, nil, whole); err != nil {
		return nil, err
	}
	v.whole = whole
	return whole, nil
}

func (v *remoteView) Close() error { return nil }

func (v *remoteView) Control(ctx context.Context) (state.Control, error) {
	e, err := v.export(ctx)
	if err != nil {
		return state.Control{}, err
	}
	return e.Control, nil
}

func (v *remoteView) Records(ctx context.Context) iter.Seq2[state.Record, error] {
	return func(yield func(state.Record, error) bool) {
		e, err := v.export(ctx)
		if err != nil {
			yield(state.Record{}, err)
			return
		}
		for rec := range slices.Values(e.Records) {
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// foundTask is a task as the API finds it.
type foundTask struct {
	ProjectID string        `json:"project_id"`
	TaskID    string        `json:"task_id"`
	Name      string        `json:"name"`
	Record    *state.Record `json:"record"`
	Drift     *state.Drift  `json:"drift"`
}

func (v *remoteView) find(ctx context.Context, said string, prefixes bool) ([]foundTask, error) {
	var answer struct {
		Tasks []foundTask `json:"tasks"`
	}
	query := url.Values{"name": {said}, "prefix": {strconv.FormatBool(prefixes)}}
	err := v.from.get(ctx, "/tasks", query, &answer)
	return answer.Tasks, err
}

// Candidates leaves it to the daemon, which knows the names in its specs.
func (v *remoteView) Candidates(ctx context.Context, _ *plan.Plan, said string, prefixes bool) ([]explain.Candidate, error) {
	tasks, err := v.find(ctx, said, prefixes)
	var found []explain.Candidate
	for _, t := range tasks {
		found = append(found, explain.Candidate{Key: spec.Key{ProjectID: t.ProjectID, TaskID: t.TaskID}, Name: t.Name})
	}
	return found, err
}

func (v *remoteView) Task(ctx context.Context, key spec.Key) (*state.Record, *state.Drift, error) {
	tasks, err := v.find(ctx, key.String(), false)
	if err != nil || len(tasks) == 0 {
		return nil, nil, err
	}
	return tasks[0].Record, tasks[0].Drift, nil
}

func (v *remoteView) History(ctx context.Context, q state.HistoryQuery) ([]state.Event, error) {
	var all []state.Event
	left := cmp.Or(q.Limit, 100)
	for left > 0 {
		query := url.Values{"limit": {strconv.Itoa(min(left, historyAtOnce))}}
		if q.Key != nil {
			query.Set("task", q.Key.String())
		}
		if q.Before > 0 {
			query.Set("before", strconv.FormatInt(q.Before, 10))
		}
		var page struct {
			Events     []state.Event `json:"events"`
			NextBefore int64         `json:"next_before"`
		}
		if err := v.from.get(ctx, "/history", query, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Events...)
		if left -= len(page.Events); page.NextBefore == 0 || len(page.Events) == 0 {
			break
		}
		q.Before = page.NextBefore
	}
	return all, nil
}
