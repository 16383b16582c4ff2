package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// Replay has a simulator answer in the shape of the recording in a file, which a person named
// by a flag. What was refused there is refused by the faults.
func Replay(by, path string, opts *wedatasim.Options) (faults []wedatasim.Fault, err error) {
	data, err := file.Read(by, path, MaxSize)
	if err != nil {
		return nil, err
	}
	r, err := Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	opts.Reshape, opts.Behavior.Approvals.FirstPage = r.Reshape, r.FirstPage()
	for action, code := range r.Refused() {
		faults = append(faults, wedatasim.Fault{Action: action, Code: code, Message: "as it was recorded"})
	}
	return faults, nil
}

// find returns the answer to an exchange, or nil if it was not made or not answered with a
// result.
func (r *Recording) find(name string) map[string]any {
	for i := len(r.Exchanges) - 1; i >= 0; i-- { // the last one is of the type that the task has
		if e := &r.Exchanges[i]; e.Name == name {
			if e.Response["Error"] != nil {
				return nil
			}
			return e.Response
		}
	}
	return nil
}

// Refused returns the codes of the actions that were answered with an error, and with nothing
// else.
func (r *Recording) Refused() map[string]string {
	refused := map[string]string{}
	answered := map[string]bool{}
	for _, e := range r.Exchanges {
		fail, _ := e.Response["Error"].(map[string]any)
		if code, ok := fail["Code"].(string); ok {
			refused[e.Action] = code
		} else {
			answered[e.Action] = true
		}
	}
	maps.DeleteFunc(refused, func(action, _ string) bool { return answered[action] })
	return refused
}

// FirstPage returns the number of the first page of the list of approvals: 1 if page 0 was
// refused.
func (r *Recording) FirstPage() int64 {
	if r.find(ofApprovals+"0") == nil && r.find(ofApprovals+"1") != nil {
		return 1
	}
	return 0
}

// Reshape changes a result of the action to the shape that was recorded: what was null, -1,
// missing, or of another type there is so in the result. request is the request's body. What
// a task is, and what happens to it, stays the simulator's own.
func (r *Recording) Reshape(action string, request []byte, result map[string]any) {
	plain, err := json.Marshal(result)
	if err != nil {
		return
	}
	v, err := object(plain)
	if err != nil {
		return
	}
	switch action {
	case "DescribeIntegrationTask":
		r.task(v)
	case "DescribeIntegrationTasks":
		name := ofDevelopment
		if bytes.Contains(request, []byte(`"ProductionState"`)) {
			name = ofProduction
		}
		each(v["TaskInfoSet"], r.find(name)["TaskInfoSet"])
	case "DescribeTaskLockStatus":
		if told := r.find(ofLock); told != nil {
			shape(v, told)
		}
	case "DescribeApproveList":
		for _, page := range []string{"0", "1"} {
			like, _ := r.find(ofApprovals + page)["Data"].(map[string]any)
			if data, ok := v["Data"].(map[string]any); ok && len(list(like["Rows"])) > 0 {
				each(data["Rows"], like["Rows"])
				break
			}
		}
	}
	delete(v, "RequestId")
	maps.Copy(result, v)
}

// task changes the answer to the read of one task of the type that was recorded.
func (r *Recording) task(v map[string]any) {
	like := r.find(ofTask)
	info, _ := v["TaskInfo"].(map[string]any)
	told, _ := like["TaskInfo"].(map[string]any)
	if told == nil || info == nil || fmt.Sprint(info["TaskType"]) != fmt.Sprint(told["TaskType"]) {
		return
	}
	shape(info, told)
	for _, field := range []string{"TaskVersionList", "AgentStatus"} {
		if like[field] == nil {
			v[field] = nil
		}
	}
	if version := r.find(ofVersion); version != nil {
		toldVersion, _ := version["TaskVersion"].(map[string]any)
		if of, ok := v["TaskVersion"].(map[string]any); ok && toldVersion != nil {
			shape(of, toldVersion)
		} else {
			v["TaskVersion"] = nil
		}
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// each changes the elements of a list to the shape of the first element of another.
func each(v, like any) {
	told := list(like)
	if len(told) == 0 {
		return
	}
	first, _ := told[0].(map[string]any)
	for _, element := range list(v) {
		if of, ok := element.(map[string]any); ok && first != nil {
			shape(of, first)
		}
	}
}

// shape changes an object to the shape of another.
func shape(v, like map[string]any) {
	for name := range v {
		if _, ok := like[name]; !ok {
			delete(v, name)
		}
	}
	for name, told := range like {
		is, known := v[name]
		if name == "OfflineTaskStatus" && is == nil {
			known = false // the account tells it of tasks of either type
		}
		v[name] = alike(is, known, told)
	}
}

// alike returns a value in the shape of another: one that is not known is the other.
func alike(is any, known bool, told any) any {
	n, numeric := told.(json.Number)
	switch {
	case told == nil:
		return nil
	case !known, numeric && n.String()[0] == '-': // -1 is not known, either
		return told
	}
	switch like := told.(type) {
	case map[string]any:
		if of, ok := is.(map[string]any); ok {
			shape(of, like)
		}
	case string:
		if n, ok := is.(json.Number); ok {
			return n.String()
		}
	case json.Number:
		if s, ok := is.(string); ok && (digits(s) || small(s)) {
			return json.Number(s)
		}
	}
	return is
}
