package reconcile

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// TestUnverified: as long as the newest revision is not verified, resumed by
// the one that stands, also after a restart; and nothing of the newest is done.
func TestUnverified(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.weData.lock(task("t001"), w.start, w.start.Add(5*time.Minute))
		w.setFault(only("commit", lostAfter, "t002"))
		w.commits(tasks(3, 1)...)
		p := w.run(t)
		elapse(time.Second)
		p.halt(t)
		w.wantStatus(t, "t002", state.StatusUnknown)

		w.setFault(only("poll", unverified))
		w.commits(tasks(3, 2)...)
		p = w.run(t)
		elapse(20 * time.Second)
		w.wantStatus(t, "t002", state.StatusApplied) // read back
		st := p.r.Status()
		if !errors.Is(st.Source.Err, ErrUnverified) || st.Plan == nil || !strings.Contains(st.Plan.Source.Unverified, ErrUnverified.Error()) {
			t.Errorf("nothing says that the newest revision is not verified: %v, %+v", st.Source.Err, st.Plan)
		}
		id := w.say(state.VerbSuspend, "t000", "maintenance")
		elapse(time.Second)
		if a := w.answer(id); !a.OK {
			t.Errorf("suspend: %+v", a)
		}
		elapse(20 * time.Minute)
		w.wantStatus(t, "t001", state.StatusApplied) // tried again when the lock was gone
		p.halt(t)
		r, err := w.once(t)
		if err != nil || r.Left.Source.Unverified == "" || r.Applied > 0 {
			t.Errorf("a single pass: %+v, %v", r, err)
		}
		if n := w.applied(); n != 3 {
			t.Errorf("%d were applied, want the 3 of the revision that stands", n)
		}

		w.setFault(nil)
		w.say(state.VerbUnsuspend, "t000", "")
		p = w.run(t)
		elapse(20 * time.Second)
		if n := w.applied(); n != 6 {
			t.Errorf("%d were applied, want 6: %s", n, w.statuses())
		}
		if got := p.r.Status().Plan.Source.Unverified; got != "" {
			t.Errorf("the plan still says %q", got)
		}
		p.halt(t)
	})
}

// TestNoneVerified: when the revision that was gone by stands no more, because a key was
// taken away, the calls that are left of it are not made; what is in doubt is read back.
func TestNoneVerified(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.interval = time.Second
		w.commits(tasks(60, 1)...)
		p := w.run(t)
		elapse(1500 * time.Millisecond)
		w.setFault(only("poll", noneVerified))
		elapse(2 * time.Second)
		sent := w.sent()
		elapse(time.Hour)
		if n := w.sent(); sent < 5 || sent > 50 || n != sent {
			t.Errorf("%d calls were made, and then %d", sent, n)
		}
		if st := p.r.Status(); st.Plan != nil || !errors.Is(st.Source.Err, ErrUnverified) {
			t.Errorf("it goes by %+v, %v", st.Plan, st.Source.Err)
		}
		if _, err := w.once(t); !errors.Is(err, ErrUnverified) {
			t.Errorf("a single pass: %v", err)
		}
		w.setFault(nil)
		p.poke <- struct{}{}
		elapse(10 * time.Second)
		w.wantSent(t, 60)
		p.halt(t)
		w.check(t)
	})
}

// TestPending: the state remembers the revision whose plan a guard holds, until one has
// passed the guards.
func TestPending(t *testing.T) {
	t.Parallel()
	revision := func(n int) string { return fmt.Sprintf("%040d", n) }
	bubble(t, func(t *testing.T, w *world) {
		want := func(taken, pending string) {
			t.Helper()
			if c := w.control(); c.Revision != taken || c.Pending != pending {
				t.Errorf("the state remembers %q and %q, want %q and %q", c.Revision, c.Pending, taken, pending)
			}
		}
		w.guards.Store(&plan.Guards{MaxChanges: 3})
		w.commits(tasks(5, 1)...)
		p := w.run(t)
		elapse(time.Minute)
		want("", revision(1))
		w.guards.Store(new(plan.Guards))
		elapse(time.Minute)
		want(revision(1), "")
		w.guards.Store(&plan.Guards{MaxChanges: 3})
		w.commits(tasks(5, 2)...)
		elapse(time.Minute)
		want(revision(1), revision(2))
		w.commits(tasks(5, 1)...)
		elapse(time.Minute)
		want(revision(3), "")
		p.halt(t)
	})
}

