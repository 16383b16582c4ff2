package plan

import (
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// Backoff is how long to wait before the next try: Min doubling to Max, minus up
// to a fifth, so that what failed together does not come back together.
type Backoff struct {
	Min, Max time.Duration
}

// BackoffFor returns the back-off after an outcome of the class.
func BackoffFor(class state.Class) Backoff {
	switch class {
	case state.ClassAuth, state.ClassUnauthorized:
		return Backoff{Min: time.Minute, Max: 15 * time.Minute} // people mend it
	case state.ClassNotSent:
		return Backoff{Min: time.Second, Max: 5 * time.Minute} // the network
	case state.ClassUnknown, state.ClassApplied:
		return Backoff{Min: 2 * time.Second, Max: 10 * time.Minute} // reading back
	default:
		return Backoff{Min: 30 * time.Second, Max: 10 * time.Minute} // a lock, a resource
	}
}

// After returns how long to wait after the tries-th try in a row, counted from 1.
// random is in [0, 1).
func (b Backoff) After(tries int, random float64) time.Duration {
	d := b.Max
	if shift := max(tries-1, 0); shift < 32 && b.Min<<shift < b.Max {
		d = b.Min << shift
	}
	return d - time.Duration(random*float64(d)/5)
}

// Sooner returns the earlier of two times; a zero time is none.
func Sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// PauseOf returns the pause that stops the project's sends at now.
func PauseOf(control *state.Control, projectID string, now time.Time) (state.Pause, bool) {
	for _, p := range control.Pauses {
		if (p.ProjectID == "" || p.ProjectID == projectID) && now.Before(p.Until) {
			return p, true
		}
	}
	return state.Pause{}, false
}

func Scope(projectID string) string {
	if projectID == "" {
		return "everything"
	}
	return "project " + projectID
}

const (
	// FailingCalls is how many calls in a row may end in doubt before the endpoint
	// is taken to be failing, and left alone for a while.
	FailingCalls = 3
	// CodeFailing is the code of the pause that follows.
	CodeFailing = "EndpointFailing"
)

// FailedBefore returns how many answers in doubt count already: after a pause for
// a failing endpoint, one more is enough.
func FailedBefore(control *state.Control) int {
	for _, p := range control.Pauses {
		if p.Code == CodeFailing {
			return FailingCalls - 1
		}
	}
	return 0
}

// Paused returns the pauses after sends of a project, or with "" all sends, have to stop
// for out: for a while that doubles each time. set is the one that does that. random is in
// [0, 1).
func Paused(pauses []state.Pause, projectID string, out state.Outcome, now time.Time, random float64) (next []state.Pause, set state.Pause) {
	next = slices.Clone(pauses)
	i := slices.IndexFunc(next, func(p state.Pause) bool { return p.ProjectID == projectID })
	if i < 0 {
		next = append(next, state.Pause{ProjectID: projectID, Since: now})
		i = len(next) - 1
	}
	p := &next[i]
	p.Code, p.Message = out.Code, out.Message
	p.Tries++
	p.Until = now.Add(BackoffFor(out.Class).After(p.Tries, random))
	return next, *p
}

// Unpaused returns the pauses that a good answer for the project does not prove to be over.
func Unpaused(pauses []state.Pause, projectID string) []state.Pause {
	return slices.DeleteFunc(slices.Clone(pauses), func(p state.Pause) bool { return p.ProjectID == "" || p.ProjectID == projectID })
}
