package plan

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// closed says why the windows do not let the task be committed at now, and until when,
// and names the window. why is "" if they do. A freeze goes over what another window
// allows.
func (g *Guards) closed(key spec.Key, now time.Time) (window, why string) {
	var allow []*calendar.Window
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
func (g *Guards) Frozen(p *Plan, key spec.Key, now time.Time) bool {
	window, why := g.closed(key, now)
	return why != "" && !p.Passes(guardKey(guardWindows, window))
}

// outsideOf names the windows, none of which is open, and says when the first one opens.
func outsideOf(allow []*calendar.Window, now time.Time) (window, why string) {
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
	holdDependants(&held)
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
