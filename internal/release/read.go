package release

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// Reader reads one moment of a state.
type Reader interface {
	// Control returns what the daemon as a whole remembers.
	Control(context.Context) (state.Control, error)
	// History returns rows of the history, the newest first.
	History(context.Context, state.HistoryQuery) ([]state.Event, error)
}

// settled is how long after the end of a release its history is looked through for answers
// that came late.
const settled = 15 * time.Minute

// Read is [Find] in the state, with what happened to the tasks of the release: at most
// MaxTasks of them, from at most state.MaxHistory rows of the history.
func Read(ctx context.Context, from Reader, name string) (Release, error) {
	c, err := from.Control(ctx)
	if err != nil {
		return Release{}, err
	}
	r, err := Find(&c, name)
	if err != nil {
		return Release{}, err
	}
	before, err := seqAfter(ctx, from, endOf(&c, &r))
	if err != nil {
		return Release{}, err
	}
	events, err := from.History(ctx, state.HistoryQuery{Before: before, Limit: state.MaxHistory})
	if err != nil {
		return Release{}, err
	}
	mine := slices.IndexFunc(events, func(e state.Event) bool { return e.At.Before(r.SeenAt) })
	r.Cut = mine < 0 && len(events) == state.MaxHistory
	if mine >= 0 {
		events = events[:mine]
	}
	r.Tasks = tasksOf(r.Revision, events)
	if n := len(r.Tasks); n > MaxTasks {
		r.Tasks, r.MoreTasks = r.Tasks[:MaxTasks], n-MaxTasks
	}
	return r, nil
}

// endOf returns when nothing more of the release can be in the history; zero if something
// still can.
func endOf(c *state.Control, r *Release) time.Time {
	i := slices.IndexFunc(c.Releases, func(o state.Release) bool { return o.Revision == r.Revision && o.SeenAt.Equal(r.SeenAt) })
	if i < 0 || i == len(c.Releases)-1 {
		return time.Time{}
	}
	end := c.Releases[i+1].SeenAt
	if r.EndedAt.After(end) {
		end = r.EndedAt
	}
	return end.Add(settled)
}

// seqAfter returns the number of the first row of the history that is later than at, as far
// as rows are in order of time; 0 if there is none, or at is zero.
func seqAfter(ctx context.Context, from Reader, at time.Time) (int64, error) {
	if at.IsZero() {
		return 0, nil
	}
	newest, err := from.History(ctx, state.HistoryQuery{Limit: 1})
	if err != nil || len(newest) == 0 || !newest[0].At.After(at) {
		return 0, err
	}
	n := int(newest[0].Seq)
	seq := 1 + sort.Search(n-1, func(i int) bool { // of the row i+1
		if err != nil {
			return true
		}
		var rows []state.Event
		rows, err = from.History(ctx, state.HistoryQuery{Before: int64(i) + 2, Limit: 1})
		return err != nil || len(rows) == 0 || rows[0].At.After(at)
	})
	return int64(seq), err
}
