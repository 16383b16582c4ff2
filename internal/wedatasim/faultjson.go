package wedatasim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// faultFields are a Fault in JSON.
type faultFields struct {
	ID          int      `json:"id,omitempty"`
	Action      string   `json:"action,omitempty"`
	ProjectID   string   `json:"project_id,omitempty"`
	TaskID      string   `json:"task_id,omitempty"`
	Skip        int      `json:"skip,omitempty"`
	Times       int      `json:"times,omitempty"`
	Probability float64  `json:"probability,omitempty"`
	Delay       duration `json:"delay,omitempty"`
	Jitter      duration `json:"jitter,omitempty"`
	Code        string   `json:"code,omitempty"`
	Message     string   `json:"message,omitempty"`
	Effect      Effect   `json:"effect,omitempty"`
	LateBy      duration `json:"late_by,omitempty"`
	ApproveID   string   `json:"approve_id,omitempty"`
	Fails       bool     `json:"fails,omitempty"`
	Hold        duration `json:"hold,omitempty"`
	Answer      Reply    `json:"answer,omitempty"`
	Status      int      `json:"status,omitempty"`
	Location    string   `json:"location,omitempty"`
	Body        string   `json:"body,omitempty"`
}

// duration is written as 250ms is.
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

// MarshalJSON writes the fault with durations such as "250ms".
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultFields{
		ID: f.ID, Action: f.Action, ProjectID: f.ProjectID, TaskID: f.TaskID, Skip: f.Skip, Times: f.Times, Probability: f.Probability,
		Delay: duration(f.Delay), Jitter: duration(f.Jitter), Code: f.Code, Message: f.Message, Effect: f.Effect, LateBy: duration(f.LateBy),
		ApproveID: f.ApproveID, Fails: f.Fails, Hold: duration(f.Hold), Answer: f.Answer, Status: f.Status, Location: f.Location, Body: f.Body,
	})
}

// UnmarshalJSON reads what MarshalJSON writes. A name that it does not know is an
// error: a fault that was meant otherwise must not seem to be ordered.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var v faultFields
	if err := strictly(data, &v); err != nil {
		return err
	}
	*f = Fault{
		Action: v.Action, ProjectID: v.ProjectID, TaskID: v.TaskID, Skip: v.Skip, Times: v.Times, Probability: v.Probability,
		Delay: time.Duration(v.Delay), Jitter: time.Duration(v.Jitter), Code: v.Code, Message: v.Message, Effect: v.Effect, LateBy: time.Duration(v.LateBy),
		ApproveID: v.ApproveID, Fails: v.Fails, Hold: time.Duration(v.Hold), Answer: v.Answer, Status: v.Status, Location: v.Location, Body: v.Body,
	}
	return f.check()
}

// check reports a fault that cannot be what was meant.
func (f *Fault) check() error {
	replies := []Reply{ReplyWhole, ReplyDrop, ReplyReset, ReplyHang, ReplyTruncated, ReplySlow, ReplyHuge, ReplyEmpty, ReplyHTML, ReplyRedirect, ReplyRaw}
	switch {
	case !slices.Contains(replies, f.Answer):
		return fmt.Errorf("no such answer: %q", f.Answer)
	case !slices.Contains([]Effect{EffectNow, EffectNever, EffectLate}, f.Effect):
		return fmt.Errorf("no such effect: %q", f.Effect)
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("probability %v is not between 0 and 1", f.Probability)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("no such status: %d", f.Status)
	}
	return nil
}

// faultList is one fault, or several.
type faultList []Fault

// UnmarshalJSON reads a fault or a list of them.
func (l *faultList) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return json.Unmarshal(data, (*[]Fault)(l))
	}
	var f Fault
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	*l = faultList{f}
	return nil
}
