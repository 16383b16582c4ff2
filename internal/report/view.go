package report

import (
	"cmp"
	"slices"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
)

// view is a plan in the order of its readers: the worst first.
type view struct {
	plan        *reconcile.Plan
	sends       [][]*reconcile.Change // commits by impact, as in reconcile.Impacts; those a guard holds with the whole plan too
	held        []*reconcile.Change   // the other holds, by reason, in the order of holdReasons
	notRunning  []*reconcile.Change   // applied, and did not come to run
	notLive     []*reconcile.Change   // accepted, and not seen live in time
	accepted    []*reconcile.Change   // accepted, and read until they are live
	starting    []*reconcile.Change   // live, and followed until they run
	removed     []*reconcile.Change   // their specs are gone
	returned    []*reconcile.Change   // their specs are back
	unversioned []*reconcile.Change
	summary     summary
}

// newView sorts the changes of p. Within a group they keep the plan's order.
func newView(p *reconcile.Plan, rate float64) *view {
	impacts := reconcile.Impacts()
	v := &view{plan: p, sends: make([][]*reconcile.Change, len(impacts))}
	planHeld := 0
	for i := range p.Changes {
		c := &p.Changes[i]
		switch {
		case c.Action == reconcile.ActionForget:
			v.removed = append(v.removed, c)
		case c.Action == reconcile.ActionReturn:
			v.returned = append(v.returned, c)
		case c.Action == reconcile.ActionUnversioned:
			v.unversioned = append(v.unversioned, c)
		case c.NotRunning():
			v.notRunning = append(v.notRunning, c)
		case c.NotLive():
			v.notLive = append(v.notLive, c)
		case c.Action == reconcile.ActionFollow && c.Have.Accepted():
			v.accepted = append(v.accepted, c)
		case c.Action == reconcile.ActionFollow:
			v.starting = append(v.starting, c)
		case c.Action == reconcile.ActionHold && !heldWithPlan(p, c):
			v.held = append(v.held, c)
		default:
			if c.Action == reconcile.ActionHold {
				planHeld++
			}
			rank := impactRank(c.Impact)
			v.sends[rank] = append(v.sends[rank], c)
		}
	}
	reasons := holdReasons()
	slices.SortStableFunc(v.held, func(a, b *reconcile.Change) int {
		return cmp.Compare(holdRank(reasons, a.Hold), holdRank(reasons, b.Hold))
	})
	v.summary = v.count(planHeld, rate)
	return v
}

// heldWithPlan reports whether only a guard's word on the whole plan holds c: an
// approval of the plan sends it.
func heldWithPlan(p *reconcile.Plan, c *reconcile.Change) bool {
	if c.Hold != reconcile.HoldGuard && c.Hold != reconcile.HoldWindow {
		return false
	}
	return slices.ContainsFunc(p.Holds, func(h reconcile.GuardHold) bool { return h.Message == c.Detail })
}

// impactRank orders impacts, the worst first.
func impactRank(i reconcile.Impact) int {
	impacts := reconcile.Impacts()
	if rank := slices.Index(impacts, i); rank >= 0 {
		return rank
	}
	return len(impacts) - 1
}

// holdRank orders hold reasons; one that is not known comes last.
func holdRank(reasons []reconcile.HoldReason, r reconcile.HoldReason) int {
	if rank := slices.Index(reasons, r); rank >= 0 {
		return rank
	}
	return len(reasons)
}

// ranked returns the first n commits of the plan, the worst first.
func (v *view) ranked(n int) []*reconcile.Change {
	ranked := make([]*reconcile.Change, 0, min(n, len(v.plan.Changes)))
	for _, group := range v.sends {
		ranked = append(ranked, group[:min(len(group), n-len(ranked))]...)
	}
	return ranked
}

// heldDiscards returns the held changes that discard state once they are sent.
func (v *view) heldDiscards() []*reconcile.Change {
	var discards []*reconcile.Change
	for _, c := range v.held {
		if c.Impact == reconcile.ImpactDiscardState {
			discards = append(discards, c)
		}
	}
	return discards
}

// project returns the project of all changes, or "" if there are several.
func (v *view) project() string {
	if len(v.plan.Changes) == 0 {
		return ""
	}
	first := v.plan.Changes[0].Key.ProjectID
	for i := range v.plan.Changes {
		if v.plan.Changes[i].Key.ProjectID != first {
			return ""
		}
	}
	return first
}

// versionBefore returns the applied version of a task, or 0. Of one that is healed, it
// is the version that is live.
func versionBefore(c *reconcile.Change) int64 {
	if c.Have == nil || c.Have.Applied == nil {
		return 0
	}
	if c.Reason == reconcile.ReasonDrift {
		for _, f := range c.Fields {
			if v, ok := f.Before.(int64); ok && f.Name == "instanceVersion" {
				return v
			}
		}
	}
	return c.Have.Applied.InstanceVersion
}

// versionAfter returns the version a task is to have, or 0. A task whose spec is
// gone may still have an attempt that asked for one.
func versionAfter(c *reconcile.Change) int64 {
	switch {
	case c.Want != nil:
		return c.Want.InstanceVersion
	case c.Have != nil && c.Have.Attempt != nil:
		return c.Have.Attempt.Wanted.InstanceVersion
	default:
		return 0
	}
}

// position returns where the spec of a change stands, or stood when the last
// attempt was made; it is zero if that is not known.
func position(c *reconcile.Change) spec.Pos {
	switch {
	case c.Want != nil:
		return c.Want.Pos
	case c.Have != nil && c.Have.Attempt != nil:
		return spec.Pos{File: c.Have.Attempt.File, Line: c.Have.Attempt.Line}
	default:
		return spec.Pos{}
	}
}
