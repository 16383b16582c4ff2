package command

import (
	"context"
	"errors"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Live returns what a daemon would do once it has seen what is live in WeData now, under the
// policy for drift, and what of it is not as it was applied (Plan.Drift). Without a state it
// is what differs between the source and what is live. It reads, and writes nothing.
func Live(ctx context.Context, s config.Settings, env parts.Env) (_ *plan.Plan, err error) {
	client, log, err := attach(ctx, &s, &env)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	var k known
	if !env.Stateless {
		if k, err = openState(ctx, &s); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, k.close()) }()
	}
	src, err := parts.OpenShared(&s, k.mirror, &k.control, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	rev, unverified, err := k.poll(ctx, src)
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
	if k.info.Lineage == "" {
		p := plan.Diff(plan.Input{Specs: rev.Specs, Records: liveRecords(rev.Specs, found), Control: &state.Control{}}, time.Now())
		p.Source, p.Against = rev.Of(s.SourceInfo(), unverified), AgainstLive
		return p, nil
	}
	drifts := drift.All(rev.Specs, k.records, found)
	drift.Announce(plan.DriftPolicy(s.DriftPolicy), drifts, rev.Specs, k.records, found, time.Now())
	p, err := afterScan(ctx, &s, src, rev, unverified, k, found)
	if err != nil {
		return nil, err
	}
	p.Against, p.Drift = AgainstLive, drifts
	return p, nil
}

// afterScan makes the plan that a daemon makes once it has judged the scan.
func afterScan(ctx context.Context, s *config.Settings, src reconcile.Source, rev *reconcile.Revision, unverified error, k known, found *drift.Scan) (*plan.Plan, error) {
	in := drift.Input{Policy: plan.DriftPolicy(s.DriftPolicy), Specs: rev.Specs, Records: k.records, Scan: found, Kept: k.control.DriftScan}
	for rec := range k.records.All() {
		if rec.Applied != nil && rec.Applied.Drift != nil {
			in.Remembered = append(in.Remembered, rec)
		}
	}
	judged := drift.Evaluate(in, time.Now())
	for _, t := range judged.Transitions {
		if t.Record != nil {
			k.records.Put(t.Record)
		}
	}
	k.control.DriftScan = judged.Next
	live := func(key spec.Key) *state.Live {
		if seen := found.Seen[key]; seen != nil {
			return &seen.Live
		}
		return nil
	}
	return planOf(ctx, s, src, rev, unverified, k, live)
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
