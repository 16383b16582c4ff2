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
	change *plan.Change
	next   *state.Record // the task's record from now on
	out    state.Outcome
	t      state.Transition // that makes it durable
}

// outbox makes outcomes durable, and keeps those that a full disk did not take: they are
// written before anything else is done, and until then their intents stand.
//
// It belongs to the goroutine of Run or Once, or to the execution that this one waits for,
// and has no lock.
type outbox struct {
	applied  *applied
	observer Observer // may be nil
	log      *slog.Logger
	unsaved  []outcome
}

// put makes an outcome durable, and then known.
func (b *outbox) put(ctx context.Context, o outcome) error {
	if err := b.applied.save(ctx, o.t); err != nil {
		if passes(err) {
			b.unsaved = append(b.unsaved, o)
		}
		return fmt.Errorf("keep the outcome (%s) of %s: %w", o.out.Class, o.change.Key, err)
	}
	logOutcome(ctx, b.log, &o)
	if b.observer != nil {
		b.observer.Called(o.change, o.next, o.out)
	}
	return nil
}

// flush writes the outcomes that a full disk did not take.
func (b *outbox) flush(ctx context.Context) error {
	unsaved := b.unsaved
	b.unsaved = nil
	for i, o := range unsaved {
		if err := b.put(ctx, o); err != nil {
			b.unsaved = append(b.unsaved, unsaved[i+1:]...)
			return err
		}
	}
	return nil
}

// logOutcome says in the log what became of a call.
func logOutcome(ctx context.Context, log *slog.Logger, o *outcome) {
	attrs := []slog.Attr{
		slog.String("commit_type", o.change.Want.CommitType.String()),
		slog.Int64("instance_version", o.change.Want.InstanceVersion),
		slog.String("outcome", string(o.out.Class)),
		slog.String("request_id", o.out.RequestID),
	}
	level := slog.LevelInfo
	if o.out.Class != state.ClassApplied {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("code", o.out.Code), slog.String("message", o.out.Message))
		if a := o.next.Attempt; a != nil && !a.NextAt.IsZero() {
			attrs = append(attrs, slog.Time("next_at", a.NextAt))
		}
	}
	if o.out.Class == state.ClassUnknown {
		level = slog.LevelError
	}
	taskLogger(log, o.change.Key, o.change.Name()).LogAttrs(ctx, level, "commit", attrs...)
}

// taskLogger names a task in each line: what people call it, if anything says, and its key.
func taskLogger(log *slog.Logger, key spec.Key, name string) *slog.Logger {
	if name != "" {
		log = log.With("name", name)
	}
	return log.With("task", key.String())
}