// TestRewrittenWithoutCalls: an older revision that asks for what is so already is held
// when it is seen, and is no way around the guard: what comes after it, and not after
// the last one, is held, too.
func TestRewrittenWithoutCalls(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(3, 1)...)
		p := w.run(t)
		elapse(time.Minute)
		before := w.control().Revision
		w.mu.Lock()
		w.repo.rewrites = map[string]bool{fmt.Sprintf("%040d", 2): true, fmt.Sprintf("%040d", 3): true}
		w.mu.Unlock()
		held := func(does string) {
			t.Helper()
			holds := p.r.Status().Plan.Holds
			if len(holds) != 1 || holds[0].Guard != "rewritten" || !strings.HasSuffix(holds[0].Message, "the revision of the last pass; it "+does) {
				t.Errorf("it is held by %+v", holds)
			}
			if got := w.control().Revision; got != before {
				t.Errorf("%s was taken over", got)
			}
		}
		w.commits(tasks(3, 1)...) // played back
		elapse(time.Minute)
		held("asks for no commit")
		w.commits(tasks(3, 2)...) // and what once came after it
		elapse(time.Minute)
		w.wantSent(t, 3)
		held("asks for 3 commits")
		w.say(state.VerbApprove, p.r.Status().Plan.Hash, "")
		elapse(time.Minute)
		w.wantSent(t, 6)
		p.halt(t)
	})
}

// TestRewrittenApproved: a rewrite that commits nothing is taken over once somebody
// approves it, and what comes after it is released as ever.
func TestRewrittenApproved(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(3, 1)...)
		p := w.run(t)
		elapse(time.Minute)
		w.mu.Lock()
		w.repo.rewrites = map[string]bool{fmt.Sprintf("%040d", 2): true}
		w.mu.Unlock()
		w.commits(tasks(3, 1)...)
		elapse(time.Minute)
		w.say(state.VerbApprove, p.r.Status().Plan.Hash, "")
		elapse(time.Minute)
		if got, want := w.control().Revision, fmt.Sprintf("%040d", 2); got != want {
			t.Errorf("the last revision is %s, want %s", got, want)
		}
		w.commits(tasks(3, 2)...)
		elapse(time.Minute)
		w.wantSent(t, 6)
		p.halt(t)
	})
}

// TestRewrittenSame: a rewrite with the same specs is taken over without a word, also
// while another guard holds what these specs ask for.
func TestRewrittenSame(t *testing.T) {
	t.Parallel()
	revision := func(n int) string { return fmt.Sprintf("%040d", n) }
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(3, 1)...)
		p := w.run(t)
		elapse(time.Minute)
		w.guards.Store(&plan.Guards{Windows: []calendar.Window{{Name: "freeze", Start: w.start, End: w.start.Add(time.Hour)}}})
		w.mu.Lock()
		w.repo.rewrites = map[string]bool{revision(2): true, revision(4): true}
		w.repo.same = map[string]bool{revision(1) + revision(2): true, revision(1) + revision(4): true}
		w.mu.Unlock()
		w.commits(tasks(3, 1)...)
		elapse(time.Minute)
		if got := w.control(); got.Revision != revision(2) || got.Pending != "" {
			t.Errorf("the state remembers %q and %q", got.Revision, got.Pending)
		}
		w.commits(tasks(3, 2)...)
		elapse(time.Minute)
		if got := namesOfGuards(p.r.Status().Plan); got != "windows" {
			t.Errorf("what comes after it is held by %q", got)
		}
		w.commits(tasks(3, 2)...) // a rewrite with the specs of one that is no longer the last
		elapse(time.Minute)
		if got := namesOfGuards(p.r.Status().Plan); got != "rewritten windows" {
			t.Errorf("another rewrite is held by %q", got)
		}
		p.halt(t)
		w.wantSent(t, 3)
	})
}
