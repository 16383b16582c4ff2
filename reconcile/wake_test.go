package reconcile

import (
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// suspended posts the word to leave a task, or with "" everything, alone for a while.
func (w *world) suspended(target string, length time.Duration) {
	w.say(state.VerbSuspend, target, "backfill")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.disk.words[len(w.disk.words)-1].Until = time.Now().Add(length).Round(0)
}

// TestWake: what ends, or begins, at a time is acted on within a second of it, however
// long the interval is.
func TestWake(t *testing.T) {
	t.Parallel()
	const after = 17*time.Minute + 11*time.Second // of no round figure
	tests := []struct {
		name string
		hold func(t *testing.T, w *world)
	}{
		{"a freeze window ends", func(_ *testing.T, w *world) {
			w.guards.Store(&plan.Guards{Windows: []calendar.Window{{Name: "once", Start: w.start, End: w.start.Add(after)}}})
		}},
		{"a weekly freeze window ends", func(_ *testing.T, w *world) {
			from := calendar.TimeOfDay(w.start.UTC())
			w.guards.Store(&plan.Guards{Windows: []calendar.Window{{Name: "weekly", Days: []time.Weekday{w.start.UTC().Weekday()}, From: from, To: from + after}}})
		}},
		{"a freeze window of one task ends", func(_ *testing.T, w *world) {
			w.guards.Store(&plan.Guards{Windows: []calendar.Window{{Name: "once", Start: w.start, End: w.start.Add(after), Tasks: []string{"t000"}}}})
		}},
		{"an allow window begins", func(_ *testing.T, w *world) {
			w.guards.Store(&plan.Guards{Windows: []calendar.Window{{Name: "once", Allow: true, Start: w.start.Add(after), End: w.start.Add(time.Hour)}}})
		}},
		{"a task's suspension ends", func(_ *testing.T, w *world) { w.suspended(project+"/t000", after) }},
		{"everybody's suspension ends", func(_ *testing.T, w *world) { w.suspended("", after) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.interval = time.Hour
				tt.hold(t, w)
				w.commits(tasks(1, 1)...)
				p := w.run(t)
				elapse(after - time.Second)
				w.wantSent(t, 0)
				elapse(2 * time.Second)
				w.wantSent(t, 1)
				p.halt(t)
			})
		})
	}
}

// TestWake_Begin: a window that begins, and an approval that ends, show in the plan
// within a second.
func TestWake_Begin(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.interval = 48 * time.Hour
		begins := w.start.Add(25 * time.Hour)
		w.commits(tasks(2, 1)...)
		p := w.run(t)
		elapse(time.Second)
		w.wantSent(t, 2)
		w.guards.Store(&plan.Guards{MaxChanges: 1, Windows: []calendar.Window{{Name: "freeze", Start: begins, End: begins.Add(time.Hour)}}})
		for _, id := range []string{"t000", "t001"} {
			w.weData.lock(task(id), w.start, w.start.Add(100*time.Hour))
		}
		w.commits(tasks(2, 2)...)
		p.poke <- struct{}{}
		elapse(time.Second)
		w.say(state.VerbApprove, p.r.Status().Plan.Hash, "")
		given := time.Now()
		// Everything backs off from the lock when the approval ends, and the plan has no calls.
		holds := func() string { return namesOfGuards(p.r.Status().Plan) }
		elapse(time.Minute)
		if got := holds(); got != "" {
			t.Errorf("the approved plan is held by %q", got)
		}
		elapse(time.Until(given.Add(plan.ApprovalLife - 10*time.Second)))
		passes := w.passesMade()
		elapse(9 * time.Second)
		before := w.passesMade()
		elapse(3 * time.Second)
		if n := w.passesMade() - before; n == 0 {
			t.Errorf("no pass at the end of the approval, %d in the 9 seconds before", before-passes)
		}
		elapse(time.Until(begins.Add(-time.Second)))
		before = w.passesMade()
		elapse(2 * time.Second)
		if w.passesMade() == before {
			t.Error("no pass at the begin of the window")
		}
		p.halt(t)
	})
}
