package reconcile

import (
	"context"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Watch scans every Config.LookEvery what is live, and when LookAgain asks for it, until
// ctx is done. It runs beside Run, which decides about what it has found.
func (r *Reconciler) Watch(ctx context.Context) {
	var last time.Time
	if look := r.Control().DriftScan; look != nil {
		last = look.At
	}
	r.watcher.Run(ctx, last)
}

// ScanNow asks Watch for a scan at once: what it looks for, or when, is another now.
// Any goroutine may call it.
func (r *Reconciler) ScanNow() { r.watcher.ScanNow() }

// judgeLook makes durable what the last scan has found, if it was not judged yet.
func (r *Reconciler) judgeLook(ctx context.Context) error {
	found := r.watcher.Take()
	if found == nil {
		return r.settleLook(ctx)
	}
	in := drift.Input{Policy: r.policy(), Specs: spec.NewSet(), Records: r.records, Remembered: r.remembered(), Scan: found, Kept: r.Control().DriftScan}
	if r.revision != nil {
		in.Specs = r.revision.Specs
	}
	result := drift.Evaluate(in, time.Now())
	for _, key := range result.Touched {
		r.touch(key)
	}
	for _, t := range result.Transitions {
		if err := r.save(ctx, t); err != nil {
			return err
		}
	}
	if err := r.keepLook(ctx, result.Look, result.Began, result.Ended, result.Events); err != nil {
		return err
	}
	if look := result.Look; look.Error != "" {
		r.cfg.Logger.WarnContext(ctx, "look at what is live", "tasks", look.Tasks, "unknown", look.Unknown, "error", look.Error)
	}
	return nil
}

// settleLook takes the tasks out of the last look that were committed, or forgotten,
// since.
func (r *Reconciler) settleLook(ctx context.Context) error {
	r.mu.Lock()
	look := r.newest
	r.mu.Unlock()
	next, ended, events := drift.SettledSince(look, r.record, time.Now())
	if len(ended) == 0 {
		return nil
	}
	return r.keepLook(ctx, next, nil, ended, events)
}

// keepLook makes a look durable, if it comes with events, and then known.
func (r *Reconciler) keepLook(ctx context.Context, look *state.DriftScan, began, ended []state.Drift, events []state.Event) error {
	if len(events) > 0 {
		if err := r.saveControl(ctx, func(c *state.Control) { c.DriftScan = look }, events...); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.newest = look
	r.mu.Unlock()
	for i := range began {
		r.cfg.Logger.WarnContext(ctx, "drift", "task", began[i].Key.String(), "kind", began[i].Kind, "differs", plan.Differs(&began[i]), "operator", began[i].Operator, "answer", began[i].WhyReported)
	}
	if o, ok := r.cfg.Observer.(drift.Observer); ok {
		o.Scanned(look, began, ended)
	}
	return nil
}

// policy returns what is to be done about drift now.
func (r *Reconciler) policy() plan.DriftPolicy {
	if r.cfg.Policy == nil {
		return plan.PolicyReport
	}
	return r.cfg.Policy()
}

// keepDrifted notes whether more is remembered of a task than what was applied. It
// needs mu.
func (r *Reconciler) keepDrifted(rec *state.Record) {
	if rec.Applied != nil && rec.Applied.Drift != nil {
		r.drifted[rec.Key] = struct{}{}
	} else {
		delete(r.drifted, rec.Key)
	}
}

// remembered returns the records of which more is remembered, in order of key.
func (r *Reconciler) remembered() []*state.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*state.Record, 0, len(r.drifted))
	for key := range r.drifted {
		list = append(list, r.records.Get(key))
	}
	slices.SortFunc(list, func(a, b *state.Record) int { return a.Key.Compare(b.Key) })
	return list
}

// catchUp lets go of what was adopted where the spec has asked for something else since.
func (r *Reconciler) catchUp(ctx context.Context) error {
	for _, rec := range r.remembered() {
		t, ok := drift.CaughtUp(rec, r.revision.Specs.Get(rec.Key), r.revision.ID, r.revision.Author, time.Now())
		if !ok {
			continue
		}
		if err := r.save(ctx, t); err != nil {
			return err
		}
		r.touch(rec.Key)
	}
	return nil
}

// liveTasks is what a Watcher asks of the engine.
type liveTasks struct{ r *Reconciler }

// Targets implements Engine.
func (l liveTasks) Targets() []drift.Target {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	return drift.Targets(l.r.records)
}

// Record implements Engine.
func (l liveTasks) Record(key spec.Key) *state.Record { return l.r.record(key) }
