package main

import (
	"cmp"
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
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/internal/usage"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// listedReleases is how many releases release --list shows.
	listedReleases = 20
	// listedTasks is how many tasks of a release are shown without --all.
	listedTasks = 50
)

func newReleaseCommand(io *stdio) *cobra.Command {
	var asJSON, list, all bool
	cmd := &cobra.Command{
		Use:   "release [REV]",
		Short: "Show what became of a revision, from commit until its tasks run",
		Long: `Release shows one revision: who wrote, committed and approved it, when it was first
seen, what it asked for, what was sent, what each task waited for, how long it took,
and whether it is done. REV is a commit, or the beginning of one; the newest revision
is shown without it. The last 100 are remembered.

Exit codes: 0 the release is done; 1 an error, such as an invalid spec, or sending is
paused; 3 a guard, a window or a suspension holds it; 4 it is under way, was overtaken, or some
commits were refused; 6 an unknown outcome remains. With --list: 0.`,
		Args: takes(cobra.MaximumNArgs(1)),
	}
	s := addAccess(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&list, "list", false, fmt.Sprintf("list the newest %d releases", listedReleases))
	cmd.Flags().BoolVar(&all, "all", false, fmt.Sprintf("show every task, not only %d", listedTasks))
	cmd.ValidArgsFunction = completeRevision(io, s)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		from, err := s.open(io)
		if err != nil {
			return err
		}
		if list {
			found, err := from.Newest(cmd.Context(), listedReleases)
			if err != nil {
				return err
			}
			return writeReleases(io.out, found, asJSON, time.Now())
		}
		r, err := from.Release(cmd.Context(), first(args))
		if err != nil {
			return err
		}
		most := listedTasks
		if all {
			most = release.MaxTasks
		}
		if asJSON {
			err = encodeJSON(io.out, r)
		} else {
			err = writeRelease(io.out, &r, most, time.Now())
		}
		return errors.Join(err, releaseStatus(&r))
	}
	return cmd
}

func newWaitCommand(io *stdio) *cobra.Command {
	var timeout time.Duration
	var sync bool
	cmd := &cobra.Command{
		Use:   "wait [REV]",
		Short: "Wait until a release is done or has failed",
		Long: `Wait follows a release until everything is live, and runs where its spec waits for
that, or until it has failed or a newer revision has overtaken it. REV is a commit, or
the beginning of one, that may not have been polled yet; without it, wait follows the
newest release. A guard, a window or a suspension that holds it does not end the wait.

Exit codes: 0 the release is done; 1 an error, such as an invalid spec, or a revision
that was not polled within --timeout; 3 it is held when --timeout ends; 4 it is still
under way then, was overtaken, or some commits were refused; 6 an unknown outcome
remains.`,
		Args: takes(cobra.MaximumNArgs(1)),
	}
	s := addAccess(cmd)
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long to wait, such as 90s; 0 for as long as it takes")
	cmd.Flags().BoolVar(&sync, "sync", false, "ask the daemon to poll its source first")
	cmd.ValidArgsFunction = completeRevision(io, s)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if timeout < 0 {
			return usageError{fmt.Errorf("--timeout: %v is negative", timeout)}
		}
		from, err := s.open(io)
		if err != nil {
			return err
		}
		name := first(args)
		if sync {
			revision, err := command.Sync(cmd.Context(), from, s.actor(io, ""))
			if err != nil {
				return err
			}
			name = cmp.Or(name, revision)
		}
		return waitFor(cmd.Context(), io, from, name, timeout)
	}
	return cmd
}

// waitFor follows the release, and prints what it has come to.
func waitFor(ctx context.Context, io *stdio, from command.Access, name string, timeout time.Duration) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	if !from.Running() {
		fmt.Fprintln(io.err, "no daemon holds the state: nothing happens until one is started with wedatasync run")
	}
	r, err := command.Wait(ctx, from, name, func(r *release.Release) {
		if !r.Ended() {
			fmt.Fprintf(io.err, "%s  %s%s\n", short(r.Revision), text.Visible(explain.OfRelease(&r.Release)), approveHint(&r.Release))
		}
	})
	if r.Revision == "" {
		return err
	}
	if err != nil && !errors.Is(err, command.ErrNotEnded) {
		return err
	}
	took := r.Took(time.Now()).Round(time.Millisecond)
	if _, werr := fmt.Fprintf(io.out, "%s  %s\n", short(r.Revision), text.Visible(explain.OfReleaseAfter(&r.Release, took))); werr != nil {
		return werr
	}
	return releaseStatus(&r)
}

func newSyncCommand(io *stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Ask the daemon to poll its source now",
		Long: `Sync asks the running daemon to poll its source without waiting for --interval, and
prints the newest revision. What that asks for is sent as usual: wait follows it.`,
		Args: takes(usage.NoArgs),
	}
	s := addAccess(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		from, err := s.open(io)
		if err != nil {
			return err
		}
		revision, err := command.Sync(cmd.Context(), from, s.actor(io, ""))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(io.out, "%s%s\n", plan.SyncedAt, text.Visible(revision))
		return err
	}
	return cmd
}

