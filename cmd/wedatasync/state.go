package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/internal/usage"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

func newStateCommand(io *stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Export, import and check the state",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage.Unknown(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newStateExportCommand(io), newStateImportCommand(io), newStateCheckCommand(io))
	return cmd
}

func newStateExportCommand(io *stdio) *cobra.Command {
	var history bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print the state as JSON",
		Long:  `Export prints the state as one JSON document. It works while the daemon runs.`,
		Args:  takes(usage.NoArgs),
	}
	s := addSettings(cmd)
	cmd.Flags().BoolVar(&history, "history", false, "with the history")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if err := s.Load(io.getenv); err != nil {
			return usageError{err}
		}
		r, err := sqlstore.OpenReader(cmd.Context(), s.State)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.Close()) }()
		return sqlstore.Export(cmd.Context(), r, text.NoCommands(io.out), history)
	}
	return cmd
}

func newStateImportCommand(io *stdio) *cobra.Command {
	var fromSource, all bool
	cmd := &cobra.Command{
		Use:   "import [FILE]",
		Short: "Make a state from an export, or from the source",
		Long: `Import makes a new state from what export printed (FILE, or - for standard input).

With --from-source it takes the source's specs as already applied, without a call:
for tasks that run at those versions already. Tasks that the state knows stay as
they are, unless --all is given.`,
		Args: takes(cobra.MaximumNArgs(1)),
	}
	s := addSettings(cmd)
	cmd.Flags().BoolVar(&fromSource, "from-source", false, "take the source's specs as already applied")
	cmd.Flags().BoolVar(&all, "all", false, "with --from-source: also the tasks that the state knows")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.Load(io.getenv); err != nil {
			return usageError{err}
		}
		switch {
		case fromSource == (len(args) == 1):
			return usageError{errors.New("state import takes either a FILE or --from-source")}
		case fromSource:
			n, err := command.Adopt(cmd.Context(), s.Settings, io.env(s), all)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(io.out, "%d tasks are marked as applied; nothing was sent.\n", n)
			return err
		}
		from := interruptible(cmd.Context(), io.in)
		if args[0] != "-" {
			f, err := file.Open("FILE", args[0], command.MaxExport)
			if err != nil {
				return fmt.Errorf("open the export: %w", err)
			}
			defer f.Close()
			from = f
		}
		if err := sqlstore.Import(cmd.Context(), s.State, s.Identity(), from, sqlstore.Options{Actor: command.Actor(io.getenv, ""), Version: version()}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(io.out, "%s was made. The next plan with a commit is held until someone approves it.\n", s.State)
		return err
	}
	return cmd
}

// interruptible returns what reads as r does, and fails when ctx is done: standard
// input can be a pipe that nobody writes to.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	return out
}

func newStateCheckCommand(io *stdio) *cobra.Command {
	var accept, asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Verify the state: every row, the history's chain, the head",
		Long: `Check reads all of the state and verifies it. It names the first bad row, changes
nothing, and works while the daemon runs.

With --accept, a state that was restored from a backup, or whose head file is lost,
is taken as it is if it is whole. The next plan with a commit is then held until
someone approves it.`,
		Args: takes(usage.NoArgs),
	}
	s := addSettings(cmd)
	cmd.Flags().BoolVar(&accept, "accept", false, "take a restored state as it is")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := s.Load(io.getenv); err != nil {
			return usageError{err}
		}
		if accept {
			if err := s.Validate(); err != nil {
				return err
			}
			if err := sqlstore.Accept(cmd.Context(), s.State, s.Identity(), sqlstore.Options{Actor: command.Actor(io.getenv, ""), Version: version()}); err != nil {
				return err
			}
		}
		checked, err := sqlstore.Check(cmd.Context(), s.State)
		if asJSON {
			return errors.Join(err, json.NewEncoder(text.NoCommands(io.out)).Encode(checked))
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(io.out, "%s is whole: serial %d, %d tasks, %d rows of history.\n", checked.Path, checked.Serial, checked.Records, checked.Events)
		return err
	}
	return cmd
}
