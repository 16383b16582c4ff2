package reconcile

import (
	"fmt"
	"testing"
	"time"
)

// TestUnauthorized: a project that may not be committed to is paused; the others go
// on.
func TestUnauthorized(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.weData.denied["9"] = true
		all := tasks(20, 1)
		for i := range 20 {
			all = append(all, fmt.Sprintf("taskId: x%02d, projectId: \"9\", commitType: start, instanceVersion: 1", i))
		}
		w.commits(all...)
		p := w.run(t)
		elapse(5 * time.Second)
		if n := w.applied(); n != 20 {
			t.Errorf("%d of the others were applied", n)
		}
		denied := w.sent() - 20
		if denied > 8 {
			t.Errorf("%d requests were denied before the project was paused", denied)
		}
		elapse(time.Hour)
		if n := w.sent() - 20 - denied; n > 12 {
			t.Errorf("%d more in an hour", n)
		}
		w.weData.do(func() { w.weData.denied["9"] = false })
		elapse(20 * time.Minute)
		if n := w.applied(); n != 40 {
			t.Errorf("%d were applied when it was permitted", n)
		}
		if left := w.control().Pauses; len(left) > 0 {
			t.Errorf("still paused: %+v", left)
		}
		p.halt(t)
	})
}

// TestP30_Credentials: credentials that are not accepted are read again once; if they
// are others the calls go on, and if not everything pauses for 1 to 15 minutes,
// through restarts.
func TestP30_Credentials(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.commits(tasks(60, 1)...)
		p := w.run(t)
		elapse(2 * time.Second)
		w.weData.do(func() { w.weData.expired, w.weData.fresh = true, true })
		elapse(8 * time.Second)
		p.halt(t)
		if n := w.applied(); n != 60 || w.weData.reloads != 1 {
			t.Errorf("%d applied after %d reloads, want 60 after 1: %+v", n, w.weData.reloads, w.control().Pauses)
		}
	})
	bubble(t, func(t *testing.T, w *world) {
		w.weData.expired = true
		w.commits(tasks(60, 1)...)
		p := w.run(t)
		elapse(40 * time.Second)
		w.wantSent(t, 1)
		p.halt(t)
		p = w.run(t)
		elapse(5 * time.Second)
		w.wantSent(t, 1)
		elapse(time.Hour)
		if n := w.sent(); n < 5 || n > 10 || w.weData.reloads != n {
			t.Errorf("%d tries and %d reloads in an hour", n, w.weData.reloads)
		}
		w.weData.do(func() { w.weData.fresh = true })
		elapse(15*time.Minute + 10*time.Second)
		if n := w.applied(); n != 60 {
			t.Errorf("%d applied when the credentials are good", n)
		}
		p.halt(t)
	})
}

// TestP30_Renew: new credentials end a pause at once.
func TestP30_Renew(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.weData.expired = true
		w.commits(tasks(5, 1)...)
		p := w.run(t)
		elapse(10 * time.Second)
		if pauses := w.control().Pauses; len(pauses) != 1 {
			t.Errorf("pauses %+v", pauses)
		}
		w.weData.do(func() { w.weData.expired = false })
		p.r.Renew()
		p.poke <- struct{}{}
		elapse(2 * time.Second)
		if n := w.applied(); n != 5 || len(w.control().Pauses) > 0 {
			t.Errorf("%d applied, pauses %+v", n, w.control().Pauses)
		}
		p.halt(t)
		w.check(t)
	})
}

// TestNotSent: without a connection everything pauses for a second, then longer, and
// comes back.
func TestNotSent(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(only("commit", notSent))
		w.commits(tasks(60, 1)...)
		p := w.run(t)
		elapse(time.Hour)
		if n := w.sent(); n < 10 || n > 30 {
			t.Errorf("%d tries in an hour", n)
		}
		w.setFault(nil)
		elapse(6 * time.Minute)
		if n := w.applied(); n != 60 {
			t.Errorf("%d applied when there is a connection", n)
		}
		p.halt(t)
	})
}
