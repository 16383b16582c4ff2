package app

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/wedatasync/wedatasync/reconcile"
)

// polledSource notes what is asked of it. Its first poll ends when answer is closed.
type polledSource struct {
	reconcile.Source
	answer chan struct{}
	asked  []string
}

func (s *polledSource) Poll(ctx context.Context) (*reconcile.Revision, error) {
	s.asked = append(s.asked, "poll")
	select {
	case <-s.answer:
		return &reconcile.Revision{ID: "9fceb02"}, reconcile.ErrUnverified
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *polledSource) Trust([]string) { s.asked = append(s.asked, "trust") }

// The first poll goes on while the state is read; its result, with its error, is that of
// whoever polls first, and nothing is asked of the source before it has ended.
func TestEarlyPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &polledSource{answer: make(chan struct{})}
		e, stop := pollEarly(t.Context(), src)
		defer stop()
		synctest.Wait()
		if len(src.asked) != 1 {
			t.Fatal("the first poll has not begun")
		}
		e.Trust(nil)
		close(src.answer)
		for range 2 {
			if rev, err := e.Poll(t.Context()); rev == nil || rev.ID != "9fceb02" || !errors.Is(err, reconcile.ErrUnverified) {
				t.Errorf("got %v, %v", rev, err)
			}
			e.Trust(nil)
		}
		if want := []string{"poll", "trust", "poll", "trust"}; !slices.Equal(src.asked, want) {
			t.Errorf("the source was asked for %q, want %q", src.asked, want)
		}
	})
}

// A server that does not answer holds up neither the end of a pass nor that of the daemon.
func TestEarlyPoll_Stopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := pollEarly(t.Context(), &polledSource{answer: make(chan struct{})})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := e.Poll(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		stop()
		if _, err := e.Poll(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
