package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// maxFlying bounds the calls that have started, and the tasks that are read before.
	maxFlying = 64
	// spare is how many calls are on a part of their way beyond those that keep the pace
	// on the average.
	spare = 4
	// freshFor is how long what was read before a call may be kept until it is sent.
	freshFor = 5 * time.Second
	// turnWithin is how long a call may wait for its turn with its connection open.
	turnWithin = 30 * time.Second
	// sendWithin bounds the time from an intent to the first byte of its request, and
	// to its answer. It is part of the accept horizon: what is not sent by then is not
	// sent at all.
	sendWithin = 10 * time.Second
)

// execution carries out the calls of one plan, and reads back what is in doubt
// meanwhile. Calls and read-backs run on goroutines of their own and do nothing
// there but wait, read, send and make their intent durable; what follows from it
// they hand over as a step, and all steps run on one goroutine.
type execution struct {
	r      *Reconciler
	plan   *plan.Plan
	guards *plan.Guards    // that the plan has passed
	stop   context.Context // done: nothing new starts
	calls  context.Context // done with stop, or earlier: no new call starts
	halt   context.CancelFunc
	steps  chan func()

	called  map[spec.Key]bool // the tasks of the plan's calls
	landed  map[spec.Key]bool // those of them that were applied
	ready   []*plan.Change
	blocked map[spec.Key][]*plan.Change // calls by the call they wait for
	needs   map[spec.Key]int            // how many calls a call waits for

	ahead     int       // tasks that are read before their call starts, or were
	prepared  []*flight // what is live has been read: they wait to start
	sending   int       // calls that have started
	waiting   int       // those of them that connect, or wait for their turn
	window    int       // how many calls may have started: 1, 2, 4, 8 ... after a start or an error
	clean     int       // good answers since the window last changed
	failing   int       // answers in doubt, in a row
	toRead    took      // from a read to its answer
	toConnect took

	awaited  map[spec.Key]bool // accepted tasks that other calls wait for
	reading  map[spec.Key]bool // tasks that are being read back
	readUpTo time.Time         // when no more read-backs start, unless calls are under way

	applied    int
	spent      []spec.Digest  // effects of the calls that were made, whatever has become of them
	withheld   int            // calls that what is live argued against
	superseded bool           // a person's word came in, or the guards have changed
	auth       *state.Outcome // the credentials were not accepted
	err        error
}

// enough is how many calls have to be on a part of their way that takes so long, for
// one to come to its end in each period.
func (x *execution) enough(took time.Duration) int {
	return min(spare+int(took/x.r.cfg.Commits.Period()), maxFlying)
}

var (
	// errStopped says that a call was given up before its intent.
	errStopped = errors.New("the pass was stopped")
	// errWord says that a call was given up because a person has asked for
	// something: that is looked at before anything else is sent.
	errWord = errors.New("a person's word came in")
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

// execute makes the calls of the plan until all are made, stop is done, or the
// state cannot be written. It returns when nothing is under way any more.
func (r *Reconciler) execute(stop context.Context, p *plan.Plan) *execution {
	calls, halt := context.WithCancel(stop)
	defer halt()
	control := r.Control()
	x := &execution{
		r: r, plan: p, guards: r.guards, stop: stop, calls: calls, halt: halt,
		steps:  make(chan func(), 4*maxFlying+maxReadBacks), // never full: a sender goes on at once
		called: make(map[spec.Key]bool), landed: make(map[spec.Key]bool), blocked: make(map[spec.Key][]*plan.Change), needs: make(map[spec.Key]int),
		window: 1, failing: plan.FailedBefore(&control),
		awaited: make(map[spec.Key]bool), reading: make(map[spec.Key]bool), readUpTo: time.Now().Add(readBackFor),
	}
	x.order()
	r.watcher.SetBusy(len(x.called) > 0)
	defer r.watcher.SetBusy(false)
	words := time.NewTicker(wordsEvery)
	defer words.Stop()
	for {
		r.pulse.beat()
		x.launch()
		due := x.readBack()
		if x.flying()+len(x.reading) == 0 && (due.IsZero() || len(x.awaited) == 0) {
			break
		}
		x.step(due, words.C)
	}
	if x.auth != nil && x.err == nil {
		x.refuseAuth()
	}
	return x
}

// step waits for the next step, until a read-back is due, or until it is time to look
// whether someone has asked for something: no call may be near enough to do that.
func (x *execution) step(due time.Time, words <-chan time.Time) {
	var wake <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		wake = timer.C
	}
	select {
	case step := <-x.steps:
		step()
	case <-wake:
	case <-words:
		if pending, err := x.r.cfg.Ledger.HasPendingCommands(x.stop); err == nil && pending {
			x.hear()
		}
	}
}

