package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// condition is something that requires action, for as long as nobody has acted.
type condition struct {
	id    string   // names it, whatever the words
	with  []string // names others that the event tells of, too
	event Event
	since time.Time // when it began, if that is known
}

// ids are the names of all that the event tells of.
func (c *condition) ids() []string { return append([]string{c.id}, c.with...) }

// idOf names a condition by its topic and what it is about.
func idOf(topic Topic, about ...any) string {
	h := sha256.New()
	for _, a := range about {
		fmt.Fprintf(h, "%q ", fmt.Sprint(a))
	}
	return string(topic) + " " + hex.EncodeToString(h.Sum(nil)[:12])
}

// taskID names a condition of a release of a task.
func taskID(topic Topic, key spec.Key, r release) string {
	return idOf(topic, key, r.version, r.rerun, r.runs, r.content)
}

// taskConditions lists what the state and the plan say of the tasks.
func taskConditions(p *plan.Plan) []condition {
	var list []condition
	for i := range p.Changes {
		if c, ok := taskCondition(&p.Changes[i]); ok {
			list = append(list, c)
		}
	}
	return list
}

// taskCondition returns the condition of a task that requires action, if it does. What
// has happened counts, and not whether the plan suspends the task by now.
func taskCondition(c *plan.Change) (condition, bool) {
	have := c.Have
	e := about(c)
	switch {
	case have == nil && !blocked(c):
		return condition{}, false
	case blocked(c):
		e.Topic, e.State, e.Message = TaskHeld, explain.StateOf(c), explain.Of(c).Why
		return conditionOf(e, wantedOf(c)), true
	case have.Status == state.StatusRefused:
		a := have.Attempt
		e.Topic, e.State, e.Code, e.Message = TaskRefused, explain.StateAfter(have), a.Outcome.Code, a.Outcome.Message
	case have.Attempt != nil && have.Attempt.NeedsOperator != "":
		e.Topic, e.State, e.Message = TaskPerson, explain.StateAfter(have), have.Attempt.NeedsOperator
	case have.Accepted() && have.Attempt.Outcome.TaskApproveID != "":
		e.Topic, e.State = TaskApproval, explain.Approval
	case c.NotRunning():
		e.Topic, e.State, e.Message = TaskNotRunning, explain.NotRunning, have.Applied.Run.Detail
		return conditionOf(e, releaseOf(*have.Applied)), true
	case c.Unhealthy():
		e.Topic, e.State, e.Message = TaskUnhealthy, explain.Unhealthy, have.Applied.Run.Detail
		return conditionOf(e, releaseOf(*have.Applied)), true
	default:
		return condition{}, false
	}
	return conditionOf(e, releaseOf(have.Attempt.Wanted)), true
}

// recordCondition returns the condition that the record alone tells of, if it does.
func recordCondition(rec *state.Record) (condition, bool) {
	change := plan.Change{Key: rec.Key, Action: plan.ActionHold, Have: rec}
	if rec.Attempt == nil && rec.Applied != nil {
		change.Action = plan.ActionFollow
	}
	c, ok := taskCondition(&change)
	if ok && rec.Attempt != nil {
		c.event.Revision, c.event.Author = rec.Attempt.Wanted.Revision, rec.Attempt.Author
	} else if ok {
		c.event.Revision = rec.Applied.Revision
		c.event.Version, c.event.CommitType = rec.Applied.InstanceVersion, rec.Applied.CommitType.String()
	}
	return c, ok
}

// blocked reports whether the plan itself holds the task until the spec changes or an
// operator acts.
func blocked(c *plan.Change) bool {
	return c.Action == plan.ActionHold && c.Want != nil &&
		slices.Contains([]plan.HoldReason{plan.HoldContested, plan.HoldSpent, plan.HoldRecalled}, c.Hold)
}

// wantedOf is the release that the spec of a change asks for.
func wantedOf(c *plan.Change) release { return releaseOf(plan.AppliedOf(c.Want, "")) }

// conditionOf is the condition that an event of a task tells of.
func conditionOf(e Event, r release) condition {
	e.Next = nextOf(e)
	return condition{id: taskID(e.Topic, e.key(), r), event: e}
}

// nextOf says what an operator can do about a task.
func nextOf(e Event) string { return nextFor(e.State, e.State.Info().For(e.key())) }

func nextFor(s explain.State, info explain.Info) string {
	if s == explain.Approval {
		return "approve it in WeData; " + info.Next
	}
	return info.Next
}

// about makes an event about a task: its name, and what is or was to be committed.
func about(c *plan.Change) Event {
	e := Event{Name: c.Name(), Project: c.Key.ProjectID, Task: c.Key.TaskID}
	if c.Have != nil && c.Have.Attempt != nil && c.Action != plan.ActionCommit {
		a := c.Have.Attempt
		e.Version, e.CommitType, e.File, e.Line = a.Wanted.InstanceVersion, a.Wanted.CommitType.String(), a.File, a.Line
	} else if c.Want != nil {
		e.Version, e.CommitType = c.Want.InstanceVersion, c.Want.CommitType.String()
	}
	if c.Want != nil {
		e.File, e.Line = c.Want.Pos.File, c.Want.Pos.Line
	}
	return e
}

