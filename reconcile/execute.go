package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// maxFlying bounds the calls that are under way at once, maxQueued those of
	// them that still wait for their turn: what was live before should not be old
	// when the request leaves.
	maxFlying = 64
	maxQueued = 8
	// failingCalls is how many calls in a row may end in doubt before the endpoint
	// is taken to be failing, and left alone for a while.
	failingCalls = 3
	// sendWithin bounds the time from an intent to the end of its request. It is
	// part of the accept horizon: what is not sent by then is not sent at all.
	sendWithin = 10 * time.Second
	// codeNotRead is the code of a commit that was put off because what is live
	// could not be read.
	codeNotRead = "NotRead"
	// blindAfter is how many tries may fail because what is live could not be read
	// before the commit is sent without.
	blindAfter = 3
)

// errStopped says that a pass was cut short before a call.
var errStopped = errors.New("the pass was stopped")

// execution carries out the calls of one plan.
type execution struct {
	r    *Reconciler
	plan *Plan
	stop context.Context // done: nothing new starts

	ready   []*Change
	blocked map[spec.Key][]*Change // calls by the call they wait for
	needs   map[spec.Key]int       // how many calls a call waits for

	events   chan callEvent
	flying   int
	queued   int
	window   int // how many calls may be under way: 1, 2, 4, 8 ... after a start or an error
	clean    int // good answers since the window last changed
	failing  int // answers in doubt, in a row
	applied  int
	reloaded bool // the credentials were read again in this pass
	halted   bool // a pause or an error: nothing new starts
	err      error
}

// callEvent is one step of one call: it gave up its place in the queue, or it is
// over.
type callEvent struct {
	c      *Change
	left   bool // it left the queue; more comes
	queued bool // it is over, and had not left the queue
	out    state.Outcome
	err    error
}

// execute makes the calls of the plan until all are made, stop is done, or the
// state cannot be written. It returns when nothing is under way any more.
func (r *Reconciler) execute(stop context.Context, plan *Plan) (applied int, err error) {
	x := &execution{
		r: r, plan: plan, stop: stop,
		blocked: map[spec.Key][]*Change{}, needs: map[spec.Key]int{},
		events: make(chan callEvent), window: 1,
	}
	x.order()
	for {
		x.launch()
		if x.flying == 0 {
			return x.applied, x.err
		}
		x.handle(<-x.events)
	}
}

// order puts calls that wait for no other call in the queue, in order of key.
func (x *execution) order() {
	calls := map[spec.Key]bool{}
	for c := range x.plan.Calls() {
		calls[c.Key] = true
	}
	for c := range x.plan.Calls() {
		for _, on := range c.Want.DependsOn {
			if calls[on] {
				x.blocked[on] = append(x.blocked[on], c)
				x.needs[c.Key]++
			}
		}
		if x.needs[c.Key] == 0 {
			x.ready = append(x.ready, c)
		}
	}
}

// launch starts as many calls as may be under way.
func (x *execution) launch() {
	for len(x.ready) > 0 && x.flying < min(x.window, maxFlying) && x.queued < maxQueued && !x.stopped() {
		c := x.ready[0]
		x.ready = x.ready[1:]
		if _, paused := x.r.pauseNow(c.Key.ProjectID); paused {
			continue
		}
		x.flying++
		x.queued++
		go func() { x.events <- x.call(c) }()
	}
}

func (x *execution) stopped() bool { return x.halted || x.stop.Err() != nil }

// handle takes in one event and decides what it means for the calls to come.
func (x *execution) handle(e callEvent) {
	if e.left || e.queued {
		x.queued--
	}
	if e.left {
		return
	}
	x.flying--
	if e.err != nil {
		if !errors.Is(e.err, errStopped) {
			x.err, x.halted = errors.Join(x.err, e.err), true
		}
		return
	}
	switch e.out.Class {
	case state.ClassApplied:
		x.applied++
		x.release(e.c.Key)
		x.unpause(e.c.Key.ProjectID)
		x.grow()
	case state.ClassRefused, state.ClassWaiting:
		if e.out.Code != codeNotRead {
			x.unpause(e.c.Key.ProjectID)
			x.grow()
		}
	case state.ClassThrottled:
		x.ready = append(x.ready, e.c)
		x.shrink()
	case state.ClassAuth:
		x.refuseAuth(e)
	case state.ClassUnauthorized:
		x.pause(e.c.Key.ProjectID, e.out)
	case state.ClassNotSent:
		x.shrink()
		x.pause("", e.out)
		x.halted = true
	default:
		x.shrink()
		if x.failing++; x.failing >= failingCalls {
			x.pause("", state.Outcome{Class: state.ClassNotSent, Code: "EndpointFailing",
				Message: fmt.Sprintf("%d commits in a row have an unknown outcome, the last one %s: %s", x.failing, e.out.Code, e.out.Message)})
			x.halted = true
		}
	}
}

