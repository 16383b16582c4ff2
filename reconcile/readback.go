package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/approval/listing"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/follow"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// maxReadBacks bounds how many tasks are read back at once: commits need the
	// budget for reads, too.
	maxReadBacks = 8
	// readBackFor is how long a pass without calls goes on to read back.
	readBackFor = 5 * time.Second
	// readTries is how often a read is sent that was over the rate.
	readTries = 5
	// blindAfter is how many tries may fail because what is live could not be read
	// before the commit is sent without.
	blindAfter = 5
	// codeNotRead is the code of a commit that was put off because what is live
	// could not be read.
	codeNotRead = "NotRead"
)

// mayRead reports whether reading is possible.
func mayRead(r *Reconciler) bool { return r.cfg.Reader != nil && !r.health.readsDenied() }

// read reads one task, in its turn. What it returns was live at a time not before at.
func read(ctx context.Context, r *Reconciler, key spec.Key, taskType spec.TaskType) (live *state.Live, at time.Time, err error) {
	for range readTries {
		if !mayRead(r) {
			return nil, time.Now(), plan.ErrReadDenied
		}
		at = time.Now()
		live, err = r.cfg.Reader.Read(ctx, key, taskType, func(ctx context.Context) (err error) {
			at, err = r.cfg.Reads.Wait(ctx)
			return err
		})
		if !errors.Is(err, plan.ErrReadThrottled) {
			break
		}
		r.cfg.Reads.Rejected(at)
	}
	switch {
	case errors.Is(err, plan.ErrReadDenied):
		r.health.denyReads(time.Now())
		r.cfg.Logger.WarnContext(ctx, "reading tasks is not permitted: commits with an unknown outcome will require operator action")
	case errors.Is(err, plan.ErrTaskGone):
		live = &state.Live{Missing: true}
	}
	return live, at, err
}

// readFor reads what is live just before a call. It returns nil, and no error, where
// reading is not permitted, or failed too often: the commit goes out all the same, and
// only what its answer leaves in doubt then needs an operator.
func readFor(ctx context.Context, r *Reconciler, c *call) (*state.Live, error) {
	have := c.have
	live, at, err := read(ctx, r, c.change.Key, c.change.Want.TaskType)
	c.askedAt = at
	switch {
	case err == nil:
		return live, nil
	case errors.Is(err, plan.ErrReadDenied):
		return nil, nil
	case errors.Is(err, plan.ErrTaskGone):
		// The commit will say it again, with the API's own words. If its answer is
		// lost, that there was no task is something to compare with.
		return live, nil
	case ctx.Err() == nil && have != nil && have.Status == state.StatusWaiting &&
		have.Attempt.Outcome.Code == codeNotRead && have.Attempt.Tries >= blindAfter:
		return nil, nil
	default:
		return nil, err
	}
}

// evidence returns what is known of a task after a read, for what was attempted before it.
func evidence(r *Reconciler, key spec.Key, live *state.Live, at time.Time) proof.Evidence {
	control := r.applied.Control()
	e := proof.Evidence{
		Live: live, At: at, Horizon: r.cfg.Horizon(),
		Operator: plan.Operator(&control), Approvals: approval.FlowOf(&control, key.ProjectID),
	}
	if r.cfg.Skew != nil {
		e.ClockSkew = r.cfg.Skew()
	}
	return e
}

// readsBack reports whether reading back can settle an attempt: its outcome is not
// known.
func readsBack(s state.Status) bool { return s == state.StatusUnknown }

// readBacks are the reads of an execution that no call waits for: of commits whose outcome
// is not known, and of accepted ones until they are live, and run. It belongs to the
// goroutine of the execution.
type readBacks struct {
	x       *execution
	awaited map[spec.Key]bool // accepted tasks that calls wait for
	reading map[spec.Key]bool // tasks that are being read back
	listing bool              // the list of approvals is being read
	until   time.Time         // when no more reads start, unless calls are under way
}

func newReadBacks(x *execution) *readBacks {
	return &readBacks{x: x, awaited: make(map[spec.Key]bool), reading: make(map[spec.Key]bool), until: time.Now().Add(readBackFor)}
}

