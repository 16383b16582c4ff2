package reconcile

import (
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Health is how something that can fail has gone lately.
type Health struct {
	OK  time.Time // the last success; zero if there was none
	At  time.Time // the last attempt
	Err error     // of the last attempt
}

func (h *Health) note(err error, now time.Time) {
	h.At, h.Err = now, err
	if err == nil {
		h.OK = now
	}
}

// Status is how the daemon stands. It is a copy: it does not change.
type Status struct {
	Plan    *plan.Plan // the newest; nil before the first
	Control state.Control
	Flying  []spec.Key // sent, or about to be, and not answered yet; in order
	Source  Health
	Ledger  Health
	Look    *state.DriftScan // the last at what is live; nil before the first
}

// Status returns how the daemon stands. Any goroutine may call it.
func (r *Reconciler) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Status{
		Plan: r.plan, Control: r.control, Source: r.source, Ledger: r.ledger, Look: r.newest,
		Flying: slices.SortedFunc(maps.Keys(r.flying), spec.Key.Compare),
	}
}

func (r *Reconciler) noteSource(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source.note(err, time.Now())
}

func (r *Reconciler) noteState(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ledger.note(err, time.Now())
}
