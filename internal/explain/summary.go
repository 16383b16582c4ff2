package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Summary is what a plan, and the last drift check, come to: every task in one state. It is
// counted once for all that ask, and does not change.
type Summary struct {
	Plan       *plan.Plan       // empty before the first
	Scan       *state.DriftScan // the last drift check; nil before the first
	Unresolved []int            // indexes of Plan.Changes: unknown outcomes that only an operator can end
	Warnings   int
	Errors     int

	by      map[State][]int // indexes of Plan.Changes
	more    map[State]int   // of tasks that are not among these
	drifted []*state.Drift  // of the tasks that are Drifted, as far as they are kept
}

// Summarize counts a plan. p is nil before the first, and scan before the first drift check.
func Summarize(p *plan.Plan, scan *state.DriftScan) *Summary {
	if p == nil {
		p = &plan.Plan{}
	}
	s := &Summary{Plan: p, Scan: scan, by: map[State][]int{}, more: map[State]int{}}
	for i := range p.Changes {
		c := &p.Changes[i]
		st := s.State(c.Key, c)
		s.by[st] = append(s.by[st], i)
		if NeedsOperator(c) {
			s.Unresolved = append(s.Unresolved, i)
		}
	}
	for i := range p.Skipped {
		s.more[OfSkipped(&p.Skipped[i]).State]++
	}
	s.countDrift()
	s.more[InSync] = p.Unchanged - s.more[Drifted]
	s.Errors = p.Problems.Errors()
	s.Warnings = p.Problems.Len() - s.Errors
	return s
}

// countDrift counts the tasks that have drifted and are in no other state. Of a drift check
// that found more than are kept, what is not kept counts, too.
func (s *Summary) countDrift() {
	if s.Scan == nil {
		return
	}
	for i := range s.Scan.Drifted {
		d := &s.Scan.Drifted[i]
		c := s.Plan.Find(d.Key)
		if s.State(d.Key, c) != Drifted {
			continue
		}
		s.drifted = append(s.drifted, d)
		if c == nil {
			s.more[Drifted]++
		}
	}
	s.more[Drifted] = min(s.more[Drifted]+s.Scan.Count()-len(s.Scan.Drifted), s.Plan.Unchanged)
}

// State returns the state of the task. c is what the plan does with it, or nil.
func (s *Summary) State(key spec.Key, c *plan.Change) State {
	drifted := func(st State) State {
		if d := s.Scan.Of(key); d != nil && d.Kind.Drifted() {
			return Drifted
		}
		return st
	}
	switch skipped := s.Plan.FindSkipped(key); {
	case c != nil && (c.Action == plan.ActionUnversioned || c.Action == plan.ActionReturn):
		return drifted(StateOf(c))
	case c != nil:
		return StateOf(c)
	case skipped != nil:
		return OfSkipped(skipped).State
	default:
		return drifted(InSync)
	}
}

// Count returns how many tasks are in the state. All states together are all tasks that are
// managed, or that a spec names.
func (s *Summary) Count(st State) int { return len(s.by[st]) + s.more[st] }

// By returns the indexes of the changes of Plan whose tasks are in the state.
func (s *Summary) By(st State) []int { return s.by[st] }

// Others returns the tasks in the state that are not among the changes, as far as they are
// kept; not those in sync.
func (s *Summary) Others(st State) []spec.Key {
	var keys []spec.Key
	for i := range s.Plan.Skipped {
		if t := &s.Plan.Skipped[i]; OfSkipped(t).State == st {
			keys = append(keys, t.Key)
		}
	}
	for _, d := range s.drifted {
		if st == Drifted && s.Plan.Find(d.Key) == nil {
			keys = append(keys, d.Key)
		}
	}
	return keys
}

// Tasks returns how many tasks there are.
func (s *Summary) Tasks() int {
	n := len(s.Plan.Changes)
	for _, more := range s.more {
		n += more
	}
	return n
}

// Counts says in a phrase how many tasks are in which state, those that require action first.
func (s *Summary) Counts() string { return Counts(s.Count) }

// Counts is [Summary.Counts] of counts that are known already.
func Counts(of func(State) int) string {
	var parts []string
	for _, i := range States() {
		if n := of(i.State); n > 0 && i.State != InSync {
			parts = append(parts, fmt.Sprintf("%d %s", n, i.Label))
		}
	}
	if n := of(InSync); n > 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("%d %s", n, InSync.Info().Label))
	}
	return strings.Join(parts, ", ")
}

