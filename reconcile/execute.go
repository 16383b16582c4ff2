package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
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
//
// A call goes down call.go to the wire, and its outcome back up outcome.go.
type execution struct {
	r      *Reconciler
	plan   *plan.Plan
	guards *plan.Guards    // that the plan has passed
	stop   context.Context // done: nothing new starts
	calls  context.Context // done with stop, or earlier: no new call starts
	halt   context.CancelFunc
	steps  chan func()

	queue     *callQueue
	prepared  []*call // what is live has been read: they wait to start
	ahead     int     // tasks that are read before their call starts, or were
	sending   int     // calls that have started
	waiting   int     // those of them that connect, or wait for their turn
	slow      slowStart
	toRead    average // from a read to its answer
	toConnect average
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
		queue: newCallQueue(p),
		slow:  slowStart{window: 1, failing: plan.FailedBefore(&control)},
	}
	x.reads = newReadBacks(x)
	r.watcher.SetBusy(len(x.queue.planned) > 0)
	defer r.watcher.SetBusy(false)
	commands := time.NewTicker(commandsEvery)
	defer commands.Stop()
	for {
		r.health.beat()
		x.launch()
		due := x.reads.start()
		if x.underWay()+len(x.reads.reading) == 0 && (due.IsZero() || len(x.reads.awaited) == 0) {
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
	for len(x.queue.ready) > 0 && x.ahead < x.enough(x.toConnect.mean+x.toRead.mean*3/2) && x.calls.Err() == nil {
		c := &call{change: x.queue.pop()}
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
	for len(x.prepared) > 0 && (x.sending < x.slow.window && x.waiting < x.enough(x.toConnect.mean) || x.calls.Err() != nil) {
		c := x.prepared[0]
		x.prepared = x.prepared[1:]
		if x.calls.Err() != nil {
			x.abort(c, errStopped)
			continue
		}
		c.started, c.waiting = true, true
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
	x.queue.release(key)
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

// callQueue has the calls of a plan in the order in which they may begin: by key, and a
// call after those that its spec depends on. It belongs to the goroutine of an execution.
type callQueue struct {
	planned map[spec.Key]bool // the tasks of the plan's calls
	applied map[spec.Key]bool // those of them that were applied
	ready   []*plan.Change
	blocked map[spec.Key][]*plan.Change // calls by the call they wait for
	needs   map[spec.Key]int            // how many calls a call waits for
}

func newCallQueue(p *plan.Plan) *callQueue {
	q := &callQueue{
		planned: make(map[spec.Key]bool), applied: make(map[spec.Key]bool),
		blocked: make(map[spec.Key][]*plan.Change), needs: make(map[spec.Key]int),
	}
	for c := range p.Calls() {
		q.planned[c.Key] = true
	}
	for c := range p.Calls() {
		for _, on := range c.Want.DependsOn {
			if q.planned[on] {
				q.blocked[on] = append(q.blocked[on], c)
				q.needs[c.Key]++
			}
		}
		if q.needs[c.Key] == 0 {
			q.ready = append(q.ready, c)
		}
	}
	return q
}

// pop takes the first call that is ready.
func (q *callQueue) pop() *plan.Change {
	c := q.ready[0]
	q.ready = q.ready[1:]
	return c
}

// release makes the calls ready that waited for this task alone.
func (q *callQueue) release(key spec.Key) {
	for _, c := range q.blocked[key] {
		if q.needs[c.Key]--; q.needs[c.Key] == 0 {
			q.ready = append(q.ready, c)
		}
	}
}

// isOpen reports whether the plan has a call for the task that was not applied yet.
func (q *callQueue) isOpen(key spec.Key) bool { return q.planned[key] && !q.applied[key] }

// slowStart bounds the calls that may have started: 1, 2, 4, 8 ... after a start or an
// error, so that an API that fails sees few of them.
type slowStart struct {
	window  int
	clean   int // good answers since the window last changed
	failing int // answers in doubt, in a row
}

// succeeded doubles the window after as many good answers as it is wide.
func (s *slowStart) succeeded() {
	s.failing = 0
	if s.clean++; s.clean >= s.window && s.window < maxInFlight {
		s.window, s.clean = 2*s.window, 0
	}
}

// failed narrows the window to one call.
func (s *slowStart) failed() { s.window, s.clean = 1, 0 }

// averageOver is how many calls an average is taken over.
const averageOver = 16

// average is how long a part of a call's way takes.
type average struct {
	mean time.Duration
	seen int
}

func (a *average) add(d time.Duration) {
	a.seen = min(a.seen+1, averageOver)
	a.mean += (d - a.mean) / time.Duration(a.seen)
}
