package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/progress"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Result is what one pass came to.
type Result struct {
	Plan *plan.Plan // what was to be done
	Left *plan.Plan // what is still not in sync, made after the last call

	Applied    int  // calls that were applied, by their answer or by reading back
	Forgotten  int  // tasks that are no longer managed: their specs are gone
	Returned   int  // tasks that are managed again: their specs are back
	Superseded bool // the pass was cut short by a newer revision, an operator's command or a shutdown
	Pauses     []state.Pause
	Scan       *state.DriftScan // the last one; nil before the first

	spent []spec.Digest // effects that were let through, and not to be again by the same approval
}

// Holds counts what is left on hold for the reason.
func (r *Result) Holds(reason plan.HoldReason) int { return r.Left.Held(reason) }

// again reports whether there is something to do right after the pass.
func (r *Result) again() bool { return r.Superseded || r.Left.Count(plan.ActionCommit) > 0 }

// pass compares what is desired with what is applied once, and does what follows of that.
type pass struct{ *Reconciler }

func newPass(r *Reconciler) *pass { return &pass{r} }

// watcher runs beside the calls of a pass until done is closed. stop ends the pass:
// what is under way gets its answer, and nothing new starts.
type watcher func(stop context.CancelFunc, done <-chan struct{})

// run brings the tasks to where the newest revision says they should be, as far as that
// can be done now. watch runs beside the calls, and may stop them; it returns when done is
// closed. It may be nil.
func (p *pass) run(ctx context.Context, watch watcher) (*Result, error) {
	for _, step := range []func(context.Context) error{p.prepare, p.releaseAdopted, p.dropObsolete, p.takeOver} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	wanted, err := p.Plan(ctx)
	if err != nil {
		return nil, err
	}
	p.desired.logUnread(ctx, p.cfg.Logger, wanted.Problems)
	if p.cfg.Observer != nil {
		p.cfg.Observer.Planned(wanted)
	}
	result := &Result{Plan: wanted}
	if err := p.carryOut(ctx, result, watch); err != nil {
		return nil, err
	}
	if result.Left, err = p.Plan(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	if err := p.useUp(ctx, result); err != nil {
		return nil, err
	}
	if err := p.judgeRelease(ctx, result.Left); err != nil {
		return nil, err
	}
	result.Pauses, result.Scan = p.applied.Control().Pauses, p.applied.lastScan()
	if p.cfg.Observer != nil {
		p.cfg.Observer.Passed(result)
	}
	return result, nil
}

// withoutSpecs does what can be done without any specs, as long as the source cannot
// be reached: operators are listened to, and what is in doubt is read back.
func (p *pass) withoutSpecs(ctx context.Context) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	return execute(ctx, p.Reconciler, new(plan.Plan)).err
}

// prepare writes the outcomes that a full disk did not take, carries out what operators
// asked for, decides about what was scanned, and ends what new credentials may be the end
// of.
func (p *pass) prepare(ctx context.Context) error {
	if err := p.outbox.flush(ctx); err != nil {
		return err
	}
	if _, err := p.Obey(ctx); err != nil {
		return err
	}
	if err := judgeScan(ctx, p.Reconciler); err != nil {
		return err
	}
	return p.resume(ctx)
}

// resume ends what other credentials can be the end of.
func (p *pass) resume(ctx context.Context) error {
	if !p.health.renewed.Swap(false) {
		return nil
	}
	p.health.denyReads(time.Time{})
	p.cfg.Approvals.Renew()
	if len(p.applied.Control().Pauses) == 0 {
		return nil
	}
	err := p.applied.saveControl(ctx, func(c *state.Control) { c.Pauses = nil },
		state.Event{At: time.Now(), Kind: state.EventPause, Note: "sending resumed: there are new credentials"})
	if err != nil {
		p.health.renewed.Store(true)
	}
	return err
}

// releaseAdopted lets go of what was adopted where the spec has asked for something else
// since.
func (p *pass) releaseAdopted(ctx context.Context) error {
	rev := p.desired.revision
	for _, rec := range p.applied.remembered() {
		t, ok := drift.CaughtUp(rec, rev.Specs.Get(rec.Key), rev.ID, rev.Author, time.Now())
		if !ok {
			continue
		}
		if err := p.applied.save(ctx, t); err != nil {
			return err
		}
		p.desired.touch(rec.Key)
	}
	return nil
}

// dropObsolete drops what was refused or waits and that the specs no longer ask for.
func (p *pass) dropObsolete(ctx context.Context) error {
	rev := p.desired.revision
	for _, rec := range p.applied.attempts(func(s state.Status) bool { return s == state.StatusWaiting || s == state.StatusRefused }) {
		now := time.Now()
		if !plan.Obsolete(rec, rev.Specs.Get(rec.Key), p.policy(), now) {
			continue
		}
		e := plan.Event(state.EventOutcome, rec, now)
		e.Revision, e.Note = rev.ID, "no longer requested"
		if err := p.applied.save(ctx, plan.Transition(rec.Key, plan.Drop(rec), e)); err != nil {
			return err
		}
	}
	return nil
}

