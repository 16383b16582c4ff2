package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// explainRows is how many rows of a task's history explain shows, and explainEvents
	// how many events it reads for them.
	explainRows   = 10
	explainEvents = 100
)

func newExplainCommand(io *stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain TASK",
		Short: "Say why a task is as it is, and what comes next",
		Long: `Explain shows everything about one task: what was applied, by which revision and
request; what its spec asks for, and its progress; what was compared, which
guard holds it, what it waits for and when it is tried again; and its last events.
TASK is a task's id, projectId/taskId, its name, or the beginning of one that no other
task has. It changes nothing.`,
		Args: takes(cobra.ExactArgs(1)),
	}
	s := addAccess(cmd)
	cmd.ValidArgsFunction = completeTask(io, s, anyTask)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		from, err := s.open(io)
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		r, err := from.View(ctx)
		if err != nil {
			return err
		}
		defer r.Close() // it was only read
		// The state alone tells a lot: a source that cannot be read is no reason to
		// say nothing.
		env := parts.Env{Getenv: io.getenv, Log: io.err, Quiet: true, Version: version(), OwnState: true}
		plan, planErr := from.Plan(ctx, env, args[0])
		key, err := command.FindTask(ctx, r, plan, args[0], true)
		if err != nil {
			return errors.Join(err, planErr)
		}
		rec, drift, err := r.Task(ctx, key)
		if err != nil {
			return err
		}
		if plan != nil {
			if c := plan.Find(key); c != nil && c.Have == nil {
				c.Have = rec // a plan from elsewhere has none
			}
		}
		events, err := r.History(ctx, state.HistoryQuery{Key: &key, Limit: explainEvents})
		if err != nil {
			return err
		}
		e := explanation{labelled: labelled{w: io.out}, key: key, rec: rec, plan: plan, drift: drift, now: time.Now()}
		e.write(events, planErr)
		return e.err
	}
	return cmd
}

// explanation writes what is known of one task.
type explanation struct {
	labelled
	key   spec.Key
	rec   *state.Record // nil if the state does not know it
	plan  *plan.Plan
	drift *state.Drift // nil if it has not, as far as that was seen
	now   time.Time
}

func (e *explanation) write(events []state.Event, planErr error) {
	e.line("Task", "%s", explain.Label(e.name(), e.key.String()))
	e.condition()
	e.applied()
	e.removed()
	e.attempt()
	if e.drift != nil {
		e.line("Drift", "%s", report.DriftText(e.drift))
		e.line("", "seen so since %s", clock(e.drift.Since))
	}
	e.planned(planErr)
	rows := release.Rows(events)
	for i := range rows[:min(len(rows), explainRows)] {
		label := ""
		if i == 0 {
			label = "History"
		}
		e.line(label, "%s", rowText(&rows[i]))
	}
}

// name is what people call the task.
func (e *explanation) name() string {
	if e.plan != nil {
		return e.plan.NameOf(e.key, e.rec)
	}
	return e.rec.Name()
}

// condition says how the task stands, and what comes next.
func (e *explanation) condition() {
	d := explain.Condition{State: explain.InSync}
	switch c, skipped := e.change(), e.skipped(); {
	case c != nil:
		d = explain.Of(c)
	case skipped != nil:
		d = explain.OfSkipped(skipped)
	case e.rec != nil && e.rec.Removed != nil:
		d.State = explain.Removed
	case e.plan != nil && e.drift != nil && e.drift.Kind.Drifted():
		d = explain.OfDrift(e.drift)
	case e.rec != nil:
		d = explain.OfRecord(e.rec, e.now)
	case e.plan == nil:
		return // nothing is known
	}
	info := d.State.Info()
	e.line("State", "%s: %s", info.Label, info.Meaning)
	if d.Why != "" {
		e.line("", "%s", d.Sentence())
	} else if d.Next != "" {
		e.line("Next", "%s", d.Next)
	}
}

// skipped returns the task if it has no usable spec; nil if it has, or if there is no plan.
func (e *explanation) skipped() *plan.Skipped {
	if e.plan == nil {
		return nil
	}
	return e.plan.FindSkipped(e.key)
}

// change returns what the plan does with the task; nil if nothing, or if there is no plan.
func (e *explanation) change() *plan.Change {
	if e.plan == nil {
		return nil
	}
	return e.plan.Find(e.key)
}

