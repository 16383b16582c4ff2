package wedata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	api "github.com/wedatasync/wedatasync/internal/wedata/v20210820"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// What a [ReadError] is, beside [plan.ErrReadDenied] and [plan.ErrTaskGone].
var (
	ErrAuth      = errors.New("the credentials were not accepted")
	ErrRefused   = errors.New("the read was refused") // it will not help to repeat it
	ErrTemporary = errors.New("the read got no usable answer")
)

// ReadError says why a task could not be read. It wraps one of ErrReadDenied,
// ErrTaskGone, reconcile.ErrReadThrottled, ErrAuth, ErrRefused and ErrTemporary.
type ReadError struct {
	Action  string // of the API
	Outcome state.Outcome
	kind    error
}

// Error says what was asked, and what came of it.
func (e *ReadError) Error() string {
	text := fmt.Sprintf("%s: %s: %s", e.Action, e.kind, e.Outcome.Code)
	if e.Outcome.Message != "" {
		text += ": " + e.Outcome.Message
	}
	if e.Outcome.RequestID != "" {
		text += " (request " + e.Outcome.RequestID + ")"
	}
	return text
}

// Answered returns what the answer was.
func (e *ReadError) Answered() state.Outcome { return e.Outcome }

// Unwrap returns what the error is.
func (e *ReadError) Unwrap() error { return e.kind }

// readError says what an answer without a result means for a read.
func readError(action string, out state.Outcome) *ReadError {
	kind := ErrTemporary
	switch {
	case base(out.Code) == "ResourceNotFound":
		kind = plan.ErrTaskGone
	case out.Class == state.ClassUnauthorized:
		kind = plan.ErrReadDenied
	case out.Class == state.ClassAuth:
		kind = ErrAuth
	case out.Class == state.ClassThrottled:
		kind = plan.ErrReadThrottled
	case out.Class == state.ClassRefused:
		kind = ErrRefused
	}
	return &ReadError{Action: action, Outcome: out, kind: kind}
}

// Read returns what WeData says of the task now. The error is a [*ReadError].
func (c *Client) Read(ctx context.Context, key spec.Key, t spec.TaskType, gate pace.Gate) (*state.Live, error) {
	s, err := c.Describe(ctx, key, t, gate)
	if err != nil {
		return nil, err
	}
	return &s.Live, nil
}

// Describe is Read with all that is told of the task.
func (c *Client) Describe(ctx context.Context, key spec.Key, t spec.TaskType, gate pace.Gate) (*drift.LiveTask, error) {
	answer, err := c.describe(ctx, key, t, nil, gate)
	if err != nil {
		return nil, err
	}
	info := answer.TaskInfo
	if info == nil {
		return nil, unusable(describeTask, "the answer has no TaskInfo")
	}
	if got := keyOf(info, key); got != key {
		return nil, unusable(describeTask, "the answer is about another task")
	}
	seen := sighting(info, key, t)
	for _, run := range answer.TaskVersionList {
		if run != nil {
			seen.Live.RunningOrder = max(seen.Live.RunningOrder, or(run.RunningOrderId, 0))
		}
	}
	return &seen, nil
}

// Version returns what WeData says of one version of the task, nil if that is nothing. What
// the answer says of the task is not used: whether it is of the version that was asked for,
// or of the one that is live, is not documented. The error is a [*ReadError].
func (c *Client) Version(ctx context.Context, key spec.Key, t spec.TaskType, version int64, gate pace.Gate) (*drift.Version, error) {
	answer, err := c.describe(ctx, key, t, new(version), gate)
	if err != nil {
		return nil, err
	}
	told := answer.TaskVersion
	if told == nil || or(told.InstanceVersion, version) != version {
		return nil, nil
	}
	text := newCleaner(nil)
	return &drift.Version{
		Number: version, Submitter: text.id(or(told.SubmitterUin, "")), SubmittedAt: text.id(or(told.InstanceDate, "")), Desc: text.text(or(told.VersionDesc, "")),
		Tag: proof.TagIn(or(told.VersionDesc, "")), Enabled: or(told.InstanceStatus, 0) == 1,
	}, nil
}

const describeTask = "DescribeIntegrationTask"

// describe asks for a task, and if version is not nil for what is told of that version.
func (c *Client) describe(ctx context.Context, key spec.Key, t spec.TaskType, version *int64, gate pace.Gate) (*api.DescribeIntegrationTaskResponseParams, error) {
	request := api.NewDescribeIntegrationTaskRequest()
	request.TaskId = new(key.TaskID)
	request.ProjectId = new(key.ProjectID)
	request.TaskType = taskType(t.OrDefault())
	request.InstanceVersion = version
	var response *api.DescribeIntegrationTaskResponse
	err := c.read(ctx, describeTask, gate, func(ctx context.Context, client *api.Client) (err error) {
		response, err = client.DescribeIntegrationTaskWithContext(ctx, request)
		return err
	})
	if err != nil {
		return nil, err
	}
	return response.Response, nil
}