// takeOver makes a revision of a rewritten history that has the same specs the one that
// others have to come after. Whatever else holds its plan has held it before.
func (p *pass) takeOver(ctx context.Context) error {
	control := p.applied.Control()
	old, next := control.Revision, p.desired.revision
	is, err := p.desired.rewrite(ctx, old)
	if err != nil || is != RewriteSame {
		return err
	}
	note := fmt.Sprintf("adopted: the history was rewritten, and has the specs of %s", plan.Short(old))
	p.cfg.Logger.WarnContext(ctx, "the history was rewritten with the same specs: following it", "leaves", old, "revision", next.ID)
	e := state.Event{At: time.Now(), Kind: state.EventRevision, Revision: next.ID, Actor: next.Author, Note: state.Clip(note)}
	return p.applied.saveControl(ctx, func(c *state.Control) {
		c.Revision, c.Pending = next.ID, ""
		c.Releases = progress.Begin(c.Releases, p.desired.release(&control), nil, e.At)
	}, e)
}

// carryOut makes the calls of the plan and reads back what is in doubt. If no guard
// holds the plan, what is managed changes after that.
func (p *pass) carryOut(ctx context.Context, result *Result, watch watcher) error {
	if err := p.keepRevision(ctx, result.Plan); err != nil {
		return err
	}
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	var x *execution
	go func() {
		defer close(done)
		x = execute(stop, p.Reconciler, result.Plan)
	}()
	if watch != nil {
		watch(cancel, done)
	}
	<-done
	result.Applied, result.Superseded = x.appliedCalls, x.superseded || stop.Err() != nil
	result.spent = x.spent
	if x.err != nil || result.Superseded || len(result.Plan.Holds) > 0 {
		return x.err
	}
	return p.manage(ctx, result)
}

// keepRevision keeps, before the first call, which revision the plan is for, and whether
// it has passed the guards.
func (p *pass) keepRevision(ctx context.Context, wanted *plan.Plan) error {
	source, control := &wanted.Source, p.applied.Control()
	e := state.Event{Kind: state.EventRevision, Revision: source.Revision, Actor: source.Author, PlanHash: wanted.Hash}
	switch {
	case len(wanted.Holds) == 0 && control.Revision == source.Revision && control.Pending == "" && p.desired.isMarked(&control) && progress.IsNewest(control.Releases, source.Revision):
		return nil
	case len(wanted.Holds) == 0:
		e.At, e.Note = time.Now(), state.Clip(source.Subject)
		return p.applied.saveControl(ctx, func(c *state.Control) {
			c.Revision, c.Pending = source.Revision, ""
			c.Releases = progress.Begin(c.Releases, p.desired.release(&control), wanted, e.At)
			p.desired.mark(c)
		}, e)
	case source.Revision == control.Revision || source.Revision == control.Pending:
		return nil
	}
	first := wanted.Holds[0]
	e.At, e.Note = time.Now(), state.Clip("not followed: "+first.Message)
	return p.applied.saveControl(ctx, func(c *state.Control) {
		c.Pending = source.Revision
		c.Releases = progress.Begin(c.Releases, p.desired.release(&control), wanted, e.At)
		p.desired.mark(c)
	}, e)
}

// manage makes durable which tasks are managed: those whose specs are gone no longer
// are, and those whose specs are back are again.
func (p *pass) manage(ctx context.Context, result *Result) error {
	source := &result.Plan.Source
	for i := range result.Plan.Changes {
		c := &result.Plan.Changes[i]
		e := state.Event{At: time.Now(), Key: c.Key, Revision: source.Revision, Actor: source.Author}
		rec := p.applied.Record(c.Key)
		switch {
		case rec == nil || c.Action != plan.ActionForget && c.Action != plan.ActionReturn:
			continue
		case c.Action == plan.ActionForget:
			e.Kind = state.EventForgotten
			rec = plan.Removed(rec, source.Revision, e.At)
			result.Forgotten++
		default:
			e.Kind, e.Note = state.EventReturned, "managed again, as it was applied "+plan.Stamp(rec.Applied.At)
			rec = plan.Returned(rec, c.Want)
			result.Returned++
		}
		if err := p.applied.save(ctx, plan.Transition(c.Key, rec, e)); err != nil {
			return err
		}
		result.spent = append(result.spent, c.Effect())
	}
	return nil
}

// useUp takes out what a pass has used up: what was approved and is done, and the
// caution after a restored state.
func (p *pass) useUp(ctx context.Context, result *Result) error {
	control := p.applied.Control()
	used := plan.UsedUp(&control, result.Plan, result.Left, result.spent, result.Superseded, time.Now())
	if used == nil {
		return nil
	}
	return p.applied.saveControl(ctx, func(c *state.Control) { c.Approvals, c.Restored = used.Approvals, used.Restored }, used.Events...)
}

// judgeRelease records how far the newest release is, after a pass that left so much, if
// that is something new.
func (p *pass) judgeRelease(ctx context.Context, left *plan.Plan) error {
	now := time.Now()
	next, note := progress.Judge(p.applied.Control().Releases, left, now)
	if note == "" {
		return nil
	}
	return p.applied.saveControl(ctx, func(c *state.Control) { c.Releases = next }, state.Event{
		At: now, Kind: state.EventRevision, Revision: left.Source.Revision, Actor: left.Source.Author, PlanHash: left.Hash, Note: note,
	})
}
