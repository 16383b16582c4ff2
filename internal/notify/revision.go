package notify

import (
	"fmt"
	"strings"

	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/text"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
)

// statusOf returns the status of a revision after a pass. It follows from what is left
// alone, so that a restart says the same.
func statusOf(r *reconcile.Result) (forge.State, string) {
	left := count(r.Left)
	switch {
	case left.failed() > 0:
		return forge.StateFailure, left.describe()
	case left.open() > 0:
		return forge.StatePending, left.describe()
	default:
		return forge.StateSuccess, left.describe()
	}
}

// tally counts what is left to do, by what it needs.
type tally struct {
	specs     int
	invalid   int // errors in specs
	refused   int
	stopped   int // did not come to run
	contested int // changed by others again whenever they are healed
	before    int // applied before, so that another spec or an operator is needed
	person    int // unknown outcomes, and accepted commits not seen live, that only an operator can settle
	withheld  int // not sent because of what is live
	guarded   int
	calls     int // to be made still
	unknown   int // being read back
	locked    int
	paused    int
	waiting   int // for anything else
	accepted  int // by WeData, and not seen live yet
	starting  int // followed until they run
	suspended int
	adopted   int // as others have changed them
}

func count(p *plan.Plan) tally {
	t := tally{specs: p.Specs, invalid: p.Problems.Errors()}
	for i := range p.Changes {
		c := &p.Changes[i]
		switch {
		case c.Action == plan.ActionCommit && len(p.Holds) > 0:
			t.guarded++
		case c.Action == plan.ActionCommit:
			t.calls++
		case c.Action == plan.ActionHold:
			t.hold(c)
		case c.NotRunning():
			t.stopped++
		case c.NotLive():
			t.person++
		case c.Action == plan.ActionFollow && c.Have.Accepted():
			t.accepted++
		case c.Action == plan.ActionFollow:
			t.starting++
		}
	}
	return t
}

func (t *tally) hold(c *plan.Change) {
	switch c.Hold {
	case plan.HoldRefused:
		t.refused++
	case plan.HoldUnknown:
		if needsPerson(c) {
			t.person++
		} else {
			t.unknown++
		}
	case plan.HoldAlreadyLive, plan.HoldNewerLive:
		t.withheld++
	case plan.HoldGuard:
		t.guarded++
	case plan.HoldLocked:
		t.locked++
	case plan.HoldPaused:
		t.paused++
	case plan.HoldSuspended:
		t.suspended++
	case plan.HoldContested:
		t.contested++
	case plan.HoldSpent, plan.HoldRecalled:
		t.before++
	case plan.HoldAdopted:
		t.adopted++
	default:
		t.waiting++
	}
}

// needsPerson reports whether nothing more happens to the task by itself.
func needsPerson(c *plan.Change) bool {
	return c.Have != nil && c.Have.Attempt != nil && c.Have.Attempt.NeedsOperator != ""
}

// failed counts what will not pass by itself.
func (t *tally) failed() int {
	return t.invalid + t.refused + t.person + t.withheld + t.stopped + t.contested + t.before
}

// open counts what will, or what someone is asked about before it is sent.
func (t *tally) open() int {
	return t.guarded + t.calls + t.unknown + t.locked + t.paused + t.waiting + t.accepted + t.starting
}

// describe says it in one sentence, the gravest first.
func (t *tally) describe() string {
	var parts []string
	add := func(n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	add(t.person, "outcome needs an operator", "outcomes need an operator")
	add(t.refused, "refused", "refused")
	add(t.withheld, "not sent because of what is live", "not sent because of what is live")
	add(t.stopped, "not running", "not running")
	add(t.contested, "changed again whenever it is healed", "changed again whenever they are healed")
	add(t.before, "held, as it was applied before", "held, as they were applied before")
	add(t.invalid, "error in specs", "errors in specs")
	add(t.guarded, "held by a guard", "held by a guard")
	add(t.unknown, "unknown outcome", "unknown outcomes")
	add(t.paused, "paused by WeData's answers", "paused by WeData's answers")
	add(t.locked, "locked", "locked")
	add(t.waiting, "waiting", "waiting")
	add(t.accepted, "accepted, not live yet", "accepted, not live yet")
	add(t.starting, "starting", "starting")
	add(t.calls, "to go", "to go")
	add(t.suspended, "suspended", "suspended")
	add(t.adopted, "as others have changed it", "as others have changed them")
	if len(parts) == 0 {
		return fmt.Sprintf("%s as specified", text.Plural(t.specs, "task"))
	}
	return fmt.Sprintf("%s; %s in all", strings.Join(parts, ", "), text.Plural(t.specs, "task"))
}
