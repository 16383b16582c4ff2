package storetest

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Database is one place where a state of [Identity] can be.
type Database interface {
	// Open opens the state for writing, and makes one if there is none.
	Open(ctx context.Context) (Store, error)
	// Read opens the state for reading, whoever holds it.
	Read(ctx context.Context) (Reader, error)
	// Check verifies all of the state.
	Check(ctx context.Context) error
	// Enqueue leaves a command for the one that holds the state.
	Enqueue(ctx context.Context, c state.Command) (int64, error)
	// WaitResult waits until the command was carried out.
	WaitResult(ctx context.Context, id int64) (state.CommandResult, error)
}

// Reader is what a state tells.
type Reader interface {
	Records(ctx context.Context) iter.Seq2[state.Record, error]
	Control(ctx context.Context) (state.Control, error)
	History(ctx context.Context, q state.HistoryQuery) ([]state.Event, error)
	PendingCommands(ctx context.Context) ([]state.Command, error)
	Close() error
}

// Store is what the one that holds a state can do.
type Store interface {
	Reader
	Load(ctx context.Context) (*state.Records, error)
	Record(ctx context.Context, key spec.Key) (*state.Record, error)
	Find(ctx context.Context, said string, prefixes bool) ([]*state.Record, error)
	Serial(ctx context.Context) (int64, error)
	HasPendingCommands(ctx context.Context) (bool, error)
	CommandsArrive() <-chan struct{}
	Save(ctx context.Context, t state.Transition) error
	SaveAll(ctx context.Context, ts []state.Transition) error
}

// Run has a store pass the suite. fresh returns a database without a state.
func Run(t *testing.T, fresh func(testing.TB) Database) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, func(testing.TB) Database)
	}{
		{"ReadBack", testReadBack},
		{"NoRecord", testNoRecord},
		{"HistoryPages", testHistoryPages},
		{"RefusedTransitions", testRefusedTransitions},
		{"Bounds", testBounds},
		{"IDs", testIDs},
		{"Forget", testForget},
		{"SaveAll", testSaveAll},
		{"Closed", testClosed},
		{"Commands", testCommands},
		{"LoadLaw", testLoadLaw},
		{"MapLaw", testMapLaw},
		{"FindLaw", testFindLaw},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh) })
	}
}

// open opens the state and closes it with the test.
func open(t testing.TB, d Database) Store {
	t.Helper()
	s, err := d.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// adopt saves n records at once.
func adopt(t testing.TB, s Store, n int) {
	t.Helper()
	ts := make([]state.Transition, n)
	for i := range ts {
		ts[i] = Applied(i)
	}
	if err := s.SaveAll(t.Context(), ts); err != nil {
		t.Fatal(err)
	}
}

// Content is all that a state says.
type Content struct {
	Records  []state.Record
	Control  state.Control
	History  []state.Event
	Commands []state.Command
}

// Read returns all that the state says.
func Read(ctx context.Context, r Reader) (Content, error) {
	var c Content
	for rec, err := range r.Records(ctx) {
		if err != nil {
			return Content{}, err
		}
		c.Records = append(c.Records, rec)
	}
	var err error
	if c.Control, err = r.Control(ctx); err != nil {
		return Content{}, err
	}
	if c.History, err = r.History(ctx, state.HistoryQuery{Limit: state.MaxHistory}); err != nil {
		return Content{}, err
	}
	c.Commands, err = r.PendingCommands(ctx)
	return c, err
}

// mustRead reads the state, whoever holds it.
func mustRead(t testing.TB, d Database) Content {
	t.Helper()
	r, err := d.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(t.Context(), r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return c
}

// All returns the records by key, those of removed tasks included.
func All(r *state.Records) map[spec.Key]state.Record {
	m := map[spec.Key]state.Record{}
	for key := range r.Keys() {
		m[key] = *r.Get(key)
	}
	for key := range r.Removed() {
		m[key] = *r.Get(key)
	}
	return m
}
