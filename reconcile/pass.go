package reconcile

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/spec"
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
	return r.execute(ctx, new(Plan)).err
}

// carryOut makes the calls of the plan and reads back what is in doubt. If no guard
// holds the plan it also forgets the tasks whose specs are gone.
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
	if x.err != nil || result.Superseded || len(plan.Holds) > 0 {
		return x.err
	}
	return r.forget(ctx, result)
}

// forget takes the tasks out of the state whose specs are gone.
func (r *Reconciler) forget(ctx context.Context, result *Result) error {
	source := &result.Plan.Source
	for i := range result.Plan.Changes {
		c := &result.Plan.Changes[i]
		if c.Action != ActionForget {
			continue
		}
		e := state.Event{At: time.Now(), Kind: state.EventForgotten, Key: c.Key, Revision: source.Revision, Actor: source.Author}
		if err := r.save(ctx, change(c.Key, nil, e)); err != nil {
			return err
		}
		result.Forgotten++
	}
	return nil
}

// remember keeps, before the first call, which revision the plan is for, and whether
// it has passed the guards.
func (r *Reconciler) remember(ctx context.Context, plan *Plan) error {
	if len(plan.Holds) == 0 {
		return r.accept(ctx, plan)
	}
	source, control := &plan.Source, r.Control()
	if source.Revision == control.Revision || source.Revision == control.Pending {
		return nil
	}
	note := plan.Holds[0].Message
	r.cfg.Logger.WarnContext(ctx, "the plan of a new revision is held", "revision", source.Revision, "guard", plan.Holds[0].Guard, "why", note, "approve", "wedatasync approve "+plan.Hash)
	return r.saveControl(ctx, func(c *state.Control) { c.Pending = source.Revision }, state.Event{
		At: time.Now(), Kind: state.EventRevision, Revision: source.Revision, Actor: source.Author,
		PlanHash: plan.Hash, Note: state.Clip("not taken over: " + note),
	})
}

// accept remembers that the plan's revision has passed the guards, and what an
// approval is for.
func (r *Reconciler) accept(ctx context.Context, plan *Plan) error {
	control := r.Control()
	approval := approvalOf(&control, plan, time.Now())
	fill := approval != nil && len(approval.Calls) == 0 && plan.Count(ActionCommit) > 0
	if control.Revision == plan.Source.Revision && control.Pending == "" && !fill {
		return nil
	}
	return r.saveControl(ctx, func(c *state.Control) {
		c.Revision, c.Pending = plan.Source.Revision, ""
		for i := range c.Approvals {
			if fill && c.Approvals[i].PlanHash == approval.PlanHash {
				c.Approvals[i].Calls = wanted(plan.Calls())
			}
		}
	}, state.Event{
		At: time.Now(), Kind: state.EventRevision, Revision: plan.Source.Revision, Actor: plan.Source.Author,
		PlanHash: plan.Hash, Note: state.Clip(plan.Source.Subject),
	})
}

// wanted returns what an approval remembers of calls.
func wanted(calls iter.Seq[*Change]) []spec.Digest {
	var digests []spec.Digest
	for c := range calls {
		digests = append(digests, c.Want.Wanted())
	}
	return digests
}

// supersede drops what was refused or waits and that the specs no longer ask for.
func (r *Reconciler) supersede(ctx context.Context) error {
	for _, rec := range r.attempts(func(s state.Status) bool { return s == state.StatusWaiting || s == state.StatusRefused }) {
		want := r.revision.Specs.Get(rec.Key)
		if heldBackUntil(rec).After(time.Now()) {
			continue // its first request can still be accepted
		}
		if want == nil || r.policy().asks(want, rec.Applied) != "" {
			continue
		}
		now := time.Now()
		e := event(state.EventOutcome, rec, now)
		e.Revision, e.Note = r.revision.ID, "no longer asked for"
		if err := r.save(ctx, change(rec.Key, drop(rec), e)); err != nil {
			return err
		}
	}
	return nil
}

// tidy takes out what a pass has used up: what was approved and is done, and the
// caution after a restored state.
func (r *Reconciler) tidy(ctx context.Context, result *Result) error {
	if len(result.Plan.Holds) > 0 || result.Superseded {
		return nil
	}
	now, control := time.Now(), r.Control()
	next := leftOf(control.Approvals, result.Left, now)
	// With the caution there are no calls but approved ones.
	calm := result.Plan.Count(ActionCommit) > 0 && result.Left.Count(ActionCommit) == 0
	restored := control.Restored && !calm
	if restored == control.Restored && slices.EqualFunc(next, control.Approvals, sameCalls) {
		return nil
	}
	return r.saveControl(ctx, func(c *state.Control) { c.Approvals, c.Restored = next, restored },
		state.Event{
			At: now, Kind: state.EventRevision, Revision: result.Plan.Source.Revision, PlanHash: result.Plan.Hash,
			Note: "what was approved is done",
		})
}

// leftOf returns the approvals with what is left to do of them. One is over when
// that is nothing: the same calls another day need another word.
func leftOf(approvals []state.Approval, left *Plan, now time.Time) []state.Approval {
	needed := make(map[spec.Digest]bool)
	for i := range left.Changes {
		if c := &left.Changes[i]; c.Want != nil && c.Reason != "" {
			needed[c.Want.Wanted()] = true
		}
	}
	var next []state.Approval
	for _, a := range approvals {
		a.Calls = slices.DeleteFunc(slices.Clone(a.Calls), func(d spec.Digest) bool { return !needed[d] })
		if len(a.Calls) > 0 && now.Before(a.Expires) {
			next = append(next, a)
		}
	}
	return next
}

func sameCalls(a, b state.Approval) bool {
	return a.PlanHash == b.PlanHash && a.At.Equal(b.At) && len(a.Calls) == len(b.Calls)
}
