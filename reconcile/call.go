package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// freshFor is how long what was read before a call may be kept until it is sent.
	freshFor = 5 * time.Second
	// turnWithin is how long a call may wait for its turn with its connection open.
	turnWithin = 30 * time.Second
	// sendWithin bounds the time from an intent to the first byte of its request, and
	// to its answer. It is part of the accept horizon: what is not sent by then is not
	// sent at all.
	sendWithin = 10 * time.Second
)

var (
	// errStopped says that a call was given up before its intent.
	errStopped = errors.New("the pass was stopped")
	// errCommand says that a call was given up because an operator has asked for
	// something: that is looked at before anything else is sent.
	errCommand = errors.New("an operator's command came in")
	// errGuards says that a call was given up because the guards, or what is done about
	// drift, are others now: a plan has to pass them before anything else is sent.
	errGuards = errors.New("the guards have changed")
	// errOvertaken says that a call has waited too long for its turn: it waits for
	// another.
	errOvertaken = errors.New("the call waited too long for its turn")
	// errUnread says that a call was given up for what was read again, or was not.
	errUnread = errors.New("what is live was read again")
	// errLate says that a call whose intent is durable may not be sent any more.
	errLate = errors.New("the request could not be sent in time")
)

// late is the outcome of errLate.
var late = state.Outcome{Class: state.ClassNotSent, Code: "Late", Message: errLate.Error()}

// call is one call under way. It goes down this file: read what is live, connect, wait
// for the turn, make the intent durable, wait for the slot, send.
type call struct {
	change  *plan.Change
	have    *state.Record // the task's record before
	live    *state.Live   // what was read; nil if reading was not possible
	askedAt time.Time     // when the read was sent: it was so then, or later
	readAt  time.Time     // when it was told, or not
	started bool          // it connects, or more
	waiting bool          // it connects, or waits for its turn
	id, tag string        // of the attempt
}

// readBefore reads what is live before a call. It returns the step that lets the call
// start.
func (x *execution) readBefore(c *call) func() {
	if over := x.readLive(x.calls, c); over != nil {
		return over
	}
	return func() {
		x.toRead.Add(c.readAt.Sub(c.askedAt))
		x.prepared = append(x.prepared, c)
	}
}

// readLive reads what is live. If the call is not to be made for what it finds, it
// returns the step that ends it.
func (x *execution) readLive(ctx context.Context, c *call) (over func()) {
	live, err := readFor(ctx, x.r, c)
	if err != nil {
		return func() { x.backOff(c, err) }
	}
	if c.change.Reason == plan.ReasonDrift {
		if why := drift.ChangedSince(c.change.Want, c.have.Applied, live); why != "" {
			return func() { x.skip(c, why) }
		}
	}
	c.live, c.readAt = live, time.Now()
	control := x.r.applied.Control()
	if code, why := plan.Doubt(c.change, live, plan.Operator(&control)); code != "" {
		return func() { x.withhold(c, code, why) }
	}
	if why := plan.InOperation(c.change, live); why != "" {
		return func() {
			x.unsent(c, state.Outcome{Class: state.ClassWaiting, Code: plan.CodeInOperation, Message: why})
		}
	}
	return nil
}

// outgoing is a call that has started.
type outgoing struct {
	*call
	x       *execution
	began   time.Time
	outlive func() bool // lets it outlive the pass; false if the pass is over
	end     context.CancelCauseFunc
	slot    *pace.Reservation
	rec     *state.Record // with the intent, once that is durable
	late    *time.Timer   // ends the request
	over    func()        // the step that ends the call; nil if that is for the answer to say
}

// send makes one call, from the connection to the answer. It returns the step that
// ends it.
func (x *execution) send(c *call) func() {
	r := x.r
	ctx, end := context.WithCancelCause(context.WithoutCancel(x.stop))
	defer end(nil)
	q := &outgoing{call: c, x: x, began: time.Now(), end: end}
	q.outlive = context.AfterFunc(x.calls, func() { end(errStopped) })
	defer q.outlive()
	defer r.applied.setInFlight(c.change.Key, false)
	want := c.change.Want
	if r.cfg.Tags != nil && r.cfg.Tags() {
		want, c.tag = proof.Tagged(want, c.id)
	}
	out, timing := r.cfg.Committer.Commit(ctx, want, q.gate)
	if q.late != nil {
		defer q.late.Stop()
	}
	if !timing.Wrote.IsZero() {
		pace.LearnWay(r.cfg.Commits, r.cfg.Reads, timing.Wrote.Sub(q.slot.At()), timing.Connect/2)
	}
	switch {
	case q.over != nil:
		return q.over
	case q.rec == nil:
		return func() { x.unsent(c, out) }
	case out.Class == state.ClassThrottled:
		r.cfg.Commits.Rejected(q.slot.At())
	}
	out = askForLock(ctx, r, c, out)
	return func() { x.complete(c, q.rec, out) }
}

