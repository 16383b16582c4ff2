package app

import (
	"context"
	"runtime/debug"

	"github.com/wedatasync/wedatasync/reconcile"
)

// early is a source whose first poll runs while the state is read. Whoever polls first
// gets its result.
type early struct {
	reconcile.Source
	done     chan struct{} // closed when the first poll has ended
	revision *reconcile.Revision
	err      error
	taken    bool // somebody has the result

	frugal bool   // memory is held: see steadyGC
	last   string // the revision of the last poll
}

var _ reconcile.Truster = (*early)(nil)

// pollEarly begins to poll the source. stop ends that poll, and waits for its end.
func pollEarly(ctx context.Context, src reconcile.Source) (_ *early, stop func()) {
	e := &early{Source: src, done: make(chan struct{})}
	return e, background(ctx, func(ctx context.Context) {
		defer close(e.done)
		e.revision, e.err = src.Poll(ctx)
	})
}

// Poll implements [reconcile.Source].
func (e *early) Poll(ctx context.Context) (*reconcile.Revision, error) {
	if e.frugal {
		debug.SetGCPercent(pollGC)
	}
	rev, err := e.poll(ctx)
	before := e.last
	if e.last = ""; rev != nil {
		e.last = rev.ID
	}
	if e.frugal && e.last == before {
		debug.SetGCPercent(steadyGC)
	}
	return rev, err
}

func (e *early) poll(ctx context.Context) (*reconcile.Revision, error) {
	if e.taken {
		return e.Source.Poll(ctx)
	}
	rev, err := e.first(ctx)
	e.taken = ctx.Err() == nil
	return rev, err
}

// first waits for the result of the first poll, which Poll returns once more.
func (e *early) first(ctx context.Context) (*reconcile.Revision, error) {
	select {
	case <-e.done:
		return e.revision, e.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Trust implements [reconcile.Truster]. The first poll has begun with what the state says.
func (e *early) Trust(commits []string) {
	if t, ok := e.Source.(reconcile.Truster); ok && e.taken {
		t.Trust(commits)
	}
}
