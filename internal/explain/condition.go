package explain

import (
	"cmp"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Condition is what there is to say of one task.
type Condition struct {
	State State
	Why   string    // what it waits for, or what has happened, on one line; empty if the state says it all
	Since time.Time // since when; zero if that is not known or tells nothing
	Then  string    // what happens At, such as "next try"
	At    time.Time // zero if the time is not known, or nothing happens by itself
	Next  string    // what comes next by itself, or what an operator can do
	// Commands are what an operator can type, one of them; none while nobody is needed.
	Commands []string
}

// Of returns the condition that a plan has the task of the change in.
func Of(c *plan.Change) Condition { return Describe(StateOf(c), c.Key, c, c.Have) }

// OfRecord returns the condition that the record has its task in, at now. It is what the
// state alone tells: the spec can ask for something else by now.
func OfRecord(rec *state.Record, now time.Time) Condition {
	s := StateAfter(rec)
	if rec.Suspended.Active(now) {
		s = Suspended
	}
	return Describe(s, rec.Key, nil, rec)
}

// OfSkipped returns the condition of a task that has no usable spec.
func OfSkipped(t *plan.Skipped) Condition {
	if t.Problem.Code == "" {
		return Describe(Suspended, t.Key, nil, t.Have)
	}
	d := Describe(Invalid, t.Key, nil, nil)
	d.Why = t.Problem.String()
	return d
}

// OfDrift returns the condition of a task that has drifted, and about which no more is done
// than to report it.
func OfDrift(drift *state.Drift) Condition {
	d := Describe(Drifted, drift.Key, nil, nil)
	d.Why, d.Since = Drift(drift), drift.Since
	return d
}

// Describe returns the condition of a task in the state s. c is what the plan does with
// it and rec its record; both may be nil.
func Describe(s State, key spec.Key, c *plan.Change, rec *state.Record) Condition {
	info := s.Info().For(key)
	d := Condition{State: s, Next: info.Next, Commands: info.Commands}
	switch {
	case s == Suspended:
		d.suspended(key, c, rec)
	case s == Spent && c != nil && c.Want != nil:
		d.Why = fmt.Sprintf("discardState: %d was used already; each value allows one loss of the state", c.Want.InstanceVersion)
	case rec != nil && rec.Attempt != nil && d.attempted(rec.Attempt):
	case rec != nil && rec.Applied != nil && d.applied(key, rec.Applied):
	case c == nil:
	case s == ToSend:
		d.Why = Sends(c)
	case c.Action == plan.ActionHold || c.Action == plan.ActionFollow:
		d.Why = c.Detail
	}
	if s == Unknown && len(d.Commands) > 0 && (rec == nil || rec.Attempt == nil || rec.Attempt.NeedsOperator == "") {
		d.Commands = nil // it is still read back
	}
	return d
}

// attempted says what has become of the newest commit; false if that is not what the
// state is about.
func (d *Condition) attempted(a *state.Attempt) bool {
	d.Since = a.Since
	switch d.State {
	case Unknown:
		d.Since = a.At
		d.Why = "the outcome of the commit is not known"
		switch answer := Answer(a.Outcome); {
		case a.NeedsOperator != "":
			d.Why += ": " + a.NeedsOperator
			return true // it is read back still, and nobody waits for that
		case answer != "":
			d.Why += ": " + answer
		}
		d.Then, d.At = "read back", a.NextAt
	case Refused, AlreadyLive, NewerLive, NoSavepoint:
		d.Why = a.Outcome.Message
		if d.State == Refused {
			d.Why = "refused with " + Answer(a.Outcome)
		}
	case Locked:
		d.Why, d.Then, d.At = "locked by "+a.Outcome.Locker, "next try", a.NextAt
	case Waiting:
		if a.Outcome.Class == state.ClassApplied {
			d.Why = "its last commit is accepted, and not live yet"
			break
		}
		d.Why, d.Then, d.At = Answer(a.Outcome), "next try", a.NextAt
	case Approval:
		d.Why = "accepted, waits for approval " + a.Outcome.TaskApproveID + " in WeData"
		if told := a.Approval; told != nil {
			d.Why += ": it " + approval.Standing(told)
			if told.State != "" {
				d.Next = "continues automatically once that is decided in WeData"
			}
		}
	case Accepted:
		d.Why = "accepted, not seen live yet"
	case NotLive:
		d.Why = "accepted, not seen live: " + a.NeedsOperator
	default:
		d.Since = time.Time{}
		return false
	}
	return true
}

// applied says what has become of what was applied; false if that is not what the state
// is about.
func (d *Condition) applied(key spec.Key, a *state.Applied) bool {
	d.Since = a.At
	run := a.Run
	switch {
	case d.State == Starting && run == nil:
		d.Since, d.Why = time.Time{}, "its spec waits for it to run since after it was applied"
		d.Commands = []string{"wedatasync retry " + key.ShellWord()}
		d.Next = "to follow it again: " + d.Commands[0]
	case d.State == Starting:
		d.Why, d.Since, d.Then, d.At = cmp.Or(run.Detail, "started, does not run yet"), run.Since, "wait ends", run.Until
	case d.State == Unhealthy:
		d.Why, d.Since = "it runs, and is not healthy: "+run.Detail, run.Since
	case d.State == NotRunning && run.Status == state.RunLate:
		d.Why, d.Since = "did not run in time: "+run.Detail, run.Until
	case d.State == NotRunning:
		d.Why, d.Since = "does not run: "+run.Detail, run.Since
	case d.State == Adopted:
		d.Why = "others had changed it, and that was adopted"
	case d.State == Recalled:
		d.Why = "applied before its spec was removed, by an earlier program that did not keep which version that was"
	default:
		d.Since = time.Time{}
		return false
	}
	return true
}

// suspended says who has suspended the task, or all tasks.
func (d *Condition) suspended(key spec.Key, c *plan.Change, rec *state.Record) {
	switch {
	case c != nil && c.Want != nil && c.Want.Suspend:
		d.Why, d.Next = c.Detail, "take suspend out of the spec"
	case c != nil && c.Detail != "":
		d.Commands = []string{"wedatasync unsuspend"}
		d.Why, d.Next = c.Detail, "to end it: "+d.Commands[0]
	case rec != nil && rec.Suspended != nil:
		s := rec.Suspended
		d.Why, d.Since = fmt.Sprintf("suspended by %s: %s", s.Actor, s.Reason), s.At
		if !s.Until.IsZero() {
			d.Then, d.At = "until", s.Until
		}
		d.Commands = []string{"wedatasync unsuspend " + key.ShellWord()}
		d.Next = "to end it: " + d.Commands[0]
	}
}

// Reason says on one line why the task is in its state, with times in UTC.
func (d Condition) Reason() string {
	s := d.Why
	if !d.Since.IsZero() {
		s += " (since " + plan.Stamp(d.Since) + ")"
	}
	if !d.At.IsZero() {
		s += "; " + d.Then + " " + plan.Stamp(d.At)
	}
	return s
}

// Step is what an operator can do where nothing happens by itself; else it is empty.
func (d Condition) Step() string {
	if d.At.IsZero() && (len(d.Commands) > 0 || d.State.Info().Tone == ToneBad || d.State == Approval) {
		return d.Next
	}
	return ""
}

// Sentence is Reason, and Step.
func (d Condition) Sentence() string {
	s := d.Reason()
	if step := d.Step(); step != "" {
		s += "; " + step
	}
	return s
}

// Answer is an answer of WeData, or of what is between.
func Answer(o state.Outcome) string {
	switch {
	case o.Code == "":
		return o.Message
	case o.Message == "":
		return o.Code
	default:
		return o.Code + ": " + o.Message
	}
}
