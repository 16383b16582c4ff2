package reconcile

import (
	"context"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// pass brings the tasks to where the newest revision says they should be, as far
// as that can be done now. watch runs beside the calls, and may stop them; it
// returns when done is closed. It may be nil.
func (r *Reconciler) pass(ctx context.Context, watch watcher) (*Result, error) {
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	if err := r.catchUp(ctx); err != nil {
		return nil, err
	}
	if err := r.supersede(ctx); err != nil {
		return nil, err
	}
	if err := r.takeOver(ctx); err != nil {
		return nil, err
	}
	plan, err := r.Plan(ctx)
	if err != nil {
		return nil, err
	}
	r.logUnread(ctx, plan.Problems)
	if r.cfg.Observer != nil {
		r.cfg.Observer.Planned(plan)
	}
	result := &Result{Plan: plan}
	if err := r.carryOut(ctx, result, watch); err != nil {
		return nil, err
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

// watcher runs beside the calls of a pass until done is closed. stop ends the pass:
// what is under way gets its answer, and nothing new starts.
type watcher func(stop context.CancelFunc, done <-chan struct{})

// prepare writes what is owed to the state, carries out what people asked for,
// judges what was seen, and lets go on what new credentials may be the end of.
func (r *Reconciler) prepare(ctx context.Context) error {
	if err := r.payDebts(ctx); err != nil {
		return err
	}
	if _, err := r.Obey(ctx); err != nil {
		return err
	}
	if err := r.judgeLook(ctx); err != nil {
		return err
	}
	return r.resume(ctx)
}

// blindPass does what can be done without any specs, as long as the source cannot
// be reached: people are listened to, and what is in doubt is read back.
func (r *Reconciler) blindPass(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	return r.execute(ctx, new(plan.Plan)).err
}

// carryOut makes the calls of the plan and reads back what is in doubt. If no guard
// holds the plan, what is managed changes after that.
func (r *Reconciler) carryOut(ctx context.Context, result *Result, watch watcher) error {
	plan := result.Plan
	if err := r.remember(ctx, plan); err != nil {
		return err
	}
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	var x *execution
	go func() {
		defer close(done)
		x = r.execute(stop, plan)
	}()
	if watch != nil {
		watch(cancel, done)
	}
	<-done
	result.Applied, result.Superseded = x.applied, x.superseded || stop.Err() != nil
	result.spent = x.spent
	if x.err != nil || result.Superseded || len(plan.Holds) > 0 {
		return x.err
	}
	return r.manage(ctx, result)
}

// remember keeps, before the first call, which revision the plan is for, and whether
// it has passed the guards.
func (r *Reconciler) remember(ctx context.Context, plan *plan.Plan) error {
	if len(plan.Holds) == 0 {
		return r.accept(ctx, plan)
	}
	source, control := &plan.Source, r.Control()
	if source.Revision == control.Revision || source.Revision == control.Pending {
		return nil
	}
	note := plan.Holds[0].Message
	r.cfg.Logger.WarnContext(ctx, "the plan of a new revision is held", "revision", source.Revision, "guard", plan.Holds[0].Guard, "why", note, "approve", "wedatasync approve "+plan.Hash)
	return r.saveControl(ctx, func(c *state.Control) {
		c.Pending = source.Revision
		r.mark(c)
	}, state.Event{
		At: time.Now(), Kind: state.EventRevision, Revision: source.Revision, Actor: source.Author,
		PlanHash: plan.Hash, Note: state.Clip("not taken over: " + note),
	})
}

// accept remembers that the plan's revision has passed the guards.
func (r *Reconciler) accept(ctx context.Context, plan *plan.Plan) error {
	control := r.Control()
	if control.Revision == plan.Source.Revision && control.Pending == "" && r.verified() {
		return nil
	}
	return r.saveControl(ctx, func(c *state.Control) {
		c.Revision, c.Pending = plan.Source.Revision, ""
		r.mark(c)
	}, state.Event{
		At: time.Now(), Kind: state.EventRevision, Revision: plan.Source.Revision, Actor: plan.Source.Author,
		PlanHash: plan.Hash, Note: state.Clip(plan.Source.Subject),
	})
}

// supersede drops what was refused or waits and that the specs no longer ask for.
func (r *Reconciler) supersede(ctx context.Context) error {
	for _, rec := range r.attempts(func(s state.Status) bool { return s == state.StatusWaiting || s == state.StatusRefused }) {
		now := time.Now()
		if !plan.Obsolete(rec, r.revision.Specs.Get(rec.Key), r.policy(), now) {
			continue
		}
		e := plan.Event(state.EventOutcome, rec, now)
		e.Revision, e.Note = r.revision.ID, "no longer asked for"
		if err := r.save(ctx, plan.Transition(rec.Key, plan.Drop(rec), e)); err != nil {
			return err
		}
	}
	return nil
}

// tidy takes out what a pass has used up: what was approved and is done, and the
// caution after a restored state.
func (r *Reconciler) tidy(ctx context.Context, result *Result) error {
	control := r.Control()
	used := plan.UsedUp(&control, result.Plan, result.Left, result.spent, result.Superseded, time.Now())
	if used == nil {
		return nil
	}
	return r.saveControl(ctx, func(c *state.Control) { c.Approvals, c.Restored = used.Approvals, used.Restored }, used.Events...)
}
