package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/gitrepo"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// What a plan can be made against, other than a URL and a revision.
const (
	AgainstState = "state"
	AgainstLive  = plan.AgainstLive
)

// PlanAgainst compares the source with what a person asked for. In the CI of a pull
// request, where there is no state, that is by default what the pull request changes: with
// whole, the specs that it does not change are checked, too. tokenFile, or the
// environment, has the token for a URL.
func PlanAgainst(ctx context.Context, f *config.Flags, env parts.Env, against, tokenFile string, whole bool) (*plan.Plan, error) {
	if against == "" {
		base, err := baseOfJob(f, env)
		if err != nil {
			return nil, err
		}
		against = cmp.Or(base, AgainstState)
	}
	switch {
	case IsRevision(against):
		return Between(ctx, cmp.Or(f.Source, "."), against, whole)
	case against == AgainstState:
		return Plan(ctx, f.Settings, env, PlanOptions{})
	case against == AgainstLive:
		return Live(ctx, f.Settings, env)
	default:
		token, err := ReadToken(env.Getenv, tokenFile)
		if err != nil {
			return nil, err
		}
		return Plan(ctx, f.Settings, env, PlanOptions{StateURL: against, Token: token})
	}
}

// IsRevision reports whether what a plan is made against is none of the other things.
func IsRevision(against string) bool {
	switch against {
	case "", AgainstState, AgainstLive:
		return false
	default:
		return !strings.HasPrefix(against, "http://") && !strings.HasPrefix(against, "https://")
	}
}

// baseOfJob returns what the pull request of this CI job is to be merged into, or
// "" if this is none, or if there is a state to compare with.
func baseOfJob(f *config.Flags, env parts.Env) (string, error) {
	if f.HasState() && (!f.Simulate || env.OwnState) {
		if fresh, err := statefile.Fresh(f.State); err != nil || !fresh {
			return "", err
		}
	}
	job, err := forge.Detect(env.Getenv)
	if errors.Is(err, forge.ErrNoCI) {
		job, err = forge.Job{BaseBranch: forge.TargetBranch(env.Getenv)}, nil
	}
	if err != nil || job.BaseBranch == "" {
		return job.Base, err
	}
	return baseIn(cmp.Or(f.Source, "."), job)
}

// baseIn returns the revision, in the checkout that dir is in, that a job's pull request is
// to be merged into. The event's base is as old as the event: what CI has fetched is newer.
func baseIn(dir string, job forge.Job) (base string, err error) {
	repo, err := source.OpenRepository(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	branch := remoteRefs + "origin/" + job.BaseBranch
	_, err = repo.Resolve(branch)
	switch {
	case err == nil:
		return branch, nil
	case job.Base != "" && errors.Is(err, gitrepo.ErrNoRevision):
		return job.Base, nil
	}
	if e, ok := errors.AsType[*source.Error](err); ok {
		e.Op = fmt.Sprintf("plan against %s, which this pull request is to be merged into", text.OneLine(job.BaseBranch, 100))
		e.Hint = fmt.Sprintf("fetch it with git fetch origin %[1]s:%[2]s, or with full history (fetch-depth: 0), or name another base with --against", text.OneLine(job.BaseBranch, 100), text.OneLine(branch, 100))
	}
	return "", err
}

// remoteRefs is where git keeps the branches of others: their full names are never taken
// for a tag's.
const remoteRefs = "refs/remotes/"