// grow doubles the window after as many good answers as it is wide.
func (x *execution) grow() {
	x.failing = 0
	if x.clean++; x.clean >= x.window && x.window < maxFlying {
		x.window, x.clean = 2*x.window, 0
	}
}

func (x *execution) shrink() { x.window, x.clean = 1, 0 }

// release queues the calls that waited for this one alone.
func (x *execution) release(key spec.Key) {
	for _, c := range x.blocked[key] {
		if x.needs[c.Key]--; x.needs[c.Key] == 0 {
			x.ready = append(x.ready, c)
		}
	}
}

// call makes one call, from what is live before to the durable outcome.
func (x *execution) call(c *Change) callEvent {
	ctx := context.WithoutCancel(x.stop)
	have := x.r.record(c.Key)
	before, err := x.r.before(x.stop, c, have)
	if err != nil {
		return x.putOff(c, have, err)
	}
	slot, err := x.r.cfg.Commits.Take(x.stop)
	if err != nil {
		return callEvent{c: c, queued: true, err: errStopped}
	}
	rec, err := x.intend(ctx, c, have, before)
	if err != nil {
		slot.Skip()
		return callEvent{c: c, queued: true, err: err}
	}
	ctx, cancel := context.WithDeadline(ctx, rec.Attempt.At.Add(sendWithin))
	defer cancel()
	if err := slot.Wait(ctx); err != nil {
		x.events <- callEvent{c: c, left: true}
		return x.finish(ctx, c, rec, state.Outcome{Class: state.ClassNotSent, Code: "Late", Message: "the request could not be sent in time"})
	}
	x.events <- callEvent{c: c, left: true}
	sent := time.Now()
	out, timing := x.r.cfg.Committer.Commit(ctx, c.Want)
	if !timing.Wrote.IsZero() {
		x.r.cfg.Commits.Sent(sent.Sub(slot.At()), timing.Connect)
	}
	if out.Class == state.ClassThrottled {
		x.r.cfg.Commits.Rejected(sent)
	}
	return x.finish(ctx, c, rec, out)
}

// intend makes the intent durable.
func (x *execution) intend(ctx context.Context, c *Change, have *state.Record, before *state.Live) (*state.Record, error) {
	r, now := x.r, time.Now()
	rec := begin(c.Key, have, x.attempt(c, before, now))
	e := event(state.EventIntent, rec, now)
	e.Before = before
	r.setFlying(c.Key, true)
	if err := r.save(ctx, change(c.Key, rec, e)); err != nil {
		r.setFlying(c.Key, false)
		return nil, err
	}
	return rec, nil
}

// attempt describes the call that is about to be made.
func (x *execution) attempt(c *Change, before *state.Live, now time.Time) state.Attempt {
	return state.Attempt{
		ID:       x.r.cfg.NewID(),
		Wanted:   AppliedOf(c.Want, x.plan.Source.Revision),
		WantedID: c.Want.Wanted(),
		Request:  c.Want.Request(),
		Reason:   string(c.Reason),
		PlanHash: x.plan.Hash,
		Author:   x.plan.Source.Author,
		File:     c.Want.Pos.File,
		Line:     c.Want.Pos.Line,
		At:       now,
		Before:   before,
	}
}

// finish makes the outcome durable. If that fails the intent stands, and its
// outcome is unknown.
func (x *execution) finish(ctx context.Context, c *Change, rec *state.Record, out state.Outcome) callEvent {
	r := x.r
	defer r.setFlying(c.Key, false)
	now := time.Now()
	next := finish(rec, out, now, r.cfg.Random())
	e := event(state.EventOutcome, rec, now)
	e.Outcome = out
	if err := r.save(ctx, change(c.Key, next, e)); err != nil {
		return callEvent{c: c, out: out, err: fmt.Errorf("keep the outcome (%s) of %s: %w", out.Class, c.Key, err)}
	}
	r.logOutcome(ctx, c, next, out)
	if r.cfg.Observer != nil {
		r.cfg.Observer.Called(c, next, out)
	}
	return callEvent{c: c, out: out}
}

// putOff records that the task could not be read before its commit. Nothing was
// sent.
func (x *execution) putOff(c *Change, have *state.Record, err error) callEvent {
	if x.stop.Err() != nil {
		return callEvent{c: c, queued: true, err: errStopped}
	}
	x.events <- callEvent{c: c, left: true}
	rec := begin(c.Key, have, x.attempt(c, nil, time.Now()))
	return x.finish(x.stop, c, rec, state.Outcome{Class: state.ClassWaiting, Code: codeNotRead, Message: clip(err.Error())})
}
