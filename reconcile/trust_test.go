package reconcile

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// TestApproveCommit: a newest revision that nobody trusted has signed is asked for at each
// interval, and counts as soon as an operator says so, while the daemon runs and after a
// restart.
func TestApproveCommit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.interval = 10 * time.Second
		w.commits(tasks(3, 1)...)
		p := w.run(t)
		elapse(15 * time.Second)
		say := func(target string) state.CommandResult {
			id := w.say(state.VerbApprove, target, "")
			elapse(time.Second)
			return w.answer(id)
		}
		head := fmt.Sprintf("%040d", 2)
		if a := say(head); a.OK || !strings.Contains(a.Message, "needs no approval") {
			t.Errorf("without need: %+v", a)
		}
		w.setFault(only("poll", unverified))
		w.commits(tasks(3, 2)...)
		elapse(15 * time.Second)
		w.mu.Lock()
		before := w.repo.polls
		w.mu.Unlock()
		elapse(10 * time.Minute)
		w.mu.Lock()
		polls := w.repo.polls - before
		w.mu.Unlock()
		if polls < 55 || polls > 61 {
			t.Errorf("it was polled %d times in 10 minutes", polls)
		}
		if a := say(fmt.Sprintf("%040d", 1)); a.OK || !strings.Contains(a.Message, "is neither the newest, "+head) {
			t.Errorf("another commit: %+v", a)
		}
		w.guards.Store(&plan.Guards{ApproverIsNotAuthor: true, Authors: []plan.Author{{Actor: "test", Is: "mei@example.org"}}})
		w.mu.Lock()
		w.disk.post(state.Command{ID: 99, Verb: state.VerbApprove, Target: head, Actor: "mei"})
		w.mu.Unlock()
		elapse(time.Second)
		if a := w.answer(99); a.OK || !strings.Contains(a.Message, "requires the approval of somebody else") {
			t.Errorf("by its author: %+v", a)
		}
		w.guards.Store(new(plan.Guards))
		if n := w.applied(); n != 3 {
			t.Errorf("%d were applied of a revision that does not count", n)
		}
		if a := say(strings.ToUpper(head)); !a.OK || !strings.Contains(a.Message, "counts from now on") {
			t.Errorf("the newest: %+v", a)
		}
		elapse(2 * time.Second)
		if n := w.applied(); n != 6 || p.r.Status().Source.Err != nil {
			t.Errorf("%d were applied, want 6: %v", n, p.r.Status().Source.Err)
		}
		if c := w.control(); len(c.Trusted) != 1 || c.Trusted[0].Commit != head || c.Revision != head {
			t.Errorf("the state remembers %+v", c)
		}
		p.halt(t)
		p = w.run(t)
		elapse(5 * time.Second)
		if err := p.r.Status().Source.Err; err != nil {
			t.Errorf("after a restart: %v", err)
		}
		w.commits(tasks(3, 3)...)
		elapse(15 * time.Second)
		if err := p.r.Status().Source.Err; !errors.Is(err, ErrUnverified) {
			t.Errorf("the next one: %v", err)
		}
		p.halt(t)
	})
}
