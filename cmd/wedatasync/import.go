package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/internal/usage"
)

func newImportCommand(io *stdio) *cobra.Command {
	var o command.ImportOptions
	var split string
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Adopt what is live, without a commit",
		Long: `Import reads which versions of a project's tasks are live, and marks them as applied in
the state. It makes no commit. It does not change tasks that the state has already; it
lists those that have drifted, and --overwrite adopts them, too.

With --write it writes a spec for each task that has none. It replaces no file. A plan
with these specs has nothing to do. The commitType is resume for a real-time task that
runs, so that its next release keeps the state, and submit for the others. A task that
was never submitted is skipped.

Run an interrupted import again to resume it; a repeated one changes nothing. It reads
at the --rate, 100 tasks a request, and needs permission for DescribeIntegrationTasks.
A running daemon locks the state: stop it first.

Exit codes: 0 done; 1 an error; 7 the state is locked by another process.`,
		Args: takes(usage.NoArgs),
	}
	s := addSettings(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&o.Projects, "project", nil, "`id` of a project, any number of times; those that the specs name by default")
	flags.BoolVar(&o.Overwrite, "overwrite", false, "also adopt drifted tasks of the state")
	flags.StringVar(&o.Write, "write", "", "`folder` to write specs of tasks to that have none")
	flags.StringVar(&split, "split", string(command.SplitProject), "`what` is in one file of --write: project or task")
	flags.StringVar(&o.Actor, "as", "", "`name` to keep in the history, in addition to the user who runs the command")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := s.Load(io.getenv); err != nil {
			return usageError{err}
		}
		if o.Split = command.Split(split); o.Split != command.SplitProject && o.Split != command.SplitTask {
			return usageError{fmt.Errorf("--split: %q is neither project nor task", split)}
		}
		o.Actor = command.Actor(io.getenv, o.Actor)
		p := &importProgress{io: io}
		o.Progress = p.show
		result, err := command.Import(cmd.Context(), s.Settings, io.env(s), o)
		p.end()
		if result == nil {
			return err
		}
		return errors.Join(writeImport(io.out, result, &o), err)
	}
	return cmd
}

// importProgress shows how far an import is: in one line on a terminal, else in a line
// every few seconds and one at the end of each list.
type importProgress struct {
	io    *stdio
	shown time.Time
	line  bool
}

// progressLines is the least time between two lines of progress in a log.
const progressLines = 5 * time.Second

func (p *importProgress) show(at command.ImportProgress) {
	now := time.Now()
	text := fmt.Sprintf("project %s: %d of %d %s tasks", text.Visible(at.Project), at.Seen, at.Total, at.TaskType)
	switch {
	case p.io.errTerminal:
		p.line = true
		fmt.Fprintf(p.io.err, "\r\x1b[K%s", text)
	case at.Seen >= at.Total && at.Total > 0 || now.Sub(p.shown) >= progressLines:
		p.shown = now
		fmt.Fprintln(p.io.err, text)
	}
}

func (p *importProgress) end() {
	if p.line {
		fmt.Fprint(p.io.err, "\r\x1b[K")
		p.line = false
	}
}

// writeImport prints what an import came to.
func writeImport(w io.Writer, r *command.ImportResult, o *command.ImportOptions) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s; %d imported; nothing was sent.\n", text.Plural(r.Live, "live task"), text.Plural(len(r.Projects), "project"), r.Imported)
	if r.Managed > 0 {
		fmt.Fprintf(&b, "%s in the state already, as live.\n", tasksAre(r.Managed))
	}
	if r.Nameless > 0 {
		fmt.Fprintf(&b, "%s skipped: no spec can have such an id.\n", tasksAre(r.Nameless))
	}
	for _, key := range r.Drafts {
		fmt.Fprintf(&b, "%s skipped: no version of it was ever submitted\n", text.Visible(key.String()))
	}
	if len(r.Left) > 0 {
		fmt.Fprintf(&b, "%s in the state and drifted; the state keeps the applied version. To adopt %s: --overwrite\n", tasksAre(len(r.Left)), themOr(len(r.Left)))
		for i := range r.Left {
			fmt.Fprintf(&b, "  %s\n", text.Visible(leftText(&r.Left[i])))
		}
	}
	for _, key := range r.Unspoken {
		fmt.Fprintf(&b, "%s has no spec, and none is written: the state does not keep the values of its extConfig\n", text.Visible(key.String()))
	}
	for _, f := range r.Files {
		done := "written"
		if f.Kept {
			done = "exists, unchanged"
		}
		fmt.Fprintf(&b, "%s: %s, %s\n", text.Visible(filepath.ToSlash(filepath.Join(o.Write, f.Name))), text.Plural(f.Specs, "spec"), done)
	}
	if r.Missing != "" {
		fmt.Fprintf(&b, "The source has no folder %s yet: push the specs there before the daemon runs.\n", text.Visible(r.Missing))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// leftText describes how a task of the state is live.
func leftText(t *command.LeftTask) string {
	text := t.Key.String() + "  "
	if t.Open {
		return text + "a commit of it is not settled: see wedatasync explain " + t.Key.ShellWord()
	}
	return text + report.DriftText(&t.Drift)
}

func themOr(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// tasksAre counts tasks, with the verb.
func tasksAre(n int) string {
	if n == 1 {
		return "1 task is"
	}
	return fmt.Sprintf("%d tasks are", n)
}
