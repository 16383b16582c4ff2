package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/wedatasync/wedatasync/internal/source"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Plan returns what a pass would do. It is given a source and a reader of the
// state, and nothing that could write: neither the API nor the state changes.
func Plan(ctx context.Context, s Settings, env Env) (_ *reconcile.Plan, err error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	log, err := env.logger(&s)
	if err != nil {
		return nil, err
	}
	// Without a mirror of its own: the daemon may be using that right now.
	git, folder := s.sources("", log)
	src, err := source.Open(s.Source, git, folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	rev, err := src.Poll(ctx)
	if err != nil {
		return nil, err
	}
	records, control, info, err := readState(ctx, &s, &env)
	if err != nil {
		return nil, err
	}
	return planOf(ctx, &s, src, rev, records, control, info)
}

// readState reads the state beside the daemon. One that is not there yet is empty:
// the first pass will make it.
func readState(ctx context.Context, s *Settings, env *Env) (records map[spec.Key]*state.Record, control state.Control, info reconcile.StateInfo, err error) {
	if s.Simulate && !env.OwnState {
		return nil, control, info, nil
	}
	if fresh, err := state.Fresh(s.State); err != nil || fresh {
		return nil, control, info, err
	}
	r, err := state.OpenReader(ctx, s.State)
	if err != nil {
		return nil, control, info, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.Belongs(s.Identity()); err != nil {
		return nil, control, info, err
	}
	if info.Serial, err = r.Serial(ctx); err != nil {
		return nil, control, info, err
	}
	info.Lineage = r.Lineage()
	records, control, err = load(ctx, r)
	return records, control, info, err
}

// planOf makes the plan as the reconciler does, and lets the guards see it.
func planOf(ctx context.Context, s *Settings, src reconcile.Source, rev *reconcile.Revision,
	records map[spec.Key]*state.Record, control state.Control, info reconcile.StateInfo,
) (*reconcile.Plan, error) {
	facts := reconcile.Facts{Control: &control}
	if control.Revision != "" {
		ok, err := src.Descends(ctx, control.Revision, rev.ID)
		if err != nil {
			return nil, err
		}
		facts.Rewritten = !ok
	}
	now := time.Now()
	p := reconcile.Diff(reconcile.Input{Specs: rev.Specs, Records: records, Control: &control}, now)
	p.Source, p.State = s.sourceInfo(), info
	p.Source.Revision, p.Source.Author, p.Source.Subject = rev.ID, rev.Author, rev.Subject
	return s.Guards.Check(p, facts, now), nil
}

// ReadSpecs reads the specs in a folder.
func ReadSpecs(ctx context.Context, dir string) (_ *spec.Set, err error) {
	src, err := source.OpenFolder(source.FolderConfig{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	rev, err := src.Poll(ctx)
	if err != nil {
		return nil, err
	}
	return rev.Specs, nil
}
