package command

import (
	"context"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Live returns what the source asks for that is not so in WeData itself, whatever
// the state says, and, where there is a state, what of it is live otherwise
// (Plan.Drift). It reads, and writes nothing.
func Live(ctx context.Context, s config.Settings, env parts.Env) (_ *plan.Plan, err error) {
	client, log, err := attach(ctx, &s, &env)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	var k known
	if !env.Stateless {
		if k, err = readState(ctx, s.State, s.Identity()); err != nil {
			return nil, err
		}
	}
	src, err := parts.OpenSource(&s, "", &k.control, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	rev, unverified, err := verified(src.Poll(ctx))
	if err != nil {
		return nil, err
	}
	survey := drift.Scanner{
		Lister: client, Describer: client,
		Lists: pace.New(s.CommitRate()), Describes: pace.New(s.CommitRate()),
	}
	found, err := survey.Scan(ctx, watched(rev.Specs, k.records))
	if err != nil {
		return nil, err
	}
	for c := range rev.Specs.All() {
		if err := found.Failed[c.Key]; err != nil {
			return nil, err // what differs is not known: no plan is better than half of one
		}
	}
	p := plan.Diff(plan.Input{Specs: rev.Specs, Records: liveRecords(rev.Specs, found), Control: &state.Control{}}, time.Now())
	p.Source, p.Against = rev.Of(s.SourceInfo(), unverified), AgainstLive
	if k.info.Lineage != "" {
		p.Drift = drift.All(rev.Specs, k.records, found)
		drift.Announce(plan.DriftPolicy(s.DriftPolicy), p.Drift, rev.Specs, k.records, found, time.Now())
	}
	return p, nil
}

// watched returns the tasks that the specs or the state name.
func watched(specs *spec.Set, records *state.Records) []drift.Target {
	var tasks []drift.Target
	for c := range specs.All() {
		if !records.Has(c.Key) {
			tasks = append(tasks, drift.Target{Key: c.Key, TaskType: c.TaskType})
		}
	}
	return append(tasks, drift.Targets(records)...)
}

// liveRecords returns the records of a state that had applied what is live.
func liveRecords(specs *spec.Set, s *drift.Scan) *state.Records {
	records := state.NewRecords()
	for c := range specs.All() {
		if seen := s.Seen[c.Key]; seen != nil && !seen.Live.Missing && !seen.NotSubmitted {
			applied := drift.LiveOf(c, seen)
			records.Put(&state.Record{Key: c.Key, Status: state.StatusApplied, Applied: &applied})
		}
	}
	return records
}
