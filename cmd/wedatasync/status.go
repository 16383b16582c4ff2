package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/status"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/internal/usage"
	"github.com/wedatasync/wedatasync/state"
)

func newStatusCommand(io *stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the state of the tasks",
		Long: `Status shows whether the daemon runs, the newest revision, whether action is required
and what for, how many tasks are in which state, which guard holds the plan, and each
task that is not in sync. It works without a daemon, too, and changes nothing.

Exit codes: 0 everything is in sync; 1 an error, a spec that cannot be used, or sending
is paused; 3 held by a guard, or suspended; 4 some commits are refused, wait, or are not
live yet, or a task has drifted; 6 an unknown outcome remains.`,
		Example: `  wedatasync status
  wedatasync status --server https://wedatasync.example.com --token-file token`,
		Args: takes(usage.NoArgs),
	}
	s := addAccess(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		from, err := s.open(io)
		if err != nil {
			return err
		}
		now := time.Now()
		env := parts.Env{Getenv: io.getenv, Log: io.err, Quiet: true, Version: version(), OwnState: true}
		c, err := from.Condition(cmd.Context(), env, now)
		if err != nil {
			return err
		}
		if asJSON {
			err = writeStatusJSON(cmd.Context(), io.out, from, c)
		} else {
			err = (&statusText{w: io.out, c: c, now: now}).write()
		}
		return errors.Join(err, statusExit(c, now))
	}
	return cmd
}

// statusExit returns the code that tells a script how far the newest revision is.
func statusExit(c *command.Condition, now time.Time) error {
	s := c.Status
	if s == nil {
		return exitStatus(exitPartial) // nothing is known yet
	}
	outcome := s.Outcome
	if outcome != explain.OutcomeUnknown && (s.Hangs || failsBeyondTasks(s.Reasons)) {
		outcome = explain.OutcomeFailed
	}
	if (outcome == explain.OutcomeDone || outcome == explain.OutcomePartial) && c.Control.Suspended.Active(now) {
		outcome = explain.OutcomeHeld
	}
	return outcomeStatus(outcome)
}

// failsBeyondTasks reports whether something requires action that is about no task.
func failsBeyondTasks(reasons []explain.Reason) bool {
	for _, r := range reasons {
		switch r.Code {
		case explain.ReasonState, explain.ReasonCredentials, explain.ReasonSignature, explain.ReasonSource, explain.ReasonConfiguration:
			return true
		}
	}
	return false
}

// statusReport is the JSON of status.
type statusReport struct {
	Lineage  string         `json:"lineage"`
	Serial   int64          `json:"serial"`
	Identity state.Identity `json:"identity"`
	Revision string         `json:"revision,omitempty"`
	Running  bool           `json:"running"`          // a daemon runs
	Holder   *state.Holder  `json:"holder,omitempty"` // the process that holds the state
	Status   *status.Status `json:"status"`           // as /api/v1/status has it; null if it is not known
	Control  state.Control  `json:"control"`

	status.Records // goes with 2.0
}

// writeStatusJSON prints the condition as JSON.
func writeStatusJSON(ctx context.Context, w io.Writer, from command.Access, c *command.Condition) (err error) {
	r, err := from.View(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s := &statusReport{
		Lineage: c.Lineage, Serial: c.Serial, Identity: c.Identity, Revision: c.Control.Revision, Running: c.Running, Holder: c.Holder,
		Status: c.Status, Control: c.Control, Records: status.NewRecords(),
	}
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return err
		}
		s.Add(&rec)
	}
	encoder := json.NewEncoder(text.NoCommands(w))
	encoder.SetIndent("", "  ")
	return encoder.Encode(s)
}

// statusText writes the condition for people.
type statusText struct {
	w   io.Writer
	c   *command.Condition
	now time.Time
}

// line writes a line, with a label or below the one before.
func (t *statusText) line(label, format string, args ...any) {
	fmt.Fprintf(t.w, "%-10s%s\n", label, text.Visible(fmt.Sprintf(format, args...)))
}

func (t *statusText) write() error {
	t.daemon()
	id := &t.c.Identity
	from := id.Source
	if id.Branch != "" {
		from += ", branch " + id.Branch
	}
	t.line("Source", "%s", from)
	if id.Endpoint != "" { // a daemon elsewhere does not tell
		t.line("Endpoint", "%s, %s", id.Endpoint, id.Region)
		t.line("State", "serial %d", t.c.Serial)
	}
	s := t.c.Status
	if s == nil {
		t.line("Revision", "%s", orNone(t.c.Control.Revision))
		t.control()
		return nil
	}
	t.revision(s)
	t.required(s)
	t.plan(s)
	t.control()
	t.drift(s.Drift)
	return t.open(s)
}

// daemon says whether the daemon runs, and how old what follows is.
func (t *statusText) daemon() {
	s, holder := t.c.Status, t.c.Holder
	switch {
	case t.c.Running && s.Hangs:
		t.line("Daemon", "not responding: pid %d hangs; a restart loses nothing", s.PID)
	case t.c.Running:
		t.line("Daemon", "running, pid %d%s", s.PID, polled(s, t.now))
	case holder != nil && s != nil && s.PID == holder.PID && !s.Ended:
		t.line("Daemon", "not responding: pid %d has reported nothing since %s", holder.PID, since(s.At, t.now))
	case holder != nil:
		t.line("Daemon", "starting: pid %d has had the state since %s", holder.PID, since(holder.Since, t.now))
	case s != nil && s.PID != 0:
		t.line("Daemon", "not running; the rest is as of %s", since(s.At, t.now))
	default:
		t.line("Daemon", "not running")
	}
	if t.c.PlanErr != nil {
		t.line("", "no plan could be made, so the rest is from the state alone: %v", t.c.PlanErr)
	}
}