// planConditions lists what is wrong with all of a plan.
func planConditions(p *plan.Plan) []condition {
	var list []condition
	if len(p.Holds) > 0 {
		list = append(list, heldCondition(p))
	}
	if p.Source.Unverified != "" {
		list = append(list, unverifiedCondition(p.Source.Unverified))
	}
	if n := p.Problems.Errors(); n > 0 {
		list = append(list, invalidCondition(p.Problems, n))
	}
	return list
}

// maxFirst is how many tasks or places are named where there are more.
const maxFirst = 3

// heldCondition says which guard holds the plan, what it would do, and how to approve it.
func heldCondition(p *plan.Plan) condition {
	first := p.Holds[0]
	e := Event{Topic: PlanHeld, PlanHash: p.Hash, Code: first.Guard, Message: first.Message}
	about := []any{p.Hash}
	approvable := true
	for _, h := range p.Holds {
		about = append(about, h.Guard)
		approvable = approvable && h.Approvable
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		if !heldByPlan(p, c) {
			continue
		}
		if e.Count++; e.Count <= maxFirst {
			e.Tasks = append(e.Tasks, labelOf(c))
		}
	}
	e.Next = "read it with wedatasync plan, and change the spec or the configuration"
	if approvable {
		e.Next = "read it with wedatasync plan, and let it pass with: wedatasync approve " + p.Hash
	}
	return condition{id: idOf(PlanHeld, about...), event: e}
}

// heldByPlan reports whether the change waits for what holds the whole plan.
func heldByPlan(p *plan.Plan, c *plan.Change) bool {
	switch c.Action {
	case plan.ActionCommit, plan.ActionForget, plan.ActionReturn:
		return true
	case plan.ActionHold:
		return (c.Hold == plan.HoldGuard || c.Hold == plan.HoldWindow) && c.Detail == p.Holds[0].Message
	default:
		return false
	}
}

func labelOf(c *plan.Change) string { return about(c).label() }

// unverifiedCondition says that the newest revision does not count.
func unverifiedCondition(why string) condition {
	e := Event{Topic: PlanHeld, Code: "verify", Message: why, Next: "have it signed by a trusted key"}
	if i := strings.LastIndex(why, "wedatasync approve "); i >= 0 {
		e.Next = "add a commit that a trusted key has signed on top of it, or approve it: " + why[i:]
	}
	return condition{id: idOf(PlanHeld, "verify", why), event: e}
}

// maxErrors is how many errors in specs are told apart.
const maxErrors = 100

// numbers are places in the text of an error, which move.
var numbers = regexp.MustCompile(`[0-9]+`)

// invalidCondition says where the first errors in specs are. Each is a condition of its own,
// whatever line it moves to, so that only another error is news.
func invalidCondition(problems spec.Problems, n int) condition {
	c := condition{event: Event{Topic: SpecsInvalid, Count: n, Next: "correct the specs; wedatasync validate lists all errors"}}
	e := &c.event
	same := map[string]int{}
	for _, p := range problems {
		if p.Severity != spec.SeverityError || len(same) == maxErrors {
			continue
		}
		about := p.File + " " + p.Code + " " + numbers.ReplaceAllString(p.Message, "#")
		same[about]++
		id := idOf(SpecsInvalid, about, same[about])
		if c.id == "" {
			c.id, e.File, e.Line, e.Message = id, p.File, p.Line, p.Message
		} else {
			c.with = append(c.with, id)
		}
		if len(e.Tasks) < maxFirst {
			e.Tasks = append(e.Tasks, p.String())
		}
	}
	return c
}

// pauseConditions lists what sending is paused for.
func pauseConditions(pauses []state.Pause) []condition {
	var list []condition
	for _, p := range pauses {
		e := Event{Topic: SendsPaused, Project: p.ProjectID, Code: p.Code, Message: p.Message, Next: "wedatasync doctor finds what is wrong; to try now: wedatasync retry"}
		list = append(list, condition{id: idOf(SendsPaused, p.ProjectID, p.Code), event: e, since: p.Since})
	}
	return list
}

// driftConditions lists the tasks that others have changed.
func driftConditions(drifted []state.Drift) []condition {
	var list []condition
	for i := range drifted {
		d := &drifted[i]
		e := Event{Topic: TaskDrifted, Project: d.Key.ProjectID, Task: d.Key.TaskID, Code: string(d.Kind), Message: driftText(d)}
		e.State = explain.Drifted
		e.Next = nextOf(e)
		about := []any{d.Key, d.Kind}
		for _, f := range d.Fields {
			about = append(about, f.Name, f.Live)
		}
		list = append(list, condition{id: idOf(TaskDrifted, about...), event: e, since: d.Since})
	}
	return list
}

// driftText says what differs, and who did it.
func driftText(d *state.Drift) string {
	var parts []string
	for _, f := range d.Fields {
		parts = append(parts, fmt.Sprintf("%s %s -> %s", f.Name, f.Applied, f.Live))
	}
	if d.Operator != "" {
		parts = append(parts, "by "+d.Operator)
	}
	if d.OperatedAt != "" {
		parts = append(parts, state.WeDataTime(d.OperatedAt))
	}
	if d.WhyReported != "" {
		parts = append(parts, d.WhyReported)
	}
	return strings.Join(parts, ", ")
}
