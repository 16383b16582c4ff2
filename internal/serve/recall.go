package serve

import (
	"context"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// recalledEvents is how far back in the history the window looks at its start.
const recalledEvents = 2000

// recall reads from the history what happened before this process.
func (s *Server) recall(ctx context.Context) error {
	var events []state.Event
	err := s.read(ctx, func(r *state.Reader) (err error) {
		events, err = r.History(ctx, state.HistoryQuery{Limit: recalledEvents})
		return err
	})
	var calls []call
	accepted := make(map[string]time.Time)
	for i := range events {
		e := &events[i]
		switch {
		case e.Kind == state.EventRevision:
			accepted[e.Revision] = e.At // the oldest row of a revision stays
		case e.Kind == state.EventOutcome && e.Outcome.Class != "" && len(calls) < keptCalls:
			calls = append(calls, call{At: e.At, Key: e.Key, Outcome: e.Outcome})
		}
	}
	s.tracker.recall(calls, accepted)
	return err
}
