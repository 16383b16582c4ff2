package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// The steps in this file end a call, on the goroutine of the execution. Those that come to
// an outcome end in complete.

// requeue puts a call that made no attempt back in the queue.
func (x *execution) requeue(c *call) {
	x.end(c)
	x.queue.PutFirst(c.change)
}

// abort ends a call that made no attempt.
func (x *execution) abort(c *call, err error) {
	x.end(c)
	switch {
	case errors.Is(err, errCommand), errors.Is(err, errGuards):
		x.preempt()
	case !errors.Is(err, errStopped):
		x.fail(err)
	}
}

// skip ends a call that was to heal a task, and that what is live gives no reason for
// any more. Nothing was sent, and nothing is until another scan gives one.
func (x *execution) skip(c *call, why string) {
	if x.calls.Err() != nil {
		x.abort(c, errStopped)
		return
	}
	x.end(c)
	rec := c.have
	if rec.Attempt != nil {
		rec = plan.Drop(rec)
	}
	x.r.desired.touch(c.change.Key)
	if err := x.r.applied.save(x.stop, drift.ForgetUndo(rec, "not healed: "+why, time.Now())); err != nil {
		x.fail(err)
		return
	}
	taskLogger(x.r.cfg.Logger, c.change.Key, c.change.Name()).InfoContext(x.stop, "not healed", "why", why)
	x.release(c.change.Key)
}

// withhold ends a call that what is live argues against. Nothing was sent, and nothing
// is until the spec changes or an operator acts. The second one of a plan ends the pass.
func (x *execution) withhold(c *call, code, why string) {
	if x.calls.Err() != nil {
		x.abort(c, errStopped)
		return
	}
	if code == plan.CodeAlreadyLive && x.guards.AdoptAlreadyLive {
		x.adoptLive(c, why)
		return
	}
	rec := plan.Begin(c.change.Key, c.have, x.attempt(c, c.live, time.Now()))
	x.complete(c, rec, state.Outcome{Class: state.ClassRefused, Code: code, Message: state.Clip(why)})
	if code == plan.CodeNoSavepoint {
		return
	}
	if x.withheld++; x.withheld >= plan.RestoredAfter && !x.plan.Passes(plan.GuardRestored) {
		x.preempt()
	}
}

// adoptLive ends a call whose task is live already as applied, without a commit.
func (x *execution) adoptLive(c *call, why string) {
	x.end(c)
	t := plan.Adopt(c.have, c.change.Want, x.plan.Source.Revision, time.Now())
	t.Record.Applied.OperateID = c.live.OperateID
	t.Events[0].After, t.Events[0].Note = c.live, state.Clip(why)
	if err := x.r.applied.save(x.stop, t); err != nil {
		x.fail(err)
		return
	}
	taskLogger(x.r.cfg.Logger, c.change.Key, c.change.Name()).InfoContext(x.stop, "adopted as it is live", "reason", why)
	x.release(c.change.Key)
}

// backOff ends a call whose task could not be read before: it backs off. Nothing was sent.
func (x *execution) backOff(c *call, err error) {
	out := state.Outcome{Class: state.ClassWaiting, Code: codeNotRead, Message: state.Clip(err.Error())}
	// A read that never left, whose signature was not accepted, or that was one too
	// many, says about the commit what it would have said itself.
	if answered, ok := errors.AsType[plan.AnsweredError](err); ok {
		switch a := answered.Answered(); a.Class {
		case state.ClassNotSent, state.ClassAuth, state.ClassThrottled:
			out = a
		}
	}
	x.unsent(c, out)
}

// unsent ends a call that came to no intent.
func (x *execution) unsent(c *call, out state.Outcome) {
	if x.calls.Err() != nil {
		x.abort(c, errStopped)
		return
	}
	if out.Class == state.ClassUnknown {
		out.Class = state.ClassNotSent // whatever came back, nothing was asked
	}
	x.complete(c, plan.Begin(c.change.Key, c.have, x.attempt(c, nil, time.Now())), out)
}

// complete ends a call: its outcome becomes durable, and decides about the calls to
// come.
func (x *execution) complete(c *call, rec *state.Record, out state.Outcome) {
	x.end(c)
	now := time.Now()
	next := plan.Finish(c.have, rec, out, now, x.r.cfg.Random())
	e := plan.Event(state.EventOutcome, rec, now)
	e.Outcome = out
	t := plan.Transition(c.change.Key, next, e)
	t.Control = approval.NoteFlow(x.r.applied.Control(), c.change.Key.ProjectID, out)
	if err := x.r.outbox.put(x.stop, outcome{change: c.change, next: next, out: out, t: t}); err != nil {
		x.fail(err)
		return
	}
	if next == nil || next.Status != state.StatusWaiting && !plan.Withheld(next) {
		x.spent = append(x.spent, c.change.Effect())
	}
	x.adjust(c, next, out)
}