// hear ends the pass for what another plan has to heed, such as a person's word.
func (x *execution) hear() {
	x.superseded = true
	x.halt()
}

// order puts calls that wait for no other call in the queue, in order of key.
func (x *execution) order() {
	for c := range x.plan.Calls() {
		x.called[c.Key] = true
	}
	for c := range x.plan.Calls() {
		for _, on := range c.Want.DependsOn {
			if x.called[on] {
				x.blocked[on] = append(x.blocked[on], c)
				x.needs[c.Key]++
			}
		}
		if x.needs[c.Key] == 0 {
			x.ready = append(x.ready, c)
		}
	}
}

// release queues the calls that waited for this one alone.
func (x *execution) release(key spec.Key) {
	delete(x.awaited, key)
	for _, c := range x.blocked[key] {
		if x.needs[c.Key]--; x.needs[c.Key] == 0 {
			x.ready = append(x.ready, c)
		}
	}
}

// flying is how many calls are under way, with those whose task is read before.
func (x *execution) flying() int { return x.ahead + x.sending }

// launch reads the tasks of the next calls, and starts as many calls as may be under
// way. Of both there are as many as keep the pace, however long they take, and few
// more: what is live should not be old when the request leaves, nor its connection.
// Some reads take longer than the average, and others wait for none of them.
func (x *execution) launch() {
	for len(x.ready) > 0 && x.ahead < x.enough(x.toConnect.mean+x.toRead.mean*3/2) && x.calls.Err() == nil {
		f := &flight{c: x.ready[0]}
		f.have = x.r.record(f.c.Key)
		x.ready = x.ready[1:]
		x.ahead++
		switch {
		case x.r.mayRead():
			go func() { x.steps <- x.readBefore(f) }()
		case f.c.Reason == plan.ReasonDrift:
			x.letBe(f, "it could not be read: "+plan.ErrReadDenied.Error())
		default:
			x.prepared = append(x.prepared, f)
		}
	}
	for len(x.prepared) > 0 && (x.sending < x.window && x.waiting < x.enough(x.toConnect.mean) || x.calls.Err() != nil) {
		f := x.prepared[0]
		x.prepared = x.prepared[1:]
		if x.calls.Err() != nil {
			x.giveUp(f, errStopped)
			continue
		}
		f.started, f.waiting = true, true
		x.ahead--
		x.sending++
		x.waiting++
		go func() { x.steps <- x.call(f) }()
	}
}

// leave notes that the call waits for its turn no longer.
func (x *execution) leave(f *flight) {
	if f.waiting {
		f.waiting = false
		x.waiting--
	}
}

// end notes that the call is over.
func (x *execution) end(f *flight) {
	x.leave(f)
	if f.started {
		x.sending--
	} else {
		x.ahead--
	}
}

// again puts a call that made no attempt back in the queue.
func (x *execution) again(f *flight) {
	x.end(f)
	x.ready = append([]*plan.Change{f.c}, x.ready...)
}

// fail notes an error of the state. No new call starts.
func (x *execution) fail(err error) {
	x.err = errors.Join(x.err, err)
	x.halt()
}

// giveUp ends a call that made no attempt.
func (x *execution) giveUp(f *flight, err error) {
	x.end(f)
	switch {
	case errors.Is(err, errWord), errors.Is(err, errGuards):
		x.hear()
	case !errors.Is(err, errStopped):
		x.fail(err)
	}
}

// putOff ends a call whose task could not be read before: it backs off. Nothing
// was sent.
func (x *execution) putOff(f *flight, err error) {
	out := state.Outcome{Class: state.ClassWaiting, Code: codeNotRead, Message: state.Clip(err.Error())}
	// A read that never left, whose signature was not accepted, or that was one too
	// many, says about the commit what it would have said itself.
	if answered, ok := errors.AsType[plan.AnsweredError](err); ok {
		switch a := answered.Answered(); a.Class {
		case state.ClassNotSent, state.ClassAuth, state.ClassThrottled:
			out = a
		}
	}
	x.unsent(f, out)
}

