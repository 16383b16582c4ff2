package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// operatorHelp ends the help of the commands of operators.
const operatorHelp = `

It works with and without a running daemon: the daemon takes the command up within
a second, and without one it is carried out at once. The history keeps the actor.`

// operatorCommand is a command with which an operator changes what the daemon does.
type operatorCommand struct {
	use, short, long string
	args             cobra.PositionalArgs
	tasks            func(*state.Record) bool // that it can be about; nil: it is about none
	read             func(ctx context.Context, s *config.Flags, args []string) (state.Command, error)
}

// build makes the command. It gives what it reads to the daemon, and prints the result.
func (o operatorCommand) build(io *stdio) *cobra.Command {
	cmd := &cobra.Command{Use: o.use, Short: o.short, Long: o.long, Args: takes(o.args)}
	s := addSettings(cmd)
	if o.tasks != nil {
		cmd.ValidArgsFunction = completeTask(io, s, o.tasks)
	}
	as := cmd.Flags().String("as", "", "`name` to keep in the history, in addition to the user who runs the command")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.Load(io.getenv); err != nil {
			return usageError{err}
		}
		c, err := o.read(cmd.Context(), s, args)
		if err != nil {
			return err
		}
		c.At, c.Actor = time.Now(), command.Actor(io.getenv, *as)
		result, err := command.Enqueue(cmd.Context(), s.Settings, c)
		if err != nil {
			return err
		}
		if !result.OK {
			return errors.New(result.Message)
		}
		_, err = fmt.Fprintln(io.out, text.Visible(result.Message))
		return err
	}
	return cmd
}

func newApproveCommand(io *stdio) *cobra.Command {
	o := operatorCommand{
		use: "approve PLAN-HASH|COMMIT", short: "Approve a plan that a guard holds, or an unsigned commit",
		long: `Approve lets one plan go past the guards that hold it now, and past no other. It is
good for that plan, and for what is left of it, for 24 hours, and is used up by what it
lets through. All 64 digits of the hash are needed: of a shorter one, approve prints the
plan that is held, with the command that approves it, and ends with 64.

With the whole name of a commit, all 40 digits, it lets that one count, and what led to
it, although nobody trusted has signed it: the newest of the branch, or the one that
is said to be at fault. Look at it before with git show.

It works with and without a running daemon. Without one, it makes the plan itself, and
so needs the same --source and configuration. The history keeps the actor.`,
		args: cobra.ExactArgs(1),
	}
	o.read = func(ctx context.Context, s *config.Flags, args []string) (state.Command, error) {
		_, whole, ok := plan.ParseHash(args[0])
		switch {
		case plan.IsCommit(args[0]):
			return state.Command{Verb: state.VerbApprove, Target: args[0]}, nil
		case !ok:
			return state.Command{}, usageError{fmt.Errorf("%q is not a plan hash", args[0])}
		case !whole:
			return state.Command{}, showHeld(ctx, io, s)
		}
		return state.Command{Verb: state.VerbApprove, Target: args[0]}, nil
	}
	return o.build(io)
}

// showHeld prints the plan that would be approved, with the command that does it, for who
// gave a part of its hash: another plan can have the same.
func showHeld(ctx context.Context, io *stdio, s *config.Flags) error {
	const needed = "a plan is approved by all 64 digits of its hash"
	p, err := planAgainst(ctx, io, s, command.AgainstState)
	if err != nil {
		return usageError{fmt.Errorf("%s; wedatasync plan prints it, and here it cannot be made: %w", needed, err)}
	}
	if err := report.Text(io.out, p, report.Options{Rate: s.CommitRate()}); err != nil {
		return err
	}
	return usageError{errors.New(needed + ": review the plan above")}
}

func newRetryCommand(io *stdio) *cobra.Command {
	return operatorCommand{
		use: "retry [TASK]", short: "Send a refused or waiting commit again",
		long: `Retry lets a task be sent again that was refused, or that is backing off. Without
a task, it ends the pauses that wrong credentials or an unreachable endpoint began.` + operatorHelp,
		args: cobra.MaximumNArgs(1), tasks: openTaskOnly,
		read: func(_ context.Context, _ *config.Flags, args []string) (state.Command, error) {
			return state.Command{Verb: state.VerbRetry, Target: first(args)}, nil
		},
	}.build(io)
}

func newResolveCommand(io *stdio) *cobra.Command {
	cmd := operatorCommand{
		use: "resolve TASK applied|not-applied", short: "Say what became of a commit of unknown outcome",
		long: `Resolve ends an unknown outcome: look in the WeData console whether the version was
committed, and say so. After not-applied, the commit is sent again.` + operatorHelp,
		args: cobra.ExactArgs(2), tasks: unknownOnly,
		read: func(_ context.Context, _ *config.Flags, args []string) (state.Command, error) {
			if args[1] != "applied" && args[1] != "not-applied" {
				return state.Command{}, usageError{fmt.Errorf("%q is neither applied nor not-applied", args[1])}
			}
			return state.Command{Verb: state.VerbResolve, Target: args[0], Arg: args[1]}, nil
		},
	}.build(io)
	tasks := cmd.ValidArgsFunction
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return []cobra.Completion{"applied", "not-applied"}, cobra.ShellCompDirectiveNoFileComp
		}
		return tasks(cmd, args, begun)
	}
	return cmd
}

func newSuspendCommand(io *stdio) *cobra.Command {
	var reason string
	var life time.Duration
	cmd := operatorCommand{
		use: "suspend [TASK] --reason TEXT [--for DURATION]", short: "Leave a task, or everything, alone",
		long: `Suspend stops commits of a task, or of everything, before the next one is sent. With
--for it ends by itself.` + operatorHelp,
		args: cobra.MaximumNArgs(1), tasks: anyTask,
		read: func(_ context.Context, _ *config.Flags, args []string) (state.Command, error) {
			if reason == "" {
				return state.Command{}, usageError{errors.New("--reason is required: it tells others why the task is suspended")}
			}
			w := state.Command{Verb: state.VerbSuspend, Target: first(args), Arg: reason}
			if life < 0 {
				return w, usageError{fmt.Errorf("--for: %v is in the past", life)}
			}
			if life > 0 {
				w.Until = time.Now().Add(life)
			}
			return w, nil
		},
	}.build(io)
	cmd.Flags().StringVar(&reason, "reason", "", "`text` that says why")
	cmd.Flags().DurationVar(&life, "for", 0, "how long, such as 2h; default: until unsuspended")
	return cmd
}

func newUnsuspendCommand(io *stdio) *cobra.Command {
	return operatorCommand{
		use: "unsuspend [TASK]", short: "End a suspension",
		long: `Unsuspend ends what suspend began.` + operatorHelp,
		args: cobra.MaximumNArgs(1), tasks: suspendedOnly,
		read: func(_ context.Context, _ *config.Flags, args []string) (state.Command, error) {
			return state.Command{Verb: state.VerbUnsuspend, Target: first(args)}, nil
		},
	}.build(io)
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
