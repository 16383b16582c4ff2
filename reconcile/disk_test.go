package reconcile

import (
	"fmt"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// TestP08_BrokenDisk: after a failed write nothing more is sent, and Run ends.
func TestP08_BrokenDisk(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{brokenBefore, brokenAfter} {
		for i := range 20 {
			kind, id := []string{"save intent", "save outcome"}[i%2], fmt.Sprintf("t%03d", 20+i)
			inBubble(t, fmt.Sprintf("%s of %s, fault %d", kind, id, f), func(t *testing.T) {
				w := newWorld(1)
				var broken time.Time
				w.setFault(func(s step) fault {
					if s.kind == kind && s.key == task(id) {
						broken = time.Now()
						return f
					}
					return sound
				})
				w.commits(tasks(100, 1)...)
				p := w.run(t)
				<-p.done // that nothing is sent after the failure, the world looks itself
				if p.err == nil || !p.r.applied.broken.Load() {
					t.Errorf("Run returned %v", p.err)
				}
				if took := time.Since(broken); took > time.Second {
					t.Errorf("Run returned %s later", took)
				}
				w.setFault(nil)
				w.rest(t)
			})
		}
	}
}

// TestP08_BrokenWhileFull: a disk that is full and then fails has failed.
func TestP08_BrokenWhileFull(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(func(s step) fault {
			switch {
			case s.kind == "save intent" && s.key == task("t002"):
				return full
			case s.kind == "save outcome" && s.key == task("t001"):
				return brokenBefore
			case s.kind == "commit" && s.key == task("t001"):
				return slowAnswer
			default:
				return sound
			}
		})
		w.commits(tasks(5, 1)...)
		p := w.run(t)
		<-p.done
		if p.err == nil {
			t.Error("Run ended without an error")
		}
		w.wantSent(t, 2)
	})
}

// TestP09_FullDisk: without an intent nothing is sent; when there is space again the
// daemon goes on by itself.
func TestP09_FullDisk(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		isFull := true
		w.setFault(func(s step) fault {
			if isFull && s.kind == "save intent" {
				return full
			}
			return sound
		})
		w.commits(tasks(3, 1)...)
		p := w.run(t)
		elapse(time.Hour)
		w.wantSent(t, 0)
		if p.r.Status().Store.Err == nil {
			t.Error("nothing says that the disk is full")
		}
		if tries := w.count("save intent", "t000"); tries < 300 || tries > 800 {
			t.Errorf("%d tries in an hour", tries)
		}
		w.mu.Lock()
		isFull = false
		w.mu.Unlock()
		elapse(15 * time.Second)
		w.wantSent(t, 3)
		if err := p.r.Status().Store.Err; err != nil {
			t.Errorf("still said: %v", err)
		}
		p.halt(t)
	})
}

// TestP09_OutcomeOnFullDisk: an answer that the disk has no room for is kept, and
// written before anything else is done.
func TestP09_OutcomeOnFullDisk(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		isFull := true
		w.setFault(func(s step) fault {
			if isFull && s.kind == "save outcome" {
				return busy
			}
			return sound
		})
		w.commits(tasks(20, 1)...)
		p := w.run(t)
		elapse(5 * time.Minute)
		w.wantSent(t, 1)
		w.wantStatus(t, "t000", state.StatusIntent)
		w.mu.Lock()
		isFull = false
		w.mu.Unlock()
		elapse(15 * time.Second)
		w.wantStatus(t, "t000", state.StatusApplied)
		w.wantSent(t, 20)
		p.halt(t)
		if origin := w.record("t000").Applied.Origin; origin != state.OriginCommit {
			t.Errorf("the answer was lost: it is known by %s", origin)
		}
	})
}

// TestP09_DebtAtShutdown: what is owed to the disk is written at the end, too.
func TestP09_DebtAtShutdown(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.setFault(first("save outcome", full))
		w.commits(tasks(1, 1)...)
		p := w.run(t)
		elapse(time.Second)
		w.wantStatus(t, "t000", state.StatusIntent)
		p.halt(t)
		w.wantStatus(t, "t000", state.StatusApplied)
	})
}
