package serve

import (
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestTriggerPassesOnTheFirstAndTheLast: a push is seen at once, a flood is a poll a gap.
func TestTriggerPassesOnTheFirstAndTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var polls []time.Duration
		revisions := 0
		newest := func() string { revisions++; return strconv.Itoa(revisions) } // each poll finds something
		p := newTrigger(func() { polls = append(polls, time.Since(start)) }, newest, triggerGap)
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

// TestTriggerLooksAgain: a webhook that comes before the push can be seen is followed by two
// more polls, or by one if that sees it.
func TestTriggerLooksAgain(t *testing.T) {
	for _, tt := range []struct {
		visible time.Duration
		want    []time.Duration
	}{
		{0, []time.Duration{0}},
		{time.Second, []time.Duration{0, 2 * time.Second}},
		{5 * time.Second, []time.Duration{0, 2 * time.Second, 10 * time.Second}},
		{time.Hour, []time.Duration{0, 2 * time.Second, 10 * time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			start, found := time.Now(), "old"
			var polls []time.Duration
			p := newTrigger(func() {
				polls = append(polls, time.Since(start))
				if time.Since(start) >= tt.visible {
					found = "new"
				}
			}, func() string { return found }, triggerGap)
			p.fire()
			time.Sleep(time.Minute)
			synctest.Wait()
			if !slices.Equal(polls, tt.want) {
				t.Errorf("visible after %v: polls at %v, want at %v", tt.visible, polls, tt.want)
			}
			p.stop()
		})
	}
}

// TestPushesDoNotWait for the gap that others have begun: a merge is polled within a second.
func TestPushesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var found atomic.Value
		found.Store("old")
		var polls []time.Duration
		p := newTrigger(func() { polls = append(polls, time.Since(start)) }, func() string { return found.Load().(string) }, triggerGap)
		defer p.stop()
		p.fire()
		found.Store("other") // so that nothing looks again
		p.fire()             // waits for the end of the gap
		time.Sleep(200 * time.Millisecond)
		for range 1000 {
			p.pushed("new")
		}
		time.Sleep(pushGap)
		synctest.Wait()
		found.Store("new")
		p.pushed("new") // is known
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []time.Duration{0, pushGap}; !slices.Equal(polls, want) {
			t.Errorf("polls at %v, want at %v", polls, want)
		}
	})
}
