package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile"
)

// ResultText writes what a pass has done for a terminal: one sentence of counts,
// then each task that is not as its spec says, why, and the way on. An error is w's.
func ResultText(w io.Writer, r *reconcile.Result, o Options) error {
	v := newView(r.Left, o.Rate)
	t := newTextWriter(w, o)
	t.wrapped(bold, "", resultHeadline(r, v))
	t.unverified(v)
	for _, p := range r.Pauses {
		where := "everything"
		if p.ProjectID != "" {
			where = "project " + p.ProjectID
		}
		t.wrapped(yellow, "", Visible(fmt.Sprintf("Paused: %s, by %s: %s", where, p.Code, p.Message)))
	}
	t.guards(v)
	t.table(v)
	t.problems(r.Left.Problems)
	return t.flush()
}

// resultHeadline counts what was applied and what is left, by reason.
func resultHeadline(r *reconcile.Result, v *view) string {
	var done []string
	if r.Applied > 0 {
		done = append(done, "applied "+plural(r.Applied, "commit"))
	}
	if r.Forgotten > 0 {
		done = append(done, "removed "+plural(r.Forgotten, "task")+" from the state")
	}
	if r.Returned > 0 {
		done = append(done, "took up "+plural(r.Returned, "task")+" again")
	}
	if len(done) == 0 {
		done = append(done, "applied nothing")
	}
	s := strings.Join(done, ", ")
	if i := strings.LastIndex(s, ", "); i >= 0 {
		s = s[:i] + " and " + s[i+2:]
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if left := v.left(); left != "" {
		s += "; left: " + left
	} else {
		s += "; nothing is left to send"
	}
	if r.Superseded {
		s += "; the pass was cut short"
	}
	return s + "."
}

// left counts the commits that are needed and were not made.
func (v *view) left() string {
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	for _, held := range explain.Holds() {
		n := 0
		for _, c := range v.held {
			if explain.StateOf(c) == held {
				n++
			}
		}
		add(n, leftWords(held))
	}
	add(v.summary.notRunning, "not running")
	add(v.summary.notLive, "not live")
	add(v.summary.accepted, "accepted")
	add(v.summary.starting, "starting")
	add(v.summary.planHeld, "held with the plan")
	add(v.summary.commits, "to send")
	if n := v.summary.errors; n > 0 {
		parts = append(parts, plural(n, "error"))
	}
	return strings.Join(parts, ", ")
}

// leftWords says how a commit stands that was not made.
func leftWords(s explain.State) string {
	switch s {
	case explain.Guard:
		return "not allowed"
	case explain.Window:
		return "held by a window"
	case explain.Dependency:
		return "waiting for another task"
	default:
		return string(s)
	}
}