// start starts to read back what is due, and returns when more will be; the zero time if
// nothing will, or not before the next step.
func (b *readBacks) start() (due time.Time) {
	x, now := b.x, time.Now()
	if x.err != nil || x.superseded || x.stop.Err() != nil || x.underWay() == 0 && now.After(b.until) {
		return time.Time{}
	}
	for _, rec := range x.r.applied.attempts(readsBack) {
		at := rec.Attempt.NextAt
		switch {
		case at.IsZero() || b.reading[rec.Key] || len(b.reading) == maxReadBacks:
		case at.After(now):
			due = plan.Sooner(due, at)
		default:
			b.read(rec, rec.Attempt.Wanted.TaskType, b.settle)
		}
	}
	return b.startListing(now, b.startAccepted(now, due))
}

// startListing starts to read the list of approvals if that is due, and returns when more
// will be.
func (b *readBacks) startListing(now, due time.Time) time.Time {
	x := b.x
	waiting := x.r.applied.awaitingApproval()
	next := x.r.cfg.Approvals.Due(waiting, now)
	switch {
	case next.IsZero() || b.listing:
		return due
	case next.After(now):
		return plan.Sooner(due, next)
	}
	b.listing = true
	go func() {
		rows, at := x.r.cfg.Approvals.List(x.stop, waiting)
		x.steps <- func() {
			b.listing = false
			b.listed(waiting, rows, at)
		}
	}()
	return due
}

// listed makes durable what the list, asked for at, tells of approvals that is new.
func (b *readBacks) listed(waiting []*state.Record, rows []approval.Row, at time.Time) {
	r := b.x.r
	for _, asked := range waiting {
		t, told := listing.Told(asked, r.applied.Record(asked.Key), rows, at)
		if !told {
			continue
		}
		if !b.save(t) {
			return
		}
		taskLogger(r.cfg.Logger, asked.Key, asked.Name()).InfoContext(b.x.stop, "approval in WeData", "status", t.Events[0].Note)
		if approval.Decided(t.Record) {
			r.applied.readSoon(asked.Key, approval.ReadAt(t.Record, r.cfg.Horizon()))
		}
	}
}

// read reads the record's task, and hands over what it has found as a step.
func (b *readBacks) read(rec *state.Record, t spec.TaskType, found func(*state.Record, *state.Live, time.Time, error)) {
	x := b.x
	b.reading[rec.Key] = true
	go func() {
		live, at, err := read(x.stop, x.r, rec.Key, t)
		drift.ReadTag(x.stop, x.r.cfg.Versions, x.r.cfg.Reads, rec, live)
		x.steps <- func() {
			delete(b.reading, rec.Key)
			found(rec, live, at, err)
		}
	}()
}

// save makes durable what a read proves, and reports whether it has.
func (b *readBacks) save(t state.Transition) (ok bool) {
	if err := b.x.r.applied.save(b.x.stop, t); err != nil {
		b.x.fail(err)
		return false
	}
	return true
}

// settle makes durable what a read-back proves. live was read not before at.
func (b *readBacks) settle(rec *state.Record, live *state.Live, at time.Time, readErr error) {
	x := b.x
	if readErr != nil && x.stop.Err() != nil {
		return // it was the shutdown that ended it
	}
	next, e := plan.AfterReadBack(rec, evidence(x.r, rec.Key, live, at), readErr, x.r.cfg.Evaluate, time.Now(), x.r.cfg.Random())
	if !b.save(plan.Transition(rec.Key, next, e)) {
		return
	}
	taskLogger(x.r.cfg.Logger, rec.Key, rec.Name()).InfoContext(x.stop, "read back a commit", "verdict", e.Note)
	if rec.Status == state.StatusUnknown && next != nil && next.Status == state.StatusApplied {
		x.appliedCalls++
		if next.Done() {
			x.release(rec.Key)
		}
	}
}

// startAccepted starts to read the accepted tasks that are due, and returns when more
// will be. While commits are to be made the reads before them come first, but for tasks
// that other commits wait for.
func (b *readBacks) startAccepted(now, due time.Time) time.Time {
	a := b.x.r.applied
	a.mu.Lock()
	ready, due := b.dueAccepted(a.reads, now, due)
	recs := make([]*state.Record, len(ready))
	for i, s := range ready {
		recs[i] = a.records.Get(s.key)
	}
	a.mu.Unlock()
	for i, s := range ready {
		b.read(recs[i], recs[i].Applied.TaskType, func(rec *state.Record, live *state.Live, at time.Time, err error) {
			b.decide(s, rec, live, at, err)
		})
	}
	return due
}

