package reconcile

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// pass brings the tasks to where the newest revision says they should be, as far
// as that can be done now. watch runs beside the calls, and may stop them; it
// returns when done is closed. It may be nil.
func (r *Reconciler) pass(ctx context.Context, watch func(stop context.CancelFunc, done <-chan struct{})) (*Result, error) {
	if _, err := r.Obey(ctx); err != nil {
		return nil, err
	}
	readBack, err := r.readBack(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.supersede(ctx); err != nil {
		return nil, err
	}
	plan, err := r.Plan(ctx)
	if err != nil {
		return nil, err
	}
	if r.cfg.Observer != nil {
		r.cfg.Observer.Planned(plan)
	}
	result := &Result{Plan: plan, Applied: readBack}
	if len(plan.Holds) == 0 {
		if err := r.carryOut(ctx, plan, result, watch); err != nil {
			return nil, err
		}
	}
	if result.Left, err = r.Plan(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	if err := r.tidy(ctx, result); err != nil {
		return nil, err
	}
	result.Pauses = r.Control().Pauses
	if r.cfg.Observer != nil {
		r.cfg.Observer.Passed(result)
	}
	return result, nil
}

// carryOut makes the calls of a plan that no guard holds, and forgets the tasks
// whose specs are gone.
func (r *Reconciler) carryOut(ctx context.Context, plan *Plan, result *Result, watch func(context.CancelFunc, <-chan struct{})) error {
	if err := r.accept(ctx, plan); err != nil {
		return err
	}
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	var applied int
	var err error
	go func() {
		defer close(done)
		applied, err = r.execute(stop, plan)
	}()
	if watch != nil {
		watch(cancel, done)
	}
	<-done
	result.Applied += applied
	result.Superseded = stop.Err() != nil
	if err != nil || result.Superseded {
		return err
	}
	for i := range plan.Changes {
		c := &plan.Changes[i]
		if c.Action != ActionForget {
			continue
		}
		e := state.Event{At: time.Now(), Kind: state.EventForgotten, Key: c.Key, Revision: plan.Source.Revision, Actor: plan.Source.Author}
		if err := r.save(ctx, change(c.Key, nil, e)); err != nil {
			return err
		}
		result.Forgotten++
	}
	return nil
}

// accept remembers, before the first call, that this revision has passed the
// guards, and what an approval was for.
func (r *Reconciler) accept(ctx context.Context, plan *Plan) error {
	control := r.Control()
	approval := approvalOf(&control, plan, time.Now())
	fill := approval != nil && len(approval.Calls) == 0 && plan.Count(ActionCommit) > 0
	if control.Revision == plan.Source.Revision && !fill {
		return nil
	}
	return r.saveControl(ctx, func(c *state.Control) {
		c.Revision = plan.Source.Revision
		for i := range c.Approvals {
			if fill && c.Approvals[i].PlanHash == approval.PlanHash {
				for call := range plan.Calls() {
					c.Approvals[i].Calls = append(c.Approvals[i].Calls, call.Want.Wanted())
				}
			}
		}
	}, state.Event{
		At: time.Now(), Kind: state.EventRevision, Revision: plan.Source.Revision, Actor: plan.Source.Author,
		PlanHash: plan.Hash, Note: clip(plan.Source.Subject),
	})
}

// supersede drops what was refused or waits and that the specs no longer ask for.
func (r *Reconciler) supersede(ctx context.Context) error {
	for key := range r.scoped() {
		rec, want := r.record(key), r.revision.Specs.Get(key)
		if rec == nil || want == nil || rec.Status != state.StatusWaiting && rec.Status != state.StatusRefused {
			continue
		}
		if reasonFor(want, rec.Applied) != "" {
			continue
		}
		now := time.Now()
		e := event(state.EventOutcome, rec, now)
		e.Revision, e.Note = r.revision.ID, "no longer asked for"
		if err := r.save(ctx, change(key, drop(rec), e)); err != nil {
			return err
		}
	}
	return nil
}

// scoped yields the tasks that the next plan looks at and the state knows.
func (r *Reconciler) scoped() func(yield func(spec.Key) bool) {
	return func(yield func(spec.Key) bool) {
		if r.unsettled == nil {
			for key := range r.known() {
				if !yield(key) {
					return
				}
			}
			return
		}
		for key := range r.unsettled {
			if !yield(key) {
				return
			}
		}
	}
}

// tidy takes out what a finished pass has used up: approvals of which nothing is
// left, and the caution after a restored state.
func (r *Reconciler) tidy(ctx context.Context, result *Result) error {
	now, control := time.Now(), r.Control()
	left := make(map[spec.Digest]bool)
	for i := range result.Left.Changes {
		if want := result.Left.Changes[i].Want; want != nil && result.Left.Changes[i].Reason != "" {
			left[want.Wanted()] = true
		}
	}
	over := func(a state.Approval) bool {
		return !now.Before(a.Expires) || len(result.Plan.Holds) == 0 && !slices.ContainsFunc(a.Calls, func(d spec.Digest) bool { return left[d] })
	}
	calm := control.Restored && len(result.Plan.Holds) == 0 && result.Left.Count(ActionCommit) == 0 && !result.Superseded
	if !slices.ContainsFunc(control.Approvals, over) && !calm {
		return nil
	}
	return r.saveControl(ctx, func(c *state.Control) {
		c.Approvals = slices.DeleteFunc(c.Approvals, over)
		c.Restored = c.Restored && !calm
	}, state.Event{At: now, Kind: state.EventRevision, Revision: result.Plan.Source.Revision, PlanHash: result.Plan.Hash, Note: "the approved plan is done"})
}

func (r *Reconciler) setFlying(key spec.Key, flying bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if flying {
		r.flying[key] = true
	} else {
		delete(r.flying, key)
	}
}

// logOutcome says in the log what became of a call.
func (r *Reconciler) logOutcome(ctx context.Context, c *Change, next *state.Record, out state.Outcome) {
	attrs := []slog.Attr{
		slog.String("task", c.Key.String()),
		slog.String("commitType", c.Want.CommitType.String()),
		slog.Int64("instanceVersion", c.Want.InstanceVersion),
		slog.String("outcome", string(out.Class)),
		slog.String("requestId", out.RequestID),
	}
	level := slog.LevelInfo
	if out.Class != state.ClassApplied {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("code", out.Code), slog.String("message", out.Message))
		if next.Attempt != nil && !next.Attempt.NextAt.IsZero() {
			attrs = append(attrs, slog.Time("nextAt", next.Attempt.NextAt))
		}
	}
	if out.Class == state.ClassUnknown {
		level = slog.LevelError
	}
	r.cfg.Logger.LogAttrs(ctx, level, "commit", attrs...)
}
