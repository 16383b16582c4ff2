package reconcile

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
	"github.com/wedatasync/wedatasync/state"
)

// TestP12_Month: a month in which one step of a hundred goes wrong, people edit specs
// and lock tasks, and the daemon is restarted each day. At the end of each day nothing
// is left that will not be done by itself, or is not shown to a person.
func TestP12_Month(t *testing.T) {
	t.Parallel()
	days := seeds(2, fixture.Drawn(30), 30)
	bubble(t, func(t *testing.T, w *world) {
		const n = 20
		w.interval = time.Minute
		r := rand.New(rand.NewPCG(12, 12))
		versions := make([]int, n)
		push := func() {
			var all []string
			for i, v := range versions {
				all = append(all, taskAt(i, v+1))
			}
			w.commits(all...)
		}
		push()
		w.setFault(func(s step) fault {
			if w.chance("fault "+s.kind, s.key, s.n)%100 != 0 {
				return sound
			}
			all := faultsAt(s)
			return all[w.chance("which "+s.kind, s.key, s.n)%uint64(len(all))]
		})
		for range days {
			for range 3 {
				for range 1 + r.IntN(4) {
					versions[r.IntN(n)]++
				}
				push()
				locked := task("t00" + string(rune('0'+r.IntN(10))))
				w.weData.lock(locked, time.Now(), time.Now().Add(time.Duration(r.IntN(120))*time.Minute))
				w.daemon(t, 8*time.Hour)
				w.sayTruth()
			}
		}
		w.setFault(nil)
		lives := w.lives
		w.rest(t)
		if left := w.newProcess().r.applied.attempts(func(state.Status) bool { return true }); len(left) > 0 {
			t.Errorf("%d attempts are left open", len(left))
		}
		t.Logf("%d days, %d lives, %d steps, %d commits, %d events", days, lives, w.seq, w.applied(), w.disk.events)
	})
}
