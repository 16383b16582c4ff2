package reconcile

import (
	"cmp"
	"slices"
	"time"
)

// Window is a time at which nothing is committed: either once, from Start to End,
// or every week on Days, from From to To of the local day.
type Window struct {
	Name     string
	Location *time.Location // nil is UTC

	Start, End time.Time // once; zero for a weekly window

	Days []time.Weekday // weekly; empty is every day
	From time.Duration  // since local midnight, 0 to 24 h
	To   time.Duration  // since local midnight; at or before From means on the next day
}

// Contains reports whether now is in the window, and when that ends.
func (w *Window) Contains(now time.Time) (end time.Time, ok bool) {
	if !w.Start.IsZero() {
		return w.End, !now.Before(w.Start) && now.Before(w.End)
	}
	loc := cmp.Or(w.Location, time.UTC)
	local := now.In(loc)
	// A window that runs over midnight began yesterday.
	for back := range 2 {
		y, m, d := local.AddDate(0, 0, -back).Date()
		from, to := clock(y, m, d, w.From, loc), clock(y, m, d, w.To, loc)
		if w.To <= w.From {
			to = clock(y, m, d+1, w.To, loc)
		}
		if w.on(from.Weekday()) && !now.Before(from) && now.Before(to) {
			return to, true
		}
	}
	return time.Time{}, false
}

func (w *Window) on(day time.Weekday) bool {
	return len(w.Days) == 0 || slices.Contains(w.Days, day)
}

// clock is the wall clock time on a day: a day with a change of the clocks is
// not 24 hours long.
func clock(y int, m time.Month, d int, at time.Duration, loc *time.Location) time.Time {
	return time.Date(y, m, d, int(at/time.Hour), int(at%time.Hour/time.Minute), 0, 0, loc)
}
