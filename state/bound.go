package state

import (
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
)

// Clip cuts a text from outside to MaxMessage bytes of whole characters. The
// store does so itself with what it keeps.
func Clip(s string) string { return text.Clip(strings.ToValidUTF8(s, "\uFFFD"), MaxMessage) }

// bounded returns what was applied with texts from outside cut to size.
func (a Applied) bounded() Applied {
	if a.Drift != nil {
		a.Drift = new(a.Drift.bounded())
	}
	return a
}

// bounded returns the attempt with texts from outside cut to size.
func (a Attempt) bounded() Attempt {
	a.Wanted, a.Outcome, a.NeedsPerson = a.Wanted.bounded(), a.Outcome.bounded(), Clip(a.NeedsPerson)
	return a
}

func (o Outcome) bounded() Outcome {
	o.Code, o.Message, o.Locker = Clip(o.Code), Clip(o.Message), Clip(o.Locker)
	return o
}

func (s Suspension) bounded() Suspension {
	s.Reason, s.Actor = Clip(s.Reason), Clip(s.Actor)
	return s
}

// bounded returns the control with texts from outside cut to size.
func (c Control) bounded() Control {
	c.Pauses = slices.Clone(c.Pauses)
	for i := range c.Pauses {
		c.Pauses[i].Code, c.Pauses[i].Message = Clip(c.Pauses[i].Code), Clip(c.Pauses[i].Message)
	}
	if c.Suspended != nil {
		c.Suspended = new(c.Suspended.bounded())
	}
	if c.Look != nil {
		c.Look = new(c.Look.bounded())
	}
	return c
}
