package plan

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
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
	return matchAny(w.Projects, key.ProjectID) && matchAny(w.Tasks, key.TaskID)
}

func matchAny(patterns []string, id string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return matchTask(p, id) })
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

// TimeOfDay is what the clock shows, as the time since midnight.
func TimeOfDay(t time.Time) time.Duration {
	hour, minute, second := t.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute +
		time.Duration(second)*time.Second + time.Duration(t.Nanosecond())
}

func (w *Window) on(day time.Weekday) bool {
	return len(w.Days) == 0 || slices.Contains(w.Days, day)
}

func (w *Window) location() *time.Location { return cmp.Or(w.Location, time.UTC) }

// closed says why the windows do not let the task be committed at now, and until when,
// and names the window. why is "" if they do. A freeze goes over what another window
// allows.
func (g *Guards) closed(key spec.Key, now time.Time) (window, why string) {
	var allow []*Window
	open := false
	for i := range g.Windows {
		w := &g.Windows[i]
		if !w.Covers(key) {
			continue
		}
		end, in := w.Contains(now)
		switch {
		case w.Allow:
			allow, open = append(allow, w), open || in
		case in:
			return w.Name, fmt.Sprintf("freeze window %q %s", w.Name, until(end))
		}
	}
	if open || len(allow) == 0 {
		return "", ""
	}
	return outsideOf(allow, now)
}

// Frozen reports whether a window that the plan was not let past keeps the task from being
// committed at now.
func (p *Plan) Frozen(g *Guards, key spec.Key, now time.Time) bool {
	window, why := g.closed(key, now)
	return why != "" && !p.Passes(guardKey(guardWindows, window))
}

// outsideOf names the windows, none of which is open, and says when the first one opens.
func outsideOf(allow []*Window, now time.Time) (window, why string) {
	var next time.Time
	names := make([]string, len(allow))
	for i, w := range allow {
		names[i] = fmt.Sprintf("%q", w.Name)
		next = Sooner(next, w.Next(now))
	}
	window = strings.Join(names, " ")
	const most = 3
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(allow)-most))
	}
	noun := "window"
	if len(allow) > 1 {
		noun = "windows"
	}
	return window, fmt.Sprintf("outside of the allow %s %s %s", noun, strings.Join(names, ", "), until(next))
}

// nextWindow returns when the next window opens or closes; zero if none does.
func (g *Guards) nextWindow(now time.Time) time.Time {
	var next time.Time
	for i := range g.Windows {
		next = Sooner(next, g.Windows[i].Next(now))
	}
	return next
}

// holdWindows holds the calls that a window keeps back, and what depends on them. If
// that would leave none, it holds no single call: the windows hold the whole plan, and
// an approval of it goes past them.
func (g *Guards) holdWindows(p *Plan, now time.Time) []GuardHold {
	if len(g.Windows) == 0 {
		return nil
	}
	held := *p
	held.Changes = slices.Clone(p.Changes)
	var holds []GuardHold
	for i := range held.Changes {
		c := &held.Changes[i]
		if c.Action != ActionCommit {
			continue
		}
		window, why := g.closed(c.Key, now)
		if why == "" {
			continue
		}
		c.Action, c.Hold, c.Detail = ActionHold, HoldWindow, why
		if !slices.ContainsFunc(holds, func(h GuardHold) bool { return h.Message == why }) {
			holds = append(holds, GuardHold{Guard: guardWindows, Message: why, Approvable: true, of: window})
		}
	}
	if holds == nil {
		return nil
	}
	holdDependants(&held, func(spec.Key) bool { return true }) // the diff has looked already
	if held.Count(ActionCommit) == 0 {
		return holds
	}
	p.Changes = held.Changes
	return nil
}

// NextTurn returns when time itself next makes another plan: a window begins or ends, a
// suspension or an approval ends. records are of the tasks that a suspension can keep from
// something. It is zero if there is no such time, and is by the clock on the wall: a timer
// that waits for it can be late.
func NextTurn(g *Guards, control *state.Control, records iter.Seq[*state.Record], now time.Time) time.Time {
	next := g.nextWindow(now)
	after := func(at time.Time) {
		if at.After(now) {
			next = Sooner(next, at)
		}
	}
	for i := range control.Approvals {
		after(control.Approvals[i].Expires)
	}
	if s := control.Suspended; s != nil {
		after(s.Until)
	}
	for rec := range records {
		if rec.Suspended != nil {
			after(rec.Suspended.Until)
		}
	}
	return next.Round(0)
}
