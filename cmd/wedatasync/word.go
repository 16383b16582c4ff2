package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// wordHelp ends the help of every command that gives a person's word.
const wordHelp = `

It works with and without a running daemon: the daemon takes the word up within a
second, and without one it is carried out at once. Who said it stays in the history.`

// newWordCommand makes a command that gives a person's word; about is the tasks that it
// can be about, or nil if it is about none.
func newWordCommand(io *stdio, use, short, long string, args cobra.PositionalArgs, about func(*state.Record) bool, word func(args []string) (state.Command, error)) *cobra.Command {
	return newWord(io, &cobra.Command{Use: use, Short: short, Long: long + wordHelp, Args: takes(args)}, about,
		func(_ context.Context, _ *config.Flags, args []string) (state.Command, error) {
			w, err := word(args)
			if err != nil {
				err = usageError{err}
			}
			return w, err
		})
}

// newWord is newWordCommand for a word that needs more than its arguments.
func newWord(io *stdio, cmd *cobra.Command, about func(*state.Record) bool, word func(ctx context.Context, s *config.Flags, args []string) (state.Command, error)) *cobra.Command {
	var actor string
	s := addSettings(cmd)
	if about != nil {
		cmd.ValidArgsFunction = completeTask(io, s, about)
	}
	cmd.Flags().StringVar(&actor, "as", "", "`name` to keep in the history, beside that of the user who runs the command")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.Load(io.getenv); err != nil {
			return usageError{err}
		}
		w, err := word(cmd.Context(), s, args)
		if err != nil {
			return err
		}
		w.At, w.Actor = time.Now(), actorOf(login(io.getenv), actor)
		return say(cmd.Context(), io, s, w)
	}
	return cmd
}

// say gives the word, and prints what became of it.
func say(ctx context.Context, io *stdio, s *config.Flags, w state.Command) error {
	answer, err := command.Enqueue(ctx, s.Settings, w)
	if err != nil {
		return err
	}
	if !answer.OK {
		return errors.New(answer.Message)
	}
	_, err = fmt.Fprintln(io.out, report.Visible(answer.Message))
	return err
}

// actorOf is who gives a word, as the history has it: the user who runs the command, and
// the name that the user goes by.
func actorOf(user, as string) string {
	if as == "" || as == user {
		return user
	}
	return state.Clip(user + " (as " + as + ")")
}

// login is who runs the command, by the system's word: of the environment only root's is
// believed, for whom sudo has set it.
func login(getenv func(string) string) string { return loginOf(os.Getuid(), getenv) }

func loginOf(uid int, getenv func(string) string) string {
	if sudo := getenv("SUDO_USER"); sudo != "" && uid == 0 {
		return sudo
	}
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + id
}

func newApproveCommand(io *stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "approve PLAN-HASH|COMMIT",
		Short: "Let a plan go that a guard holds, or a commit that is not signed",
		Long: `Approve lets one plan go past the guards that hold it now, and past no other. It is
good for that plan, and for what is left of it, for 24 hours, and is used up by what it
lets through. All 64 digits of the hash are needed: of a shorter one, approve prints the
plan that is held, with the command that approves it, and ends with 64.

With the whole name of a commit, all 40 digits, it lets that one count, and what led to
it, although nobody trusted has signed it: the newest of the branch, or the one that
is said to be at fault. Look at it before with git show.

It works with and without a running daemon. Without one, it makes the plan itself, and
so needs the same --source and configuration. Who said it stays in the history.`,
		Args: takes(cobra.ExactArgs(1)),
	}
	return newWord(io, cmd, nil, func(ctx context.Context, s *config.Flags, args []string) (state.Command, error) {
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
	})
}

// showHeld prints the plan that would be approved, with the command that does it, for who
// gave a part of its hash: another plan can have the same.
func showHeld(ctx context.Context, io *stdio, s *config.Flags) error {
	const needed = "a plan is approved by all 64 digits of its hash"
	p, err := makePlan(ctx, io, s, againstState)
	if err != nil {
		return usageError{fmt.Errorf("%s; wedatasync plan prints it, and here it cannot be made: %w", needed, err)}
	}
	if err := report.Text(io.out, p, report.Options{Rate: s.CommitRate()}); err != nil {
		return err
	}
	return usageError{errors.New(needed + ": look at the plan above")}
}

func newRetryCommand(io *stdio) *cobra.Command {
	return newWordCommand(io, "retry [TASK]", "Send a refused or waiting commit again",
		`Retry lets a task be sent again that was refused, or that is backing off. Without
a task, it ends the pauses that wrong credentials or an unreachable endpoint began.`,
		cobra.MaximumNArgs(1), openTaskOnly, func(args []string) (state.Command, error) {
			return state.Command{Verb: state.VerbRetry, Target: first(args)}, nil
		})
}

func newResolveCommand(io *stdio) *cobra.Command {
	cmd := newWordCommand(io, "resolve TASK applied|not-applied", "Say what became of a commit of unknown outcome",
		`Resolve ends an unknown outcome: look in the WeData console whether the version was
committed, and say so. After not-applied, the commit is sent again.`,
		cobra.ExactArgs(2), unknownOnly, func(args []string) (state.Command, error) {
			if args[1] != "applied" && args[1] != "not-applied" {
				return state.Command{}, fmt.Errorf("%q is neither applied nor not-applied", args[1])
			}
			return state.Command{Verb: state.VerbResolve, Target: args[0], Arg: args[1]}, nil
		})
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
	cmd := newWordCommand(io, "suspend [TASK] --reason TEXT [--for DURATION]", "Leave a task, or everything, alone",
		`Suspend stops commits of a task, or of everything, before the next one is sent. With
--for it ends by itself.`,
		cobra.MaximumNArgs(1), anyTask, func(args []string) (state.Command, error) {
			if reason == "" {
				return state.Command{}, errors.New("--reason is needed: who finds the task suspended will ask why")
			}
			w := state.Command{Verb: state.VerbSuspend, Target: first(args), Arg: reason}
			if life < 0 {
				return w, fmt.Errorf("--for: %v is in the past", life)
			}
			if life > 0 {
				w.Until = time.Now().Add(life)
			}
			return w, nil
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why, for who finds it suspended")
	cmd.Flags().DurationVar(&life, "for", 0, "how long, such as 2h; until unsuspend if not given")
	return cmd
}

func newUnsuspendCommand(io *stdio) *cobra.Command {
	return newWordCommand(io, "unsuspend [TASK]", "End a suspension",
		`Unsuspend ends what suspend began.`,
		cobra.MaximumNArgs(1), suspendedOnly, func(args []string) (state.Command, error) {
			return state.Command{Verb: state.VerbUnsuspend, Target: first(args)}, nil
		})
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
