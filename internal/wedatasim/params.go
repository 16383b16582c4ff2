package wedatasim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// call is a request with valid parameters.
type call interface {
	// key is the task or, with an empty task, the project it is about.
	key() taskKey
	// check reports why the action would refuse. w.mu is held.
	check(w *world, by Account) *apiError
	// result is the answer. w.mu is held.
	result(w *world) map[string]any
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
	case "DescribeTaskLockStatus":
		return parseLockStatus
	case "DescribeApproveList":
		return parseApproveList
	default:
		return nil
	}
}

// apiError is an error of the API.
type apiError struct{ Code, Message string }

func errorf(code, format string, args ...any) *apiError {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// The codes that are given in more than one place.
const (
	codeThrottled = "RequestLimitExceeded"
	codeInvalid   = "InvalidParameterValue"
	codeNotFound  = "ResourceNotFound"
)

// Param is an entry of ExtConfig.
type Param struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

// bind reads the parameters of a request into what targets point to. Names are
// taken as they are written, each at most once, and only those that are known;
// those of required have to be there.
func bind(body []byte, targets map[string]any, required ...string) *apiError {
	fields, err := objectOf(body)
	if err != nil {
		return errorf("InvalidParameter", "the body is not a JSON object: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		target, ok := targets[name]
		if !ok {
			return errorf("UnknownParameter", "the parameter `%s` is not recognized", name)
		}
		if err := setParam(fields[name], target); err != nil {
			return errorf("InvalidParameter", "the parameter `%s` is of a wrong type", name)
		}
	}
	for _, name := range required {
		if _, ok := fields[name]; !ok {
			return errorf("MissingParameter", "the parameter `%s` is missing", name)
		}
	}
	return nil
}

// setParam decodes one value strictly.
func setParam(raw json.RawMessage, target any) error {
	if bytes.Equal(raw, []byte("null")) {
		return errors.New("null")
	}
	switch t := target.(type) {
	case *[]Param:
		return setList(raw, t, func(p *Param) map[string]any { return map[string]any{"Name": &p.Name, "Value": &p.Value} })
	case *[]filter:
		return setList(raw, t, func(f *filter) map[string]any { return map[string]any{"Name": &f.Name, "Values": &f.Values} })
	case *[]orderField:
		return setList(raw, t, func(o *orderField) map[string]any { return map[string]any{"Name": &o.Name, "Direction": &o.Direction} })
	default:
		return json.Unmarshal(raw, target)
	}
}

// setList decodes a list of objects, each into the targets of its element.
func setList[T any](raw json.RawMessage, list *[]T, targets func(*T) map[string]any) error {
	var raws []json.RawMessage
	if err := json.Unmarshal(raw, &raws); err != nil {
		return err
	}
	for _, r := range raws {
		var element T
		if e := bind(r, targets(&element), "Name"); e != nil {
			return errors.New(e.Message)
		}
		*list = append(*list, element)
	}
	return nil
}

// objectOf splits a JSON object into its fields. A name twice is an error.
func objectOf(data []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it does not begin with {")
	}
	fields := make(map[string]json.RawMessage)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		name, _ := t.(string)
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("`%s` appears twice", name)
		}
		fields[name] = raw
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("something follows it")
	}
	return fields, nil
}

// checkID reports what is wrong with an id.
func checkID(name, id string) *apiError {
	if id == "" || len(id) > 128 || strings.ContainsAny(id, " \t\r\n") {
		return errorf(codeInvalid, "the value of `%s` is not an id", name)
	}
	return nil
}

// checkTaskType reports whether t is a type of task. The document's second example
// has 1.
func checkTaskType(t int64) *apiError {
	if t != typeRealtime && t != typeOffline && t != 1 {
		return errorf(codeInvalid, "the value of `TaskType` is not 201 or 202")
	}
	return nil
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
	case max(utf8.RuneCountInString(p.VersionDesc), utf8.RuneCountInString(p.EventDesc)) > maxDesc:
		err = errorf(codeInvalid, "a description is over %d characters", maxDesc)
	}
	return p, err
}

const maxDesc = 4 << 10

func (p *commitParams) key() taskKey { return taskKey{p.ProjectID, p.TaskID} }

func (p *commitParams) taskType() int64 { return p.TaskType }

func (p *commitParams) check(w *world, by Account) *apiError {
	t, ok := w.tasks[p.key()]
	if !ok {
		if w.opts.KnownOnly {
			return errorf(codeNotFound, "the task %s is not found", p.TaskID)
		}
		return nil
	}
	if t.Locker != "" && t.Locker != by.UIN {
		return &apiError{"UnsupportedOperation", w.opts.Behavior.lockMessage(t.Locker)}
	}
	if s := t.lived(w.now()).Status; p.CommitType != 0 && (s == StatusInOperation || s == StatusStopping) {
		return errorf("FailedOperation", "the task is in operation")
	}
	return nil
}

func (p *commitParams) result(*world) map[string]any {
	return map[string]any{"Data": true, "DataDto": map[string]any{"TaskApproveId": nullable(p.approveID)}}
}
