package reconcile

import (
	"context"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// judgeScan makes durable what the last scan has found, if that was not decided yet, and
// what follows of it.
func judgeScan(ctx context.Context, r *Reconciler) error {
	found := r.watcher.Take()
	if found == nil {
		return settleScan(ctx, r)
	}
	result := drift.Evaluate(drift.Input{
		Policy: r.policy(), Specs: r.desired.specs(), Records: r.applied.records, Remembered: r.applied.remembered(),
		Scan: found, Kept: r.applied.Control().DriftScan,
	}, time.Now())
	for _, key := range result.Touched {
		r.desired.touch(key)
	}
	for _, t := range result.Transitions {
		if err := r.applied.save(ctx, t); err != nil {
			return err
		}
	}
	before := r.applied.lastScan()
	if err := keepScan(ctx, r, result.Next, result.Began, result.Ended, result.Events); err != nil {
		return err
	}
	if scan := result.Next; scan.Error != "" && (before == nil || before.Error == "") {
		r.cfg.Logger.WarnContext(ctx, "drift check", "tasks", scan.Tasks, "unknown", scan.Unknown, "error", scan.Error)
	}
	return nil
}

// settleScan takes the tasks out of the last scan that were committed, or forgotten,
// since.
func settleScan(ctx context.Context, r *Reconciler) error {
	next, ended, events := drift.SettledSince(r.applied.lastScan(), r.applied.Record, time.Now())
	if len(ended) == 0 {
		return nil
	}
	return keepScan(ctx, r, next, nil, ended, events)
}

// keepScan makes what is kept of a scan durable, if that comes with events, and then
// known.
func keepScan(ctx context.Context, r *Reconciler, scan *state.DriftScan, began, ended []state.Drift, events []state.Event) error {
	if len(events) > 0 {
		if err := r.applied.saveControl(ctx, func(c *state.Control) { c.DriftScan = scan }, events...); err != nil {
			return err
		}
	}
	r.applied.setScan(scan)
	for i := range began {
		taskLogger(r.cfg.Logger, began[i].Key, r.applied.Record(began[i].Key).Name()).WarnContext(ctx, "drift", "kind", began[i].Kind, "differs", plan.Differs(&began[i]), "operator", began[i].Operator, "answer", began[i].WhyReported)
	}
	for i := range ended {
		taskLogger(r.cfg.Logger, ended[i].Key, r.applied.Record(ended[i].Key).Name()).InfoContext(ctx, "drift has ended", "kind", ended[i].Kind)
	}
	if o, ok := r.cfg.Observer.(drift.Observer); ok {
		o.Scanned(scan, began, ended)
	}
	return nil
}
