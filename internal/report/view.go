package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// view is a plan in the order of its readers: the worst first.
type view struct {
	plan        *plan.Plan
	sends       [][]*plan.Change // commits by impact, as in reconcile.Impacts; those a guard holds with the whole plan too
	held        []*plan.Change   // the other holds, by reason, in the order of explain.Holds
	notRunning  []*plan.Change   // applied, and did not come to run
	unhealthy   []*plan.Change   // running, and not healthy
	notLive     []*plan.Change   // accepted, and not seen live in time
	accepted    []*plan.Change   // accepted, and read until they are live
	starting    []*plan.Change   // live, and followed until they are healthy
	removed     []*plan.Change   // their specs are gone
	returned    []*plan.Change   // their specs are back
	unversioned []*plan.Change
	summary     summary
}

// newView sorts the changes of p. Within a group they keep the plan's order.
func newView(p *plan.Plan, rate float64) *view {
	impacts := plan.Impacts()
	v := &view{plan: p, sends: make([][]*plan.Change, len(impacts))}
	planHeld := 0
	for i := range p.Changes {
		c := &p.Changes[i]
		switch {
		case c.Action == plan.ActionForget:
			v.removed = append(v.removed, c)
		case c.Action == plan.ActionReturn:
			v.returned = append(v.returned, c)
		case c.Action == plan.ActionUnversioned:
			v.unversioned = append(v.unversioned, c)
		case c.NotRunning():
			v.notRunning = append(v.notRunning, c)
		case c.Unhealthy():
			v.unhealthy = append(v.unhealthy, c)
		case c.NotLive():
			v.notLive = append(v.notLive, c)
		case c.Action == plan.ActionFollow && c.Have.Accepted():
			v.accepted = append(v.accepted, c)
		case c.Action == plan.ActionFollow:
			v.starting = append(v.starting, c)
		case c.Action == plan.ActionHold && !explain.HeldWithPlan(p, c):
			v.held = append(v.held, c)
		default:
			if c.Action == plan.ActionHold {
				planHeld++
			}
			rank := impactRank(c.Impact)
			v.sends[rank] = append(v.sends[rank], c)
		}
	}
	holds := explain.Holds()
	slices.SortStableFunc(v.held, func(a, b *plan.Change) int {
		return cmp.Compare(holdRank(holds, a), holdRank(holds, b))
	})
	v.summary = newSummary(v, planHeld, rate)
	return v
}

// impactRank orders impacts, the worst first.
func impactRank(i plan.Impact) int {
	impacts := plan.Impacts()
	if rank := slices.Index(impacts, i); rank >= 0 {
		return rank
	}
	return len(impacts) - 1
}

// holdRank orders held changes by their state; one that is not known comes last.
func holdRank(holds []explain.State, c *plan.Change) int {
	if rank := slices.Index(holds, explain.StateOf(c)); rank >= 0 {
		return rank
	}
	return len(holds)
}

// ranked returns the first n commits of the plan, the worst first.
func (v *view) ranked(n int) []*plan.Change {
	ranked := make([]*plan.Change, 0, min(n, len(v.plan.Changes)))
	for _, group := range v.sends {
		ranked = append(ranked, group[:min(len(group), n-len(ranked))]...)
	}
	return ranked
}

// heldDiscards returns the held changes that discard state once they are sent.
func (v *view) heldDiscards() []*plan.Change {
	var discards []*plan.Change
	for _, c := range v.held {
		if c.Impact == plan.ImpactDiscardState {
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
func versionBefore(c *plan.Change) int64 {
	if c.Have == nil || c.Have.Applied == nil {
		return 0
	}
	if c.Reason == plan.ReasonDrift {
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
func versionAfter(c *plan.Change) int64 {
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
func position(c *plan.Change) spec.Pos {
	switch {
	case c.Want != nil:
		return c.Want.Pos
	case c.Have != nil && c.Have.Attempt != nil:
		return spec.Pos{File: c.Have.Attempt.File, Line: c.Have.Attempt.Line}
	default:
		return spec.Pos{}
	}
}

// masked stands for a value of extConfig, which may be a secret. notKept stands
// for one that the state has only a digest of.
const (
	masked  = "(masked)"
	notKept = "(not kept)"
)

// maxFields bounds the fields that are written for one change, and maxValue one
// value in bytes.
const (
	maxFields = 20
	maxValue  = 120
)

// fieldLine is one difference as text: inert, on one line.
type fieldLine struct {
	name   string
	before string
	after  string
	added  bool // there was nothing before
}

// fieldLines returns the first maxFields differences of c, and how many more
// there are.
func fieldLines(c *plan.Change, showValues bool) (lines []fieldLine, more int) {
	for _, f := range c.Fields {
		if isWholeExt(f) && showValues && c.Want != nil && len(c.Want.ExtConfig) > 0 {
			for _, p := range c.Want.ExtConfig {
				lines = append(lines, newFieldLine(wholeExtParam(f, p), true))
			}
			continue
		}
		lines = append(lines, newFieldLine(f, showValues))
	}
	n := min(len(lines), maxFields)
	return lines[:n], len(lines) - n
}

// isWholeExt reports whether f is extConfig as a whole: what was applied is only
// known by its digest, so that f cannot say which names differ.
func isWholeExt(f plan.Field) bool { return f.Secret && f.Name == "extConfig" }

// wholeExtParam is one wanted parameter of a field that is extConfig as a whole.
func wholeExtParam(f plan.Field, p spec.Param) plan.Field {
	one := plan.Field{Name: f.Name + "." + p.Name, After: p.Value}
	if f.Before != nil {
		one.Before = bare(notKept)
	}
	return one
}

func newFieldLine(f plan.Field, showValues bool) fieldLine {
	hide := f.Secret && !showValues
	return fieldLine{
		name:   text.Clip(text.Visible(f.Name), maxValue),
		before: fieldValue(f.Before, hide),
		after:  fieldValue(f.After, hide),
		added:  f.Before == nil,
	}
}

// bare is a value that is written without quotes: it is ours.
type bare string

func fieldValue(v any, hide bool) string {
	switch v := v.(type) {
	case nil:
		return "(none)"
	case bare:
		return string(v)
	}
	if hide {
		return masked
	}
	if s, ok := v.(string); ok {
		v = strconv.Quote(text.Clip(s, maxValue))
	}
	return text.Clip(text.Visible(fmt.Sprint(v)), 2*maxValue)
}

// taskText names a task in a line of text; project is that of all tasks, or empty.
func taskText(c *plan.Change, project string) string {
	id := c.Key.String()
	if project != "" {
		id = c.Key.TaskID
	}
	return text.Visible(explain.Label(c.Name(), id))
}
