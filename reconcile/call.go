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
	"github.com/wedatasync/wedatasync/state"
)

// flight is one call under way.
type flight struct {
	c       *plan.Change
	have    *state.Record // the task's record before
	live    *state.Live   // what was read; nil if reading was not possible
	askedAt time.Time     // when the read was sent: it was so then, or later
	readAt  time.Time     // when it was told, or not
	started bool          // the call has
	waiting bool          // it connects, or waits for its turn
}

// tookOver is how many calls a took is taken over.
const tookOver = 16

// took is how long a part of a call's way takes on the average.
type took struct {
	mean time.Duration
	seen int
}

func (t *took) add(d time.Duration) {
	t.seen = min(t.seen+1, tookOver)
	t.mean += (d - t.mean) / time.Duration(t.seen)
}

// readBefore reads what is live before a call. It returns the step that lets the call
// start.
func (x *execution) readBefore(f *flight) func() {
	if over := x.readLive(x.calls, f); over != nil {
		return over
	}
	return func() {
		x.toRead.add(f.readAt.Sub(f.askedAt))
		x.prepared = append(x.prepared, f)
	}
}

// readLive reads what is live. If the call is not to be made for what it finds, it
// returns the step that ends it.
func (x *execution) readLive(ctx context.Context, f *flight) (over func()) {
	live, err := x.r.before(ctx, f)
	if err != nil {
		return func() { x.putOff(f, err) }
	}
	if f.c.Reason == plan.ReasonDrift {
		if why := drift.ChangedSince(f.c.Want, f.have.Applied, live); why != "" {
			return func() { x.letBe(f, why) }
		}
	}
	f.live, f.readAt = live, time.Now()
	control := x.r.Control()
	if code, why := plan.Doubt(f.c, live, plan.Operator(&control)); code != "" {
		return func() { x.withhold(f, code, why) }
	}
	return nil
}

// crossing is a call on its way to the wire.
type crossing struct {
	*flight
	x       *execution
	began   time.Time
	outlive func() bool // lets the call outlive the pass; false if the pass is over
	end     context.CancelCauseFunc
	slot    *pace.Reservation
	rec     *state.Record // with the intent, once that is durable
	late    *time.Timer   // ends the request
	over    func()        // the step that ends the call; nil if that is for the answer to say
}

// call makes one call, from the connection to the answer. It returns the step that
// ends it.
func (x *execution) call(f *flight) func() {
	r := x.r
	ctx, end := context.WithCancelCause(context.WithoutCancel(x.stop))
	defer end(nil)
	c := &crossing{flight: f, x: x, began: time.Now(), end: end}
	c.outlive = context.AfterFunc(x.calls, func() { end(errStopped) })
	defer c.outlive()
	defer r.setFlying(f.c.Key, false)
	out, timing := r.cfg.Committer.Commit(ctx, f.c.Want, c.gate)
	if c.late != nil {
		defer c.late.Stop()
	}
	if !timing.Wrote.IsZero() {
		r.learnWay(timing.Wrote.Sub(c.slot.At()), timing.Connect/2)
	}
	switch {
	case c.over != nil:
		return c.over
	case c.rec == nil:
		return func() { x.unsent(f, out) }
	case out.Class == state.ClassThrottled:
		r.cfg.Commits.Rejected(c.slot.At())
	}
	out = x.askForLock(ctx, f, out)
	return func() { x.land(f, c.rec, out) }
}

// gate is asked when the connection is there. It waits for the call's turn,
// makes the intent durable with the turn in hand, and waits for the slot. From the
// intent on the call gets its answer, whatever stops the pass.
func (c *crossing) gate(ctx context.Context) (err error) {
	took := time.Since(c.began)
	c.x.steps <- func() { c.x.toConnect.add(took) }
	if err := c.turn(ctx); err != nil {
		return err
	}
	err = errStopped
	if c.outlive() {
		c.rec, err = c.x.intend(c.flight)
	}
	if err != nil {
		c.slot.Cancel()
		c.over = func() { c.x.giveUp(c.flight, err) }
		return err
	}
	intended := c.x.r.cfg.Uptime()
	c.late = time.AfterFunc(sendWithin, func() { c.end(context.DeadlineExceeded) })
	err = c.slot.Wait(ctx)
	if err == nil && (c.x.r.broken.Load() || c.x.r.cfg.Uptime()-intended > sendWithin) {
		err = errLate
	}
	if err != nil {
		c.over = func() { c.x.land(c.flight, c.rec, late) }
		return err
	}
	c.x.steps <- func() { c.x.leave(c.flight) }
	return nil
}

