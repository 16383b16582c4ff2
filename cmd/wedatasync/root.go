package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/report"
)

// execute runs the command line and returns its exit code.
func execute(ctx context.Context, args []string, io stdio) int {
	io.err = report.NoCommands(io.err)
	root := newRoot(&io)
	root.SetArgs(args)
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	err := root.ExecuteContext(ctx)
	complain(io.err, err)
	return exitCode(err)
}

func newRoot(io *stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "wedatasync",
		Short: "Release Tencent WeData integration tasks by pull request",
		Long: `wedatasync keeps Tencent WeData integration tasks at the versions that a git
repository says they should be at: it plans in the pull request, and after the
merge makes only the CommitIntegrationTask calls that are missing.

Try it without an account:

  wedatasync run --simulate --source examples --once`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(
		newRunCommand(io), newPlanCommand(io), newValidateCommand(io), newCommentCommand(io), newImportCommand(io),
		newStatusCommand(io), newExplainCommand(io), newHistoryCommand(io),
		newApproveCommand(io), newRetryCommand(io), newResolveCommand(io), newSuspendCommand(io), newUnsuspendCommand(io),
		newStateCommand(io), newDoctorCommand(io), newSimulateCommand(io), newSchemaCommand(io), newVersionCommand(io),
	)
	root.InitDefaultCompletionCmd()
	complete(root)
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	err := fmt.Errorf("there is no command %q", name)
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		err = fmt.Errorf("there is no command %q: did you mean %s?", name, strings.Join(near, " or "))
	}
	return usageError{err}
}

// takes makes an argument check whose failures are usage errors.
func takes(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%s: %w", cmd.CommandPath(), err)}
		}
		return nil
	}
}

// addSettings gives a command the shared flags. They count once load was called.
func addSettings(cmd *cobra.Command) *config.Flags {
	s := config.NewFlags()
	cmd.Flags().AddFlagSet(s.Set)
	return s
}
