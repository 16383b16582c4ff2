package serve

import (
	"strings"

	"github.com/wedatasync/wedatasync/reconcile"
)

// needs lists what needs a person. Tasks that need one for the same reason are one
// thing with a group.
func (l *look) needs(reasons []Reason) []need {
	var needs []need
	grouped := map[ReasonCode]bool{}
	for _, r := range reasons {
		switch r.Code {
		case ReasonUnknown, ReasonRefused, ReasonNotRunning, ReasonContested, ReasonNotLive, ReasonAlreadyLive, ReasonNewerLive, ReasonRecalled, ReasonSpent:
			if grouped[r.Code] {
				continue
			}
			grouped[r.Code] = true
			g := l.personGroup(r.Code)
			needs = append(needs, need{Title: reasonTitle(r.Code), Message: g.Meaning, Group: &g})
		case ReasonSpecs:
			needs = append(needs, need{Title: reasonTitle(r.Code), Message: l.brokenText()})
		case ReasonGuard:
			needs = append(needs, need{Title: reasonTitle(r.Code), Message: r.Message, Detail: l.heldText(), Commands: r.Commands})
		default:
			needs = append(needs, need{Title: reasonTitle(r.Code), Message: r.Message, Commands: r.Commands})
		}
	}
	return needs
}

// brokenText says what becomes of files with errors, which are listed beside it.
func (l *look) brokenText() string {
	return plural(l.digest.errors, "error") + " in the files below. What has one is not used: its tasks stay as they are."
}

// heldText says what the plan would do if it were not held, what is lost first.
func (l *look) heldText() string {
	n := 0
	var parts []string
	for _, i := range []struct {
		impact reconcile.Impact
		text   string
	}{
		{reconcile.ImpactDiscardState, "discarding state"},
		{reconcile.ImpactFreshStart, "starting fresh, state not continued"},
		{reconcile.ImpactPause, "pausing"},
		{reconcile.ImpactStart, "starting"},
		{reconcile.ImpactKeepState, "keeping state"},
		{reconcile.ImpactSubmit, "submitting only"},
	} {
		if held := l.digest.held[i.impact]; held > 0 {
			n += held
			parts = append(parts, grouped(held)+" "+i.text)
		}
	}
	if n == 0 {
		return ""
	}
	return "It would commit " + plural(n, "task") + ": " + strings.Join(parts, ", ") + "."
}

// personGroup is the tasks of a reason that is about tasks.
func (l *look) personGroup(code ReasonCode) group {
	switch code {
	case ReasonRefused:
		g := l.group(standRefused)
		g.Meaning = "change the spec, or send exactly this again"
		return g
	case ReasonNotRunning:
		g := l.group(standNotRunning)
		g.Meaning = "mend it in WeData, and then give it its time again"
		return g
	case ReasonContested:
		g := l.group(standContested)
		g.Meaning = "change the spec, or heal it once more"
		return g
	case ReasonNotLive:
		g := l.group(standNotLive)
		g.Meaning = "check the task in WeData, then say whether the commit was applied"
		return g
	case ReasonAlreadyLive:
		g := l.group(standAlreadyLive)
		g.Meaning = "mark it as applied, or commit it all the same"
		return g
	case ReasonNewerLive:
		g := l.group(standNewerLive)
		g.Meaning = "raise instanceVersion in the spec, or go back to its version"
		return g
	case ReasonRecalled:
		g := l.group(standRecalled)
		g.Meaning = "take it over with wedatasync import, or send it"
		return g
	case ReasonSpent:
		g := l.group(standSpent)
		g.Meaning = "keep the state, or release another version"
		return g
	}
	g := group{badge: badgeOf(standUnknown), Count: len(l.digest.person), All: tasksPath("", standUnknown, 1)}
	g.Meaning = "only a person can say whether they have happened"
	for _, i := range l.digest.person[:min(len(l.digest.person), groupRows)] {
		c := &l.digest.plan.Changes[i]
		g.Rows = append(g.Rows, l.groupRow(standUnknown, c))
	}
	g.More = g.Count - len(g.Rows)
	return g
}

func (l *look) group(s standing) group {
	g := group{badge: badgeOf(s), Count: l.count(s), All: tasksPath("", s, 1)}
	for _, c := range l.changes(s, groupRows) {
		g.Rows = append(g.Rows, l.groupRow(s, c))
	}
	g.More = g.Count - len(g.Rows)
	return g
}

func (l *look) groupRow(s standing, c *reconcile.Change) groupRow {
	_, rec := l.standing(c.Key, c)
	why := l.why(s, c, rec)
	if heldWithPlan(l.plan(), c) {
		why = changeText(c) // why is said once, of the plan
	}
	row := groupRow{link: linkTo(c.Key), Why: why}
	if s.info().tone == toneBad {
		row.Commands = l.commands(s, c.Key, c, rec)
	}
	return row
}

// waits lists what waits for something that comes by itself, by what that is.
func (l *look) waits() []group {
	var groups []group
	for _, i := range standings() {
		g := group{}
		switch {
		case i.standing == standUnknown:
			g = l.unknownWaits()
		case i.tone == toneWait || i.standing == standSuspended || i.standing == standAdopted:
			g = l.group(i.standing)
		}
		if g.Count > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// unknownWaits is the unknown outcomes that are still being read back.
func (l *look) unknownWaits() group {
	g := group{badge: badgeOf(standUnknown), Count: l.count(standUnknown) - len(l.digest.person), All: tasksPath("", standUnknown, 1)}
	for _, c := range l.changes(standUnknown, groupRows+len(l.digest.person)) {
		if !needsPerson(c) && len(g.Rows) < groupRows {
			g.Rows = append(g.Rows, l.groupRow(standUnknown, c))
		}
	}
	g.More = g.Count - len(g.Rows)
	return g
}