// releaseStatus returns the exit code of a release.
func releaseStatus(r *release.Release) error {
	switch {
	case r.Outcome == state.ReleaseDone:
		return nil
	case r.Left[string(plan.HoldUnknown)] > 0:
		return exitStatus(exitUnknown)
	case r.Left[string(explain.Invalid)] > 0 || r.Left[string(plan.HoldPaused)] > 0:
		return exitStatus(exitError)
	case r.Outcome == state.ReleaseHeld || r.Left[string(plan.HoldGuard)]+r.Left[string(plan.HoldWindow)] > 0:
		return exitStatus(exitHeld)
	default:
		return exitStatus(exitPartial)
	}
}

// approveHint is the command that lets a held release go.
func approveHint(r *state.Release) string {
	if r.Guard == "" || r.PlanHash == "" {
		return ""
	}
	return "; next step: wedatasync approve " + r.PlanHash
}

func encodeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(text.NoCommands(w))
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// writeReleases prints one line for each release.
func writeReleases(w io.Writer, list []release.Release, asJSON bool, now time.Time) error {
	if asJSON {
		return encodeJSON(w, map[string][]release.Release{"releases": list})
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "REVISION\tSEEN\tTOOK\tCOMMITS\tOUTCOME\tAUTHOR\tSUBJECT")
	for i := range list {
		r := &list[i]
		fmt.Fprintf(table, "%s\t%s\t%v\t%d\t%s\t%s\t%s\n", short(r.Revision), clock(r.SeenAt), r.Took(now).Round(time.Millisecond), r.Commits,
			strings.ReplaceAll(string(r.Outcome), "-", " "), text.Visible(orDashText(r.Author)), text.Visible(r.Subject))
	}
	return table.Flush()
}

// writeRelease prints a release for people, with at most so many tasks.
func writeRelease(w io.Writer, r *release.Release, most int, now time.Time) error {
	out := &labelled{w: w}
	out.line("Revision", "%s", r.Revision)
	out.some("Subject", r.Subject)
	out.some("Author", r.Author)
	if r.Committer != r.Author {
		out.some("Committer", r.Committer)
	}
	out.line("Outcome", "%s", explain.OfRelease(&r.Release))
	if hint := approveHint(&r.Release); hint != "" {
		out.line("Next step", "%s", strings.TrimPrefix(hint, "; next step: "))
	}
	out.time("Committed", r.CommittedAt, "")
	out.time("Seen", r.SeenAt, "")
	by := ""
	if r.Approver != "" {
		by = ", approved by " + r.Approver
	}
	out.time("Started", r.StartedAt, by)
	out.time("Ended", r.EndedAt, "")
	took := fmt.Sprintf("%v", r.Took(now).Round(time.Millisecond))
	if since := r.SinceCommit(now); since > 0 {
		took += fmt.Sprintf(", %v since the commit", since.Round(time.Second))
	}
	out.line("Took", "%s", took)
	out.line("Asked for", "%s", r.AskedFor())
	out.line("Sent", "%s", text.Plural(r.Sent(), "request"))
	if r.Cut {
		out.line("", "the history of this release is longer than what was read: its beginning is missing")
	}
	for i := range r.Tasks {
		if i == most {
			out.line("", "+ %d more tasks", len(r.Tasks)-most+r.MoreTasks)
			break
		}
		out.task(&r.Tasks[i], i == 0)
	}
	return out.err
}

// task prints one task of a release, and what it waited for.
func (l *labelled) task(t *release.Task, isFirst bool) {
	label := ""
	if isFirst {
		label = "Tasks"
	}
	took := ""
	if end := t.EndedAt(); !end.IsZero() {
		took = fmt.Sprintf("  %v", end.Sub(t.BeganAt).Round(time.Millisecond))
	}
	l.line(label, "%s  %s%s  %s%s", explain.Label(t.Name, t.Key.TaskID), t.CommitType, versionText(t.InstanceVersion), explain.OfStage(t.Stage, t.Outcome).Label, took)
	for _, wait := range t.Waits {
		until := "still"
		if !wait.Until.IsZero() {
			until = fmt.Sprintf("for %v", wait.Until.Sub(wait.Since).Round(time.Millisecond))
		}
		l.line("", "  waited %s: %s", until, wait.What())
	}
	switch t.Stage {
	case state.StageRefused, state.StageUnknown, state.StageNotLive, state.StageNotRunning, state.StageUnhealthy:
		l.some("", strings.TrimRight("  "+cmp.Or(explain.Answer(t.Outcome), t.Note), " "))
	}
}

func orDashText(s string) string { return cmp.Or(s, "-") }

// short is a revision as people say it.
func short(revision string) string { return text.Visible(plan.Short(revision)) }

// labelled writes lines with a label before them, and remembers the first error.
type labelled struct {
	w   io.Writer
	err error
}

func (l *labelled) line(label, format string, args ...any) {
	if l.err != nil {
		return
	}
	_, l.err = fmt.Fprintf(l.w, "%-10s%s\n", label, text.Visible(fmt.Sprintf(format, args...)))
}

// some writes a line, unless there is nothing to say.
func (l *labelled) some(label, said string) {
	if said != "" {
		l.line(label, "%s", said)
	}
}

func (l *labelled) time(label string, at time.Time, more string) {
	if !at.IsZero() {
		l.line(label, "%s%s", clock(at), more)
	}
}
