// Package recording is what an account really answers about one task: raw answers to reads,
// masked, in a file that can be shown to others, and a simulator that answers in their shape.
//
// What may enter: JSON. Not a connection, and nothing that writes to WeData.
package recording

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
)

// Format names the format of a recording.
const Format = "wedatasync-recording/1"

// MaxSize bounds the file of a recording, in bytes.
const MaxSize = 8 << 20

// Recording is the answers to the reads of one task.
type Recording struct {
	Format    string     `json:"format"`
	Exchanges []Exchange `json:"exchanges"`
}

// Exchange is one read and its answer, masked.
type Exchange struct {
	Name     string         `json:"name"`
	Action   string         `json:"action"`
	Request  map[string]any `json:"request"`
	Response map[string]any `json:"response"`
}

// The names of the exchanges of a recording.
const (
	ofTask        = "task"
	ofVersion     = "task with InstanceVersion"
	ofLock        = "lock"
	ofDevelopment = "list in development"
	ofProduction  = "list in production"
	ofApprovals   = "approvals, page "
)

// Ask sends one read and returns the Response of its answer, which may have an Error.
type Ask func(ctx context.Context, action string, params map[string]any) (json.RawMessage, error)

// Types of tasks, as the API numbers them.
const (
	realtime = 201
	offline  = 202
)

// Make reads one task in each way in which the program could, and masks what it is
// answered. A read that is refused is recorded, too: only one without an answer is an error.
func Make(ctx context.Context, ask Ask, projectID, taskID string) (*Recording, error) {
	r := &recorder{ask: ask, mask: newMask(), Recording: Recording{Format: Format}}
	task := func(more map[string]any) map[string]any {
		params := map[string]any{"ProjectId": projectID, "TaskId": taskID, "TaskType": r.taskType}
		maps.Copy(params, more)
		return params
	}
	var answer map[string]any
	for _, r.taskType = range []int{realtime, offline} {
		answer = r.add(ctx, ofTask, "DescribeIntegrationTask", task(nil))
		if answer["Error"] == nil {
			break
		}
	}
	version := 1
	info, _ := answer["TaskInfo"].(map[string]any)
	if n, ok := info["InstanceVersion"].(json.Number); ok {
		version, _ = strconv.Atoi(n.String())
	}
	r.add(ctx, ofVersion, "DescribeIntegrationTask", task(map[string]any{"InstanceVersion": version}))
	r.add(ctx, ofLock, "DescribeTaskLockStatus", task(nil))
	filter := func(name, value string) map[string]any {
		return map[string]any{"Name": name, "Values": []string{value}}
	}
	list := func(filters ...map[string]any) map[string]any {
		return map[string]any{"ProjectId": projectID, "TaskType": r.taskType, "PageNumber": 1, "PageSize": 10, "Filters": filters}
	}
	r.add(ctx, ofDevelopment, "DescribeIntegrationTasks", list(filter("TaskId", taskID)))
	r.add(ctx, ofProduction, "DescribeIntegrationTasks", list(filter("TaskId", taskID), filter("ProductionState", "true")))
	for page := range 2 { // which is the first is not documented
		r.add(ctx, ofApprovals+strconv.Itoa(page), "DescribeApproveList", map[string]any{
			"ApproveClassification": "task", "PageNumber": page, "PageSize": 10,
			"OrderFields": []map[string]any{{"Name": "CreateTime", "Direction": "DESC"}},
		})
	}
	if r.err != nil {
		return nil, r.err
	}
	return &r.Recording, nil
}

// recorder is a recording that is being made.
type recorder struct {
	Recording

	ask      Ask
	mask     *mask
	taskType int
	err      error
}

// add makes one read, and returns its answer as it came.
func (r *recorder) add(ctx context.Context, name, action string, params map[string]any) map[string]any {
	if r.err != nil {
		return nil
	}
	raw, err := r.ask(ctx, action, params)
	if err != nil {
		r.err = fmt.Errorf("read the %s: %w", name, err)
		return nil
	}
	answer, err := object(raw)
	if err != nil {
		r.err = fmt.Errorf("read the %s: %w", name, err)
		return nil
	}
	text, err := json.Marshal(params)
	if err != nil {
		r.err = err
		return nil
	}
	request, _ := object(text)
	r.Exchanges = append(r.Exchanges, Exchange{
		Name: name, Action: action,
		Request: r.mask.object(request), Response: r.mask.object(answer),
	})
	return answer
}

// object reads a JSON object, whose numbers stay as they are written.
func object(data []byte) (map[string]any, error) {
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil || v == nil {
		return nil, errors.Join(errors.New("the answer is not a JSON object"), err)
	}
	return v, nil
}

// Write writes the recording.
func (r *Recording) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// Read reads a recording.
func Read(data []byte) (*Recording, error) {
	r := new(Recording)
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	switch err := d.Decode(r); {
	case err != nil:
		return nil, fmt.Errorf("read the recording: %w", err)
	case r.Format != Format:
		return nil, fmt.Errorf("read the recording: its format is %q, and not %q: make one with doctor --record", r.Format, Format)
	}
	return r, nil
}
