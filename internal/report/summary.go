package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
)

// defaultRate is the API's limit, in calls a second.
const defaultRate = 20

// summary is a plan in numbers.
type summary struct {
	commits     int           // calls that will be made
	planHeld    int           // calls that would be made if no guard held the plan
	guards      int           // guards that hold the plan
	held        int           // other calls that are needed and will not be made now
	notRunning  int           // tasks that did not come to run
	unhealthy   int           // tasks that run and are not healthy
	notLive     int           // tasks whose accepted commit was not seen live in time
	accepted    int           // tasks whose accepted commit is read until it is live
	starting    int           // tasks that are followed until they are healthy
	removed     int           // tasks that are no longer managed
	returned    int           // tasks that are managed again, without a call
	unversioned int           // tasks that changed without a new version
	unchanged   int           // tasks that are as their spec says
	drifted     int           // tasks that have drifted
	beside      int           // tasks that are not, and have to be known all the same
	errors      int           // problems of severity error
	warnings    int           // problems of severity warning
	specs       int           // valid specs
	between     bool          // two revisions were compared
	unbased     bool          // specs were compared with nothing
	impacts     []int         // commits and planHeld, by impact
	eta         time.Duration // for commits, or for planHeld once approved
}

func newSummary(v *view, planHeld int, rate float64) summary {
	s := summary{
		planHeld:    planHeld,
		guards:      len(v.plan.Holds),
		held:        len(v.held),
		notRunning:  len(v.notRunning),
		unhealthy:   len(v.unhealthy),
		notLive:     len(v.notLive),
		accepted:    len(v.accepted),
		starting:    len(v.starting),
		removed:     len(v.removed),
		returned:    len(v.returned),
		unversioned: len(v.unversioned),
		unchanged:   v.plan.Unchanged,
		errors:      v.plan.Problems.Errors(),
		specs:       v.plan.Specs,
		between:     v.plan.Against != "" && v.plan.Against != plan.AgainstLive,
		unbased:     v.plan.Against == "" && v.plan.State == (plan.StateInfo{}),
	}
	drift := driftGroups(v.plan)
	s.drifted, s.beside = len(drift[0].tasks), len(drift[1].tasks)
	for _, group := range v.sends {
		s.impacts = append(s.impacts, len(group))
		s.commits += len(group)
	}
	s.eta = estimate(s.commits, rate)
	s.commits -= planHeld
	s.warnings = v.plan.Problems.Len() - s.errors
	return s
}

// estimate returns how long so many calls take at rate calls a second.
func estimate(calls int, rate float64) time.Duration {
	if !(rate > 0) {
		rate = defaultRate
	}
	seconds := min(float64(calls)/rate, math.MaxInt64/float64(2*time.Second))
	return time.Duration(seconds * float64(time.Second))
}

// headline says in one sentence what will happen.
func (s summary) headline() string {
	var b strings.Builder
	if s.unbased && s.commits+s.planHeld > 0 {
		b.WriteString("There is no state to compare with, so each task counts as new. ")
	}
	switch {
	case s.commits > 0:
		fmt.Fprintf(&b, "%s will be sent: %s%s", text.Plural(s.commits, "commit"), s.does(), s.more())
	case s.planHeld > 0:
		fmt.Fprintf(&b, "Nothing will be sent: a guard holds %s%s", text.Plural(s.planHeld, "commit"), s.more())
	case s.guards > 0:
		b.WriteString("Nothing will be done: a guard holds the plan")
	case s.held > 0:
		fmt.Fprintf(&b, "Nothing will be sent now: %s %s held", text.Plural(s.held, "commit"), pick(s.held, "is", "are"))
	case s.notRunning > 0:
		fmt.Fprintf(&b, "Nothing will be sent: %s did not come to run", text.Plural(s.notRunning, "task"))
	case s.unhealthy > 0:
		fmt.Fprintf(&b, "Nothing will be sent: %s %s not healthy", text.Plural(s.unhealthy, "task"), pick(s.unhealthy, "is", "are"))
	case s.notLive > 0:
		fmt.Fprintf(&b, "Nothing will be sent: %s accepted, and not seen live", text.Plural(s.notLive, "commit")+pick(s.notLive, " was", " were"))
	case s.accepted > 0:
		fmt.Fprintf(&b, "Nothing will be sent: %s accepted, and not live yet", text.Plural(s.accepted, "commit")+pick(s.accepted, " was", " were"))
	case s.starting > 0:
		fmt.Fprintf(&b, "Nothing will be sent: %s %s followed until healthy", text.Plural(s.starting, "task"), pick(s.starting, "is", "are"))
	case s.unversioned > 0:
		fmt.Fprintf(&b, "Nothing will be sent: %s changed without a new version", text.Plural(s.unversioned, "task"))
	case s.removed > 0:
		fmt.Fprintf(&b, "Nothing will be sent: %s will be removed from the state%s", text.Plural(s.removed, "task"), s.andReturned())
	case s.returned > 0:
		fmt.Fprintf(&b, "Nothing will be sent: %s %s managed again", text.Plural(s.returned, "task"), pick(s.returned, "is", "are"))
	case s.drifted > 0:
		fmt.Fprintf(&b, "Nothing will be sent: %s in sync", text.Plural(s.unchanged-s.drifted, "task")+pick(s.unchanged-s.drifted, " is", " are"))
	case s.unchanged > 0:
		fmt.Fprintf(&b, "Nothing to do: %s", pick(s.unchanged, "the one task is in sync", fmt.Sprintf("all %d tasks are in sync", s.unchanged)))
	case s.errors > 0:
		b.WriteString("Nothing to do: there are no specs that can be used")
	case s.between:
		b.WriteString("No changes: the specs are the same as in the base")
	default:
		b.WriteString("Nothing to do: no specs were found")
	}
	if s.errors > 0 {
		fmt.Fprintf(&b, "; %s, skipped", text.Plural(s.errors, "invalid spec"))
	}
	if s.drifted > 0 {
		fmt.Fprintf(&b, "; %s drifted from what was applied", text.Plural(s.drifted, "task")+pick(s.drifted, " has", " have"))
	}
	b.WriteByte('.')
	return b.String()
}

