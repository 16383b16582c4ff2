package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// engine is the reconciler. There is none until the state is open, which can take as long
// as the first reading of the source; the server asks for its status before.
type engine struct {
	atomic.Pointer[reconcile.Reconciler]
}

// status returns the condition of the reconciler.
func (e *engine) status() reconcile.Status {
	if r := e.Load(); r != nil {
		return r.Status()
	}
	return reconcile.Status{}
}

// alive reports whether the loop goes on at now. Before there is one, the first reading
// of the source has bounds of its own.
func (e *engine) alive(now time.Time) bool {
	r := e.Load()
	return r == nil || r.Alive(now)
}

// trigger asks for a poll of the source.
type trigger chan struct{}

func newTrigger() trigger { return make(trigger, 1) }

// fire does not block: one poll that is asked for already is enough.
func (t trigger) fire() {
	select {
	case t <- struct{}{}:
	default:
	}
}

// onChange fires when the source notices a change by itself, until ctx is done.
func (t trigger) onChange(ctx context.Context, source reconcile.Source) {
	watching, ok := source.(interface{ Changed() <-chan struct{} })
	if !ok {
		return
	}
	for {
		select {
		case <-watching.Changed():
			t.fire()
		case <-ctx.Done():
			return
		}
	}
}

// observers passes on to several observers what happens.
type observers []reconcile.Observer

var (
	_ reconcile.Observer = observers(nil)
	_ drift.Observer     = observers(nil)
)

// Planned implements [reconcile.Observer].
func (all observers) Planned(p *plan.Plan) {
	for _, o := range all {
		o.Planned(p)
	}
}

// Called implements [reconcile.Observer].
func (all observers) Called(c *plan.Change, next *state.Record, out state.Outcome) {
	for _, o := range all {
		o.Called(c, next, out)
	}
}

// Scanned implements [drift.Observer].
func (all observers) Scanned(scan *state.DriftScan, began, ended []state.Drift) {
	for _, o := range all {
		if o, ok := o.(drift.Observer); ok {
			o.Scanned(scan, began, ended)
		}
	}
}

// Passed implements [reconcile.Observer].
func (all observers) Passed(r *reconcile.Result) {
	for _, o := range all {
		o.Passed(r)
	}
}
