package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// statusReport is what status shows, and its JSON.
type statusReport struct {
	Lineage  string               `json:"lineage"`
	Serial   int64                `json:"serial"`
	Identity state.Identity       `json:"identity"`
	Revision string               `json:"revision,omitempty"`
	Tasks    map[state.Status]int `json:"tasks"`
	Open     []openTask           `json:"open"`
	Control  state.Control        `json:"control"`

	names map[spec.Key]string // of the tasks that have drifted
}

// statusRemoved counts the tasks that are no longer managed: what was applied to them is
// kept.
const statusRemoved state.Status = "removed"

// statusAccepted counts the tasks whose newest commit WeData has accepted, and that no read
// has shown live yet.
const statusAccepted state.Status = "accepted"

// openTask is a task that is not simply applied.
type openTask struct {
	Name          string            `json:"name,omitempty"`
	ProjectID     string            `json:"project_id"`
	TaskID        string            `json:"task_id"`
	Status        state.Status      `json:"status"`
	Code          string            `json:"code,omitempty"`
	Message       string            `json:"message,omitempty"`
	Locker        string            `json:"locker,omitempty"`
	TaskApproveID string            `json:"task_approve_id,omitempty"`
	Since         time.Time         `json:"since,omitzero"`
	NextAt        time.Time         `json:"next_at,omitzero"`
	NeedsOperator string            `json:"needs_person,omitempty"`
	Suspended     *state.Suspension `json:"suspended,omitempty"`
	Run           *state.Run        `json:"run,omitempty"` // of a task that is not running yet, or did not come to

	rec state.Record
}

func newStatusCommand(io *stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the tasks stand",
		Long: `Status shows what the state knows: the revision of the last pass, how many tasks
are applied, every task that waits, was refused, or has an unknown outcome, and what
the daemon's last look at what is live has found. It works while the daemon runs, and
changes nothing.

Exit codes: 0 nothing is open; 1 an error; 3 sends are paused or suspended; 4 some
commits were refused or wait, or their tasks do not run yet; 6 an unknown outcome remains.`,
		Args: takes(cobra.NoArgs),
	}
	s := addSettings(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := s.Load(io.getenv); err != nil {
			return usageError{err}
		}
		r, err := sqlstore.OpenReader(cmd.Context(), s.State)
		if err != nil {
			return err
		}
		defer r.Close()
		status, err := readStatus(cmd.Context(), r)
		if err != nil {
			return err
		}
		if asJSON {
			encoder := json.NewEncoder(text.NoCommands(io.out))
			encoder.SetIndent("", "  ")
			err = encoder.Encode(status)
		} else {
			err = status.write(io.out, time.Now())
		}
		return errors.Join(err, status.exit(time.Now()))
	}
	return cmd
}

func readStatus(ctx context.Context, r *sqlstore.Reader) (*statusReport, error) {
	status := &statusReport{Lineage: r.Lineage(), Identity: r.Identity(), Tasks: map[state.Status]int{}, Open: []openTask{}}
	var err error
	if status.Serial, err = r.Serial(ctx); err != nil {
		return nil, err
	}
	if status.Control, err = r.Control(ctx); err != nil {
		return nil, err
	}
	status.Revision = status.Control.Revision
	status.names = make(map[spec.Key]string)
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return nil, err
		}
		if rec.Removed != nil {
			status.Tasks[statusRemoved]++
			continue
		}
		if status.Control.DriftScan.Of(rec.Key) != nil {
			status.names[rec.Key] = rec.Name()
		}
		if rec.Accepted() {
			status.Tasks[statusAccepted]++
		} else {
			status.Tasks[rec.Status]++
		}
		if rec.Attempt != nil || rec.Suspended != nil || notRunning(&rec) != nil {
			status.Open = append(status.Open, openOf(&rec))
		}
	}
	return status, nil
}

// notRunning returns the run of a task that was applied and is followed until it
// runs, or did not come to; nil if there is none.
func notRunning(rec *state.Record) *state.Run {
	if rec.Status != state.StatusApplied || rec.Applied.Run == nil || rec.Applied.Run.Status == state.RunRunning {
		return nil
	}
	return rec.Applied.Run
}

