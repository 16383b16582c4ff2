package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// minPopulation is how many managed tasks MaxChangePercent needs to mean anything.
	minPopulation = 10
	// guardWindows is the name of the guard that ends by itself.
	guardWindows = "windows"
	// guardRewritten is the name of the guard of a history that was rewritten.
	guardRewritten = "rewritten"
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
	// MaxChanges bounds the calls, removals and returns of one plan; 0 is no bound.
	MaxChanges int
	// MaxChangePercent bounds the calls for tasks that are already managed, the removals
	// and the returns, in percent of the managed tasks, from 10 of them up; 0 is no bound.
	MaxChangePercent int
	// Windows are the times at which tasks are committed, or are not.
	Windows []calendar.Window
	// AdoptAlreadyLive takes a task as applied, without a commit, whose wanted version is
	// live by an operation that the state does not know. Else it is held.
	AdoptAlreadyLive bool
	// ApproverIsNotAuthor lets an approval count only if it is not by the author of the
	// newest revision. Authors says as whom those who approve write revisions.
	ApproverIsNotAuthor bool
	Authors             []Author
}

// Same reports whether a plan that has passed the guards has passed the others, too.
func (g *Guards) Same(others *Guards) bool { return g == others || reflect.DeepEqual(g, others) }

// Facts are what the guards know beside the plan.
type Facts struct {
	Control *state.Control // nil is an empty one
	// Rewritten says that the revision does not come after Control.Revision, and has
	// other specs.
	Rewritten bool
	// Uncompared says that nobody can tell: the history in between cannot be read. Rewritten
	// is true then, too.
	Uncompared bool
}

// Check returns p as the guards leave it. A guard holds the whole plan: every
// call becomes a hold, and p.Holds says why. A plan with an approval in
// f.Control goes past the guards that the approval names.
func (g *Guards) Check(p *Plan, f Facts, now time.Time) *Plan {
	if f.Control == nil {
		f.Control = new(state.Control)
	}
	out := *p
	out.Changes = slices.Clone(p.Changes)
	if f.Rewritten {
		out.takesOver = p.Source.Revision
	}
	windows := g.bound(&out, now)
	out.Holds = append(g.holds(&out, f), windows...)
	if len(out.Holds) == 0 {
		return &out
	}
	own := g.letPast(&out, f.Control, now)
	out.Holds = slices.DeleteFunc(out.Holds, func(h GuardHold) bool { return h.Approvable && slices.Contains(out.passed, h.key()) })
	if own != "" && len(out.Holds) > 0 {
		out.Holds = append(out.Holds, GuardHold{Guard: guardAuthor, Message: own, Approvable: true})
	}
	if len(out.Holds) > 0 {
		out.Approved = ""
		for c := range out.effects() {
			out.halted = append(out.halted, c.Effect())
		}
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
	holdDependants(p)
	windows := g.holdWindows(p, now)
	p.Hash = hashOf(p)
	return windows
}

// outside names the guard that does not allow the commit, and what it does not allow.
func (g *Guards) outside(c *spec.Commit) (guard, what string) {
	switch {
	case len(g.AllowProjects) > 0 && !slices.Contains(g.AllowProjects, c.ProjectID):
		return "allowProjects", "project " + c.ProjectID
	case len(g.AllowTasks) > 0 && !slices.ContainsFunc(g.AllowTasks, func(pattern string) bool { return calendar.MatchID(pattern, c.TaskID) }):
		return "allowTasks", "task " + c.TaskID
	case len(g.AllowCommitTypes) > 0 && !slices.Contains(g.AllowCommitTypes, c.CommitType):
		return "allowCommitTypes", "commitType " + c.CommitType.String()
	default:
		return "", ""
	}
}

// holds collects what speaks against the whole plan.
func (g *Guards) holds(p *Plan, f Facts) []GuardHold {
	var holds []GuardHold
	add := func(guard, format string, args ...any) {
		holds = append(holds, GuardHold{Guard: guard, Message: fmt.Sprintf(format, args...), Approvable: true})
	}
	n := p.numbers()
	if p.Specs == 0 && n.changes() > 0 {
		add("empty", "the source has no specs, and the state has %s", numberOf(p.Managed, "task"))
	}
	if f.Rewritten {
		add(guardRewritten, "%s", rewriteText(p, &f))
		holds[len(holds)-1].of = p.takesOver
	}
	if f.Control.Restored && n.calls > 0 {
		add(GuardRestored, "the state was taken back from an older or damaged one: its plan may repeat commits")
	} else if live := p.Held(HoldAlreadyLive); live >= RestoredAfter && n.calls > 0 {
		add(GuardRestored, "%d tasks are live already at the version of their specs, by operations that the state does not know: the state was probably lost or restored; wedatasync import adopts what is live", live)
	}
	if g.MaxChanges > 0 && n.changes() > g.MaxChanges {
		add("maxChanges", "%s, and guards.maxChanges is %d", n, g.MaxChanges)
	}
	// Returns are of tasks that were managed, and will be.
	managed, of := n.managed+n.removals+n.returns, p.Managed+n.returns
	if percent := g.MaxChangePercent; percent > 0 && of >= minPopulation && managed*100 > percent*of {
		add("maxChangePercent", "%d of %d managed tasks change, and guards.maxChangePercent is %d", managed, of, percent)
	}
	return holds
}

// key is what an approval calls the guard: each window, and each rewrite of the history,
// is a guard of its own.
func (h *GuardHold) key() string { return guardKey(h.Guard, h.of) }

func guardKey(guard, of string) string {
	if of == "" {
		return guard
	}
	return guard + " " + strconv.Quote(of)
}

// numbers is what a plan does, in numbers.
type numbers struct {
	calls, removals, returns int
	managed                  int // calls for tasks that are managed
}

func (p *Plan) numbers() (n numbers) {
	for c := range p.effects() {
		switch {
		case c.Action == ActionForget:
			n.removals++
		case c.Action == ActionReturn:
			n.returns++
		default:
			n.calls++
			if c.Have != nil && c.Have.Applied != nil {
				n.managed++
			}
		}
	}
	return n
}

func (n numbers) changes() int { return n.calls + n.removals + n.returns }

// String names what there is of it.
func (n numbers) String() string {
	if n.removals+n.returns == 0 {
		return numberOf(n.calls, "call")
	}
	var parts []string
	for _, p := range []struct {
		n    int
		noun string
	}{{n.calls, "call"}, {n.removals, "removal"}, {n.returns, "return"}} {
		if p.n > 0 {
			parts = append(parts, numberOf(p.n, p.noun))
		}
	}
	return strings.Join(parts, ", ")
}
