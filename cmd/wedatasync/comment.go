package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/text"
)

func newCommentCommand(io *stdio) *cobra.Command {
	var against string
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
		Args: takes(cobra.NoArgs),
	}
	s := addSettings(cmd)
	o := addOutput(cmd)
	flags := cmd.Flags()
	flags.StringVar(&against, "against", "", againstUsage)
	flags.StringVar(&on.Forge, "forge", "", "`github, gitlab or gitea`; the CI job says it")
	flags.StringVar(&on.URL, "forge-url", "", "`URL` of its API")
	flags.StringVar(&on.Repository, "repository", "", "`owner/name`; on GitLab also the project's number")
	flags.IntVar(&on.Number, "pull-request", 0, "its `number`")
	flags.StringVar(&on.TokenFile, "forge-token-file", "", "`file` with the forge's token")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s.Stateless, s.Untrusted = true, "comment is for pull requests"
		if err := errors.Join(o.check(), s.Load(io.getenv)); err != nil {
			return usageError{err}
		}
		p, err := planAgainst(cmd.Context(), io, s, against)
		doc, news, status := document{}, true, error(nil)
		if err != nil {
			doc, status = failureDocument(report.Failure{Err: err}), err
		} else {
			doc, status = planDocument(p), planStatus(p, false)
			news = len(p.Changes) > 0 || len(p.Problems) > 0 || len(p.Holds) > 0
		}
		rate := s.CommitRate()
		// Printed first: whatever the forge says, the plan is not lost.
		if err := o.write(io, doc, rate); err != nil {
			return err
		}
		posted, err := command.Comment(cmd.Context(), &s.Settings, io.env(s), on, string(doc.markdown(o.comment(rate))), news)
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