// dueAccepted takes the tasks out of the schedule that are to be read now, and returns
// when more will be. It needs the lock of applied.
func (b *readBacks) dueAccepted(all *readSchedule, now, due time.Time) ([]*scheduled, time.Time) {
	calls := b.x.queue
	busy := func(key spec.Key) bool { return b.reading[key] || calls.IsOpen(key) } // its record is that of a call or a read under way
	var ready []*scheduled
	room := func() bool { return len(b.reading)+len(ready) < maxReadBacks }
	if b.x.ahead > 0 {
		for key := range calls.Blocking() {
			s := all.tasks[key]
			switch {
			case s == nil || s.place < 0 || busy(key):
			case s.next.After(now):
				due = plan.Sooner(due, s.next)
			case room():
				all.take(s)
				ready = append(ready, s)
			}
		}
		return ready, due
	}
	for room() && len(all.queue) > 0 && !all.next().After(now) {
		s := all.queue[0]
		if busy(s.key) {
			all.put(s, now.Add(confirmEvery.Max))
			continue
		}
		all.take(s)
		ready = append(ready, s)
	}
	if room() {
		due = plan.Sooner(due, all.next())
	}
	return ready, due
}

// decide decides what a read tells of an accepted task.
func (b *readBacks) decide(s *scheduled, rec *state.Record, live *state.Live, at time.Time, readErr error) {
	x, a := b.x, b.x.r.applied
	a.mu.Lock()
	if a.reads.tasks[rec.Key] != s { // it is read for something else by now, or not at all
		a.mu.Unlock()
		return
	}
	rec = a.records.Get(rec.Key) // the list of approvals may have told more since
	s.tries++
	every, run := confirmEvery, state.Run{}
	switch {
	case !rec.Accepted():
		every = followEvery
		run, s.last = follow.Look(rec.Applied, s.last, live, readErr, at)
	case approval.Awaits(rec) && !approval.Decided(rec):
		every = approveEvery
	}
	next := time.Now().Add(every.After(s.tries, x.r.cfg.Random()))
	if until := run.Until; next.After(until) && at.Before(until) {
		next = until
	}
	a.reads.put(s, next)
	a.mu.Unlock()
	switch {
	case readErr != nil && x.stop.Err() != nil: // it was the shutdown that ended it
	case rec.Accepted():
		b.confirm(rec, live, at, readErr)
	case s.last == nil:
		b.follow(rec, run, live)
	}
}

// confirm makes durable what a read sent at tells of an accepted commit, if that is
// something new.
func (b *readBacks) confirm(rec *state.Record, live *state.Live, at time.Time, readErr error) {
	r, now := b.x.r, time.Now()
	next, note, seen := plan.AfterAccepted(rec, evidence(r, rec.Key, live, at), readErr, now)
	if next == nil {
		return
	}
	e := plan.Event(state.EventReadBack, rec, now)
	e.After, e.Note = live, note
	if next.Status == state.StatusRefused {
		e.Outcome = next.Attempt.Outcome
	}
	t := plan.Transition(rec.Key, next, e)
	if seen {
		t.Control = plan.LearnOperator(r.applied.Control(), rec, live)
	}
	if !b.save(t) {
		return
	}
	taskLogger(r.cfg.Logger, rec.Key, rec.Name()).InfoContext(b.x.stop, "accepted commit", "instance_version", rec.Applied.InstanceVersion, "status", note)
	if next.Done() {
		b.x.release(rec.Key)
	}
}

// follow makes durable what a read tells of a task that was started.
func (b *readBacks) follow(rec *state.Record, run state.Run, live *state.Live) {
	next, e := follow.After(rec, run, live, time.Now())
	if !b.save(plan.Transition(rec.Key, next, e)) {
		return
	}
	level := slog.LevelInfo
	switch run.Status {
	case state.RunRunning:
	case state.RunStarting:
		level = slog.LevelDebug
	default:
		level = slog.LevelError
	}
	taskLogger(b.x.r.cfg.Logger, rec.Key, rec.Name()).Log(context.WithoutCancel(b.x.stop), level, "start", "instance_version", rec.Applied.InstanceVersion,
		"status", run.Status, "detail", run.Detail)
	if run.Status == state.RunRunning {
		b.x.release(rec.Key)
	}
}
