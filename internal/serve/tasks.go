package serve

import (
	"net/http"
	"strconv"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/problem"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/state"
)

// maxTasks bounds the tasks of one answer.
const maxTasks = 50

// taskList is the tasks that somebody may mean.
type taskList struct {
	Tasks []foundTask `json:"tasks"`
	Total int         `json:"total"` // Tasks has the first ones
}

// foundTask is what is known of one task. What its spec asks for is in the plan, where
// that is something else.
type foundTask struct {
	ProjectID string        `json:"project_id"`
	TaskID    string        `json:"task_id"`
	Name      string        `json:"name,omitempty"`
	State     explain.State `json:"state"`
	Record    *state.Record `json:"record"`          // null: nothing was ever applied
	Drift     *state.Drift  `json:"drift,omitempty"` // how it has drifted, as far as that was seen
}

// tasksAPI answers with the tasks of a name.
func tasksAPI(take func() *snapshot.Snapshot, from *stateReader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said := r.URL.Query().Get("name")
		prefixes, err := strconv.ParseBool(orDefault(r.URL.Query().Get("prefix"), "false"))
		if err != nil || said == "" {
			problem.Write(w, http.StatusBadRequest, "name is an id, projectId/taskId or the name of a task, and prefix true or false")
			return
		}
		s := take()
		found, records, err := from.Candidates(r.Context(), s.Plan(), said, prefixes)
		if err != nil {
			problem.Write(w, http.StatusServiceUnavailable, snapshot.ErrorText(err))
			return
		}
		list := taskList{Tasks: []foundTask{}, Total: len(found)}
		for _, c := range found[:min(len(found), maxTasks)] {
			t := foundTask{ProjectID: c.Key.ProjectID, TaskID: c.Key.TaskID, Name: c.Name, Record: records[c.Key], Drift: s.Status.DriftScan.Of(c.Key)}
			t.State, _ = s.Task(c.Key, s.Digest.Find(c.Key))
			list.Tasks = append(list.Tasks, t)
		}
		answer(w, http.StatusOK, list)
	}
}
