package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/output"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/internal/usage"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

func newPlanCommand(io *stdio) *cobra.Command {
	var detailed, validate bool
	var against, tokenFile string
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
It reads the files that differ; with --validate it checks all others, too.

With --against URL, such as https://wedatasync.example.com, it compares the checkout with
what that daemon has applied.

--output can be given several times: -o text -o markdown=plan.md prints the plan and
writes the file.

In the job of a pull request, and with --against REV, what is in the working directory
is a stranger's: wedatasync.yaml and wedatasync.db are not read there. A configuration
and a state count if a flag or a variable names them, and git does not track them in
the checkout.

Exit codes: 0 the plan was made; 1 an error, a file that cannot be used, or a newest
revision that is not verified; 2 with
--detailed-exitcode: changes pending; 3 a guard holds the plan.`,
		Args: takes(usage.NoArgs),
	}
	s := addSettings(cmd)
	o := addOutput(cmd)
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "end with 2 if changes are pending")
	cmd.Flags().StringVar(&against, "against", "", againstUsage)
	cmd.Flags().StringVar(&tokenFile, "token-file", "", tokenUsage)
	cmd.Flags().BoolVar(&validate, "validate", false, "check all specs, as validate does, not only those that differ from the revision")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s.Stateless = true
		if command.IsRevision(against) {
			s.Untrusted = "--against compares revisions"
		}
		if err := errors.Join(o.Check(), s.Load(io.getenv)); err != nil {
			return usageError{err}
		}
		p, err := planAgainst(cmd.Context(), io, s, against, tokenFile, validate)
		if err != nil {
			// A reader of the output must not take the absence of a plan for one
			// without changes.
			return errors.Join(err, o.Write(io.streams(), output.Failure(err), s.CommitRate()))
		}
		place := command.PlacesBelow(s.Source)
		if p.Against != "" && p.Against != command.AgainstLive {
			place, o.Comment = nil, command.InJob(o.Comment, io.getenv)
		}
		if err := o.Write(io.streams(), output.Plan(p, place), s.CommitRate()); err != nil {
			return err
		}
		return planStatus(p, detailed)
	}
	return cmd
}

const (
	againstUsage = "`what` to compare with: state, the URL of a daemon, live (reads WeData), or a git revision such as origin/main"
	tokenUsage   = "`file` with the token for the daemon that --against names; default: $WEDATASYNC_TOKEN_FILE, else the token in $WEDATASYNC_TOKEN"
)

// planAgainst makes the plan that the flags ask for.
func planAgainst(ctx context.Context, io *stdio, s *config.Flags, against, tokenFile string, validate bool) (*plan.Plan, error) {
	if against == command.AgainstState && !s.HasState() {
		return nil, usageError{fmt.Errorf("--against state: %s, so no state is taken from the working directory: name one with --state or %s", s.Untrusted, config.EnvName("state"))}
	}
	return command.PlanAgainst(ctx, s, io.env(s), against, tokenFile, validate)
}

// planStatus returns the code for a plan that was made and shown.
func planStatus(p *plan.Plan, detailed bool) error {
	switch {
	case p.Problems.Errors() > 0 || p.Source.Unverified != "":
		return exitStatus(exitError)
	case len(p.Holds) > 0:
		return exitStatus(exitHeld)
	case detailed && (p.Count(plan.ActionCommit) > 0 || p.Count(plan.ActionHold) > 0 || p.Count(plan.ActionForget) > 0 || p.Count(plan.ActionReturn) > 0 || hasDrifted(p)):
		return exitStatus(exitChanges)
	default:
		return nil
	}
}

// hasDrifted reports whether a task has drifted, as far as the plan says.
func hasDrifted(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Drift, func(d state.Drift) bool { return d.Kind.Drifted() })
}

func newValidateCommand(io *stdio) *cobra.Command {
	var strict bool
	var stdin string
	cmd := &cobra.Command{
		Use:   "validate [DIR or FILE or -...]",
		Short: "Check specs, without network or credentials",
		Long: `Validate checks the specs in folders and files, those of the current folder by default.
Every error is file:line:column: message. What is given is checked together: a task
must not be in two of the files. Whether a task in dependsOn has a spec is checked only
where a folder is given. The file - is standard input; --stdin-name says what complaints
call it.

Exit codes: 0 valid; 1 an error, or with --strict a warning.`,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
	}
	o := addOutput(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "take warnings for errors")
	cmd.Flags().StringVar(&stdin, "stdin-name", "stdin", "`file` that standard input is, or is meant for")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.Check(); err != nil {
			return usageError{err}
		}
		if len(args) == 0 {
			args = []string{"."}
		}
		v, err := command.Validate(cmd.Context(), args, command.Input{Name: stdin, From: io.in})
		if err != nil {
			return errors.Join(err, o.Write(io.streams(), output.Failure(err), 0))
		}
		for i := range v.Problems {
			if strict {
				v.Problems[i].Severity = spec.SeverityError
			}
		}
		if err := o.Write(io.streams(), output.Validation(v, command.Places()), 0); err != nil {
			return err
		}
		if v.Problems.Errors() > 0 {
			return exitStatus(exitError)
		}
		return nil
	}
	return cmd
}

func newCommentCommand(io *stdio) *cobra.Command {
	var against, tokenFile string
	var on command.PullRequest
	cmd := &cobra.Command{
		Use:   "comment",
		Short: "Post the plan as the one comment on a pull request",
		Long: `Comment makes the plan, prints it, and posts it on the pull request, or brings the
comment of the last time up to date. It never creates one only to say that nothing
changes. A plan that cannot be made is posted as that.

In the CI of GitHub, GitLab and Gitea it finds the pull request, its base and the
token (GITHUB_TOKEN, GITLAB_TOKEN, GITEA_TOKEN or WEDATASYNC_FORGE_TOKEN) by itself.
It reads neither wedatasync.yaml nor wedatasync.db in the working directory; what a flag
or a variable names must not be tracked by git in the checkout.

Exit codes: 0 posted; 1 an error, also if the plan was printed and not posted; else
as plan has them.`,
		Args: takes(usage.NoArgs),
	}
	s := addSettings(cmd)
	o := addOutput(cmd)
	flags := cmd.Flags()
	flags.StringVar(&against, "against", "", againstUsage)
	flags.StringVar(&tokenFile, "token-file", "", tokenUsage)
	flags.StringVar(&on.Forge, "forge", "", "`kind` of the forge: github, gitlab or gitea; default: that of the CI job")
	flags.StringVar(&on.URL, "forge-url", "", "`URL` of the forge's API; default: that of the CI job")
	flags.StringVar(&on.Repository, "repository", "", "`name` of the repository, as owner/name; on GitLab also the project's number; default: that of the CI job")
	flags.IntVar(&on.Number, "pull-request", 0, "`number` of the pull request; default: that of the CI job")
	flags.StringVar(&on.TokenFile, "forge-token-file", "", "`file` with the forge's token")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s.Stateless, s.Untrusted = true, "comment is for pull requests"
		if err := errors.Join(o.Check(), s.Load(io.getenv)); err != nil {
			return usageError{err}
		}
		p, err := planAgainst(cmd.Context(), io, s, against, tokenFile, false)
		doc, news, status := output.Document{}, true, error(nil)
		if err != nil {
			doc, status = output.Failure(err), err
		} else {
			doc, status = output.Plan(p, nil), planStatus(p, false)
			news = len(p.Changes) > 0 || len(p.Problems) > 0 || len(p.Holds) > 0
		}
		rate := s.CommitRate()
		o.Comment = command.InJob(o.Comment, io.getenv)
		o.Comment.PullRequest = true
		// Printed first: whatever the forge says, the plan is not lost.
		if err := o.Write(io.streams(), doc, rate); err != nil {
			return err
		}
		posted, err := command.Comment(cmd.Context(), &s.Settings, io.env(s), on, string(doc.Markdown(o.MarkdownOptions(rate))), news)
		if err != nil {
			return errors.Join(status, err)
		}
		if _, err := fmt.Fprintf(io.err, "comment %s %s\n", posted.Action, text.Visible(posted.URL)); err != nil {
			return err
		}
		return status
	}
	return cmd
}

// addOutput gives a command the flags of output.
func addOutput(cmd *cobra.Command) *output.Flags {
	o := &output.Flags{}
	o.AddTo(cmd.Flags())
	return o
}
