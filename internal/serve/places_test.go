package serve

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestPlaces_NewcomersComeIn: whoever holds places and does nothing loses them, the one
// that has held its own for longest first, and not at once.
func TestPlaces_NewcomersComeIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(3, 3*time.Second)
		var evicted []int
		take := func(n int) *place { return p.take(t.Context(), func() { evicted = append(evicted, n) }) }
		begun := time.Now()
		for n := range 6 {
			if take(n) == nil {
				t.Fatalf("%d got no place", n)
			}
		}
		// The fourth waits until the first has had its time, and each after it for its turn.
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("three newcomers were let in after %v, want 5s", took)
		}
		if len(evicted) != 3 || evicted[0] != 0 || evicted[1] != 1 || evicted[2] != 2 {
			t.Errorf("%v lost their places, want the oldest three", evicted)
		}
	})
}

// TestPlaces_NotAllAtOnce: after a moment in which nothing ran, all are old. They do not
// lose their places in one go: it was not they who were slow.
func TestPlaces_NotAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(100, 100*time.Millisecond)
		for range 100 {
			p.take(t.Context(), func() {})
		}
		time.Sleep(time.Hour)
		begun := time.Now()
		for range 50 {
			p.take(t.Context(), func() {})
		}
		if took := time.Since(begun); took < 49*time.Millisecond {
			t.Errorf("50 of 100 lost their places within %v", took)
		}
	})
}

// TestPlaces_WhoHasProvedStays, and a place that is left is free at once.
func TestPlaces_WhoHasProvedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(2, time.Second)
		evicted := 0
		take := func(ctx context.Context) *place { return p.take(ctx, func() { evicted++ }) }
		first, second := take(t.Context()), take(t.Context())
		first.prove(true)
		second.prove(true)
		soon, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if take(soon) != nil || evicted > 0 {
			t.Errorf("%d who had proved something lost their places", evicted)
		}
		time.AfterFunc(time.Minute, second.leave)
		begun := time.Now()
		if third := take(t.Context()); third == nil || time.Since(begun) != time.Minute {
			t.Errorf("a place that is left is given away after %v", time.Since(begun))
		}
		first.prove(false)
		if take(t.Context()); evicted != 1 {
			t.Errorf("%d lost their places, want the one that has no proof any more", evicted)
		}
		first.leave() // it has no place any more, and gives none up
		if n := p.held.Len(); n != 2 {
			t.Errorf("%d places are held, want 2", n)
		}
	})
}