// Raw sends a read of any kind, and returns the Response of its answer as it came, with an
// Error or a result. The error is of what came without a usable answer.
func (c *Client) Raw(ctx context.Context, action string, params map[string]any, gate pace.Gate) (json.RawMessage, error) {
	if !strings.HasPrefix(action, "Describe") {
		return nil, fmt.Errorf("%s: not a read", action)
	}
	x, client, k, err := c.exchange(ctx, c.reads, maxRead, gate)
	if err != nil {
		return nil, readError(action, noCredentials(err))
	}
	defer x.end()
	sdkErr := client.SendCommonRequest(x.ctx, action, params)
	a := x.response(sdkErr, k.secrets())
	var answer struct{ Response json.RawMessage }
	if json.Unmarshal(a.Body, &answer) == nil && len(answer.Response) > 0 {
		return answer.Response, nil
	}
	out, _ := classifyRead(a, sdkErr)
	return nil, readError(action, out)
}

// read sends one request and reports why its response is not to be used. send
// must keep the response.
func (c *Client) read(ctx context.Context, action string, gate pace.Gate, send func(context.Context, *api.Client) error) error {
	x, client, k, err := c.exchange(ctx, c.reads, maxRead, gate)
	if err != nil {
		return readError(action, noCredentials(err))
	}
	defer x.end()
	sdkErr := send(x.ctx, client)
	out, ok := classifyRead(x.response(sdkErr, k.secrets()), sdkErr)
	c.noteRefused(k, out.Class)
	c.compareClocks(x, out)
	c.log.DebugContext(ctx, "read sent", "action", action, "class", out.Class, "code", out.Code, "request_id", out.RequestID)
	if !ok {
		return readError(action, out)
	}
	return nil
}

// classifyRead says what the answer to a read means, and whether it is whole. The
// SDK's own reading comes second: it is lenient, and what it refuses is of a wrong
// type.
func classifyRead(a Response, sdkErr error) (state.Outcome, bool) {
	t := newCleaner(a.Secrets)
	r, out := receive(&a)
	switch {
	case r == nil:
	case r.fail != nil:
		out = failed(r)
	case sdkErr != nil:
		out = state.Outcome{Class: state.ClassUnknown, Code: CodeMalformed, RequestID: r.requestID, Message: "a field is of a wrong type"}
	default:
		return state.Outcome{Class: state.ClassApplied, RequestID: t.id(r.requestID)}, true
	}
	return clean(out, t), false
}

func unusable(action, message string) *ReadError {
	return readError(action, state.Outcome{Class: state.ClassUnknown, Code: CodeMalformed, Message: message})
}

// keyOf returns the task that info is about; what it does not say is as in key.
func keyOf(info *api.IntegrationTaskInfo, key spec.Key) spec.Key {
	return spec.Key{ProjectID: or(info.ProjectId, key.ProjectID), TaskID: or(info.TaskId, key.TaskID)}
}

// live returns the part of info that shows whether a commit happened, of a task that
// was asked for as one of type t.
func live(info *api.IntegrationTaskInfo, t spec.TaskType) *state.Live {
	c := newCleaner(nil)
	l := &state.Live{
		InstanceVersion: or(info.InstanceVersion, 0),
		Status:          state.TaskStatus(or(info.Status, 0)),
		Locked:          or(info.Locked, false),
		Locker:          c.id(or(info.Locker, "")),
		Operator:        c.id(or(info.OperatorUin, "")),
		NumRestarts:     told(info.NumRestarts),
		UpdateTime:      c.id(or(info.UpdateTime, "")),
	}
	v := state.Vitals{
		ReaderDelay: state.Untold, BusinessLatency: state.Untold, ReadPhase: state.Untold,
		NoSavepoint: or(info.NotExistsCheckPoint, 0) == 1, StopTime: c.id(or(info.StopTime, "")),
	}
	if d := or(info.ReaderDelay, state.Untold); d >= 0 {
		v.ReaderDelay = int64(math.Ceil(min(d, maxDelay)))
	}
	if n := told(info.BusinessLatency); n != nil {
		v.BusinessLatency = min(*n, maxDelay)
	}
	if n := told(info.ReadPhase); n != nil {
		v.ReadPhase = *n
	}
	if v != (state.Vitals{ReaderDelay: state.Untold, BusinessLatency: state.Untold, ReadPhase: state.Untold}) {
		l.Vitals = &v
	}
	l.Submitted, l.NotSubmitted = submission(info, spec.TaskType(or(info.TaskType, int64(t.OrDefault()))))
	if info.LastOperateInfo != nil {
		l.OperateID = c.id(or(info.LastOperateInfo.OperateId, ""))
	}
	return l
}

// maxDelay is a delay in seconds that no job has: longer ones are cut to it.
const maxDelay = 1 << 40

// told returns the figure, or nil for one that is not told: WeData says that with null or
// with -1.
func told(n *int64) *int64 {
	if n == nil || *n < 0 {
		return nil
	}
	return new(*n)
}

// submission says whether info tells that this version is in production, or that it is
// not. The two types of tasks have fields of their own for it, and each can be null: the
// newest documented answer for a real-time task has no Submit, an OfflineTaskStatus that
// says nothing, and HasVersion.
func submission(info *api.IntegrationTaskInfo, t spec.TaskType) (is, isNot bool) {
	if t == spec.Offline && info.OfflineTaskStatus != nil {
		is = *info.OfflineTaskStatus >= offlineSubmitted
		return is, !is
	}
	for _, told := range []*bool{info.Submit, info.HasVersion} {
		if told != nil {
			return *told, !*told
		}
	}
	return false, false
}

// offlineSubmitted is the OfflineTaskStatus from which an offline task is
// submitted; the next one is exported.
const offlineSubmitted = 2

// or returns what p points to, or the default if it is nil.
func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
