package reconcile

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// bubble runs f in a world of its own, with time of its own. A goroutine that is
// left behind fails the test.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		f(t, w)
		w.check(t)
	})
}

// sentTo counts the requests for the task that were written.
func (w *world) sentTo(id string) int {
	return w.count("commit", id)
}

// sent counts the requests that were written.
func (w *world) sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for id, count := range w.counts {
		if id.kind == "commit" {
			n += count
		}
	}
	return n
}

// applied counts the commits that took effect.
func (w *world) applied() (n int) {
	w.weData.do(func() { n = len(w.weData.applied) })
	return n
}

// steps counts the steps of any kind.
func (w *world) steps() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seq
}

// count counts the steps of a kind with a task.
func (w *world) count(kind, id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := spec.Key{}
	if id != "" {
		key = task(id)
	}
	return w.counts[stepID{kind, key}]
}

// events counts the rows of the history.
func (w *world) events() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.disk.events
}

// tries counts the tries of all open attempts.
func (w *world) tries() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, rec := range w.disk.records {
		if rec.Attempt != nil {
			n += rec.Attempt.Tries
		}
	}
	return n
}

// control is what is durable of the daemon as a whole.
func (w *world) control() state.Control {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.disk.control
}

// wantSent fails the test unless n requests were written so far.
func (w *world) wantSent(t testing.TB, n int) {
	t.Helper()
	if got := w.sent(); got != n {
		t.Errorf("after %s %d requests were sent, want %d; %s", time.Since(w.start), got, n, w.statuses())
	}
}

// wantStatus fails the test unless the task stands so on the disk.
func (w *world) wantStatus(t testing.TB, id string, want state.Status) {
	t.Helper()
	rec := w.record(id)
	if rec == nil || rec.Status != want {
		t.Errorf("after %s %s is %+v, want %s", time.Since(w.start), id, rec, want)
	}
}

// only makes one kind of step go wrong for some tasks.
func only(kind string, f fault, ids ...string) func(step) fault {
	return func(s step) fault {
		if s.kind == kind && (len(ids) == 0 || slices.Contains(ids, s.key.TaskID)) {
			return f
		}
		return sound
	}
}
