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
	// maxReadBacks bounds how many tasks are read back at once: commits need the
	// budget for reads, too.
	maxReadBacks = 8
	// readBackFor is how long a pass without calls goes on to read back.
	readBackFor = 5 * time.Second
	// readAgain is how long a denied permission to read is believed.
	readAgain = 10 * time.Minute
	// readTries is how often a read is sent that was over the rate.
	readTries = 5
	// blindAfter is how many tries may fail because what is live could not be read
	// before the commit is sent without.
	blindAfter = 5
	// codeNotRead is the code of a commit that was put off because what is live
	// could not be read.
	codeNotRead = "NotRead"
)

// before reads what is live just before a commit. It returns nil, and no error,
// where reading is not permitted, or failed too often: the commit goes out all the
// same, and only what its answer leaves in doubt then needs a person.
func (r *Reconciler) before(ctx context.Context, f *flight) (*state.Live, error) {
	have := f.have
	live, at, err := r.read(ctx, f.c.Key, f.c.Want.TaskType)
	f.askedAt = at
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

// mayRead reports whether reading is possible.
func (r *Reconciler) mayRead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg.Reader != nil && (r.readDenied.IsZero() || time.Since(r.readDenied) >= readAgain)
}

// read reads one task, in its turn. What it returns was live at a time not before at.
func (r *Reconciler) read(ctx context.Context, key spec.Key, taskType spec.TaskType) (live *state.Live, at time.Time, err error) {
	for range readTries {
		if !r.mayRead() {
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
		r.denyReads(ctx)
	case errors.Is(err, plan.ErrTaskGone):
		live = &state.Live{Missing: true}
	}
	return live, at, err
}

// denyReads remembers that the credentials may not read.
func (r *Reconciler) denyReads(ctx context.Context) {
	r.mu.Lock()
	r.readDenied = time.Now()
	r.mu.Unlock()
	r.cfg.Logger.WarnContext(ctx, "reading tasks is not permitted: commits of unknown outcome will need a person")
}

// readBack starts to read back what is due, and returns when more will be; the
// zero time if nothing will, or not before the next step.
func (x *execution) readBack() (due time.Time) {
	now := time.Now()
	if x.err != nil || x.superseded || x.stop.Err() != nil || x.flying() == 0 && now.After(x.readUpTo) {
		return time.Time{}
	}
	for _, rec := range x.r.attempts(readsBack) {
		at := rec.Attempt.NextAt
		switch {
		case at.IsZero() || x.reading[rec.Key] || len(x.reading) == maxReadBacks:
		case at.After(now):
			due = plan.Sooner(due, at)
		default:
			x.startRead(rec, rec.Attempt.Wanted.TaskType, x.readIt)
		}
	}
	return x.watchAccepted(now, due)
}

// startRead reads the record's task, and hands over what it has found as a step.
func (x *execution) startRead(rec *state.Record, t spec.TaskType, found func(*state.Record, *state.Live, time.Time, error)) {
	x.reading[rec.Key] = true
	go func() {
		live, at, err := x.r.read(x.stop, rec.Key, t)
		x.steps <- func() { found(rec, live, at, err) }
	}()
}

// readIt makes durable what a read-back proves. live was read not before at.
func (x *execution) readIt(rec *state.Record, live *state.Live, at time.Time, readErr error) {
	delete(x.reading, rec.Key)
	if readErr != nil && x.stop.Err() != nil {
		return // it was the shutdown that ended it
	}
	next, e := plan.AfterReadBack(rec, x.r.evidence(rec, live, at), readErr, x.r.cfg.Evaluate, time.Now(), x.r.cfg.Random())
	if err := x.r.save(x.stop, plan.Transition(rec.Key, next, e)); err != nil {
		x.fail(err)
		return
	}
	x.r.cfg.Logger.InfoContext(x.stop, "read back a commit", "task", rec.Key.String(), "verdict", e.Note)
	if rec.Status == state.StatusUnknown && next != nil && next.Status == state.StatusApplied {
		x.applied++
		if next.Done() {
			x.release(rec.Key)
		}
	}
}

// skew returns how far the service's clock may be off this machine's.
func (r *Reconciler) skew() time.Duration {
	if r.cfg.Skew == nil {
		return 0
	}
	return r.cfg.Skew()
}

// evidence returns what is known of the record's attempt after a read.
func (r *Reconciler) evidence(rec *state.Record, live *state.Live, at time.Time) plan.Evidence {
	control := r.Control()
	return plan.Evidence{
		Live: live, At: at, Horizon: r.cfg.Horizon(), ClockSkew: r.skew(),
		Operator: plan.Operator(&control), Approvals: plan.ApprovalFlowOf(&control, rec.Key.ProjectID),
	}
}

// confirm makes durable what a read sent at tells of an accepted commit, if that is
// something new.
func (x *execution) confirm(rec *state.Record, live *state.Live, at time.Time, readErr error) {
	r, now := x.r, time.Now()
	next, note, seen := plan.AfterAccepted(rec, r.evidence(rec, live, at), readErr, now)
	if next == nil {
		return
	}
	e := plan.Event(state.EventReadBack, rec, now)
	e.After, e.Note = live, note
	t := plan.Transition(rec.Key, next, e)
	if seen {
		t.Control = plan.LearnOperator(r.Control(), rec, live)
	}
	if err := r.save(x.stop, t); err != nil {
		x.fail(err)
		return
	}
	r.cfg.Logger.InfoContext(x.stop, "accepted commit", "task", rec.Key.String(), "instanceVersion", rec.Applied.InstanceVersion, "status", note)
	if next.Done() {
		x.release(rec.Key)
	}
}

// readsBack reports whether reading back can settle an attempt: its outcome is not
// known.
func readsBack(s state.Status) bool { return s == state.StatusUnknown }
