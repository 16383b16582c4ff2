package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Obey carries out what people have asked for since it was last called. It is for
// the goroutine of Run or Once, while no call is under way.
func (r *Reconciler) Obey(ctx context.Context) (obeyed int, err error) {
	pending, err := r.cfg.Store.PendingCommands(ctx)
	if err != nil {
		return 0, fmt.Errorf("read operator actions: %w", err)
	}
	isApproval := func(c state.Command) bool { return c.Verb == state.VerbApprove && !plan.IsCommit(c.Target) }
	if i := slices.IndexFunc(pending, isApproval); i >= 0 && r.desired.plan() == nil && r.desired.revision != nil {
		if _, err := r.planAt(ctx, pending[i].At); err != nil { // what held it then is what was approved
			return 0, err
		}
	}
	for _, c := range pending {
		if err := r.obey(ctx, c); err != nil {
			return obeyed, err
		}
		obeyed++
	}
	return obeyed, nil
}

// obey carries out one command and answers it, in one transition.
func (r *Reconciler) obey(ctx context.Context, c state.Command) error {
	now := time.Now().Round(0) // what is promised from now on ends by the clock on the wall
	var t state.Transition
	var answer state.CommandResult
	if c.Verb == state.VerbSync {
		answer = r.sync(ctx)
	} else {
		t, answer = commands(r).Decide(c, now)
	}
	note := fmt.Sprintf("%s: %s", c.Verb, answer.Message)
	if !answer.OK {
		t, note = state.Transition{}, fmt.Sprintf("%s was not done: %s", c.Verb, answer.Message)
	}
	e := state.Event{At: now, Kind: state.EventCommand, Actor: c.Actor, Note: state.Clip(note)}
	if t.Record != nil {
		e.Key = t.Record.Key
	}
	switch {
	case c.Verb != state.VerbApprove || !answer.OK:
	case plan.IsCommit(c.Target):
		e.Revision = strings.ToLower(c.Target)
	default:
		e.PlanHash = r.desired.plan().Hash
	}
	if t.Forget != nil {
		e.Key = *t.Forget
	}
	if answer.OK && c.Verb == state.VerbResolve {
		e.Stage = plan.StageResolved(c.Arg, t.Record)
	}
	t.Events = append(t.Events, e)
	t.CarriedOut = &state.CarriedOut{ID: c.ID, Result: answer}
	if err := r.applied.save(ctx, t); err != nil {
		return err
	}
	if answer.OK && e.Revision != "" {
		r.desired.repoll = true // a commit counts now that did not
	}
	r.desired.touch(e.Key)
	r.cfg.Logger.InfoContext(ctx, "operator command", "verb", c.Verb, "target", c.Target, "actor", c.Actor, "ok", answer.OK, "answer", answer.Message)
	return nil
}

// sync polls the source, and says what the newest revision is.
func (r *Reconciler) sync(ctx context.Context) state.CommandResult {
	if r.cfg.Source == nil {
		return state.CommandResult{Message: "no daemon polls the source: start one with wedatasync run, or make one pass with wedatasync run --once"}
	}
	before := r.desired.revision
	_, err := r.Poll(ctx)
	r.health.noteSource(err)
	if err != nil {
		return state.CommandResult{Message: err.Error()}
	}
	r.desired.repoll = before == nil // this pass has nothing to do: the next is made at once
	return state.CommandResult{OK: true, Message: plan.SyncedAt + r.desired.revision.ID}
}

// commands returns what an operator's command is decided on.
func commands(r *Reconciler) *plan.Commands {
	in := &plan.Commands{Plan: r.desired.plan(), Records: r.applied.records, Control: r.applied.Control(), Unverified: r.desired.unverified, Horizon: r.cfg.Horizon()}
	if r.desired.revision != nil {
		in.Specs = r.desired.revision.Specs
	}
	if r.cfg.Guards != nil {
		in.Guards = r.cfg.Guards()
	}
	return in
}

// dropOldApprovals drops the approvals of earlier versions, which name no guard and, by a
// few digits of its hash, more than one plan.
func (r *Reconciler) dropOldApprovals(ctx context.Context) error {
	var events []state.Event
	kept := slices.DeleteFunc(slices.Clone(r.applied.Control().Approvals), func(a state.Approval) bool {
		if _, whole, _ := plan.ParseHash(a.PlanHash); whole && len(a.Guards) > 0 {
			return false
		}
		r.cfg.Logger.WarnContext(ctx, "dropped an approval of an earlier version: approve the plan again, by its whole hash", "plan", a.PlanHash, "actor", a.Actor)
		events = append(events, state.Event{
			At: time.Now(), Kind: state.EventApproval, Actor: a.Actor, PlanHash: a.PlanHash,
			Note: "dropped: an earlier version took it, which kept no guards and not always the whole hash",
		})
		return true
	})
	if len(events) == 0 {
		return nil
	}
	return r.applied.saveControl(ctx, func(c *state.Control) { c.Approvals = kept }, events...)
}