// adjust decides what an outcome means for the calls to come.
func (x *execution) adjust(c *call, next *state.Record, out state.Outcome) {
	key := c.change.Key
	switch out.Class {
	case state.ClassApplied:
		x.appliedCalls++
		x.queue.Applied(key)
		switch {
		case next.Done():
			x.release(key)
		case x.queue.Blocks(key):
			x.reads.awaited[key], x.reads.until = true, time.Now().Add(readBackFor)
		}
		x.unpause(key.ProjectID)
		x.slow.Succeeded()
	case state.ClassRefused, state.ClassWaiting:
		switch {
		case plan.Withheld(next), out.Code == plan.CodeInOperation: // nothing was asked
		case out.Code == codeNotRead:
			x.slow.Failed()
		default:
			x.unpause(key.ProjectID)
			x.slow.Succeeded()
		}
	case state.ClassThrottled:
		// How fast the calls follow is the limiter's to say.
		if c.live == nil {
			x.queue.PutLast(c.change)
			return
		}
		x.prepared = append(x.prepared, &call{change: c.change, have: next, live: c.live, readAt: c.readAt})
		x.ahead++
	case state.ClassAuth:
		x.auth = &out
		x.halt()
	case state.ClassUnauthorized:
		x.pause(key.ProjectID, out)
	case state.ClassNotSent:
		x.pause("", out)
		x.halt()
	default:
		x.slow.Failed()
		if x.slow.Failing++; x.slow.Failing >= plan.FailingCalls {
			x.pause("", state.Outcome{Class: state.ClassNotSent, Code: plan.CodeFailing, Message: state.Clip(fmt.Sprintf(
				"%d commits in a row have an unknown outcome, the last one %s: %s", x.slow.Failing, out.Code, out.Message))})
			x.halt()
		}
	}
}

// pausedNow returns the pause that stops the project's sends now.
func pausedNow(a *applied, projectID string) (state.Pause, bool) {
	control := a.Control()
	return plan.PauseOf(&control, projectID, time.Now())
}

// pause stops the sends of a project, or with "" of everything, for a while that
// doubles each time. What is already paused stays so, and no longer.
func (x *execution) pause(projectID string, out state.Outcome) {
	r, now := x.r, time.Now()
	if _, already := pausedNow(r.applied, projectID); already {
		return
	}
	next, set := plan.Paused(r.applied.Control().Pauses, projectID, out, now, r.cfg.Random())
	err := r.applied.saveControl(x.stop, func(c *state.Control) { c.Pauses = next },
		state.Event{At: now, Kind: state.EventPause, Outcome: out, Note: "sending paused: " + plan.Scope(projectID)})
	if err != nil {
		x.fail(err)
		return
	}
	level := slog.LevelError
	if set.Tries > 1 {
		level = slog.LevelDebug // it was said when it began
	}
	r.cfg.Logger.Log(x.stop, level, "sending paused", "scope", plan.Scope(projectID), "code", out.Code, "message", out.Message,
		"until", set.Until, "tries", set.Tries)
}

// unpause forgets the pauses that a good answer for the project proves to be over.
func (x *execution) unpause(projectID string) {
	pauses := x.r.applied.Control().Pauses
	next := plan.Unpaused(pauses, projectID)
	if len(next) == len(pauses) {
		return
	}
	err := x.r.applied.saveControl(x.stop, func(c *state.Control) { c.Pauses = next },
		state.Event{At: time.Now(), Kind: state.EventPause, Note: "sending resumed: " + plan.Scope(projectID)})
	if err != nil {
		x.fail(err)
		return
	}
	x.r.cfg.Logger.InfoContext(x.stop, "sending resumed", "scope", plan.Scope(projectID))
}

// refuseAuth handles credentials that were not accepted, when nothing is under way
// any more: they are read again once, and if they are not others everyone stops.
func (x *execution) refuseAuth() {
	if reloader, ok := x.r.cfg.Committer.(Reloader); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(x.stop), sendWithin)
		defer cancel()
		changed, err := reloader.Reload(ctx)
		if err == nil && changed {
			x.r.cfg.Logger.InfoContext(x.stop, "the credentials were not accepted, and are new now: sending resumed", "code", x.auth.Code)
			return
		}
	}
	x.pause("", *x.auth)
}
