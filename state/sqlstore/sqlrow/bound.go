package sqlrow

import (
	"fmt"
	"slices"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/document"
)

// Bounds of what the state keeps, in bytes.
const (
	MaxRow = 1 << 20 // the JSON of a record or an event: far above what specs allow
	// MaxControl is more: an approval lists the calls of its plan.
	MaxControl = document.MaxElement
)

// CheckSize reports that a row of that many bytes is too much.
func CheckSize(size, limit int) error {
	if size > limit {
		return fmt.Errorf("it has %d bytes, at most %d are kept", size, limit)
	}
	return nil
}

// The functions of this file cut texts from outside to size, before they are kept.

func boundApplied(a state.Applied) state.Applied {
	if a.Drift != nil {
		a.Drift = new(boundDrifted(*a.Drift))
	}
	return a
}

func boundAttempt(a state.Attempt) state.Attempt {
	a.Wanted, a.Outcome, a.NeedsOperator = boundApplied(a.Wanted), boundOutcome(a.Outcome), state.Clip(a.NeedsOperator)
	if a.Approval != nil {
		a.Approval = new(boundTaskApproval(*a.Approval))
	}
	return a
}

func boundTaskApproval(t state.TaskApproval) state.TaskApproval {
	for _, text := range []*string{&t.Status, &t.Applicant, &t.Approver, &t.Remark, &t.Error, &t.CreatedAt, &t.DecidedAt} {
		*text = state.Clip(*text)
	}
	return t
}

func boundOutcome(o state.Outcome) state.Outcome {
	o.Code, o.Message, o.Locker = state.Clip(o.Code), state.Clip(o.Message), state.Clip(o.Locker)
	return o
}

func boundSuspension(s state.Suspension) state.Suspension {
	s.Reason, s.Actor = state.Clip(s.Reason), state.Clip(s.Actor)
	return s
}

// BoundControl cuts the texts of a control.
func BoundControl(c state.Control) state.Control {
	c.Pauses = slices.Clone(c.Pauses)
	for i := range c.Pauses {
		c.Pauses[i].Code, c.Pauses[i].Message = state.Clip(c.Pauses[i].Code), state.Clip(c.Pauses[i].Message)
	}
	if c.Suspended != nil {
		c.Suspended = new(boundSuspension(*c.Suspended))
	}
	if c.DriftScan != nil {
		c.DriftScan = new(boundScan(*c.DriftScan))
	}
	return c
}

func boundScan(l state.DriftScan) state.DriftScan {
	l.Error = state.Clip(l.Error)
	l.Drifted = slices.Clone(l.Drifted)
	for i := range l.Drifted {
		l.Drifted[i] = boundDrift(l.Drifted[i])
	}
	return l
}

func boundDrift(d state.Drift) state.Drift {
	d.Operator, d.OperatedAt, d.Event = state.Clip(d.Operator), state.Clip(d.OperatedAt), state.Clip(d.Event)
	d.Locker, d.Detail, d.WhyReported = state.Clip(d.Locker), state.Clip(d.Detail), state.Clip(d.WhyReported)
	return d
}

func boundDrifted(d state.Drifted) state.Drifted {
	if d.Undo != nil {
		d.Undo = new(boundDrift(*d.Undo))
	}
	d.Heals = slices.Clone(d.Heals)
	for i := range d.Heals {
		d.Heals[i].OperatedAt = state.Clip(d.Heals[i].OperatedAt)
	}
	return d
}
