package admission

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestSlots_NewcomersComeIn: whoever holds slots and does nothing loses them, the one
// that has held its own for longest first, and not at once.
func TestSlots_NewcomersComeIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewSlots(3, 3*time.Second)
		var evicted []int
		take := func(n int) *Slot { return p.Acquire(t.Context(), func() { evicted = append(evicted, n) }) }
		begun := time.Now()
		for n := range 6 {
			if take(n) == nil {
				t.Fatalf("%d got no slot", n)
			}
		}
		// The fourth waits until the first has had its time, and each after it for its turn.
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("three newcomers were let in after %v, want 5s", took)
		}
		if len(evicted) != 3 || evicted[0] != 0 || evicted[1] != 1 || evicted[2] != 2 {
			t.Errorf("%v lost their slots, want the oldest three", evicted)
		}
	})
}

// TestSlots_NotAllAtOnce: after a moment in which nothing ran, all are old. They do not
// lose their slots in one go: it was not they who were slow.
func TestSlots_NotAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewSlots(100, 100*time.Millisecond)
		for range 100 {
			p.Acquire(t.Context(), func() {})
		}
		time.Sleep(time.Hour)
		begun := time.Now()
		for range 50 {
			p.Acquire(t.Context(), func() {})
		}
		if took := time.Since(begun); took < 49*time.Millisecond {
			t.Errorf("50 of 100 lost their slots within %v", took)
		}
	})
}

// TestSlots_WhoHasProvedStays, and a slot that is left is free at once.
func TestSlots_WhoHasProvedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewSlots(2, time.Second)
		evicted := 0
		take := func(ctx context.Context) *Slot { return p.Acquire(ctx, func() { evicted++ }) }
		first, second := take(t.Context()), take(t.Context())
		first.trust(true)
		second.trust(true)
		soon, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if take(soon) != nil || evicted > 0 {
			t.Errorf("%d who had proved something lost their slots", evicted)
		}
		time.AfterFunc(time.Minute, second.Release)
		begun := time.Now()
		if third := take(t.Context()); third == nil || time.Since(begun) != time.Minute {
			t.Errorf("a slot that is left is given away after %v", time.Since(begun))
		}
		first.trust(false)
		if take(t.Context()); evicted != 1 {
			t.Errorf("%d lost their slots, want the one that has no proof any more", evicted)
		}
		first.Release() // it has no slot any more, and gives none up
		if n := p.held.Len(); n != 2 {
			t.Errorf("%d slots are held, want 2", n)
		}
	})
}