// gate is asked when the connection is there. It waits for the call's turn,
// makes the intent durable with the turn in hand, and waits for the slot. From the
// intent on the call gets its answer, whatever stops the pass.
func (q *outgoing) gate(ctx context.Context) (err error) {
	took := time.Since(q.began)
	q.x.steps <- func() { q.x.toConnect.Add(took) }
	if err := q.turn(ctx); err != nil {
		return err
	}
	err = errStopped
	if q.outlive() {
		q.rec, err = q.x.intend(q.call)
	}
	if err != nil {
		q.slot.Cancel()
		q.over = func() { q.x.abort(q.call, err) }
		return err
	}
	r := q.x.r
	intended := r.cfg.Uptime()
	q.late = time.AfterFunc(sendWithin, func() { q.end(context.DeadlineExceeded) })
	err = q.slot.Wait(ctx)
	if err == nil && (r.applied.broken.Load() || r.cfg.Uptime()-intended > sendWithin) {
		err = errLate
	}
	if err != nil {
		q.over = func() { q.x.complete(q.call, q.rec, late) }
		return err
	}
	q.x.steps <- func() { q.x.dequeue(q.call) }
	return nil
}

// turn waits for the call's turn. What was read too long ago by then is read again.
func (q *outgoing) turn(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, turnWithin, errOvertaken)
	defer cancel()
	for {
		q.slot, err = q.x.r.cfg.Commits.Reserve(ctx)
		if err == nil && (q.live == nil || time.Since(q.readAt) <= freshFor) {
			return nil
		}
		if err == nil {
			q.slot.Cancel()
			q.over = q.x.readLive(ctx, q.call)
			err = context.Cause(ctx)
		}
		switch {
		case errors.Is(err, errOvertaken):
			q.over = func() { q.x.requeue(q.call) }
		case err == nil && q.over != nil:
			err = errUnread
		}
		if err != nil {
			return err
		}
	}
}

// intend makes the intent durable, if the call may still be made.
func (x *execution) intend(c *call) (*state.Record, error) {
	now := time.Now()
	if err := x.admit(c.change, now); err != nil {
		return nil, err
	}
	rec := plan.Begin(c.change.Key, c.have, x.attempt(c, c.live, now))
	e := plan.Event(state.EventIntent, rec, now)
	e.Before = c.live
	if c.change.Reason == plan.ReasonDrift {
		e.Note = state.Clip(c.change.Detail)
	}
	x.r.applied.setInFlight(c.change.Key, true)
	if err := x.r.applied.save(x.stop, plan.Transition(c.change.Key, rec, e)); err != nil {
		x.r.applied.setInFlight(c.change.Key, false)
		x.halt() // before the turn passes on to the next call
		return nil, err
	}
	return rec, nil
}

// attempt describes the call. before is what is live.
func (x *execution) attempt(c *call, before *state.Live, now time.Time) state.Attempt {
	if c.id == "" {
		c.id = x.r.cfg.NewID() // it was not started
	}
	a := x.plan.Attempt(c.change, c.id, evidence(x.r, c.change.Key, before, c.askedAt), now)
	a.Tag = c.tag
	return a
}

// admit looks, just before a call, at what may have come up since the plan was
// made. It is only asked with the turn in hand: nothing is sent in between.
func (x *execution) admit(c *plan.Change, now time.Time) error {
	if x.calls.Err() != nil {
		return errStopped
	}
	if _, paused := pausedNow(x.r.applied, c.Key.ProjectID); paused {
		return errStopped
	}
	if !x.r.cfg.Guards().Same(x.guards) {
		x.halt()
		return errGuards
	}
	if c.Reason == plan.ReasonDrift && x.r.policy() != plan.PolicyHeal {
		x.halt()
		return errGuards
	}
	if x.guards.Frozen(x.plan, c.Key, now) {
		x.halt()
		return errStopped
	}
	pending, err := x.r.cfg.Store.HasPendingCommands(x.stop)
	switch {
	case x.stop.Err() != nil:
		return errStopped
	case err != nil:
		x.halt()
		return fmt.Errorf("read operator actions: %w", err)
	case pending:
		x.halt()
		return errCommand
	default:
		return nil
	}
}

// askForLock takes a refusal for a lock if a read says that somebody has the task open:
// the refusal's text can be in any language.
func askForLock(ctx context.Context, r *Reconciler, c *call, out state.Outcome) state.Outcome {
	if out.Class != state.ClassRefused || !strings.HasPrefix(out.Code, "UnsupportedOperation") {
		return out
	}
	live := c.live
	if live == nil || !live.Locked {
		live, _, _ = read(ctx, r, c.change.Key, c.change.Want.TaskType)
	}
	if live != nil && live.Locked {
		out.Class, out.Locker = state.ClassWaiting, cmp.Or(live.Locker, "somebody")
	}
	return out
}
