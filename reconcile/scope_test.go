package reconcile

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestLawScope: a plan for what has changed or is unsettled is the plan for
// everything, over any history of edits, outcomes, words and time.
func TestLawScope(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var failure string
		history := drawHistory(rt)
		synctest.Test(t, func(t *testing.T) { failure = scopeHistory(t, history) })
		if failure != "" {
			rt.Fatal(failure)
		}
	})
}

// historyStep is one step of a history; what it means is drawn beforehand, because
// a bubble and rapid do not nest.
type historyStep struct {
	kind    int // of the step
	file    string
	text    string
	task    string
	outcome state.Outcome
	suspend *state.Suspension
	pass    time.Duration
}

func drawHistory(t *rapid.T) []historyStep {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) historyStep {
		return historyStep{
			kind:    rapid.IntRange(0, 6).Draw(t, "kind"),
			file:    rapid.SampledFrom(fileNames).Draw(t, "file"),
			text:    drawFile(t),
			task:    rapid.SampledFrom(taskIDs).Draw(t, "task"),
			outcome: drawOutcome(t),
			suspend: drawSuspension(t),
			pass:    time.Duration(rapid.IntRange(0, 90).Draw(t, "pass")) * time.Second,
		}
	}), 1, 25).Draw(t, "history")
}

// scopeHistory plays a history and says where the two plans differ.
func scopeHistory(t *testing.T, history []historyStep) string {
	src := &setSource{set: spec.NewSet()}
	r := New(Config{
		Source: src, Store: nowhere{}, Logger: silent, Guards: func() *plan.Guards { return new(plan.Guards) },
	}, state.NewRecords(), state.Control{})
	for i, step := range history {
		if err := src.play(t, r, step); err != nil {
			return err.Error()
		}
		if _, err := r.Poll(t.Context()); err != nil {
			return err.Error()
		}
		got, err := r.Plan(t.Context())
		if err != nil {
			return err.Error()
		}
		control := r.applied.Control()
		want := plan.Diff(plan.Input{Specs: src.set, Records: r.applied.records, Control: &control}, time.Now())
		want.Source = got.Source
		want = r.cfg.Guards().Check(want, plan.Facts{Control: &control}, time.Now())
		if a, b := allOf(t, got), allOf(t, want); a != b {
			return fmt.Sprintf("step %d of %+v:\n%s\nwant:\n%s", i, history, a, b)
		}
	}
	return ""
}

// play makes one step: as the daemon, a person or the repository would.
func (s *setSource) play(t *testing.T, r *Reconciler, step historyStep) error {
	ctx, key := t.Context(), task(step.task)
	switch step.kind {
	case 0, 1:
		s.set.Put(spec.Parse(step.file, []byte(step.text)))
	case 2:
		s.set.Remove(step.file)
	case 3:
		time.Sleep(step.pass)
	case 4:
		if step.suspend != nil && !step.suspend.Until.IsZero() {
			step.suspend.Until = time.Now().Add(step.pass)
		}
		tr, answer := plan.Suspend(key, r.applied.Record(key), step.suspend)
		if answer.OK {
			r.desired.touch(key)
			return r.applied.save(ctx, tr)
		}
	default:
		if r.desired.revision == nil {
			return nil
		}
		p, err := r.Plan(ctx)
		if err != nil {
			return err
		}
		for i := range p.Changes {
			if err := carryOutOne(t, r, &p.Changes[i], step.outcome); err != nil {
				return err
			}
		}
	}
	return nil
}

// carryOutOne does what a pass would do with one change.
func carryOutOne(t *testing.T, r *Reconciler, c *plan.Change, out state.Outcome) error {
	switch {
	case c.Action == plan.ActionCommit:
		return r.applied.save(t.Context(), plan.Transition(c.Key, endedNow(c, out)))
	case c.Action == plan.ActionForget:
		return r.applied.save(t.Context(), plan.Transition(c.Key, plan.Removed(c.Have, "r", time.Now())))
	case c.Action == plan.ActionReturn:
		return r.applied.save(t.Context(), plan.Transition(c.Key, plan.Returned(c.Have, c.Want)))
	case c.Hold == plan.HoldUnknown && out.Class == state.ClassApplied:
		return r.applied.save(t.Context(), plan.Transition(c.Key, plan.Settle(c.Have, state.OriginReadBack, nil, time.Now())))
	case c.Hold == plan.HoldUnknown && out.Class != "":
		return r.applied.save(t.Context(), plan.Transition(c.Key, plan.NotApplied(c.Have)))
	}
	return nil
}

// endedNow returns the record of the change's task after an attempt that came to out.
func endedNow(c *plan.Change, out state.Outcome) *state.Record {
	now := time.Now()
	rec := plan.Begin(c.Key, c.Have, (&plan.Plan{}).Attempt(c, "a1", proof.Evidence{}, now))
	if out.Class == "" {
		return rec // the intent stands
	}
	return plan.Finish(c.Have, rec, out, now, 0)
}

// allOf is all that a plan says.
func allOf(t *testing.T, p *plan.Plan) string {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
