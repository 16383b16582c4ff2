package reconcile

import (
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// nextTurn returns when time itself makes another plan than the newest one: the turn
// that it was made with.
func (r *Reconciler) nextTurn() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.turn
}

// turnAfter returns when time itself next makes another plan: a window begins or ends, a
// suspension or an approval ends. It is zero if there is no such time, and is by the
// clock on the wall: a timer that waits for it can be late.
func (r *Reconciler) turnAfter(now time.Time, control *state.Control) time.Time {
	next := r.guards.nextWindow(now)
	after := func(at time.Time) {
		if at.After(now) {
			next = sooner(next, at)
		}
	}
	for i := range control.Approvals {
		after(control.Approvals[i].Expires)
	}
	if s := control.Suspended; s != nil {
		after(s.Until)
	}
	for key := range r.unsettled { // where those are that a suspension keeps from something
		if rec := r.record(key); rec != nil && rec.Suspended != nil {
			after(rec.Suspended.Until)
		}
	}
	return next.Round(0)
}
