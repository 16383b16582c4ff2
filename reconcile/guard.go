package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// minPopulation is how many managed tasks MaxChangePercent needs to mean anything.
const minPopulation = 10

// Guards are the limits of what a pass may do by itself. They come from the
// daemon's configuration and never from the repository. The zero value lets
// everything pass but a rewritten history and a repository without specs.
type Guards struct {
	// AllowProjects, AllowTasks and AllowCommitTypes bound what the daemon may
	// touch at all; empty allows everything. A task id may end in *. No approval
	// goes past them, and they hold only the tasks that are outside.
	AllowProjects    []string
	AllowTasks       []string
	AllowCommitTypes []spec.CommitType
	// MaxChanges bounds the calls of one plan; 0 is no bound.
	MaxChanges int
	// MaxChangePercent bounds the calls for tasks that are already managed, in
	// percent of these, from 10 managed tasks up; 0 is no bound.
	MaxChangePercent int
	// Windows are the times at which nothing is committed.
	Windows []Window
}

// Facts are what the guards know beside the plan.
type Facts struct {
	Control *state.Control
	// Rewritten says that the revision does not come after Control.Revision.
	Rewritten bool
}

// Check returns p as the guards leave it. A guard holds the whole plan: every
// call becomes a hold, and p.Holds says why. A plan with an approval in
// f.Control goes past the guards that can be approved.
func (g *Guards) Check(p *Plan, f Facts, now time.Time) *Plan {
	out := *p
	out.Changes = slices.Clone(p.Changes)
	g.bound(&out)
	out.Holds = g.holds(&out, f, now)
	approval := approvalOf(f.Control, &out, now)
	if approval != nil {
		out.Approved = approval.Actor
		out.Holds = slices.DeleteFunc(out.Holds, func(h GuardHold) bool { return h.Approvable })
	}
	if len(out.Holds) == 0 {
		return &out
	}
	reason := HoldGuard
	if slices.ContainsFunc(out.Holds, func(h GuardHold) bool { return h.Guard == "windows" }) {
		reason = HoldWindow
	}
	for i := range out.Changes {
		if c := &out.Changes[i]; c.Action == ActionCommit {
			c.Action, c.Hold, c.Detail = ActionHold, reason, out.Holds[0].Message
		}
	}
	return &out
}

// bound holds the single calls that the daemon may not make at all, and names
// the plan by the calls that are left.
func (g *Guards) bound(p *Plan) {
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action != ActionCommit {
			continue
		}
		if guard, what := g.outside(c.Want); guard != "" {
			c.Action, c.Hold = ActionHold, HoldGuard
			c.Detail = fmt.Sprintf("%s is not in guards.%s of this daemon's configuration", what, guard)
		}
	}
	p.Hash = hashCalls(p.Calls())
}

// outside names the guard that does not allow the commit, and what it does not allow.
func (g *Guards) outside(c *spec.Commit) (guard, what string) {
	switch {
	case len(g.AllowProjects) > 0 && !slices.Contains(g.AllowProjects, c.ProjectID):
		return "allowProjects", "project " + c.ProjectID
	case len(g.AllowTasks) > 0 && !slices.ContainsFunc(g.AllowTasks, func(pattern string) bool { return matchTask(pattern, c.TaskID) }):
		return "allowTasks", "task " + c.TaskID
	case len(g.AllowCommitTypes) > 0 && !slices.Contains(g.AllowCommitTypes, c.CommitType):
		return "allowCommitTypes", "commitType " + c.CommitType.String()
	default:
		return "", ""
	}
}

func matchTask(pattern, task string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(task, prefix)
	}
	return pattern == task
}

// holds collects what speaks against the whole plan.
func (g *Guards) holds(p *Plan, f Facts, now time.Time) []GuardHold {
	var holds []GuardHold
	add := func(guard, format string, args ...any) {
		holds = append(holds, GuardHold{Guard: guard, Message: fmt.Sprintf(format, args...), Approvable: true})
	}
	calls, managed := p.Count(ActionCommit), p.managedCalls()
	if p.Managed > 0 && p.Specs == 0 && len(p.Problems) == 0 {
		add("empty", "the source has no specs, and the state has %d tasks", p.Managed)
	}
	if calls == 0 && p.Count(ActionForget) == 0 {
		return holds
	}
	if f.Rewritten {
		add("rewritten", "the history was rewritten: %s does not come after %s, the revision of the last pass", short(p.Source.Revision), short(f.Control.Revision))
	}
	if calls == 0 {
		return holds
	}
	if f.Control.Restored {
		add("restored", "the state was taken back from an older or damaged one: its plan may repeat commits")
	}
	if g.MaxChanges > 0 && calls > g.MaxChanges {
		add("maxChanges", "%d calls, and guards.maxChanges is %d", calls, g.MaxChanges)
	}
	if percent := g.MaxChangePercent; percent > 0 && p.Managed >= minPopulation && managed*100 > percent*p.Managed {
		add("maxChangePercent", "%d of %d managed tasks change, and guards.maxChangePercent is %d", managed, p.Managed, percent)
	}
	for _, w := range g.Windows {
		if end, in := w.Contains(now); in {
			add("windows", "freeze window %q until %s", w.Name, stamp(end))
		}
	}
	return holds
}

// managedCalls counts the calls for tasks that were applied before.
func (p *Plan) managedCalls() int {
	n := 0
	for c := range p.Calls() {
		if c.Have != nil && c.Have.Applied != nil {
			n++
		}
	}
	return n
}

// approvalOf returns the approval that covers all calls of p, or nil.
func approvalOf(control *state.Control, p *Plan, now time.Time) *state.Approval {
	for i := range control.Approvals {
		a := &control.Approvals[i]
		if now.Before(a.Expires) && covers(a, p) {
			return a
		}
	}
	return nil
}

// minHashPrefix is how many hexadecimal digits of a plan hash a person must give.
const minHashPrefix = 8

// covers reports whether the approval is for this plan, or for one of which this
// is what is left.
func covers(a *state.Approval, p *Plan) bool {
	if matchHash(p.Hash, a.PlanHash) {
		return true
	}
	if len(a.Calls) == 0 {
		return false
	}
	for c := range p.Calls() {
		if !slices.Contains(a.Calls, c.Want.Wanted()) {
			return false
		}
	}
	return p.Count(ActionCommit) > 0
}

// matchHash reports whether given, a whole plan hash or the start of its digits,
// names hash.
func matchHash(hash, given string) bool {
	digits := strings.TrimPrefix(strings.ToLower(given), hashPrefix)
	return len(digits) >= minHashPrefix && strings.HasPrefix(strings.TrimPrefix(hash, hashPrefix), digits)
}

// short cuts a revision to what people read.
func short(revision string) string { return revision[:min(len(revision), 12)] }
