package page

import (
	"strings"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// needs lists the reasons for which an operator is needed. Tasks with the same reason are
// one group.
func needs(s *snapshot.Snapshot, reasons []explain.Reason) []need {
	var needs []need
	grouped := map[explain.ReasonCode]bool{}
	for _, r := range reasons {
		n := need{Title: r.Code.Title(), Message: r.Message, Commands: r.Commands}
		switch _, ofTasks := r.Code.State(); {
		case ofTasks && grouped[r.Code]:
			continue
		case ofTasks:
			grouped[r.Code] = true
			g := operatorGroup(s, r.Code)
			n.Message, n.Commands, n.Group = g.Meaning, nil, &g
		case r.Code == explain.ReasonSpecs:
			n.Message, n.Commands = brokenText(s), nil
		case r.Code == explain.ReasonGuard:
			n.Detail = heldText(s)
		}
		needs = append(needs, n)
	}
	return needs
}

// brokenText says that files with errors, which the page lists, are not used.
func brokenText(s *snapshot.Snapshot) string {
	return text.PluralGrouped(s.Digest.Errors, "error") + " in the files below. Invalid specs are skipped."
}

// heldText says what the plan would do if it were not held, the loss of state first.
func heldText(s *snapshot.Snapshot) string {
	n := 0
	var parts []string
	for _, i := range []struct {
		impact plan.Impact
		text   string
	}{
		{plan.ImpactDiscardState, "discarding state"},
		{plan.ImpactFreshStart, "starting fresh, state not continued"},
		{plan.ImpactPause, "pausing"},
		{plan.ImpactStart, "starting"},
		{plan.ImpactKeepState, "keeping state"},
		{plan.ImpactSubmit, "submitting only"},
	} {
		if held := s.Digest.Held[i.impact]; held > 0 {
			n += held
			parts = append(parts, text.Grouped(held)+" "+i.text)
		}
	}
	if n == 0 {
		return ""
	}
	return "It would commit " + text.PluralGrouped(n, "task") + ": " + strings.Join(parts, ", ") + "."
}

// operatorGroup is the tasks of a reason that is about tasks.
func operatorGroup(s *snapshot.Snapshot, code explain.ReasonCode) group {
	of, _ := code.State()
	g := groupOf(s, of)
	if of == explain.Unknown {
		g = unresolvedGroup(s)
	}
	g.Meaning = of.Info().Next
	return g
}

// unresolvedGroup is the unknown outcomes that only an operator can end.
func unresolvedGroup(s *snapshot.Snapshot) group {
	g := group{badge: badgeOf(explain.Unknown), Count: len(s.Digest.Unresolved), All: tasksQuery{state: explain.Unknown}.path()}
	for _, i := range s.Digest.Unresolved[:min(len(s.Digest.Unresolved), groupRows)] {
		g.Rows = append(g.Rows, groupRowOf(s, explain.Unknown, &s.Plan().Changes[i]))
	}
	g.More = g.Count - len(g.Rows)
	return g
}

// groupOf is the tasks in the state.
func groupOf(s *snapshot.Snapshot, ts explain.State) group {
	g := group{badge: badgeOf(ts), Count: s.Count(ts), All: tasksQuery{state: ts}.path()}
	for _, c := range s.Changes(ts, groupRows) {
		g.Rows = append(g.Rows, groupRowOf(s, ts, c))
	}
	g.More = g.Count - len(g.Rows)
	return g
}

func groupRowOf(s *snapshot.Snapshot, ts explain.State, c *plan.Change) groupRow {
	_, rec := s.Task(c.Key, c)
	why := s.Why(ts, c.Key, c, rec)
	if explain.HeldWithPlan(s.Plan(), c) {
		why = text.Visible(explain.Sends(c)) // why is said once, of the plan
	}
	row := groupRow{link: linkOf(s, c.Key), Why: why}
	if ts.Info().Tone == explain.ToneBad {
		row.Commands = s.Commands(ts, c.Key, c, rec)
	}
	return row
}

// waits lists the tasks that wait for something that comes by itself, by their state.
func waits(s *snapshot.Snapshot) []group {
	var groups []group
	for _, i := range explain.States() {
		g := group{}
		switch {
		case i.State == explain.Unknown:
			g = unknownWaits(s)
		case i.Tone == explain.ToneWait || i.State == explain.Suspended || i.State == explain.Adopted:
			g = groupOf(s, i.State)
		}
		if g.Count > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// unknownWaits is the unknown outcomes that are still being read back.
func unknownWaits(s *snapshot.Snapshot) group {
	g := group{badge: badgeOf(explain.Unknown), Count: s.Count(explain.Unknown) - len(s.Digest.Unresolved), All: tasksQuery{state: explain.Unknown}.path()}
	for _, c := range s.Changes(explain.Unknown, groupRows+len(s.Digest.Unresolved)) {
		if !explain.NeedsOperator(c) && len(g.Rows) < groupRows {
			g.Rows = append(g.Rows, groupRowOf(s, explain.Unknown, c))
		}
	}
	g.More = g.Count - len(g.Rows)
	return g
}