// turn waits for the call's turn. What was read too long ago by then is read again.
func (c *crossing) turn(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, turnWithin, errOvertaken)
	defer cancel()
	for {
		c.slot, err = c.x.r.cfg.Commits.Reserve(ctx)
		if err == nil && (c.live == nil || time.Since(c.readAt) <= freshFor) {
			return nil
		}
		if err == nil {
			c.slot.Cancel()
			c.over = c.x.readLive(ctx, c.flight)
			err = context.Cause(ctx)
		}
		switch {
		case errors.Is(err, errOvertaken):
			c.over = func() { c.x.again(c.flight) }
		case err == nil && c.over != nil:
			err = errUnread
		}
		if err != nil {
			return err
		}
	}
}

// askForLock takes a refusal for a lock if a read says that somebody has the task open:
// the refusal's text can be in any language.
func (x *execution) askForLock(ctx context.Context, f *flight, out state.Outcome) state.Outcome {
	if out.Class != state.ClassRefused || !strings.HasPrefix(out.Code, "UnsupportedOperation") {
		return out
	}
	live := f.live
	if live == nil || !live.Locked {
		live, _, _ = x.r.read(ctx, f.c.Key, f.c.Want.TaskType)
	}
	if live != nil && live.Locked {
		out.Class, out.Locker = state.ClassWaiting, cmp.Or(live.Locker, "somebody")
	}
	return out
}

// learnWay tells the pacers how a commit went. A read goes the same way, and its own
// round trip says less: most of it is the time that the endpoint takes.
func (r *Reconciler) learnWay(late, way time.Duration) {
	r.cfg.Commits.Sent(late, way)
	if r.cfg.Reads != nil {
		r.cfg.Reads.Sent(late, way)
	}
}

// intend makes the intent durable, if the call may still be made.
func (x *execution) intend(f *flight) (*state.Record, error) {
	now := time.Now()
	if err := x.admit(f.c, now); err != nil {
		return nil, err
	}
	rec := plan.Begin(f.c.Key, f.have, x.plan.Attempt(f.c, x.r.cfg.NewID(), f.live, x.r.cfg.Horizon(), now))
	e := plan.Event(state.EventIntent, rec, now)
	e.Before = f.live
	if f.c.Reason == plan.ReasonDrift {
		e.Note = state.Clip(f.c.Detail)
	}
	x.r.setFlying(f.c.Key, true)
	if err := x.r.save(x.stop, plan.Transition(f.c.Key, rec, e)); err != nil {
		x.r.setFlying(f.c.Key, false)
		x.halt() // before the turn passes on to the next call
		return nil, err
	}
	return rec, nil
}

// admit looks, just before a call, at what may have come up since the plan was
// made. It is only asked with the turn in hand: nothing is sent in between.
func (x *execution) admit(c *plan.Change, now time.Time) error {
	if x.calls.Err() != nil {
		return errStopped
	}
	if _, paused := x.r.pauseNow(c.Key.ProjectID); paused {
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
	if x.plan.Frozen(x.guards, c.Key, now) {
		x.halt()
		return errStopped
	}
	pending, err := x.r.cfg.Ledger.HasPendingCommands(x.stop)
	switch {
	case x.stop.Err() != nil:
		return errStopped
	case err != nil:
		x.halt()
		return fmt.Errorf("look for what people asked for: %w", err)
	case pending:
		x.halt()
		return errWord
	default:
		return nil
	}
}

// withhold ends a call that what is live argues against. Nothing was sent, and nothing
// is until the spec changes or an operator acts. The second one of a plan ends the pass.
func (x *execution) withhold(f *flight, code, why string) {
	if x.calls.Err() != nil {
		x.giveUp(f, errStopped)
		return
	}
	if code == plan.CodeAlreadyLive && x.guards.AdoptAlreadyLive {
		x.adoptLive(f, why)
		return
	}
	x.land(f, plan.Begin(f.c.Key, f.have, x.plan.Attempt(f.c, x.r.cfg.NewID(), f.live, x.r.cfg.Horizon(), time.Now())), state.Outcome{Class: state.ClassRefused, Code: code, Message: state.Clip(why)})
	if x.withheld++; x.withheld >= plan.RestoredAfter && !x.plan.Passes(plan.GuardRestored) {
		x.hear()
	}
}

// adoptLive ends a call whose task is live already as applied, without a commit.
func (x *execution) adoptLive(f *flight, why string) {
	x.end(f)
	now := time.Now()
	t := plan.Adopt(f.have, f.c.Want, x.plan.Source.Revision, now)
	t.Record.Applied.OperateID = f.live.OperateID
	t.Events[0].After, t.Events[0].Note = f.live, state.Clip(why)
	if err := x.r.save(x.stop, t); err != nil {
		x.fail(err)
		return
	}
	x.r.cfg.Logger.InfoContext(x.stop, "adopted as it is live", "task", f.c.Key.String(), "reason", why)
	x.release(f.c.Key)
}
