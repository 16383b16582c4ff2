package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

func newPlanCommand(io *stdio) *cobra.Command {
	var detailed bool
	var against string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what a pass would do; reads only",
		Long: `Plan compares the source with the state, as run does, and shows which commits run
would make. It writes nothing: not the state, not the API. It works while the
daemon runs, and needs no credentials. With --against live it compares with the
versions that WeData has, instead of with the state.

With --against REV, such as origin/main, it shows instead what merging the
checked-out revision into REV would change: from git alone, for the CI of a pull
request. There, without --against and without a state, the base is found by itself.

In the job of a pull request, and with --against REV, what is in the working directory
is a stranger's: wedatasync.yaml and wedatasync.db are not read there. A configuration
and a state count if a flag or a variable names them, and git does not track them in
the checkout.

Exit codes: 0 the plan was made; 1 an error, a file that cannot be used, or a newest
revision that is not verified; 2 with
--detailed-exitcode: changes pending; 3 a guard holds the plan.`,
		Args: takes(cobra.NoArgs),
	}
	s := addSettings(cmd)
	o := addOutput(cmd)
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "end with 2 if changes are pending")
	cmd.Flags().StringVar(&against, "against", "", againstUsage)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s.Stateless = true
		if isRevision(against) {
			s.Untrusted = "--against compares revisions"
		}
		if err := errors.Join(o.check(), s.Load(io.getenv)); err != nil {
			return usageError{err}
		}
		p, err := makePlan(cmd.Context(), io, s, against)
		if err != nil {
			// A reader of the output must not take the absence of a plan for one
			// without changes.
			if o.format == "text" {
				return err
			}
			return errors.Join(err, o.write(io, failureDocument(report.Failure{Err: err}), s.CommitRate()))
		}
		if err := o.write(io, planDocument(p), s.CommitRate()); err != nil {
			return err
		}
		return planStatus(p, detailed)
	}
	return cmd
}

const (
	againstState = "state"
	againstLive  = "live"
	againstUsage = "`what` to compare with: state, the URL of a daemon's /api/v1/state, live (reads WeData), or a git revision such as origin/main"
)

// makePlan compares the source with what a person asked for. In the CI of a pull
// request, where there is no state, it is what the pull request changes.
func makePlan(ctx context.Context, io *stdio, s *config.Flags, against string) (*plan.Plan, error) {
	if against == againstState && !s.HasState() {
		return nil, usageError{fmt.Errorf("--against state: %s, so no state is taken from the working directory: name one with --state or %s", s.Untrusted, config.EnvName("state"))}
	}
	if against == "" {
		base, err := baseOfJob(io, s)
		if err != nil {
			return nil, err
		}
		against = cmp.Or(base, againstState)
	}
	env := parts.Env{Getenv: io.getenv, Log: io.err, Quiet: !s.Given("log-level"), Version: version(), OwnState: s.Given("state"), Stateless: !s.HasState()}
	switch {
	case isRevision(against):
		return command.Between(ctx, cmp.Or(s.Source, "."), against)
	case against == againstState:
		return command.Plan(ctx, s.Settings, env, "")
	case against == againstLive:
		return command.Live(ctx, s.Settings, env)
	default:
		return command.Plan(ctx, s.Settings, env, against)
	}
}

// isRevision reports whether what --against names is none of the other things.
func isRevision(against string) bool {
	switch against {
	case "", againstState, againstLive:
		return false
	default:
		return !strings.HasPrefix(against, "http://") && !strings.HasPrefix(against, "https://")
	}
}

// baseOfJob returns what the pull request of this CI job is to be merged into, or
// "" if this is none, or if there is a state to compare with.
func baseOfJob(io *stdio, s *config.Flags) (string, error) {
	if s.HasState() {
		if fresh, err := sqlstore.Fresh(s.State); err != nil || !fresh {
			return "", err
		}
	}
	job, err := forge.Detect(io.getenv)
	if errors.Is(err, forge.ErrNoCI) {
		job, err = forge.Job{BaseBranch: forge.TargetBranch(io.getenv)}, nil
	}
	if err != nil || job.BaseBranch == "" {
		return job.Base, err
	}
	// The event's base is as old as the event. What CI has merged into is newer.
	branch := "origin/" + job.BaseBranch
	if command.HasRevision(cmp.Or(s.Source, "."), branch) {
		return branch, nil
	}
	return job.Base, nil
}

// planStatus returns the code for a plan that was made and shown.
func planStatus(p *plan.Plan, detailed bool) error {
	switch {
	case p.Problems.Errors() > 0 || p.Source.Unverified != "":
		return exitStatus(exitError)
	case len(p.Holds) > 0:
		return exitStatus(exitHeld)
	case detailed && (p.Count(plan.ActionCommit) > 0 || p.Count(plan.ActionHold) > 0 || p.Count(plan.ActionForget) > 0 || p.Count(plan.ActionReturn) > 0):
		return exitStatus(exitChanges)
	default:
		return nil
	}
}