// unsent ends a call that came to no intent.
func (x *execution) unsent(f *flight, out state.Outcome) {
	if x.calls.Err() != nil {
		x.giveUp(f, errStopped)
		return
	}
	if out.Class == state.ClassUnknown {
		out.Class = state.ClassNotSent // whatever came back, nothing was asked
	}
	x.land(f, plan.Begin(f.c.Key, f.have, x.plan.Attempt(f.c, x.r.cfg.NewID(), nil, x.r.cfg.Horizon(), time.Now())), out)
}

// letBe ends a call that was to heal a task, and that what is live gives no reason for
// any more. Nothing was sent, and nothing is until another look gives one.
func (x *execution) letBe(f *flight, why string) {
	if x.calls.Err() != nil {
		x.giveUp(f, errStopped)
		return
	}
	x.end(f)
	rec := f.have
	if rec.Attempt != nil {
		rec = plan.Drop(rec)
	}
	x.r.touch(f.c.Key)
	if err := x.r.save(x.stop, drift.ForgetUndo(rec, "not healed: "+why, time.Now())); err != nil {
		x.fail(err)
		return
	}
	x.r.cfg.Logger.InfoContext(x.stop, "not healed", "task", f.c.Key.String(), "why", why)
	x.release(f.c.Key)
}

// land ends a call: its outcome becomes durable, and decides about the calls to
// come.
func (x *execution) land(f *flight, rec *state.Record, out state.Outcome) {
	x.end(f)
	now := time.Now()
	next := plan.Finish(f.have, rec, out, now, x.r.cfg.Random())
	e := plan.Event(state.EventOutcome, rec, now)
	e.Outcome = out
	t := plan.Transition(f.c.Key, next, e)
	t.Control = plan.NoteApproval(x.r.Control(), f.c.Key.ProjectID, out)
	err := x.r.conclude(x.stop, outcome{c: f.c, next: next, out: out, t: t})
	if err != nil {
		x.fail(err)
		return
	}
	if next == nil || next.Status != state.StatusWaiting && !plan.Withheld(next) {
		x.spent = append(x.spent, f.c.Effect())
	}
	x.learn(f, next, out)
}

// learn decides what an outcome means for the calls to come.
func (x *execution) learn(f *flight, next *state.Record, out state.Outcome) {
	c := f.c
	switch out.Class {
	case state.ClassApplied:
		x.applied++
		x.landed[c.Key] = true
		switch {
		case next.Done():
			x.release(c.Key)
		case len(x.blocked[c.Key]) > 0:
			x.awaited[c.Key], x.readUpTo = true, time.Now().Add(readBackFor)
		}
		x.unpause(c.Key.ProjectID)
		x.grow()
	case state.ClassRefused, state.ClassWaiting:
		if plan.WithheldCode(next) != "" {
			return // nothing was asked
		}
		if out.Code == codeNotRead {
			x.shrink()
			return
		}
		x.unpause(c.Key.ProjectID)
		x.grow()
	case state.ClassThrottled:
		// How fast the calls follow is the limiter's to say.
		if f.live == nil {
			x.ready = append(x.ready, c)
			return
		}
		x.prepared = append(x.prepared, &flight{c: c, have: next, live: f.live, readAt: f.readAt})
		x.ahead++
	case state.ClassAuth:
		x.auth = &out
		x.halt()
	case state.ClassUnauthorized:
		x.pause(c.Key.ProjectID, out)
	case state.ClassNotSent:
		x.pause("", out)
		x.halt()
	default:
		x.shrink()
		if x.failing++; x.failing >= plan.FailingCalls {
			x.pause("", state.Outcome{Class: state.ClassNotSent, Code: plan.CodeFailing, Message: state.Clip(fmt.Sprintf(
				"%d commits in a row have an unknown outcome, the last one %s: %s", x.failing, out.Code, out.Message))})
			x.halt()
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

// shrink narrows the window to one call.
func (x *execution) shrink() { x.window, x.clean = 1, 0 }
