package state

import "slices"

// The functions of this file cut texts from outside to size, before they are kept.

func boundApplied(a Applied) Applied {
	if a.Drift != nil {
		a.Drift = new(boundDrifted(*a.Drift))
	}
	return a
}

func boundAttempt(a Attempt) Attempt {
	a.Wanted, a.Outcome, a.NeedsPerson = boundApplied(a.Wanted), boundOutcome(a.Outcome), Clip(a.NeedsPerson)
	return a
}

func boundOutcome(o Outcome) Outcome {
	o.Code, o.Message, o.Locker = Clip(o.Code), Clip(o.Message), Clip(o.Locker)
	return o
}

func boundSuspension(s Suspension) Suspension {
	s.Reason, s.Actor = Clip(s.Reason), Clip(s.Actor)
	return s
}

func boundControl(c Control) Control {
	c.Pauses = slices.Clone(c.Pauses)
	for i := range c.Pauses {
		c.Pauses[i].Code, c.Pauses[i].Message = Clip(c.Pauses[i].Code), Clip(c.Pauses[i].Message)
	}
	if c.Suspended != nil {
		c.Suspended = new(boundSuspension(*c.Suspended))
	}
	if c.Look != nil {
		c.Look = new(boundLook(*c.Look))
	}
	return c
}

func boundLook(l Look) Look {
	l.Error = Clip(l.Error)
	l.Drifted = slices.Clone(l.Drifted)
	for i := range l.Drifted {
		l.Drifted[i] = boundDrift(l.Drifted[i])
	}
	return l
}

func boundDrift(d Drift) Drift {
	d.Operator, d.OperatedAt, d.Event = Clip(d.Operator), Clip(d.OperatedAt), Clip(d.Event)
	d.Locker, d.Detail, d.Answer = Clip(d.Locker), Clip(d.Detail), Clip(d.Answer)
	return d
}

func boundDrifted(d Drifted) Drifted {
	if d.Undo != nil {
		d.Undo = new(boundDrift(*d.Undo))
	}
	d.Heals = slices.Clone(d.Heals)
	for i := range d.Heals {
		d.Heals[i].OperatedAt = Clip(d.Heals[i].OperatedAt)
	}
	return d
}
