package reconcile

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// readAgain is how long a denied permission to read is believed.
const readAgain = 10 * time.Minute

// before reads what is live just before a commit. It returns nil, and no error,
// where reading is not permitted, or failed too often: the commit goes out all the
// same, and only what its answer leaves in doubt then needs a person.
func (r *Reconciler) before(ctx context.Context, c *Change, have *state.Record) (*state.Live, error) {
	live, err := r.read(ctx, c.Key, c.Want.TaskType)
	switch {
	case err == nil:
		return live, nil
	case errors.Is(err, ErrReadDenied):
		return nil, nil
	case errors.Is(err, ErrTaskGone):
		// The commit will say it again, with the API's own words.
		return nil, nil
	case have != nil && have.Status == state.StatusWaiting && have.Attempt.Outcome.Code == codeNotRead && have.Attempt.Tries >= blindAfter:
		return nil, nil
	default:
		return nil, err
	}
}

// read reads one task within the budget for reads.
func (r *Reconciler) read(ctx context.Context, key spec.Key, taskType spec.TaskType) (*state.Live, error) {
	if r.cfg.Reader == nil || r.isReadDenied() {
		return nil, ErrReadDenied
	}
	slot, err := r.cfg.Reads.Take(ctx)
	if err != nil {
		return nil, err
	}
	if err := slot.Wait(ctx); err != nil {
		return nil, err
	}
	live, err := r.cfg.Reader.Read(ctx, key, taskType)
	if errors.Is(err, ErrReadDenied) {
		r.mu.Lock()
		r.readDenied = time.Now()
		r.mu.Unlock()
		r.cfg.Logger.WarnContext(ctx, "reading tasks is not permitted: commits of unknown outcome will need a person")
	}
	return live, err
}

func (r *Reconciler) isReadDenied() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.readDenied.IsZero() && time.Since(r.readDenied) < readAgain
}

// readBack settles what can be settled of the attempts that are open and due.
func (r *Reconciler) readBack(ctx context.Context) (applied int, err error) {
	for _, key := range r.openTasks(time.Now()) {
		if ctx.Err() != nil {
			return applied, nil
		}
		happened, err := r.readBackOne(ctx, r.record(key))
		if err != nil {
			return applied, err
		}
		if happened {
			applied++
		}
	}
	return applied, nil
}

// openTasks returns the tasks to read back at now, in order.
func (r *Reconciler) openTasks(now time.Time) []spec.Key {
	var keys []spec.Key
	for key, rec := range r.known() {
		if readsBack(rec) && due(rec.Attempt, now) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, spec.Key.Compare)
	return keys
}

// due reports whether the attempt's next step is to be taken at now.
func due(a *state.Attempt, now time.Time) bool { return !a.NextAt.IsZero() && !a.NextAt.After(now) }

// readsBack reports whether reading back can settle the record: its outcome is not
// known, or it waits for an approval in WeData.
func readsBack(rec *state.Record) bool {
	return isOpen(rec.Status) || rec.Status == state.StatusApplied && rec.Attempt != nil
}

// readBackOne reads one task back and makes what that proves durable.
func (r *Reconciler) readBackOne(ctx context.Context, rec *state.Record) (happened bool, err error) {
	live, err := r.read(ctx, rec.Key, rec.Attempt.Wanted.TaskType)
	now := time.Now()
	next, e := r.judge(rec, live, err, now)
	e.After = live
	if err := r.save(ctx, change(rec.Key, next, e)); err != nil {
		return false, err
	}
	r.touch(rec.Key)
	r.cfg.Logger.InfoContext(ctx, "read back a commit", "task", rec.Key.String(), "verdict", e.Note)
	return next != nil && next.Status == state.StatusApplied && isOpen(rec.Status), nil
}

// judge returns the record after a read-back, and the event to go with it.
func (r *Reconciler) judge(rec *state.Record, live *state.Live, readErr error, now time.Time) (*state.Record, state.Event) {
	e := event(state.EventReadBack, rec, now)
	verdict, why := VerdictOpen, ""
	switch {
	case errors.Is(readErr, ErrReadDenied):
		verdict, why = VerdictPerson, "reading tasks is not permitted"
	case errors.Is(readErr, ErrTaskGone):
		verdict, why = VerdictPerson, "WeData says that there is no such task"
	case readErr != nil:
		why = clip("it could not be read: " + readErr.Error())
	case rec.Status == state.StatusApplied:
		return r.judgeApproval(rec, live, now, e)
	default:
		verdict, why = Judge(rec.Attempt, live, now, r.cfg.Horizon)
	}
	switch verdict {
	case VerdictHappened:
		e.Note = "it happened"
		return settle(rec, state.OriginReadBack, now, 0), e
	case VerdictNotHappened:
		e.Note = "it did not happen"
		return notApplied(rec), e
	case VerdictPerson:
		e.Note = "a person has to say: " + why
		next := later(rec, now, r.cfg.Horizon, r.cfg.Random())
		next.Attempt.NeedsPerson = why
		if rec.Attempt.Before == nil && readErr == nil {
			next.Attempt.NextAt = time.Time{} // no answer can ever tell
		}
		return next, e
	default:
		e.Note = cmp.Or(why, "it does not tell yet")
		return later(rec, now, r.cfg.Horizon, r.cfg.Random()), e
	}
}

// judgeApproval looks whether a commit that waits for an approval is live by now.
func (r *Reconciler) judgeApproval(rec *state.Record, live *state.Live, now time.Time, e state.Event) (*state.Record, state.Event) {
	if !reached(&rec.Attempt.Wanted, live) {
		e.Note = "still waits for its approval"
		return later(rec, now, r.cfg.Horizon, r.cfg.Random()), e
	}
	next, applied := *rec, *rec.Applied
	applied.TaskApproveID = ""
	next.Applied, next.Attempt = &applied, nil
	e.Note = "approved in WeData: it is live"
	return &next, e
}

// later returns the record to be read back again after a back-off, and not later
// than when the accept horizon decides.
func later(rec *state.Record, now time.Time, horizon time.Duration, random float64) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Attempt = &a
	a.Tries++
	a.NextAt = now.Add(BackoffFor(state.ClassUnknown).After(a.Tries, random))
	if decides := a.At.Add(horizon); now.Before(decides) && a.NextAt.After(decides) {
		a.NextAt = decides
	}
	return &next
}