// Line says in a line what the plan comes to, and what requires action first. reasons are why
// action is required.
func (s *Summary) Line(reasons []Reason) string {
	line := s.Counts()
	if invalid := s.Invalid(); len(invalid) > 0 {
		line = fmt.Sprintf("error in %s:%d; %s", invalid[0].File, invalid[0].Line, line)
	}
	for _, h := range slices.Backward(s.Plan.Holds) {
		line = fmt.Sprintf("held by %s; %s", h.Guard, line)
	}
	if s.Plan.Source.Unverified != "" {
		line = "newest revision not verified; " + line
	}
	if len(reasons) > 0 {
		line = "action required: " + line
	}
	return text.Visible(line)
}

// Outcome says how far the newest revision is, in a word.
type Outcome string

// The outcomes, the gravest first. They are the exit codes of run --once and of status.
const (
	OutcomeUnknown Outcome = "unknown" // an unknown outcome remains
	OutcomeFailed  Outcome = "failed"  // an invalid spec, or a revision that is not verified, or sends are paused
	OutcomeHeld    Outcome = "held"    // a guard holds the plan, or a task
	OutcomePartial Outcome = "partial" // some commits are refused, wait, or are not live or running yet
	OutcomeDone    Outcome = "done"
)

// Outcome returns how far the plan is.
func (s *Summary) Outcome() Outcome {
	switch {
	case s.Count(Unknown) > 0:
		return OutcomeUnknown
	case s.Plan.Source.Unverified != "" || s.Count(Paused) > 0 || s.Errors > 0:
		return OutcomeFailed
	case len(s.Plan.Holds) > 0 || s.Count(Guard)+s.Count(Window) > 0:
		return OutcomeHeld
	}
	for _, i := range States() {
		if i.State.open() && s.Count(i.State) > 0 {
			return OutcomePartial
		}
	}
	return OutcomeDone
}

// open reports whether something that git asks for is not so in WeData yet.
func (s State) open() bool {
	switch s {
	case InSync, Unversioned, Forgotten, Returned, Removed, Suspended, Adopted:
		return false
	default:
		return true
	}
}

// InSync reports whether nothing is left that git asks for and is not so in WeData.
func (s *Summary) InSync() bool {
	return s.Outcome() == OutcomeDone && s.Count(Suspended)+s.Count(Adopted) == 0
}

// Invalid returns the errors in specs that are listed.
func (s *Summary) Invalid() []spec.Problem {
	var all []spec.Problem
	for _, p := range s.Plan.Problems {
		if p.Severity == spec.SeverityError {
			all = append(all, p)
		}
	}
	return all
}

// HeldWithPlan reports whether the change is held because the whole plan is, so that an
// approval of the plan lets it go.
func HeldWithPlan(p *plan.Plan, c *plan.Change) bool {
	if c.Hold != plan.HoldGuard && c.Hold != plan.HoldWindow {
		return false
	}
	return slices.ContainsFunc(p.Holds, func(h plan.GuardHold) bool { return h.Message == c.Detail })
}

// HeldWithPlan returns how many changes the guards of the whole plan hold: calls, removals
// and returns.
func (s *Summary) HeldWithPlan() int {
	n := 0
	for i := range s.Plan.Changes {
		c := &s.Plan.Changes[i]
		if len(s.Plan.Holds) > 0 && (HeldWithPlan(s.Plan, c) || c.Action == plan.ActionForget || c.Action == plan.ActionReturn) {
			n++
		}
	}
	return n
}

// NeedsOperator reports whether only an operator can tell what became of the task's last
// commit.
func NeedsOperator(c *plan.Change) bool {
	return c.Hold == plan.HoldUnknown && c.Have != nil && c.Have.Attempt != nil && c.Have.Attempt.NeedsOperator != ""
}

// ApproveCommand is what an operator types to let the plan pass.
func ApproveCommand(p *plan.Plan) string { return "wedatasync approve " + p.Hash }

// PauseText says what is paused and why.
func PauseText(p state.Pause) string {
	what := "sending is paused"
	if p.ProjectID != "" {
		what = "sending to project " + text.Visible(p.ProjectID) + " is paused"
	}
	return fmt.Sprintf("%s: %s: %s", what, p.Code, text.Visible(p.Message))
}
