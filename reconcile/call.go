package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// readBefore reads what is live before a call. It returns the step that lets the call
// start.
func (x *execution) readBefore(f *flight) func() {
	live, err := x.r.before(x.calls, f)
	if err != nil {
		return func() { x.putOff(f, err) }
	}
	if f.c.Reason == ReasonDrift {
		if why := changedSince(f.c.Want, f.have.Applied, live); why != "" {
			return func() { x.letBe(f, why) }
		}
	}
	if code, why := doubt(f.c, live, x.r.operator()); code != "" {
		return func() { f.live = live; x.withhold(f, code, why) }
	}
	return func() {
		f.live = live
		x.prepared = append(x.prepared, f)
	}
}

// call makes one call, from its turn to the answer. It returns the step that ends it.
func (x *execution) call(f *flight) func() {
	r := x.r
	slot, err := f.commit.Take(x.calls)
	if err != nil {
		return func() { x.giveUp(f, errStopped) }
	}
	rec, err := x.intend(f)
	if err != nil {
		slot.Skip()
		return func() { x.giveUp(f, err) }
	}
	// From here on the call gets its answer, whatever stops the pass.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(x.stop), rec.Attempt.At.Add(sendWithin))
	defer cancel()
	defer r.setFlying(f.c.Key, false)
	if err := slot.Wait(ctx); err != nil || r.broken.Load() {
		return func() {
			x.land(f, rec, state.Outcome{Class: state.ClassNotSent, Code: "Late", Message: "the request could not be sent in time"})
		}
	}
	x.steps <- func() { x.leave(f) }
	sent := time.Now()
	out, timing := r.cfg.Committer.Commit(ctx, f.c.Want)
	if !timing.Wrote.IsZero() {
		r.learnWay(sent.Sub(slot.At()), timing.Wrote.Sub(sent)+timing.Connect/2)
	}
	if out.Class == state.ClassThrottled {
		r.cfg.Commits.Rejected(sent)
	}
	out = x.askForLock(ctx, f, out)
	return func() { x.land(f, rec, out) }
}

// askForLock takes a refusal for a lock if a read says that somebody has the task open:
// the refusal's text can be in any language.
func (x *execution) askForLock(ctx context.Context, f *flight, out state.Outcome) state.Outcome {
	if out.Class != state.ClassRefused || !strings.HasPrefix(out.Code, "UnsupportedOperation") {
		return out
	}
	live := f.live
	if live == nil || !live.Locked {
		live, _, _ = x.r.read(ctx, x.r.joinReads(), f.c.Key, f.c.Want.TaskType)
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
	rec := begin(f.c.Key, f.have, x.attempt(f.c, f.live, now))
	e := event(state.EventIntent, rec, now)
	e.Before = f.live
	if f.c.Reason == ReasonDrift {
		e.Note = state.Clip(f.c.Detail)
	}
	x.r.setFlying(f.c.Key, true)
	if err := x.r.save(x.stop, change(f.c.Key, rec, e)); err != nil {
		x.r.setFlying(f.c.Key, false)
		x.halt() // before the turn passes on to the next call
		return nil, err
	}
	return rec, nil
}

// admit looks, just before a call, at what may have come up since the plan was
// made. It is only asked with the turn in hand: nothing is sent in between.
func (x *execution) admit(c *Change, now time.Time) error {
	if x.calls.Err() != nil {
		return errStopped
	}
	if _, paused := x.r.pauseNow(c.Key.ProjectID); paused {
		return errStopped
	}
	if !x.r.cfg.Guards().same(x.guards) {
		x.halt()
		return errGuards
	}
	if c.Reason == ReasonDrift && x.r.policy() != PolicyHeal {
		x.halt()
		return errGuards
	}
	if w, _ := x.guards.frozen(now); w != nil && x.plan.Approved == "" {
		x.halt()
		return errStopped
	}
	pending, err := x.r.cfg.Ledger.WordsPending(x.stop)
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

// attempt describes the call that is about to be made.
func (x *execution) attempt(c *Change, before *state.Live, now time.Time) state.Attempt {
	wanted := AppliedOf(c.Want, x.plan.Source.Revision)
	wanted.Wait = waitOf(c.Want)
	author := x.plan.Source.Author
	if c.Reason == ReasonDrift {
		wanted.Drift, author = healed(c.Have.Applied, now), "" // who wrote the spec did not ask for this one
	}
	return state.Attempt{
		ID:       x.r.cfg.NewID(),
		Wanted:   wanted,
		WantedID: c.Want.Wanted(),
		Request:  c.Want.Request(),
		Reason:   string(c.Reason),
		PlanHash: x.plan.Hash,
		Author:   author,
		File:     c.Want.Pos.File,
		Line:     c.Want.Pos.Line,
		At:       now,
		Before:   before,
		Stale:    c.Have != nil && (c.Have.Accepted() || c.Have.Attempt != nil && c.Have.Attempt.Stale),
	}
}
