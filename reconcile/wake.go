package reconcile

import (
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// turnAt returns when time itself makes another plan than the newest one: the turn
// that it was made with.
func (r *Reconciler) turnAt() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.turn
}

// unsettledRecords yields the records of the tasks that may not be as their spec says.
func (r *Reconciler) unsettledRecords(yield func(*state.Record) bool) {
	for key := range r.unsettled {
		if rec := r.record(key); rec != nil && !yield(rec) {
			return
		}
	}
}
