package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/secret"
)

// forgeFlags say where the pull request is. In a CI job, the job says it.
type forgeFlags struct {
	kind, url, repository, tokenFile string
	pullRequest                      int
}

func newCommentCommand(io *stdio) *cobra.Command {
	var against string
	var forge forgeFlags
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
	flags.StringVar(&forge.kind, "forge", "", "`github, gitlab or gitea`; the CI job says it")
	flags.StringVar(&forge.url, "forge-url", "", "`URL` of its API")
	flags.StringVar(&forge.repository, "repository", "", "`owner/name`; on GitLab also the project's number")
	flags.IntVar(&forge.pullRequest, "pull-request", 0, "its `number`")
	flags.StringVar(&forge.tokenFile, "forge-token-file", "", "`file` with the forge's token")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s.Stateless, s.Untrusted = true, "comment is for pull requests"
		if err := errors.Join(o.check(), s.Load(io.getenv)); err != nil {
			return usageError{err}
		}
		p, err := makePlan(cmd.Context(), io, s, against)
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
		posted, err := forge.post(cmd.Context(), io, s, string(doc.markdown(o.comment(rate))), news)
		if err != nil {
			return errors.Join(status, err)
		}
		if _, err := fmt.Fprintf(io.err, "comment %s %s\n", posted.Action, report.Visible(posted.URL)); err != nil {
			return err
		}
		return status
	}
	return cmd
}

// post posts the body on the pull request that the flags, or the CI job, name.
func (f *forgeFlags) post(ctx context.Context, io *stdio, s *config.Flags, body string, create bool) (forge.Posted, error) {
	job, err := forge.Detect(io.getenv)
	if err != nil && !errors.Is(err, forge.ErrNoCI) {
		return forge.Posted{}, err
	}
	c := job.Forge
	c.Kind = cmp.Or(forge.Kind(f.kind), c.Kind)
	c.BaseURL = cmp.Or(f.url, c.BaseURL)
	c.Repository = cmp.Or(f.repository, c.Repository)
	c.PullRequest = cmp.Or(f.pullRequest, c.PullRequest)
	c.UserAgent = "wedatasync/" + version()
	c.CAFile = cmp.Or(s.Git.CAFile, c.CAFile)
	c.PlainHosts = s.PlainHosts
	c.Logger = slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if f.tokenFile != "" {
		c.Token = secret.File(f.tokenFile)
	}
	if c.PullRequest == 0 {
		return forge.Posted{}, errors.New("comment: this is no pull request's job: name it with --forge, --repository and --pull-request")
	}
	target, err := forge.Open(c)
	if err != nil {
		return forge.Posted{}, err
	}
	posted, err := target.Upsert(ctx, body, forge.Options{CreateIfMissing: create})
	return posted, errors.Join(err, target.Close())
}
