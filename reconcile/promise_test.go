package reconcile

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestSmoke is the plainest day.
func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		w.tracing = true
		var all []string
		for i := range 30 {
			all = append(all, fmt.Sprintf("taskId: t%02d, commitType: start, instanceVersion: 1", i))
		}
		w.commits(all...)
		p := w.run(t)
		time.Sleep(15 * time.Second)
		p.halt(t)
		w.check(t)
		if n := len(w.weData.applied); n != 30 {
			t.Errorf("%d applied; %s", n, w.statuses())
		}
		for _, l := range w.trace {
			t.Log(l)
		}
	})
}
