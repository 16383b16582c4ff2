package serve

import (
	"context"
	"errors"
	"io"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/release"
	"github.com/wedatasync/wedatasync/internal/serve/tasklist"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// maxReaders bounds the readers of the state that are open for answers.
const maxReaders = 8

// Reader reads the state as it was at one moment, for one answer.
type Reader interface {
	tasklist.Reader
	// Lineage returns the name that the state got when it was created.
	Lineage() string
	// Control returns what the daemon as a whole remembers.
	Control(context.Context) (state.Control, error)
	// Find returns the tasks that somebody may mean.
	Find(ctx context.Context, said string, prefixes bool) ([]*state.Record, error)
	// Record returns the record of a task, or nil.
	Record(context.Context, spec.Key) (*state.Record, error)
	// History returns rows of the history, the newest first.
	History(context.Context, state.HistoryQuery) ([]state.Event, error)
	// Export writes the state as JSON, on request with its history.
	Export(ctx context.Context, to io.Writer, history bool) error
}

// stateReader reads the state for at most maxReaders answers at a time.
type stateReader struct {
	open  func(context.Context) (Reader, error)
	slots chan struct{} // one for each open reader
}

func newStateReader(cfg *Config) *stateReader {
	open := func(ctx context.Context) (Reader, error) {
		r, err := cfg.State(ctx)
		if errors.Is(err, state.ErrMissing) && cfg.Daemon.Status().Plan == nil {
			return nil, tasklist.ErrNoState
		}
		return r, err
	}
	return &stateReader{open, make(chan struct{}, maxReaders)}
}

// errBusy says that all slots are taken.
var errBusy = errors.New("too many are reading the state: try again in a moment")

// read opens the state for one answer. It waits for a slot half as long as the answer may
// take to be written.
func (s *stateReader) read(ctx context.Context, f func(Reader) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout/2)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return errBusy
	}
	r, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return f(r)
}

// Record returns what is known of a task, or nil.
func (s *stateReader) Record(ctx context.Context, key spec.Key) (rec *state.Record, err error) {
	err = s.read(ctx, func(r Reader) (err error) {
		rec, err = r.Record(ctx, key)
		return err
	})
	return rec, err
}

// Candidates returns the tasks that somebody may mean, by the state and the plan, and the records
// of the first ones.
func (s *stateReader) Candidates(ctx context.Context, p *plan.Plan, said string, prefixes bool) (found []explain.Candidate, records map[spec.Key]*state.Record, err error) {
	records = map[spec.Key]*state.Record{}
	err = s.read(ctx, func(r Reader) error {
		known, err := r.Find(ctx, said, prefixes)
		if err != nil {
			return err
		}
		found = explain.Candidates(said, prefixes, p, known)
		for _, c := range found[:min(len(found), maxTasks)] {
			if records[c.Key], err = r.Record(ctx, c.Key); err != nil {
				return err
			}
		}
		return nil
	})
	return found, records, err
}

// Release returns one release with its tasks: see [release.Read].
func (s *stateReader) Release(ctx context.Context, name string) (found release.Release, err error) {
	err = s.read(ctx, func(r Reader) (err error) {
		found, err = release.Read(ctx, r, name)
		return err
	})
	return found, err
}

// Events returns rows of the history, the newest first, and where the older ones begin; 0
// if there are none.
func (s *stateReader) Events(ctx context.Context, q state.HistoryQuery) (rows []state.Event, older int64, err error) {
	limit := q.Limit
	q.Limit++ // one more says whether there is another page
	err = s.read(ctx, func(r Reader) (err error) {
		rows, err = r.History(ctx, q)
		return err
	})
	if len(rows) > limit {
		rows = rows[:limit]
		older = rows[limit-1].Seq
	}
	return rows, older, err
}
