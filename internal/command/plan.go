package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/report"
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

// Validate checks the specs in folders and files, all of them together; none are the
// current folder. Problems are at the paths as they were given, or with inRepository at
// those from the root of the repository. Whether a task that another one depends on has a
// spec is only checked where a folder was given: a file is not all there is.
func Validate(ctx context.Context, paths []string, inRepository bool) (report.Validation, error) {
	place := func(dir string) string { return dir }
	if inRepository {
		place = InRepository
	}
	set, folders := spec.NewSet(), 0
	for _, p := range paths {
		info, err := os.Stat(p)
		if err == nil && !info.IsDir() {
			var data []byte
			if data, err = file.Read("", p, spec.MaxFileSize); err == nil {
				set.Put(spec.Parse(filepath.ToSlash(filepath.Join(place(filepath.Dir(p)), filepath.Base(p))), data))
				continue
			}
		}
		if err != nil && len(paths) > 1 {
			return report.Validation{}, fmt.Errorf("read specs: %w: check that it exists and may be read", err)
		}
		folders++
		found, err := ReadSpecs(ctx, p)
		if err != nil {
			return report.Validation{}, err
		}
		at := place(p)
		if len(paths) == 1 {
			return report.Validation{Files: found.Files(), Specs: found.Len(), Problems: problemsAt(at, found)}, nil
		}
		for name := range found.Names() {
			set.Put(found.File(name).As(filepath.ToSlash(filepath.Join(at, name))))
		}
	}
	v := report.Validation{Files: set.Files(), Specs: set.Len(), Problems: slices.Clone(set.Problems())}
	if folders == 0 {
		v.Problems = slices.DeleteFunc(v.Problems, func(p spec.Problem) bool { return p.Code == spec.CodeUnknownDependency })
	}
	return v, nil
}

// problemsAt returns the problems of the specs in a folder, as who is outside of it would
// open the files.
func problemsAt(dir string, specs *spec.Set) spec.Problems {
	problems := slices.Clone(specs.Problems())
	for i := range problems {
		problems[i].File = filepath.ToSlash(filepath.Join(dir, problems[i].File))
	}
	return problems
}
