package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/queue"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// maxInFlight bounds the calls that have started, and the tasks that are read before.
	maxInFlight = 64
	// spare is how many calls are on a part of their way beyond those that keep the pace
	// on the average.
	spare = 4
)

// execution carries out the calls of one plan, and reads back what is in doubt
// meanwhile. Calls and reads run on goroutines of their own and do nothing there but
// wait, read, send and make their intent durable; what follows of it they hand over as a
// step, and all steps run on one goroutine, to which all fields below steps belong.
type execution struct {
	r      *Reconciler
	plan   *plan.Plan
	guards *plan.Guards    // that the plan has passed
	stop   context.Context // done: nothing new starts
	calls  context.Context // done with stop, or earlier: no new call starts
	halt   context.CancelFunc
	steps  chan func()

	queue     *queue.Queue
	prepared  []*call // what is live has been read: they wait to start
	ahead     int     // tasks that are read before their call starts, or were
	sending   int     // calls that have started
	waiting   int     // those of them that connect, or wait for their turn
	slow      pace.SlowStart
	toRead    pace.Average // from a read to its answer
	toConnect pace.Average
	reads     *readBacks

	appliedCalls int
	spent        []spec.Digest  // effects of the calls that were made, whatever has become of them
	withheld     int            // calls that what is live argued against
	superseded   bool           // an operator's command came in, or the guards have changed
	auth         *state.Outcome // the credentials were not accepted
	err          error
}

// execute makes the calls of the plan until all are made, stop is done, or the
// state cannot be written. It returns when nothing is under way any more.
func execute(stop context.Context, r *Reconciler, p *plan.Plan) *execution {
	calls, halt := context.WithCancel(stop)
	defer halt()
	control := r.applied.Control()
	x := &execution{
		r: r, plan: p, guards: r.desired.guards, stop: stop, calls: calls, halt: halt,
		steps: make(chan func(), 4*maxInFlight+maxReadBacks), // never full: a sender goes on at once
		queue: queue.New(p),
		slow:  pace.SlowStart{Window: 1, Most: maxInFlight, Failing: plan.FailedBefore(&control)},
	}
	x.reads = newReadBacks(x)
	r.watcher.SetBusy(x.queue.Len() > 0)
	defer r.watcher.SetBusy(false)
	commands := time.NewTicker(commandsEvery)
	defer commands.Stop()
	for {
		r.health.beat()
		x.launch()
		due := x.reads.start()
		if x.underWay()+len(x.reads.reading) == 0 && !x.reads.listing && (due.IsZero() || len(x.reads.awaited) == 0) {
			break
		}
		x.step(due, commands.C)
	}
	if x.auth != nil && x.err == nil {
		x.refuseAuth()
	}
	return x
}

// step waits for the next step, until a read-back is due, or until it is time to look
// whether an operator has asked for something: no call may be near enough to do that.
func (x *execution) step(due time.Time, commands <-chan time.Time) {
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
	case <-commands:
		if pending, err := x.r.cfg.Store.HasPendingCommands(x.stop); err == nil && pending {
			x.preempt()
		}
	}
}

// underWay is how many calls are under way, with those whose task is read before.
func (x *execution) underWay() int { return x.ahead + x.sending }

// enough is how many calls have to be on a part of their way that takes so long, for
// one to come to its end in each period.
func (x *execution) enough(took time.Duration) int {
	return min(spare+int(took/x.r.cfg.Commits.Period()), maxInFlight)
}

// launch reads the tasks of the next calls, and starts as many calls as may be under
// way. Of both there are as many as keep the pace, however long they take, and few
// more: what is live should not be old when the request leaves, nor its connection.
// Some reads take longer than the average, and others wait for none of them.
func (x *execution) launch() {
	for x.queue.Ready() > 0 && x.ahead < x.enough(x.toConnect.Mean+x.toRead.Mean*3/2) && x.calls.Err() == nil {
		c := &call{change: x.queue.Pop()}
		c.have = x.r.applied.Record(c.change.Key)
		x.ahead++
		switch {
		case mayRead(x.r):
			go func() { x.steps <- x.readBefore(c) }()
		case c.change.Reason == plan.ReasonDrift:
			x.skip(c, "it could not be read: "+plan.ErrReadDenied.Error())
		default:
			x.prepared = append(x.prepared, c)
		}
	}
	for len(x.prepared) > 0 && (x.sending < x.slow.Window && x.waiting < x.enough(x.toConnect.Mean) || x.calls.Err() != nil) {
		c := x.prepared[0]
		x.prepared = x.prepared[1:]
		if x.calls.Err() != nil {
			x.abort(c, errStopped)
			continue
		}
		c.started, c.waiting, c.id = true, true, x.r.cfg.NewID()
		x.ahead--
		x.sending++
		x.waiting++
		go func() { x.steps <- x.send(c) }()
	}
}

// dequeue notes that the call waits for its turn no longer.
func (x *execution) dequeue(c *call) {
	if c.waiting {
		c.waiting = false
		x.waiting--
	}
}

// end notes that the call is over.
func (x *execution) end(c *call) {
	x.dequeue(c)
	if c.started {
		x.sending--
	} else {
		x.ahead--
	}
}

// release lets the calls go on that waited for the task alone.
func (x *execution) release(key spec.Key) {
	delete(x.reads.awaited, key)
	x.queue.Release(key)
}

// preempt ends the pass for what another plan has to heed, such as an operator's command.
func (x *execution) preempt() {
	x.superseded = true
	x.halt()
}

// fail notes an error of the state. No new call starts.
func (x *execution) fail(err error) {
	x.err = errors.Join(x.err, err)
	x.halt()
}
