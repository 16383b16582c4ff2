package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/internal/source/folder"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/statefile"
)

// Plan returns what a pass would do. It is given a source and a reader of the
// state, and nothing that could write: neither the API nor the state changes.
// stateURL, if not empty, is where a daemon exports the state to compare with.
func Plan(ctx context.Context, s config.Settings, env parts.Env, stateURL string) (_ *plan.Plan, err error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	log, err := env.Logger(&s)
	if err != nil {
		return nil, err
	}
	var k known
	switch {
	case stateURL != "":
		k, err = fetchState(ctx, stateURL, &s)
	case env.Stateless:
	case s.Simulate && !env.OwnState:
		// Its state lives as long as its endpoint.
	default:
		k, err = readState(ctx, s.State, s.Identity())
	}
	if err != nil {
		return nil, err
	}
	// Without a mirror of its own: the daemon may be using that right now.
	src, err := parts.OpenSource(&s, "", &k.control, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	rev, unverified, err := verified(src.Poll(ctx))
	if err != nil {
		return nil, err
	}
	if rev.Specs.Files() == 0 && k.records.Len() == 0 && !source.IsGit(s.Source) {
		return nil, noSpecs(s.Source)
	}
	return planOf(ctx, &s, src, rev, unverified, k, nil)
}

// noSpecs says that a folder has none, which is hardly ever meant.
func noSpecs(dir string) error {
	return fmt.Errorf("no specs were found in %s: a spec is a .yaml or .yml file that begins with apiVersion: wedatasync/v1; name the folder that has them", text.Visible(dir))
}

// verified sorts the error of a poll: one that comes with a revision means that the newest
// one is not verified, and the revision is used in its place. Any other is fatal.
func verified(rev *reconcile.Revision, err error) (_ *reconcile.Revision, unverified, fatal error) {
	if rev != nil && errors.Is(err, reconcile.ErrUnverified) {
		return rev, err, nil
	}
	return rev, nil, err
}

// known is what a state knows.
type known struct {
	records *state.Records
	control state.Control
	info    plan.StateInfo
}

// readState reads the state of id while a daemon may write it. One that is not there yet is
// empty: the first pass will make it.
func readState(ctx context.Context, path string, id state.Identity) (k known, err error) {
	if fresh, err := statefile.Fresh(path); err != nil || fresh {
		return k, err
	}
	r, err := sqlstore.OpenReader(ctx, path)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.Belongs(ctx, id); err != nil {
		return k, err
	}
	if k.info.Serial, err = r.Serial(ctx); err != nil {
		return k, err
	}
	k.info.Lineage = r.Lineage()
	k.records, k.control, err = load(ctx, r)
	return k, err
}

// planOf makes the plan as the reconciler does, and lets the guards see it. live is what the
// reads before the calls will find; nil if that is not known.
func planOf(ctx context.Context, s *config.Settings, src reconcile.Source, rev *reconcile.Revision, unverified error, k known, live func(spec.Key) *state.Live) (*plan.Plan, error) {
	rewrite, err := reconcile.RewriteOf(ctx, src, k.control.Revision, rev.ID)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	p := plan.Diff(plan.Input{Specs: rev.Specs, Records: k.records, Control: &k.control, Policy: plan.DriftPolicy(s.DriftPolicy)}, now)
	if live != nil {
		operator := ""
		if k.control.Operator != nil {
			operator = k.control.Operator.UIN
		}
		if p.Withhold(live, operator) >= plan.RestoredAfter {
			k.control.Restored = true
		}
	}
	p.Source, p.State = rev.Of(s.SourceInfo(), unverified), k.info
	return s.Guards.Check(p, rewrite.Facts(&k.control), now), nil
}

// ReadSpecs reads the specs in a folder.
func ReadSpecs(ctx context.Context, dir string) (_ *spec.Set, err error) {
	src, err := folder.Open(folder.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	rev, err := src.Poll(ctx)
	if err != nil {
		return nil, err
	}
	if rev.Specs.Files() == 0 {
		return nil, noSpecs(dir)
	}
	return rev.Specs, nil
}
