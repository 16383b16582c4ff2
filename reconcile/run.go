package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	problem "github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

const (
	// commandsEvery is how often a pass looks for commands between its calls.
	commandsEvery = 500 * time.Millisecond
	// clockEvery is how often the clock on the wall is looked at during a pass.
	clockEvery = 500 * time.Millisecond
	// onceWithin is how long a single pass waits for what is soon to be known.
	onceWithin = 5 * time.Second
	// pollAtMost bounds the back-off of a source that cannot be reached.
	pollAtMost = 5 * time.Minute
	// askedAtMost bounds the time that a server asks to be left alone for: what limits
	// requests often does so by the hour.
	askedAtMost = time.Hour
	// breath is the least time between two passes of which the first has left calls.
	breath = time.Second
)

// Once polls the source and makes one pass. It waits a few seconds for what is to
// be known soon, such as a commit whose answer was lost. That the newest revision is
// not verified, and another stands, is in the plans.
func (r *Reconciler) Once(ctx context.Context) (*Result, error) {
	if err := r.Recover(ctx); err != nil {
		return nil, err
	}
	if _, err := r.Poll(ctx); err != nil && (r.desired.revision == nil || !errors.Is(err, ErrUnverified)) {
		return nil, err
	}
	total, err := newPass(r).run(ctx, nil)
	deadline := time.Now().Add(onceWithin)
	for err == nil && awaits(ctx, r, total, deadline) {
		var more *Result
		if more, err = newPass(r).run(ctx, nil); err == nil {
			more.Plan = total.Plan
			more.Applied += total.Applied
			more.Forgotten += total.Forgotten
			more.Returned += total.Returned
			total = more
		}
	}
	return total, err
}

// awaits waits until there is more to do, and reports whether that is before the
// deadline.
func awaits(ctx context.Context, r *Reconciler, result *Result, deadline time.Time) bool {
	at := time.Now()
	if !result.again() {
		if at = nextDue(r); at.IsZero() {
			return false
		}
	}
	return ctx.Err() == nil && at.Before(deadline) && pace.SleepUntil(ctx, at) == nil
}

// Run makes passes until ctx is done: one at each interval, when poke says so, and
// when something that waits is due. It returns early only if the state cannot be
// written any more.
func (r *Reconciler) Run(ctx context.Context, poke <-chan struct{}) error {
	if err := r.Recover(ctx); err != nil {
		return err
	}
	loop := &loop{r: r, ctx: ctx, poke: poke}
	for first := true; ctx.Err() == nil; first = false {
		r.health.rest()
		loop.poll()
		r.health.beat()
		if first {
			close(r.health.polled)
		}
		wake, err := loop.pass()
		if err != nil {
			return err
		}
		loop.wait(wake)
	}
	return r.outbox.flush(ctx)
}

// loop is the state of Run between two steps.
type loop struct {
	r     *Reconciler
	ctx   context.Context
	poke  <-chan struct{}
	next  time.Time // of the next poll
	tries int       // polls that failed in a row
	told  string    // what was last said of a newest revision that does not count
	// failed is what was last said of a pass that failed; empty if the last one did not.
	failed string
}

// poll polls the source if that is due. A poll that fails is no information: the
// revision before stays, and what waits goes on.
func (l *loop) poll() (changed bool) {
	select {
	case _, open := <-l.poke:
		l.poked(open) // this poll is the one it asks for
	default:
	}
	if l.ctx.Err() != nil || time.Now().Before(l.next) {
		return false
	}
	l.r.health.pollBegins()
	changed, err := l.r.Poll(l.ctx)
	l.r.health.pollEnds()
	switch {
	case err == nil:
		if l.tries > 0 {
			l.r.cfg.Logger.InfoContext(l.ctx, "the source can be read again", "failures", l.tries)
		}
		l.tries, l.told, l.next = 0, "", time.Now().Add(l.r.cfg.Interval())
		l.r.health.noteSource(nil)
	case l.ctx.Err() == nil && errors.Is(err, ErrUnverified): // the server has answered
		l.tries, l.next = 0, time.Now().Add(l.r.cfg.Interval())
		l.r.health.noteSource(err)
		if l.told != err.Error() {
			l.told = err.Error()
			l.r.cfg.Logger.ErrorContext(l.ctx, "the newest revision does not count", "error", err)
		}
	case l.ctx.Err() == nil:
		l.tries++
		least := l.r.cfg.Interval()
		wait := plan.Backoff{Min: least, Max: max(pollAtMost, least)}.After(l.tries, l.r.cfg.Random())
		if e, ok := errors.AsType[*problem.Error](err); ok && e.RetryAfter > 0 {
			wait = min(max(e.RetryAfter, least), askedAtMost)
		}
		l.next = time.Now().Add(wait)
		l.r.health.noteSource(err)
		level := slog.LevelError
		if l.tries > 1 {
			level = slog.LevelDebug // it was said when it began
		}
		l.r.cfg.Logger.Log(l.ctx, level, "poll", "error", err, "tries", l.tries, "next_at", l.next)
	}
	return changed
}

