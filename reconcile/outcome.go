package reconcile

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// outcome is what became of one call.
type outcome struct {
	c    *plan.Change
	next *state.Record // how the task stands
	out  state.Outcome
	t    state.Transition // that makes it durable
}

// conclude makes an outcome durable, and then known. If the disk is full it is kept,
// to be written before anything else is done; until then the intent stands.
func (r *Reconciler) conclude(ctx context.Context, o outcome) error {
	if err := r.save(ctx, o.t); err != nil {
		if passes(err) {
			r.owed = append(r.owed, o)
		}
		return fmt.Errorf("keep the outcome (%s) of %s: %w", o.out.Class, o.c.Key, err)
	}
	r.logOutcome(ctx, o)
	if r.cfg.Observer != nil {
		r.cfg.Observer.Called(o.c, o.next, o.out)
	}
	return nil
}

// payDebts writes the outcomes that a full disk did not take.
func (r *Reconciler) payDebts(ctx context.Context) error {
	owed := r.owed
	r.owed = nil
	for i, o := range owed {
		if err := r.conclude(ctx, o); err != nil {
			r.owed = append(r.owed, owed[i+1:]...)
			return err
		}
	}
	return nil
}

// logOutcome says in the log what became of a call.
func (r *Reconciler) logOutcome(ctx context.Context, o outcome) {
	attrs := []slog.Attr{
		slog.String("task", o.c.Key.String()),
		slog.String("commitType", o.c.Want.CommitType.String()),
		slog.Int64("instanceVersion", o.c.Want.InstanceVersion),
		slog.String("outcome", string(o.out.Class)),
		slog.String("requestId", o.out.RequestID),
	}
	level := slog.LevelInfo
	if o.out.Class != state.ClassApplied {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("code", o.out.Code), slog.String("message", o.out.Message))
		if a := o.next.Attempt; a != nil && !a.NextAt.IsZero() {
			attrs = append(attrs, slog.Time("nextAt", a.NextAt))
		}
	}
	if o.out.Class == state.ClassUnknown {
		level = slog.LevelError
	}
	r.cfg.Logger.LogAttrs(ctx, level, "commit", attrs...)
}

// setFlying notes whether a request of the task is under way.
func (r *Reconciler) setFlying(key spec.Key, flying bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if flying {
		r.flying[key] = true
	} else {
		delete(r.flying, key)
	}
}