// does says what the commits do to the data, the worst first.
func (s summary) does() string {
	total := s.commits + s.planHeld
	var parts []string
	for i, impact := range plan.Impacts() {
		n := s.impacts[i]
		switch {
		case n == 0:
		case n == total && n == 1:
			return "it " + verb(impact, 1)
		case n == total:
			return "all " + verb(impact, n)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, verb(impact, n)))
		}
	}
	return strings.Join(parts, ", ")
}

// more counts the holds beside what was said before.
func (s summary) more() string {
	if s.held == 0 {
		return ""
	}
	return fmt.Sprintf("; %d more %s held", s.held, pick(s.held, "is", "are"))
}

// andReturned counts the returns beside the removals.
func (s summary) andReturned() string {
	if s.returned == 0 {
		return ""
	}
	return fmt.Sprintf(", and %s %s managed again", text.Plural(s.returned, "task"), pick(s.returned, "is", "are"))
}

// following counts the tasks whose commit was accepted and is not at its end.
func (s summary) following() int { return s.unhealthy + s.notLive + s.accepted + s.starting }

// quiet reports whether the plan has nothing to show but how many tasks are as
// they should be.
func (s summary) quiet() bool {
	return s.commits+s.planHeld+s.guards+s.held+s.notRunning+s.following()+s.removed+s.returned+s.unversioned+
		s.drifted+s.beside+s.errors+s.warnings == 0
}

// calls says how many calls there are and how long they take.
func (s summary) calls() string {
	switch {
	case s.commits > 0:
		return text.Plural(s.commits, "call") + ", " + about(s.eta)
	case s.planHeld > 0:
		return text.Plural(s.planHeld, "call") + " once approved, " + about(s.eta)
	default:
		return "no calls"
	}
}

// tally counts everything, for the end of a report.
func (s summary) tally() string {
	parts := []string{s.calls()}
	if s.held > 0 {
		parts = append(parts, fmt.Sprintf("%d held", s.held))
	}
	parts = append(parts, s.others()...)
	if s.errors > 0 {
		parts = append(parts, text.Plural(s.errors, "error"))
	}
	if s.warnings > 0 {
		parts = append(parts, text.Plural(s.warnings, "warning"))
	}
	return strings.Join(parts, "; ")
}

// others counts the tasks that need no call.
func (s summary) others() []string {
	var parts []string
	for _, p := range []struct {
		n    int
		text string
	}{
		{s.notRunning, "not running"},
		{s.unhealthy, "not healthy"},
		{s.notLive, "not live"},
		{s.accepted, "accepted"},
		{s.starting, "starting"},
		{s.removed, "removed"},
		{s.returned, "managed again"},
		{s.unversioned, "without a new version"},
		{s.drifted, "drifted"},
		{s.unchanged, "unchanged"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	return parts
}

// without returns the summary of the commits that are not among those.
func (s summary) without(commits []*plan.Change) summary {
	s.impacts = slices.Clone(s.impacts)
	for _, c := range commits {
		s.impacts[impactRank(c.Impact)]--
	}
	s.commits, s.planHeld = s.commits+s.planHeld-len(commits), 0
	return s
}

// about writes a duration the way people say it.
func about(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("about %.0f s", math.Ceil(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("about %.0f min", math.Ceil(d.Minutes()))
	default:
		return fmt.Sprintf("about %.0f h", math.Ceil(d.Hours()))
	}
}

// faults counts errors and warnings, for a check without a plan.
func faults(ps spec.Problems) string {
	errors := ps.Errors()
	warnings := ps.Len() - errors
	switch {
	case errors == 0 && warnings == 0:
		return "no problems"
	case warnings == 0:
		return text.Plural(errors, "error")
	case errors == 0:
		return text.Plural(warnings, "warning")
	default:
		return text.Plural(errors, "error") + " and " + text.Plural(warnings, "warning")
	}
}

// pick returns the words for one thing, or for many.
func pick(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
