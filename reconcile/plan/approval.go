package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// ParseHash returns the hexadecimal digits of a plan hash, or of the start of one, and
// whether they are all of them. ok is false if it is neither.
func ParseHash(text string) (digits string, whole, ok bool) {
	digits = strings.TrimPrefix(strings.ToLower(text), HashPrefix)
	if digits == "" || len(digits) > hashDigits || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", false, false
	}
	return digits, len(digits) == hashDigits, true
}

// letPast sets which guards approvals let the plan go past, and who has approved it. own says
// of an approval that it does not count, as it is the author's own.
func (g *Guards) letPast(p *Plan, control *state.Control, now time.Time) (own string) {
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
		if !left[c.Effect()] {
			return false
		}
		n++
	}
	return n > 0 || p.takesOver != "" && a.PlanHash == p.Hash
}

// leftOf returns the approvals with what is left to do of them after a pass, and an event
// for each that is over: the same plan another day needs another one. done are the effects
// that the pass let through, left is what it has left.
func leftOf(approvals []state.Approval, done []spec.Digest, left *Plan, now time.Time) (next []state.Approval, ended []state.Event) {
	if len(approvals) == 0 {
		return nil, nil
	}
	spent, needed := map[spec.Digest]bool{}, map[spec.Digest]bool{}
	for _, d := range done {
		spent[d] = true
	}
	for i := range left.Changes {
		if c := &left.Changes[i]; c.needs() {
			needed[c.Effect()] = true
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

// usedUpOf is what a pass leaves of what is good for some changes only.
type usedUpOf struct {
	Approvals []state.Approval
	Restored  bool
	Events    []state.Event
}

// UsedUp returns what a pass leaves of the approvals, and of the caution after a restored
// state; nil if it leaves both as they were. plan is what it carried out, left what it has
// left, done the effects that it let through, superseded says that it was cut short.
func UsedUp(control *state.Control, plan, left *Plan, done []spec.Digest, superseded bool, now time.Time) *usedUpOf {
	approvals, events := leftOf(control.Approvals, done, left, now)
	// With the caution there are no calls but approved ones.
	calm := len(plan.Holds) == 0 && !superseded && plan.Count(ActionCommit) > 0 && left.Count(ActionCommit) == 0
	restored := control.Restored && !calm
	if restored != control.Restored {
		events = append(events, state.Event{
			At: now, Kind: state.EventRevision, Revision: plan.Source.Revision, PlanHash: plan.Hash,
			Note: "the first plan after the state was taken back is done: the next is not held for that",
		})
	}
	switch {
	case len(events) > 0:
	case slices.EqualFunc(approvals, control.Approvals, sameCalls):
		return nil
	default:
		events = append(events, state.Event{At: now, Kind: state.EventApproval, PlanHash: plan.Hash, Note: "part of what was approved is done"})
	}
	return &usedUpOf{approvals, restored, events}
}

func sameCalls(a, b state.Approval) bool {
	return a.PlanHash == b.PlanHash && len(a.Calls) == len(b.Calls)
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
		how = "is over: nothing of the plan is requested any more"
	case undone > 0:
		how = "is over: the rest of the plan is no longer requested"
	}
	return state.Event{
		At: now, Kind: state.EventApproval, Actor: a.Actor, PlanHash: a.PlanHash,
		Note: state.Clip(fmt.Sprintf("the approval past %s %s; it approved %s", strings.Join(a.Guards, ", "), how, numberOf(a.Used, "change"))),
	}
}

// guardAuthor is the name of the guard that wants another person's approval.
const guardAuthor = "approverIsNotAuthor"

// Author says as whom somebody who approves writes revisions.
type Author struct {
	Actor string // the name that the approval is recorded with
	Is    string // the name or the e-mail address of a commit's author
}

// ownWork says that the actor may not approve the plan of a revision by the author, because
// it is the actor's own; or "". It compares every name that the actor is recorded with, and
// the one that Authors gives to it, with the author's name, e-mail address and the part of
// that before the @.
func (g *Guards) ownWork(from *SourceInfo, actor string) string {
	if !g.ApproverIsNotAuthor {
		return ""
	}
	theirs := authorNames(from.Author)
	for _, name := range actorNames(actor) {
		mine := []string{name}
		for _, a := range g.Authors {
			if a.Actor == name {
				mine = append(mine, authorNames(a.Is)...)
			}
		}
		for _, m := range mine {
			if slices.ContainsFunc(theirs, func(t string) bool { return strings.EqualFold(m, t) }) {
				return fmt.Sprintf("%s wrote revision %s: guards.%s requires the approval of somebody else", actor, Short(from.Revision), guardAuthor)
			}
		}
	}
	return ""
}

// actorNames splits "lin (as ops)" and "lin (api)" into the names in it.
func actorNames(actor string) []string {
	name, rest, marked := strings.Cut(actor, " (")
	names := []string{name}
	if as, ok := strings.CutPrefix(strings.TrimSuffix(rest, ")"), "as "); marked && ok {
		names = append(names, as)
	}
	return names
}

// authorNames splits "Name <local@host>" into what names its person.
func authorNames(author string) []string {
	name, mail, _ := strings.Cut(author, "<")
	name, mail = strings.TrimSpace(name), strings.TrimSuffix(strings.TrimSpace(mail), ">")
	if mail == "" {
		mail = name
	}
	local, _, _ := strings.Cut(mail, "@")
	return slices.DeleteFunc([]string{name, mail, local}, func(s string) bool { return s == "" })
}