// pass makes one pass, and returns when the next is to be made at the latest.
func (l *loop) pass() (wake time.Time, err error) {
	var result *Result
	if l.r.desired.revision == nil {
		err = newPass(l.r).withoutSpecs(l.ctx)
	} else {
		result, err = newPass(l.r).run(l.ctx, l.watch)
	}
	now := time.Now()
	idle := now.Add(l.r.cfg.Interval())
	if l.r.desired.repoll {
		l.r.desired.repoll, l.next = false, time.Time{}
		idle = now
	}
	if err != nil {
		if turn := l.r.desired.turn(); turn.After(now) {
			idle = plan.Sooner(idle, turn)
		}
		return idle, l.tolerate(err)
	}
	l.r.health.noteStore(nil)
	l.failed = ""
	switch {
	case result != nil && (result.Superseded || l.outdated()):
		return now, nil
	case result != nil && result.again():
		return now.Add(min(breath, l.r.cfg.Interval())), nil
	}
	if due := nextDue(l.r); !due.IsZero() && due.Before(idle) {
		return due, nil
	}
	return idle, nil
}

// outdated reports whether what the last pass was made with is no longer so.
func (l *loop) outdated() bool {
	return l.r.health.renewed.Load() || !l.r.cfg.Guards().Same(l.r.desired.guards)
}

// tolerate returns the error if it ends the daemon, and else says it.
func (l *loop) tolerate(err error) error {
	_, ofSource := errors.AsType[*sourceError](err)
	switch {
	case l.r.applied.broken.Load():
		l.r.health.noteStore(err)
		return err
	case l.ctx.Err() != nil:
		return nil // the shutdown cut it short
	case ofSource:
		l.r.health.noteSource(err)
	case passes(err):
		l.r.health.noteStore(err)
	default:
		l.r.health.noteStore(err)
		return err
	}
	if l.failed != err.Error() { // else it was said when it began
		l.failed = err.Error()
		l.r.cfg.Logger.ErrorContext(l.ctx, "pass", "error", err)
	}
	return nil
}

// watch looks for what makes the calls under way obsolete: a newer revision, or a hold
// that begins or ends. What people ask for is looked at before each call.
func (l *loop) watch(stop context.CancelFunc, done <-chan struct{}) {
	turn := l.r.desired.turn()
	clock := time.NewTicker(clockEvery)
	defer clock.Stop()
	for {
		select {
		case <-done:
			return
		case <-l.ctx.Done():
			<-done
			return
		case _, open := <-l.poke:
			l.poked(open)
		case <-time.After(time.Until(l.next)):
		case <-clock.C:
			if !turn.IsZero() && !time.Now().Before(turn) {
				stop()
				turn = time.Time{}
			}
			continue
		}
		if l.poll() {
			stop()
		}
	}
}

// poked makes the next poll due. A channel that was closed says nothing any more.
func (l *loop) poked(open bool) {
	l.next = time.Time{}
	if !open {
		l.poke = nil
	}
}

// wait returns when there is something to do, and at wake in any case.
func (l *loop) wait(wake time.Time) {
	if l.next.Before(wake) {
		wake = l.next
	}
	l.r.health.sleep(wake)
	due, look := time.After(time.Until(wake)), time.After(commandsEvery) // for what came during the pass
	for {
		select {
		case <-l.ctx.Done():
			return
		case _, open := <-l.poke:
			l.poked(open)
			return
		case <-l.r.watcher.Ready():
			return
		case <-due:
			return
		case <-look:
			if look = nil; !nextDue(l.r).IsZero() {
				look = time.After(time.Second) // the clock on the wall can be set, and goes on while the machine sleeps
			}
		case <-l.r.cfg.Store.CommandsArrive():
		}
		if pending, err := l.r.cfg.Store.HasPendingCommands(l.ctx); err == nil && pending || !time.Now().Before(wake) {
			return
		}
	}
}

// nextDue returns when something that waits is to be tried or read again, or when time
// itself makes another plan; or the zero time.
func nextDue(r *Reconciler) time.Time {
	now := time.Now()
	return plan.Sooner(r.desired.turn(), plan.Sooner(r.cfg.Approvals.Due(r.applied.awaitingApproval(), now), r.applied.nextDue(now)))
}
