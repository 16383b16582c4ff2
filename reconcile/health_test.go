package reconcile

import (
	"context"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// stuck is a source, or a ledger, that does not come back until it is let go.
type stuck struct {
	Source
	Store
	release chan struct{}
}

func (s *stuck) Poll(ctx context.Context) (*Revision, error) {
	<-s.release
	return s.Source.Poll(ctx)
}

func (s *stuck) Save(ctx context.Context, t state.Transition) error {
	<-s.release
	return s.Store.Save(ctx, t)
}

// TestAlive: what takes long is told from what hangs.
func TestAlive(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		hang        func(r *Reconciler, s *stuck)
		alive, dead time.Duration // since the start
	}{
		{"a poll", func(r *Reconciler, s *stuck) { r.desired.source = s }, pollWithin - time.Minute, pollWithin + time.Minute},
		{"the disk", func(r *Reconciler, s *stuck) { r.applied.store, r.cfg.Store = s, s }, stepWithin - time.Minute, stepWithin + time.Minute},
	} {
		inBubble(t, tt.name, func(t *testing.T) {
			w := newWorld(1)
			w.commits(tasks(1, 1)...)
			p := w.newProcess()
			s := &stuck{Source: p, Store: p, release: make(chan struct{})}
			tt.hang(p.r, s)
			start := time.Now()
			p.run(t)
			elapse(tt.alive)
			if !p.r.Alive(time.Now()) {
				t.Errorf("it is taken to hang after %v", tt.alive)
			}
			elapse(tt.dead - time.Since(start))
			if p.r.Alive(time.Now()) {
				t.Errorf("after %v it is not yet taken to hang", tt.dead)
			}
			close(s.release)
			elapse(time.Minute)
			if !p.r.Alive(time.Now()) {
				t.Error("it goes on, and is taken to hang")
			}
			p.halt(t)
			w.check(t)
		})
	}
}

// TestAlive_LongPass: a pass may take as long as it has calls, and a day without any
// is no hang.
func TestAlive_LongPass(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		const n = 400
		w.rate = 1 // so that it takes longer than stepWithin
		w.commits(tasks(n, 1)...)
		p := w.run(t)
		<-p.r.Polled()
		for minute := 0; w.applied() < n || minute < 30; minute++ {
			elapse(time.Minute)
			if !p.r.Alive(time.Now()) {
				t.Fatalf("it is taken to hang in minute %d, with %d of %d applied", minute, w.applied(), n)
			}
		}
		p.halt(t)
	})
}