func (e *explanation) applied() {
	if e.rec == nil || e.rec.Applied == nil {
		e.line("Applied", "never, by this state")
		return
	}
	a := e.rec.Applied
	e.line("Applied", "%s%s at %s, from: %s", a.CommitType, versionText(a.InstanceVersion), clock(a.At), explain.Origin(a.Origin))
	if a.Origin == state.OriginHistory {
		e.line("", "an earlier version did not keep which version that was")
	}
	if a.Revision != "" {
		e.line("", "revision %s", a.Revision)
	}
	if a.RequestID != "" {
		e.line("", "request %s", a.RequestID)
	}
	if a.TaskApproveID != "" {
		e.line("", "waits for approval %s in WeData", a.TaskApproveID)
	}
	if run := a.Run; run != nil {
		e.line("", "%s since %s%s", run.Status, clock(run.Since), because(run.Detail))
	}
}

// removed says that the task is not managed.
func (e *explanation) removed() {
	if e.rec == nil || e.rec.Removed == nil {
		return
	}
	e.line("Removed", "%s, its spec was removed: the task is no longer managed; the applied version is kept", clock(e.rec.Removed.At))
	if rev := e.rec.Removed.Revision; rev != "" {
		e.line("", "revision %s", rev)
	}
}

func because(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + detail
}

func (e *explanation) attempt() {
	if e.rec == nil {
		return
	}
	if s := e.rec.Suspended; s.Active(e.now) {
		e.line("Suspended", "by %s at %s: %s", s.Actor, clock(s.At), s.Reason)
	}
	a := e.rec.Attempt
	if a == nil {
		return
	}
	e.line("Attempt", "%s%s (%s), sent %s, now %s", a.Wanted.CommitType, versionText(a.Wanted.InstanceVersion), a.Reason, clock(a.At), e.stage())
	e.line("", "spec %s:%d of revision %s%s", a.File, a.Line, a.Wanted.Revision, byAuthor(a.Author))
	if a.Outcome.Code != "" {
		e.line("", "answer %s: %s", a.Outcome.Code, a.Outcome.Message)
	}
	if a.Outcome.RequestID != "" {
		e.line("", "request %s", a.Outcome.RequestID)
	}
	if a.Outcome.Locker != "" {
		e.line("", "locked by %s since %s", a.Outcome.Locker, clock(a.Since))
	}
	if a.NeedsOperator != "" {
		e.line("", "action required: %s", a.NeedsOperator)
	}
	if !a.NextAt.IsZero() {
		e.line("", "next %s", clock(a.NextAt))
	}
}

// stage says at which stage the newest attempt is.
func (e *explanation) stage() string {
	if e.rec.Accepted() {
		return "accepted, not seen live"
	}
	return string(e.rec.Status)
}

// planned says what the newest revision asks for, and what comes of it.
func (e *explanation) planned(planErr error) {
	if e.plan == nil {
		e.line("Plan", "not known: %v", planErr)
		return
	}
	c := e.plan.Find(e.key)
	if c == nil {
		e.line("Plan", "%s", e.unchanged())
		return
	}
	if c.Want != nil {
		e.line("Spec", "%s: %s%s", c.Want.Pos, c.Want.CommitType, versionText(c.Want.InstanceVersion))
	}
	e.line("Plan", "%s", planWords(c))
	for _, f := range c.Fields {
		if f.Secret {
			e.line("", "%s differs", f.Name)
			continue
		}
		e.line("", "%s: %v -> %v", f.Name, orDash(f.Before), orDash(f.After))
	}
	for _, h := range e.plan.Holds {
		way := ""
		if h.Approvable {
			way = "; to approve it: wedatasync approve " + e.plan.Hash
		}
		e.line("Guard", "%s: %s%s", h.Guard, h.Message, way)
	}
}

// unchanged says why the plan does nothing with the task.
func (e *explanation) unchanged() string {
	revision := e.plan.Source.Revision
	switch skipped := e.skipped(); {
	case skipped != nil && skipped.Problem.Code != "":
		return "skipped: its spec at revision " + revision + " has an error: " + skipped.Problem.String()
	case skipped != nil, e.rec != nil && e.rec.Removed != nil:
		return "nothing to do: it has no spec at revision " + revision
	default:
		return "nothing to do: it matches its spec at revision " + revision
	}
}

// planWords says what the plan does with the task.
func planWords(c *plan.Change) string {
	switch c.Action {
	case plan.ActionForget:
		return "removed from state: its spec was removed; no call"
	case plan.ActionReturn:
		return "managed again: its spec is back at the applied version; no call"
	default:
		return strings.TrimSpace(fmt.Sprintf("%s %s", c.Action, c.Reason))
	}
}

func versionText(version int64) string {
	if version == 0 {
		return ""
	}
	return fmt.Sprintf(" version %d", version)
}

func byAuthor(author string) string {
	if author == "" {
		return ""
	}
	return " by " + author
}

func orDash(v any) any {
	if v == nil {
		return "-"
	}
	return v
}
