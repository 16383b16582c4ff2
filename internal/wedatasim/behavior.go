package wedatasim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Behavior is how the service is in all that its documents leave open. The zero
// value tells everything, at once, and approves nothing. [Server.SetBehavior] and
// PATCH /_sim/behavior change it while the server runs.
type Behavior struct {
	Profile Profile
	// ReadLag bounds how old the state is that a read shows. Each read draws its own
	// age, so that a later read may show an older state. At most MaxReadLag.
	ReadLag   time.Duration
	Skew      time.Duration // how far the server's clock is ahead
	Approvals Approvals
	// LockMessage is what a commit of a locked task is answered with, {locker} in it
	// being who holds it; empty: as the API's document has it.
	LockMessage string
	// PlatformTrace is what a start or a failure by the platform itself leaves in a task.
	PlatformTrace Trace
}

// MaxReadLag bounds Behavior.ReadLag.
const MaxReadLag = time.Hour

// Trace is what an act leaves in the reads of a task, beside its status.
type Trace string

// The traces.
const (
	TraceNone      Trace = ""            // a person did not operate it: nothing
	TraceTime      Trace = "update-time" // another UpdateTime
	TraceOperation Trace = "operation"   // that, and an operation with an OperateId of its own
)

// defaultLockMessage is the example of the API's document.
const defaultLockMessage = "CloudApiException: The current task is locked by {locker} and cannot be committed"

// lockMessage returns the text for a task that locker holds.
func (b *Behavior) lockMessage(locker string) string {
	message := b.LockMessage
	if message == "" {
		message = defaultLockMessage
	}
	return strings.ReplaceAll(message, "{locker}", locker)
}

// Check reports a behavior that cannot be what was meant.
func (b *Behavior) Check() error {
	switch {
	case b.ReadLag < 0 || b.ReadLag > MaxReadLag:
		return fmt.Errorf("the read lag %s is not between 0 and %s", b.ReadLag, MaxReadLag)
	case !slices.Contains([]Trace{TraceNone, TraceTime, TraceOperation}, b.PlatformTrace):
		return fmt.Errorf("no such trace: %q", b.PlatformTrace)
	}
	if err := b.Profile.check(); err != nil {
		return err
	}
	return b.Approvals.check()
}

// approvalsFields are Approvals in JSON.
type approvalsFields struct {
	Projects []string                 `json:"projects"`
	Tasks    []string                 `json:"tasks"`
	End      ApprovalState            `json:"end"`
	After    duration                 `json:"after"`
	Jitter   duration                 `json:"jitter"`
	Codes    map[ApprovalState]string `json:"codes,omitempty"`
	First    int64                    `json:"first_page"`
}

func (a *Approvals) fields() approvalsFields {
	return approvalsFields{a.Projects, a.Tasks, a.End, duration(a.After), duration(a.Jitter), a.Codes, a.FirstPage}
}

// MarshalJSON writes the approvals with durations such as "250ms".
func (a Approvals) MarshalJSON() ([]byte, error) { return json.Marshal(a.fields()) }

// UnmarshalJSON reads what MarshalJSON writes; what is not named stays.
func (a *Approvals) UnmarshalJSON(data []byte) error {
	f := a.fields()
	if err := strictly(data, &f); err != nil {
		return err
	}
	*a = Approvals{f.Projects, f.Tasks, f.End, time.Duration(f.After), time.Duration(f.Jitter), f.Codes, f.First}
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
