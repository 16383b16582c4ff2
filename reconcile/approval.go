package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// approvalLife is how long an approval is good for.
const approvalLife = 24 * time.Hour

// ParseHash returns the hexadecimal digits of a plan hash, or of the start of one, and
// whether they are all of them. ok is false if it is neither.
func ParseHash(text string) (digits string, whole, ok bool) {
	digits = strings.TrimPrefix(strings.ToLower(text), hashPrefix)
	if digits == "" || len(digits) > hashDigits || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", false, false
	}
	return digits, len(digits) == hashDigits, true
}

// approve keeps the approval of the plan that is held now: for what it does, and for the
// guards that hold it.
func (r *Reconciler) approve(w state.Word, now time.Time) (state.Transition, state.Answer) {
	p := r.plan
	digits, whole, ok := ParseHash(w.Target)
	switch {
	case !ok:
		return state.Transition{}, no("%q is not a plan hash", state.Clip(w.Target))
	case p == nil:
		return state.Transition{}, no("there is no plan yet: approve it once there is one")
	case len(p.Holds) == 0:
		return state.Transition{}, no("nothing holds plan %s", p.Hash)
	case !strings.HasPrefix(p.Hash, hashPrefix+digits):
		return state.Transition{}, no("the plan is %s now, not %s: look at it, and approve that one", p.Hash, w.Target)
	case !whole:
		return state.Transition{}, no("a plan is approved by its whole hash: look at it, and say: wedatasync approve %s", p.Hash)
	}
	if own := r.ownWork(w.Actor); own != "" {
		return state.Transition{}, no("%s", own)
	}
	given := state.Approval{PlanHash: p.Hash, Actor: w.Actor, At: now, Expires: now.Add(approvalLife), Calls: p.halted}
	for _, h := range p.Holds {
		given.Guards = append(given.Guards, h.key())
	}
	control := r.Control()
	control.Approvals = slices.DeleteFunc(slices.Clone(control.Approvals), func(a state.Approval) bool {
		if a.PlanHash != p.Hash {
			return false
		}
		if now.Before(a.Expires) { // who approves it now has seen what it passes already
			given.Guards = append(given.Guards, a.Guards...)
			given.Used = a.Used
		}
		return true
	})
	slices.Sort(given.Guards)
	given.Guards = slices.Compact(given.Guards)
	control.Approvals = append(control.Approvals, given)
	return state.Transition{Control: &control}, yes("plan %s is approved until %s, past %s: %s",
		p.Hash, stamp(given.Expires), strings.Join(given.Guards, ", "), numberOf(len(given.Calls), "change"))
}

// pass sets which guards approvals let the plan go past, and who has approved it. own says
// of an approval that it does not count, as it is the author's own.
func (p *Plan) pass(g *Guards, control *state.Control, now time.Time) (own string) {
	for i := range control.Approvals {
		a := &control.Approvals[i]
		if !now.Before(a.Expires) || !covers(a, p) {
			continue
		}
		if why := g.ownWork(&p.Source, a.Actor); why != "" {
			own = why
			continue
		}
		p.passed, p.Approved = append(p.passed, a.Guards...), a.Actor
	}
	return own
}

// covers reports whether the approval is for all that the plan does: it is for what is
// left of the plan that was approved, and for nothing else.
func covers(a *state.Approval, p *Plan) bool {
	left := make(map[spec.Digest]bool, len(a.Calls))
	for _, d := range a.Calls {
		left[d] = true
	}
	n := 0
	for c := range p.effects() {
		if !left[c.effect()] {
			return false
		}
		n++
	}
	return n > 0 || p.takesOver != "" && a.PlanHash == p.Hash
}

// leftOf returns the approvals with what is left to do of them after a pass, and an event
// for each that is over: the same plan another day needs another one.
func leftOf(approvals []state.Approval, result *Result, now time.Time) (next []state.Approval, ended []state.Event) {
	if len(approvals) == 0 {
		return nil, nil
	}
	spent, needed := map[spec.Digest]bool{}, map[spec.Digest]bool{}
	for _, d := range result.spent {
		spent[d] = true
	}
	for i := range result.Left.Changes {
		if c := &result.Left.Changes[i]; c.needs() {
			needed[c.effect()] = true
		}
	}
	for _, a := range approvals {
		before := len(a.Calls)
		a.Calls = slices.DeleteFunc(slices.Clone(a.Calls), func(d spec.Digest) bool { return spent[d] })
		a.Used += before - len(a.Calls)
		undone := len(a.Calls)
		a.Calls = slices.DeleteFunc(a.Calls, func(d spec.Digest) bool { return !needed[d] })
		if len(a.Calls) > 0 && now.Before(a.Expires) {
			next = append(next, a)
			continue
		}
		ended = append(ended, endOfApproval(&a, undone, now))
	}
	return next, ended
}

// needs reports whether an approval may still have to let the change through. A call that
// was sent is spent, whatever has become of it.
func (c *Change) needs() bool {
	switch {
	case c.Action == ActionForget || c.Action == ActionReturn:
		return true
	case c.Hold == HoldUnknown || c.Hold == HoldRefused:
		return false
	default:
		return c.Want != nil && c.Reason != ""
	}
}

// endOfApproval says in the history what an approval has come to.
func endOfApproval(a *state.Approval, undone int, now time.Time) state.Event {
	how := "is used up"
	switch {
	case len(a.Calls) > 0:
		how = "has ended after 24 h"
	case undone > 0 && a.Used == 0:
		how = "is over: nothing of the plan is asked for any more"
	case undone > 0:
		how = "is over: the rest of the plan is not asked for any more"
	}
	return state.Event{
		At: now, Kind: state.EventApproval, Actor: a.Actor, PlanHash: a.PlanHash,
		Note: state.Clip(fmt.Sprintf("the approval past %s %s; it let %s through", strings.Join(a.Guards, ", "), how, numberOf(a.Used, "change"))),
	}
}

// dropOldApprovals drops the approvals of earlier versions, which name no guard and, by a
// few digits of its hash, more than one plan.
func (r *Reconciler) dropOldApprovals(ctx context.Context) error {
	var events []state.Event
	kept := slices.DeleteFunc(slices.Clone(r.Control().Approvals), func(a state.Approval) bool {
		if _, whole, _ := ParseHash(a.PlanHash); whole && len(a.Guards) > 0 {
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
	return r.saveControl(ctx, func(c *state.Control) { c.Approvals = kept }, events...)
}

// numberOf writes how many there are.
func numberOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
