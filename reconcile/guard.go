package reconcile

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// minPopulation is how many managed tasks MaxChangePercent needs to mean anything.
	minPopulation = 10
	// guardWindows is the name of the guard that ends by itself.
	guardWindows = "windows"
)

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
	// Windows are the times at which tasks are committed, or are not.
	Windows []Window
	// AdoptAlreadyLive takes a task as applied, without a commit, whose wanted version is
	// live by an operation that the state does not know. Else it is held.
	AdoptAlreadyLive bool
	// ApproverIsNotAuthor lets an approval count only if it is not by the author of the
	// newest revision. Authors says as whom those who approve write revisions.
	ApproverIsNotAuthor bool
	Authors             []Author
}

// same reports whether a plan that has passed the guards has passed the others, too.
func (g *Guards) same(others *Guards) bool { return g == others || reflect.DeepEqual(g, others) }

// Facts are what the guards know beside the plan.
type Facts struct {
	Control *state.Control // nil is an empty one
	// Rewritten says that the revision does not come after Control.Revision, and has
	// other specs.
	Rewritten bool
}

// Check returns p as the guards leave it. A guard holds the whole plan: every
// call becomes a hold, and p.Holds says why. A plan with an approval in
// f.Control goes past the guards that can be approved.
func (g *Guards) Check(p *Plan, f Facts, now time.Time) *Plan {
	if f.Control == nil {
		f.Control = new(state.Control)
	}
	out := *p
	out.Changes = slices.Clone(p.Changes)
	windows := g.bound(&out, now)
	out.Holds = append(g.holds(&out, f), windows...)
	if len(out.Holds) == 0 {
		return &out
	}
	if approval := approvalOf(f.Control, &out, now); approval == nil {
		// Nobody has approved it.
	} else if own := g.ownWork(&out.Source, approval.Actor); own != "" {
		out.Holds = append(out.Holds, GuardHold{Guard: guardAuthor, Message: own, Approvable: true})
	} else {
		out.Approved = approval.Actor
		out.Holds = slices.DeleteFunc(out.Holds, func(h GuardHold) bool { return h.Approvable })
	}
	if len(out.Holds) > 0 {
		holdAll(&out)
	}
	return &out
}

// holdAll holds every call for the plan's first hold. Windows, which end by
// themselves, come last among the holds.
func holdAll(p *Plan) {
	reason := HoldGuard
	if p.Holds[0].Guard == guardWindows {
		reason = HoldWindow
	}
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == ActionCommit {
			c.Action, c.Hold, c.Detail = ActionHold, reason, p.Holds[0].Message
		}
	}
}

// bound holds the single calls that the daemon may not make at all, or not now, and
// those that depend on them, and names the plan by the calls that are left. It returns
// the holds of the windows if these leave none.
func (g *Guards) bound(p *Plan, now time.Time) []GuardHold {
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
	holdDependants(p, func(spec.Key) bool { return true }) // the diff has looked already
	windows := g.holdWindows(p, now)
	p.closed = len(windows) > 0
	p.Hash = hashCalls(p.Calls())
	return windows
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
func (g *Guards) holds(p *Plan, f Facts) []GuardHold {
	var holds []GuardHold
	add := func(guard, format string, args ...any) {
		holds = append(holds, GuardHold{Guard: guard, Message: fmt.Sprintf(format, args...), Approvable: true})
	}
	calls, managed, forgets := p.Count(ActionCommit), p.managedCalls(), p.Count(ActionForget)
	if p.Specs == 0 && calls+forgets > 0 {
		add("empty", "the source has no specs, and the state has %d tasks", p.Managed)
	}
	if f.Rewritten {
		add("rewritten", "%s", rewriteText(p, f.Control.Revision))
	}
	if calls == 0 {
		return holds
	}
	if f.Control.Restored {
		add("restored", "the state was taken back from an older or damaged one: its plan may repeat commits")
	} else if n := p.held(HoldAlreadyLive); n >= restoredAfter {
		add("restored", "%d tasks are live already as their specs ask, by operations that the state does not know: the state was probably lost or put back; wedatasync import takes over what is live", n)
	}
	if g.MaxChanges > 0 && calls > g.MaxChanges {
		add("maxChanges", "%d calls, and guards.maxChanges is %d", calls, g.MaxChanges)
	}
	if percent := g.MaxChangePercent; percent > 0 && p.Managed >= minPopulation && managed*100 > percent*p.Managed {
		add("maxChangePercent", "%d of %d managed tasks change, and guards.maxChangePercent is %d", managed, p.Managed, percent)
	}
	return holds
}

// held counts the changes that are held for the reason.
func (p *Plan) held(reason HoldReason) int {
	n := 0
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == ActionHold && c.Hold == reason {
			n++
		}
	}
	return n
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

// covers reports whether the approval is for this plan. Once the calls of the
// approved plan are known it is for these alone, as far as they are left.
func covers(a *state.Approval, p *Plan) bool {
	if len(a.Calls) == 0 {
		return matchHash(p.Hash, a.PlanHash)
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
