package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

const (
	// firstLook is how long after a start the first look is, at the least.
	firstLook = time.Minute
	// confirmAfter is how long after it was first seen drift is looked at again: a
	// task that the platform starts anew is stopped for a moment.
	confirmAfter = 30 * time.Second
	// keepLook is how old the look in the state may be when nothing new was seen.
	keepLook = 24 * time.Hour
	// giveWayFor is how long a look waits before it asks again whether commits are
	// being made.
	giveWayFor = time.Second
)

// LookRate is how many lists a second a look reads: it is spread over minutes where
// there are many tasks.
const LookRate = 2

// LookObserver is an Observer that is also told what a look at what is live has found.
type LookObserver interface {
	// Looked is called when that is durable. began are the tasks that have drifted, or
	// in another way than before; ended those that have not any more.
	Looked(look *state.DriftScan, began, ended []state.Drift)
}

// Watch looks every Config.LookEvery at what is live, and when LookAgain asks for it,
// until ctx is done. It runs beside Run, reads only while no commits are made, and
// leaves what it has seen for Run to judge.
func (r *Reconciler) Watch(ctx context.Context) {
	if r.cfg.LookEvery == nil || r.cfg.Survey == nil {
		return
	}
	every := r.cfg.LookEvery()
	next := time.Now().Add(min(firstLook, every))
	if last := r.Control().DriftScan; last != nil && last.At.Add(every).After(next) {
		next = last.At.Add(every)
	}
	for {
		if _, err := r.lookDue(ctx, next, every); err != nil {
			return
		}
		// Several daemons that were started together do not look together.
		every = r.cfg.LookEvery()
		next = time.Now().Add(every - time.Duration(r.cfg.Random()*float64(every)/10))
		if every <= 0 {
			continue
		}
		found, err := r.look(ctx)
		if err != nil {
			return
		}
		if found == nil {
			r.LookAgain()
			continue
		}
		r.mu.Lock()
		r.found = found
		r.mu.Unlock()
		select {
		case r.looked <- struct{}{}:
		default:
		}
	}
}

// lookDue waits until next, or until somebody asks for a look; with no time between
// looks, for that alone. The error is that of ctx.
func (r *Reconciler) lookDue(ctx context.Context, next time.Time, every time.Duration) (asked bool, err error) {
	var due <-chan time.Time
	if every > 0 {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false, context.Cause(ctx)
	case <-r.relook:
		return true, ctx.Err()
	case <-due:
		return false, ctx.Err()
	}
}

// LookAgain asks Watch for a look at once: what it looks for, or when, is another now.
// Any goroutine may call it.
func (r *Reconciler) LookAgain() {
	select {
	case r.relook <- struct{}{}:
	default:
	}
}

// look reads what is live of the managed tasks. It returns nil if somebody asks for
// another look before it is at its end. The error is that of ctx.
func (r *Reconciler) look(ctx context.Context) (*Sightings, error) {
	survey := *r.cfg.Survey
	survey.Yield = r.giveWay
	r.mu.Lock()
	tasks := Managed(r.records)
	r.mu.Unlock()
	found, err := survey.Take(ctx, tasks)
	if err != nil {
		return nil, err
	}
	var doubted []Watched
	for _, w := range tasks {
		// What git wants decides nothing here.
		d := DriftOf(nil, r.record(w.Key), found.Seen[w.Key], found.Failed[w.Key], found.At)
		if d.Kind.Drifted() {
			doubted = append(doubted, w)
		}
	}
	if len(doubted) == 0 {
		return found, nil
	}
	every := max(r.cfg.LookEvery(), time.Nanosecond)
	if asked, err := r.lookDue(ctx, time.Now().Add(min(confirmAfter, every/4)), every); asked || err != nil {
		return nil, err
	}
	return found, survey.Confirm(ctx, found, doubted)
}

// giveWay waits while commits are being made: the budget for reads is theirs.
func (r *Reconciler) giveWay(ctx context.Context) error {
	for r.busy.Load() {
		if err := pace.SleepUntil(ctx, time.Now().Add(giveWayFor)); err != nil {
			return err
		}
	}
	return nil
}

