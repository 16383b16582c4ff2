package app

import (
	"context"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Live returns what the source asks for that is not so in WeData itself, whatever
// the state says, and, where there is a state, what of it is live otherwise
// (Plan.Drift). It reads, and writes nothing.
func Live(ctx context.Context, s Settings, env Env) (_ *reconcile.Plan, err error) {
	a, err := attach(ctx, &s, env)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	var k known
	if !env.Stateless {
		if k, err = readState(ctx, s.State, s.Identity()); err != nil {
			return nil, err
		}
	}
	src, err := s.OpenSource("", &k.control, a.log)
	if err != nil {
		return nil, err
	}
	a.onStop("close the source", src.Close)
	rev, unverified, err := standing(src.Poll(ctx))
	if err != nil {
		return nil, err
	}
	survey := reconcile.Survey{
		Lister: a.client, Looker: a.client,
		Lists: reconcile.NewPacer(s.Rate * s.Share), Looks: reconcile.NewPacer(s.Rate * s.Share),
	}
	found, err := survey.Take(ctx, watched(rev.Specs, k.records))
	if err != nil {
		return nil, err
	}
	for c := range rev.Specs.All() {
		if err := found.Failed[c.Key]; err != nil {
			return nil, err // what differs is not known: no plan is better than half of one
		}
	}
	p := reconcile.Diff(reconcile.Input{Specs: rev.Specs, Records: liveRecords(rev.Specs, found), Control: &state.Control{}}, time.Now())
	p.Source, p.Against = s.sourceInfo().At(rev, unverified), "live"
	if k.info.Lineage != "" {
		p.Drift = reconcile.Drifts(rev.Specs, k.records, found)
		reconcile.DriftPolicy(s.DriftPolicy).Announce(p.Drift, rev.Specs, k.records, found, time.Now())
	}
	return p, nil
}

// watched returns the tasks that the specs or the state name.
func watched(specs *spec.Set, records *state.Records) []reconcile.Watched {
	var tasks []reconcile.Watched
	for c := range specs.All() {
		if !records.Has(c.Key) {
			tasks = append(tasks, reconcile.Watched{Key: c.Key, TaskType: c.TaskType})
		}
	}
	return append(tasks, reconcile.Managed(records)...)
}

// liveRecords returns the records of a state that had applied what is live.
func liveRecords(specs *spec.Set, s *reconcile.Sightings) *state.Records {
	records := state.NewRecords()
	for c := range specs.All() {
		if seen := s.Seen[c.Key]; seen != nil && !seen.Live.Missing && !seen.NotSubmitted {
			applied := reconcile.LiveOf(c, seen)
			records.Put(&state.Record{Key: c.Key, Status: state.StatusApplied, Applied: &applied})
		}
	}
	return records
}

var errNothingLive = errors.New("a simulated endpoint that is embedded begins without tasks: start one with wedatasync simulate, and name it with --endpoint")

// attach connects to WeData itself, for what asks there first. Its App has nothing
// else open, and is the caller's to close.
func attach(ctx context.Context, s *Settings, env Env) (*App, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.Simulate {
		return nil, &SettingError{Name: "simulate", Err: errNothingLive}
	}
	log, err := env.logger(s)
	if err != nil {
		return nil, err
	}
	a := &App{env: env, log: log}
	if err := a.connect(ctx, s); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}