func openOf(rec *state.Record) openTask {
	t := openTask{Name: rec.Name(), ProjectID: rec.Key.ProjectID, TaskID: rec.Key.TaskID, Status: rec.Status, Suspended: rec.Suspended, Run: notRunning(rec), rec: *rec}
	if a := rec.Attempt; a != nil {
		t.Code, t.Message, t.Locker, t.TaskApproveID = a.Outcome.Code, a.Outcome.Message, a.Outcome.Locker, a.Outcome.TaskApproveID
		t.Since, t.NextAt, t.NeedsOperator = a.Since, a.NextAt, a.NeedsOperator
	}
	return t
}

// write prints the status for people.
func (s *statusReport) write(w io.Writer, now time.Time) error {
	fmt.Fprintf(w, "Source    %s", text.Visible(s.Identity.Source))
	if s.Identity.Branch != "" {
		fmt.Fprintf(w, ", branch %s", text.Visible(s.Identity.Branch))
	}
	fmt.Fprintf(w, "\nEndpoint  %s, %s\nRevision  %s\nState     serial %d\nTasks     %s\n",
		text.Visible(s.Identity.Endpoint), text.Visible(s.Identity.Region), text.Visible(orNone(s.Revision)), s.Serial, s.counts())
	for _, p := range s.Control.Pauses {
		if now.Before(p.Until) {
			fmt.Fprintf(w, "Paused    %s, until %s: %s\n", text.Visible(pauseScope(p)), clock(p.Until), text.Visible(p.Code+": "+p.Message))
		}
	}
	if c := s.Control.Suspended; c.Active(now) {
		fmt.Fprintf(w, "Suspended everything, by %s: %s\n", text.Visible(c.Actor), text.Visible(c.Reason))
	}
	for _, a := range s.Control.Approvals {
		fmt.Fprintf(w, "Approved  plan %s, past %s, by %s, until %s; %s left\n",
			report.ShortHash(a.PlanHash), strings.Join(a.Guards, ", "), text.Visible(a.Actor), clock(a.Expires), text.Plural(len(a.Calls), "change"))
	}
	s.writeLook(w)
	if len(s.Open) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range s.Open {
		o := &s.Open[i]
		d := explain.OfRecord(&o.rec, now)
		fmt.Fprintf(t, "%s\t%s\t%s\n", text.Visible(explain.Label(o.Name, o.rec.Key.String())), d.State.Info().Label, text.Visible(cmp.Or(d.Sentence(), d.State.Info().Meaning)))
	}
	return t.Flush()
}

// writeLook prints what the last look at what is live has found.
func (s *statusReport) writeLook(w io.Writer) {
	look := s.Control.DriftScan
	if look == nil {
		return
	}
	fmt.Fprintf(w, "Live      %d of %d tasks have drifted, looked at %s\n", look.Count(), look.Tasks, clock(look.At))
	if look.Error != "" {
		fmt.Fprintf(w, "          %s could not be read: %s\n", text.Plural(look.Unknown, "task"), text.Visible(look.Error))
	}
	for i := range look.Drifted {
		d := &look.Drifted[i]
		fmt.Fprintf(w, "          %s  %s\n", text.Visible(explain.Label(s.names[d.Key], d.Key.String())), report.DriftText(d))
	}
	if more := look.Count() - len(look.Drifted); more > 0 {
		fmt.Fprintf(w, "          and %d more\n", more)
	}
}

// follows reports whether the task's commit was accepted and is not live, or not running,
// yet.
func (o openTask) follows() bool {
	return o.Run != nil || o.Status == state.StatusApplied && !o.Since.IsZero()
}

// counts says how many tasks have each status, the usual one first.
func (s *statusReport) counts() string {
	var parts []string
	for _, status := range []state.Status{state.StatusApplied, statusAccepted, state.StatusIntent, state.StatusUnknown, state.StatusWaiting, state.StatusRefused, state.StatusNone, statusRemoved} {
		if n := s.Tasks[status]; n > 0 || status == state.StatusApplied {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	return strings.Join(parts, ", ")
}

// exit returns the code that tells a script how the state stands.
func (s *statusReport) exit(now time.Time) error {
	paused := s.Control.Suspended.Active(now)
	for _, p := range s.Control.Pauses {
		paused = paused || now.Before(p.Until)
	}
	switch {
	case s.Tasks[state.StatusUnknown]+s.Tasks[state.StatusIntent] > 0:
		return exitStatus(exitUnknown)
	case paused:
		return exitStatus(exitHeld)
	case s.Tasks[state.StatusWaiting]+s.Tasks[state.StatusRefused] > 0 || slices.ContainsFunc(s.Open, openTask.follows):
		return exitStatus(exitPartial)
	default:
		return nil
	}
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