// judgeLook makes durable what the last look has found, if it was not judged yet.
func (r *Reconciler) judgeLook(ctx context.Context) error {
	r.mu.Lock()
	found := r.found
	r.found = nil
	r.mu.Unlock()
	if found == nil {
		return r.settleLook(ctx)
	}
	specs := spec.NewSet()
	if r.revision != nil {
		specs = r.revision.Specs
	}
	kept := r.Control().DriftScan
	answers, err := r.answerLook(ctx, specs, found)
	if err != nil {
		return err
	}
	next, began, ended := nextLook(kept, answers.drifts, len(Managed(r.records)), found.At)
	for _, d := range answers.adopted {
		if was := kept.Of(d.Key); was == nil || was.Kind != d.Kind {
			began = append(began, d)
		}
	}
	if !sameLook(kept, next) || found.At.Sub(kept.At) >= keepLook {
		err := r.saveControl(ctx, func(c *state.Control) { c.DriftScan = next }, lookEvents(next, began, ended, time.Now())...)
		if err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.newest = next
	r.mu.Unlock()
	if next.Error != "" {
		r.cfg.Logger.WarnContext(ctx, "look at what is live", "tasks", next.Tasks, "unknown", next.Unknown, "error", next.Error)
	}
	for i := range began {
		r.cfg.Logger.WarnContext(ctx, "drift", "task", began[i].Key.String(), "kind", began[i].Kind, "differs", plan.Differs(&began[i]), "operator", began[i].Operator, "answer", began[i].WhyReported)
	}
	if o, ok := r.cfg.Observer.(LookObserver); ok {
		o.Looked(next, began, ended)
	}
	return nil
}

// nextLook returns what is kept of a look at tasks, and what is new in it. A task that
// could not be read stays as it was.
func nextLook(before *state.DriftScan, drifts []state.Drift, tasks int, at time.Time) (next *state.DriftScan, began, ended []state.Drift) {
	next = &state.DriftScan{At: at, Tasks: tasks, Kinds: map[state.DriftKind]int{}}
	for _, d := range drifts {
		was := before.Of(d.Key)
		switch {
		case d.Kind == state.DriftUnknown:
			next.Unknown++
			next.Error = d.Detail
			if was == nil {
				continue
			}
			d = *was
		case !d.Kind.Drifted():
			continue
		case was != nil && was.Kind == d.Kind:
			d.Since = was.Since
		default:
			d.Since = at
		}
		next.Kinds[d.Kind]++
		if len(next.Drifted) == state.MaxDrifted {
			continue
		}
		next.Drifted = append(next.Drifted, d)
		if d.Since.Equal(at) {
			began = append(began, d)
		}
	}
	if before == nil {
		return next, began, nil
	}
	for _, was := range before.Drifted {
		if next.Of(was.Key) == nil && len(next.Drifted) < state.MaxDrifted {
			ended = append(ended, was)
		}
	}
	return next, began, ended
}

// sameLook reports whether two looks have found the same, whenever that was.
func sameLook(a, b *state.DriftScan) bool {
	return a != nil && (a.Error == "") == (b.Error == "") && maps.Equal(a.Kinds, b.Kinds) &&
		slices.EqualFunc(a.Drifted, b.Drifted, func(a, b state.Drift) bool {
			return a.Key == b.Key && a.Kind == b.Kind && a.Operator == b.Operator && a.Locker == b.Locker && a.WhyReported == b.WhyReported && slices.Equal(a.Fields, b.Fields)
		})
}

// lookEvents are the rows of the history about a look.
func lookEvents(look *state.DriftScan, began, ended []state.Drift, now time.Time) []state.Event {
	var events []state.Event
	for i := range began {
		d := &began[i]
		events = append(events, state.Event{At: now, Kind: state.EventDrift, Key: d.Key, Actor: d.Operator, Note: state.Clip(told(d))})
	}
	for _, d := range ended {
		events = append(events, state.Event{At: now, Kind: state.EventDrift, Key: d.Key, Note: "it has drifted no longer: it was " + string(d.Kind)})
	}
	if len(events) == 0 {
		note := fmt.Sprintf("looked at %d tasks: %d have drifted", look.Tasks, look.Count())
		if look.Error != "" {
			note = fmt.Sprintf("looked at %d tasks, and could not read %d: %s", look.Tasks, look.Unknown, look.Error)
		}
		events = append(events, state.Event{At: now, Kind: state.EventDrift, Note: state.Clip(note)})
	}
	return events
}

// told says what differs, and what is done about it if that is more than to say it.
func told(d *state.Drift) string {
	if d.WhyReported == "" {
		return plan.Differs(d)
	}
	return plan.Differs(d) + "; " + d.WhyReported
}
