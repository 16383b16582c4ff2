package serve

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestTriggerPassesOnTheFirstAndTheLast: a push is seen at once, a flood is a poll a gap.
func TestTriggerPassesOnTheFirstAndTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var polls []time.Duration
		p := newTrigger(func() { polls = append(polls, time.Since(start)) }, triggerGap)
		for range 10_000 {
			p.fire()
		}
		time.Sleep(triggerGap / 2)
		p.fire()
		time.Sleep(triggerGap)
		synctest.Wait()
		if len(polls) != 2 || polls[0] != 0 || polls[1] != triggerGap {
			t.Errorf("polls at %v, want at 0 and %v", polls, triggerGap)
		}
		time.Sleep(time.Hour)
		p.fire()
		if len(polls) != 3 || time.Since(start) != polls[2] {
			t.Errorf("polls at %v, want another one at once", polls)
		}
		p.fire()
		p.stop()
		p.fire()
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(polls) != 3 {
			t.Errorf("polls at %v, want none after the stop", polls)
		}
	})
}
