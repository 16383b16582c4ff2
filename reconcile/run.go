package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

const (
	// wordsEvery is how often the daemon looks whether someone has asked for
	// something.
	wordsEvery = 500 * time.Millisecond
	// onceWithin is how long a single pass waits for what is soon to be known.
	onceWithin = 5 * time.Second
	// pollAtMost bounds the back-off of a source that cannot be reached.
	pollAtMost = 5 * time.Minute
)

// Once polls the source and makes one pass. It waits a few seconds for what is to
// be known soon, such as a commit whose answer was lost.
func (r *Reconciler) Once(ctx context.Context) (*Result, error) {
	if err := r.Recover(ctx); err != nil {
		return nil, err
	}
	if _, err := r.Poll(ctx); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(onceWithin)
	total, err := r.pass(ctx, nil)
	for err == nil && !total.Superseded {
		at := r.nextDue()
		if at.IsZero() || at.After(deadline) || sleepUntil(ctx, at) != nil {
			break
		}
		var more *Result
		if more, err = r.pass(ctx, nil); err == nil {
			more.Plan = total.Plan
			more.Applied += total.Applied
			more.Forgotten += total.Forgotten
			total = more
		}
	}
	return total, err
}

// Run makes passes until ctx is done: one at each interval, when poke says so, and
// when something that waits is due. It returns early only if the state cannot be
// written any more.
func (r *Reconciler) Run(ctx context.Context, poke <-chan struct{}) error {
	if err := r.Recover(ctx); err != nil {
		return err
	}
	loop := &loop{r: r, ctx: ctx, poke: poke}
	for ctx.Err() == nil {
		loop.poll()
		wait, err := loop.pass()
		if err != nil {
			return err
		}
		loop.wait(wait)
	}
	return nil
}

// loop is the state of Run between two steps.
type loop struct {
	r     *Reconciler
	ctx   context.Context
	poke  <-chan struct{}
	next  time.Time // of the next poll
	tries int       // polls that failed in a row
}

// poll polls the source if that is due. A poll that fails is no information: the
// revision before stays, and what waits goes on.
func (l *loop) poll() (changed bool) {
	if time.Now().Before(l.next) {
		return false
	}
	changed, err := l.r.Poll(l.ctx)
	if err != nil && l.ctx.Err() == nil {
		l.tries++
		wait := Backoff{Min: l.r.cfg.Interval, Max: max(pollAtMost, l.r.cfg.Interval)}.After(l.tries, l.r.cfg.Random())
		l.next = time.Now().Add(wait)
		l.r.noteSource(err)
		l.r.cfg.Logger.ErrorContext(l.ctx, "poll", "error", err, "tries", l.tries, "nextAt", l.next)
		return false
	}
	l.tries, l.next = 0, time.Now().Add(l.r.cfg.Interval)
	l.r.noteSource(nil)
	return changed
}

// pass makes one pass, and reports how long the next can wait at most.
func (l *loop) pass() (wait time.Duration, err error) {
	if l.r.revision == nil {
		return l.r.cfg.Interval, nil
	}
	result, err := l.r.pass(l.ctx, l.watch)
	l.r.noteState(err)
	switch {
	case err == nil && result.Superseded:
		return 0, nil
	case err == nil && result.Left.Count(ActionCommit) > 0:
		// Its back-off ended while others were sent.
		return min(time.Second, l.r.cfg.Interval), nil
	case err == nil:
		return l.r.cfg.Interval, nil
	case errors.Is(err, state.ErrFull):
		// Nothing was sent without an intent. There may be space again later.
		l.r.cfg.Logger.ErrorContext(l.ctx, "pass", "error", err)
		return l.r.cfg.Interval, nil
	case l.ctx.Err() != nil:
		return 0, nil
	default:
		return 0, err
	}
}

// watch looks for what makes the calls under way obsolete: a newer revision, or a
// person's word. They get their answers; no others start.
func (l *loop) watch(stop context.CancelFunc, done <-chan struct{}) {
	words := time.NewTicker(wordsEvery)
	defer words.Stop()
	for {
		poll := time.NewTimer(time.Until(l.next))
		select {
		case <-done:
			poll.Stop()
			return
		case <-l.poke:
			l.next = time.Time{}
		case <-poll.C:
		case <-words.C:
			poll.Stop()
			if l.pending() {
				stop()
			}
			continue
		}
		poll.Stop()
		if l.poll() {
			stop()
		}
	}
}

func (l *loop) pending() bool {
	pending, err := l.r.cfg.Ledger.WordsPending(l.ctx)
	return err == nil && pending
}

// wait returns when there is something to do, and after atMost in any case.
func (l *loop) wait(atMost time.Duration) {
	if atMost <= 0 {
		return
	}
	words := time.NewTicker(wordsEvery)
	defer words.Stop()
	at := time.Now().Add(atMost)
	if l.next.Before(at) {
		at = l.next
	}
	if due := l.r.nextDue(); !due.IsZero() && due.Before(at) {
		at = due
	}
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-l.poke:
			l.next = time.Time{}
			return
		case <-timer.C:
			return
		case <-words.C:
			if l.pending() {
				return
			}
		}
	}
}

// nextDue returns when something that waits is to be tried again, or the zero
// time. What is due already was looked at by the last pass, and is held by more
// than its back-off.
func (r *Reconciler) nextDue() time.Time {
	now := time.Now()
	var next time.Time
	consider := func(at time.Time) {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for key := range r.scoped() {
		if rec := r.record(key); rec != nil && rec.Attempt != nil {
			consider(rec.Attempt.NextAt)
		}
	}
	for _, p := range r.Control().Pauses {
		consider(p.Until)
	}
	return next
}