// polled says when the source was polled last.
func polled(s *status.Status, now time.Time) string {
	switch h := s.Source; {
	case h.LastAttempt.IsZero():
		return "; the source was not polled yet"
	case h.Error != "":
		return fmt.Sprintf("; the last poll, %s, failed: %s", snapshot.Ago(h.LastAttempt, now), h.Error)
	default:
		return "; polled " + snapshot.Ago(h.LastSuccess, now)
	}
}

// since writes a time, and how long ago it is.
func since(at, now time.Time) string { return fmt.Sprintf("%s (%s)", clock(at), snapshot.Ago(at, now)) }

func (t *statusText) revision(s *status.Status) {
	if s.Revision == nil {
		t.line("Revision", "%s", orNone(t.c.Control.Revision))
		return
	}
	rev := s.Revision.ID
	if s.Revision.Author != "" {
		rev += " by " + s.Revision.Author
	}
	if !s.Revision.SeenAt.IsZero() {
		rev += ", since " + since(s.Revision.SeenAt, t.now)
	}
	t.line("Revision", "%s", rev)
	if s.Applied != "" && s.Applied != s.Revision.ID {
		t.line("", "pending; the revision before is %s", s.Applied)
	}
}

// required says whether action is required, what for, and what to type.
func (t *statusText) required(s *status.Status) {
	if len(s.Reasons) == 0 {
		t.line("Action", "none required")
		return
	}
	label := "Action"
	for _, r := range s.Reasons {
		t.line(label, "required: %s: %s", r.Code, r.Message)
		for _, c := range r.Commands {
			t.line("", "  %s", c)
		}
		label = ""
	}
}

// plan says how many tasks are in which state, what is held, and which specs are invalid.
func (t *statusText) plan(s *status.Status) {
	p := s.Plan
	if p == nil {
		return
	}
	t.line("Tasks", "%s", explain.Counts(func(s explain.State) int { return p.States[s] }))
	for _, h := range p.Holds {
		if h.Guard == explain.GuardWindows { // the others are among what requires action
			t.line("Held", "by %s: %s", h.Guard, h.Message)
			t.line("", "  %s", h.Command)
		}
	}
	if p.Held > 0 {
		t.line("Pending", "%s held with the plan", text.Plural(p.Held, "change"))
	}
	label := "Invalid"
	for _, i := range p.Invalid {
		t.line(label, "%s:%d:%d: %s", i.File, i.Line, i.Column, i.Message)
		label = ""
	}
	if more := p.Errors - len(p.Invalid); more > 0 {
		t.line("", "and %s more: wedatasync validate", text.Plural(more, "error"))
	}
}

// control says what is paused, suspended and approved.
func (t *statusText) control() {
	c := &t.c.Control
	for _, p := range c.Pauses {
		if t.now.Before(p.Until) {
			t.line("Paused", "%s, until %s: %s", pauseScope(p), clock(p.Until), p.Code+": "+p.Message)
		}
	}
	if by := c.Suspended; by.Active(t.now) {
		end := "until unsuspended"
		if !by.Until.IsZero() {
			end = "until " + clock(by.Until)
		}
		t.line("Suspended", "everything, %s, by %s: %s", end, by.Actor, by.Reason)
		t.line("", "  wedatasync unsuspend")
	}
	for _, a := range c.Approvals {
		if t.now.Before(a.Expires) {
			t.line("Approved", "plan %s, past %s, by %s, until %s; %s left",
				report.ShortHash(a.PlanHash), strings.Join(a.Guards, ", "), a.Actor, clock(a.Expires), text.Plural(len(a.Calls), "change"))
		}
	}
}

// drift says what the last drift check has found.
func (t *statusText) drift(scan *state.DriftScan) {
	if scan == nil {
		return
	}
	t.line("Drift", "%d of %d tasks have drifted, last checked %s", scan.Count(), scan.Tasks, since(scan.At, t.now))
	if scan.Error != "" {
		t.line("", "%s could not be read: %s", text.Plural(scan.Unknown, "task"), scan.Error)
	}
}

// open lists the tasks that are not in sync.
func (t *statusText) open(s *status.Status) error {
	if len(s.Open) == 0 {
		return nil
	}
	fmt.Fprintln(t.w)
	table := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', 0)
	for _, o := range s.Open {
		why := o.Why
		if o.Next != "" {
			why += "; " + o.Next
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", text.Visible(explain.Label(o.Name, o.Key.String())), o.State.Info().Label, text.Visible(why))
	}
	if listed := t.listed(s); listed > len(s.Open) {
		fmt.Fprintf(table, "and %d more\n", listed-len(s.Open))
	}
	return table.Flush()
}

// listed counts the tasks that Open would list if it had no bound.
func (t *statusText) listed(s *status.Status) int {
	n := 0
	for _, i := range explain.States() {
		if i.Tone != explain.ToneOK && i.Tone != explain.ToneBusy && s.Plan != nil {
			n += s.Plan.States[i.State]
		}
	}
	return n
}

func pauseScope(p state.Pause) string {
	if p.ProjectID == "" {
		return "everything"
	}
	return "project " + p.ProjectID
}

func orNone(s string) string {
	if s == "" {
		return "none yet"
	}
	return s
}

// clock writes a time in UTC, as the log and the plans do.
func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
