package main

import (
	"cmp"
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
	read             func(ctx context.Context, s *accessFlags, args []string) (state.Command, error)
}

// build makes the command. It gives what it reads to the daemon, and prints the result.
func (o operatorCommand) build(io *stdio) *cobra.Command {
	cmd := &cobra.Command{Use: o.use, Short: o.short, Long: o.long, Args: takes(o.args)}
	s := addAccess(cmd)
	if o.tasks != nil {
		cmd.ValidArgsFunction = completeTask(io, s, o.tasks)
	}
	as := cmd.Flags().String("as", "", "`name` to keep in the history, in addition to the user who runs the command")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		from, err := s.open(io)
		if err != nil {
			return err
		}
		c, err := o.read(cmd.Context(), s, args)
		if err != nil {
			return err
		}
		if o.tasks != nil {
			if c.Target, err = command.Target(cmd.Context(), from, c.Target); err != nil {
				return err
			}
		}
		c.At, c.Actor = time.Now(), s.actor(io, *as)
		result, err := from.Submit(cmd.Context(), c)
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
		long: `Approve passes one plan by the guards that hold it now, and by no others. The approval
is for that plan, and for what is left of it; it ends after 24 hours, or when all of it
was sent. It needs all 64 digits of the hash: for a shorter one, approve prints the plan
that is held, with the command that approves it, and ends with 64.

With the whole name of a commit, all 40 digits, it accepts this commit and its ancestors
although no trusted key has signed it: the newest commit of the branch, or the one that
the error names. Review it before with git show.

It works with and without a running daemon. Without one, it makes the plan itself, and
so needs the same --source and configuration. The history keeps the actor.`,
		args: cobra.ExactArgs(1),
	}
	o.read = func(ctx context.Context, s *accessFlags, args []string) (state.Command, error) {
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
func showHeld(ctx context.Context, io *stdio, s *accessFlags) error {
	const needed = "a plan is approved by all 64 digits of its hash"
	if s.remote(io) {
		return usageError{errors.New(needed + ": wedatasync release prints it")}
	}
	p, err := planAgainst(ctx, io, s.Flags, command.AgainstState, "", false)
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
		read: func(_ context.Context, _ *accessFlags, args []string) (state.Command, error) {
			return state.Command{Verb: state.VerbRetry, Target: first(args)}, nil
		},
	}.build(io)
}

func newResolveCommand(io *stdio) *cobra.Command {
	cmd := operatorCommand{
		use: "resolve TASK applied|not-applied", short: "Say what became of a commit of unknown outcome",
		long: `Resolve ends an unknown outcome: check in the WeData console whether the version was
committed, and give the result. After not-applied, the commit is sent again.` + operatorHelp,
		args: cobra.ExactArgs(2), tasks: unknownOnly,
		read: func(_ context.Context, _ *accessFlags, args []string) (state.Command, error) {
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
--for it ends automatically.` + operatorHelp,
		args: cobra.MaximumNArgs(1), tasks: anyTask,
		read: func(_ context.Context, _ *accessFlags, args []string) (state.Command, error) {
			if reason == "" {
				return state.Command{}, usageError{errors.New("--reason is required: it says why the task is suspended")}
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
		read: func(_ context.Context, _ *accessFlags, args []string) (state.Command, error) {
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

// accessFlags are the shared flags of a command that reads a state or gives commands to a
// daemon: on its machine, or from elsewhere.
type accessFlags struct {
	*config.Flags
	server, tokenFile string
}

// addAccess gives a command the shared flags, and those that name a daemon elsewhere.
func addAccess(cmd *cobra.Command) *accessFlags {
	a := &accessFlags{Flags: addSettings(cmd)}
	cmd.Flags().StringVar(&a.server, "server", "", "`URL` of a daemon on another machine; default: $WEDATASYNC_SERVER, else the --state here")
	cmd.Flags().StringVar(&a.tokenFile, "token-file", "", "`file` with the token for --server; default: $WEDATASYNC_TOKEN_FILE, else the token in $WEDATASYNC_TOKEN")
	return a
}

// open loads the settings, and returns the access that they name.
func (a *accessFlags) open(io *stdio) (command.Access, error) {
	if err := a.Load(io.getenv); err != nil {
		return nil, usageError{err}
	}
	if a.remote(io); a.server == "" {
		return command.Local(a.Settings), nil
	}
	if f := a.Set.Lookup("state"); f.Changed && io.getenv(config.EnvName("server")) == "" {
		return nil, usageError{errors.New("--server and --state: give one of them")}
	}
	token, err := command.ReadToken(io.getenv, a.tokenFile)
	if err != nil {
		return nil, err
	}
	from, err := command.Remote(command.Server{URL: a.server, Token: token, CAFile: a.Git.CAFile, PlainHosts: a.PlainHosts})
	if err != nil {
		return nil, usageError{err}
	}
	return from, nil
}

// remote reports whether a daemon elsewhere is meant.
func (a *accessFlags) remote(io *stdio) bool {
	a.server = cmp.Or(a.server, io.getenv(config.EnvName("server")))
	return a.server != ""
}

// actor is who gives a command. Elsewhere a token says it, unless it has no name.
func (a *accessFlags) actor(io *stdio, as string) string {
	if a.remote(io) {
		return as
	}
	return command.Actor(io.getenv, as)
}
