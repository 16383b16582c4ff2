package wedatasim

import (
	"bytes"
	"encoding/json"
	"time"
)

// approvalsFields are Approvals in JSON.
type approvalsFields struct {
	Projects []string                 `json:"projects"`
	Tasks    []string                 `json:"tasks"`
	End      ApprovalState            `json:"end"`
	After    duration                 `json:"after"`
	Jitter   duration                 `json:"jitter"`
	Codes    map[ApprovalState]string `json:"codes,omitempty"`
}

func (a *Approvals) fields() approvalsFields {
	return approvalsFields{a.Projects, a.Tasks, a.End, duration(a.After), duration(a.Jitter), a.Codes}
}

// MarshalJSON writes the approvals with durations such as "250ms".
func (a Approvals) MarshalJSON() ([]byte, error) { return json.Marshal(a.fields()) }

// UnmarshalJSON reads what MarshalJSON writes; what is not named stays.
func (a *Approvals) UnmarshalJSON(data []byte) error {
	f := a.fields()
	if err := strictly(data, &f); err != nil {
		return err
	}
	*a = Approvals{f.Projects, f.Tasks, f.End, time.Duration(f.After), time.Duration(f.Jitter), f.Codes}
	return nil
}

// behaviorFields are a Behavior in JSON.
type behaviorFields struct {
	Profile       Profile   `json:"profile"`
	ReadLag       duration  `json:"read_lag"`
	Skew          duration  `json:"skew"`
	Approvals     Approvals `json:"approvals"`
	LockMessage   string    `json:"lock_message"`
	PlatformTrace Trace     `json:"platform_trace"`
}

func (b *Behavior) fields() behaviorFields {
	return behaviorFields{b.Profile, duration(b.ReadLag), duration(b.Skew), b.Approvals, b.LockMessage, b.PlatformTrace}
}

// MarshalJSON writes the behavior with durations such as "250ms".
func (b Behavior) MarshalJSON() ([]byte, error) { return json.Marshal(b.fields()) }

// UnmarshalJSON reads what MarshalJSON writes; what is not named stays.
func (b *Behavior) UnmarshalJSON(data []byte) error {
	f := b.fields()
	if err := strictly(data, &f); err != nil {
		return err
	}
	*b = Behavior{f.Profile, time.Duration(f.ReadLag), time.Duration(f.Skew), f.Approvals, f.LockMessage, f.PlatformTrace}
	return b.Check()
}

// strictly decodes JSON, and refuses names that v does not have.
func strictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
