package command

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/report"
	"github.com/wedatasync/wedatasync/internal/secret"
)

// PullRequest names the pull request to comment on. What is empty comes from the job of CI.
type PullRequest struct {
	Forge      string // github, gitlab or gitea
	URL        string // of its API
	Repository string // owner/name
	TokenFile  string
	Number     int
}

// InJob adds to the options of a comment what the job of CI says: whether it is for a pull
// request, the commit, and where people see it, its files and the run.
func InJob(o report.MarkdownOptions, getenv func(string) string) report.MarkdownOptions {
	job, err := forge.Detect(getenv)
	if err != nil {
		return o // Comment says so, where it matters
	}
	o.PullRequest = job.Forge.PullRequest != 0
	o.LinkBase = cmp.Or(o.LinkBase, job.FilesURL)
	o.Commit, o.CommitURL, o.RunURL = job.Head, job.CommitURL, job.RunURL
	return o
}

// Comment posts the body as the one comment on a pull request, or brings the comment of the
// last time up to date. It makes one only with create.
func Comment(ctx context.Context, s *config.Settings, env parts.Env, on PullRequest, body string, create bool) (forge.Posted, error) {
	job, err := forge.Detect(env.Getenv)
	if err != nil && !errors.Is(err, forge.ErrNoCI) {
		return forge.Posted{}, err
	}
	c := job.Forge
	c.Kind = cmp.Or(forge.Kind(on.Forge), c.Kind)
	c.BaseURL = cmp.Or(on.URL, c.BaseURL)
	c.Repository = cmp.Or(on.Repository, c.Repository)
	c.PullRequest = cmp.Or(on.Number, c.PullRequest)
	c.UserAgent = "wedatasync/" + env.Version
	c.CAFile = cmp.Or(s.Git.CAFile, c.CAFile)
	c.PlainHosts = s.PlainHosts
	c.Logger = slog.New(slog.NewTextHandler(env.Log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if on.TokenFile != "" {
		c.Token = secret.File(on.TokenFile)
	}
	if c.PullRequest == 0 {
		return forge.Posted{}, errors.New("comment: this is not the job of a pull request: name it with --forge, --repository and --pull-request")
	}
	target, err := forge.Open(c)
	if err != nil {
		return forge.Posted{}, err
	}
	posted, err := target.Upsert(ctx, body, forge.Options{CreateIfMissing: create})
	return posted, errors.Join(err, target.Close())
}
