package reconcile

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// silent is a logger for tests that do not look at the log.
var silent = slog.New(slog.DiscardHandler)

// setSource is a source whose set the test edits in place.
type setSource struct {
	set   *spec.Set
	polls int
}

func (s *setSource) Poll(context.Context) (*Revision, error) {
	s.polls++
	return &Revision{ID: strconv.Itoa(s.polls), Specs: s.set}, nil
}

func (s *setSource) Descends(context.Context, string, string) (bool, error)  { return true, nil }
func (s *setSource) SameSpecs(context.Context, string, string) (bool, error) { return true, nil }
func (s *setSource) Close() error                                            { return nil }

// nowhere is a ledger that takes everything and keeps nothing.
type nowhere struct{}

func (nowhere) Save(context.Context, state.Transition) error             { return nil }
func (nowhere) PendingCommands(context.Context) ([]state.Command, error) { return nil, nil }

func (nowhere) HasPendingCommands(context.Context) (bool, error) { return false, nil }
func (nowhere) CommandsArrive() <-chan struct{}                  { return nil }

// ledgerOf is a ledger with words in it, that keeps what is saved.
type ledgerOf struct {
	nowhere
	words []state.Command
	saved []state.Transition
}

func (l *ledgerOf) PendingCommands(context.Context) ([]state.Command, error) { return l.words, nil }

func (l *ledgerOf) Save(_ context.Context, t state.Transition) error {
	l.saved = append(l.saved, t)
	return nil
}

// inBubble runs f in a bubble with its own clock, which also finds goroutines that
// are left behind.
func inBubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}
