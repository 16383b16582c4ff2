package command

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// What a plan can be made against, other than a URL and a revision.
const (
	AgainstState = "state"
	AgainstLive  = plan.AgainstLive
)

// PlanAgainst compares the source with what a person asked for. In the CI of a pull
// request, where there is no state, that is by default what the pull request changes.
func PlanAgainst(ctx context.Context, f *config.Flags, env parts.Env, against string) (*plan.Plan, error) {
	if against == "" {
		base, err := baseOfJob(f, env)
		if err != nil {
			return nil, err
		}
		against = cmp.Or(base, AgainstState)
	}
	switch {
	case IsRevision(against):
		return Between(ctx, cmp.Or(f.Source, "."), against)
	case against == AgainstState:
		return Plan(ctx, f.Settings, env, "")
	case against == AgainstLive:
		return Live(ctx, f.Settings, env)
	default:
		return Plan(ctx, f.Settings, env, against)
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
	// The event's base is as old as the event. What CI has merged into is newer.
	branch := "origin/" + job.BaseBranch
	if hasRevision(cmp.Or(f.Source, "."), branch) {
		return branch, nil
	}
	return job.Base, nil
}
