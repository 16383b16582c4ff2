package calendar

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
)

// Window is a time at which nothing is committed, or outside of which nothing is:
// either once, from Start to End, or every week on Days, from From to To of the local
// day. It is for all tasks, or for those that Projects and Tasks name.
type Window struct {
	Name     string
	Allow    bool           // commits are made inside only; else outside only
	Location *time.Location // nil is UTC

	Start, End time.Time // once; zero for a weekly window

	Days []time.Weekday // weekly; empty is every day
	From time.Duration  // since local midnight, 0 to 24 h
	To   time.Duration  // since local midnight; at or before From means on the next day

	// Projects and Tasks are patterns: an id, or the beginning of one and *. A task has
	// to match one of each list that is not empty.
	Projects, Tasks []string
}

// lookAhead bounds how far the next change of a window is looked for: a weekly window
// that a change of the clocks leaves out once opens a week later.
const lookAhead = 3 * 7 * 24 * time.Hour

// Covers reports whether the window is for the task.
func (w *Window) Covers(key spec.Key) bool {
	return Match(w.Projects, key.ProjectID) && Match(w.Tasks, key.TaskID)
}

func Match(patterns []string, id string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return MatchID(p, id) })
}

func MatchID(pattern, task string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(task, prefix)
	}
	return pattern == task
}

// Contains reports whether now is in the window, and if it is, when that ends; the end
// is zero for a window that is always open.
func (w *Window) Contains(now time.Time) (end time.Time, ok bool) {
	if !w.open(now) {
		return time.Time{}, false
	}
	return w.Next(now), true
}

// open reports whether t is in the window. Of a weekly one only the local weekday and
// the local time of day decide, so that no change of the clocks opens or closes it.
func (w *Window) open(t time.Time) bool {
	if !w.Start.IsZero() {
		return !t.Before(w.Start) && t.Before(w.End)
	}
	local := t.In(w.location())
	day, at := local.Weekday(), TimeOfDay(local)
	if w.From < w.To {
		return w.on(day) && at >= w.From && at < w.To
	}
	// A window over midnight began yesterday, or begins today.
	return w.on(day) && at >= w.From || w.on((day+6)%7) && at < w.To
}

// Next returns when the window opens next, or closes if t is in it; zero if it does not.
func (w *Window) Next(t time.Time) time.Time {
	if !w.Start.IsZero() {
		for _, at := range [...]time.Time{w.Start, w.End} {
			if t.Before(at) {
				return at
			}
		}
		return time.Time{}
	}
	was, limit := w.open(t), t.Add(lookAhead)
	for at := w.boundary(t); at.Before(limit); at = w.boundary(at) {
		if w.open(at) != was {
			return at
		}
	}
	return time.Time{}
}

// boundary returns the first time after t at which the window may open or close: the
// clock shows midnight, From or To, or it is changed.
func (w *Window) boundary(t time.Time) time.Time {
	local := t.In(w.location())
	// Until its offset changes, a zone's clock runs as fast as any.
	_, change := local.ZoneBounds()
	at := TimeOfDay(local)
	wait := 24*time.Hour - at
	for _, clock := range [...]time.Duration{w.From, w.To} {
		if clock > at {
			wait = min(wait, clock-at)
		}
	}
	if next := t.Add(wait); change.IsZero() || next.Before(change) {
		return next
	}
	return change
}

func (w *Window) on(day time.Weekday) bool {
	return len(w.Days) == 0 || slices.Contains(w.Days, day)
}

func (w *Window) location() *time.Location { return cmp.Or(w.Location, time.UTC) }

// TimeOfDay is what the clock shows, as the time since midnight.
func TimeOfDay(t time.Time) time.Duration {
	hour, minute, second := t.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute +
		time.Duration(second)*time.Second + time.Duration(t.Nanosecond())
}
