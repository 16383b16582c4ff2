package progress

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// Begin returns the releases with head, the revision of the plan, as the newest: a
// plan of it was made at now. What was not done before it is overtaken. p is nil for a
// revision that is taken over without a plan.
func Begin(list []state.Release, head state.Release, p *plan.Plan, now time.Time) []state.Release {
	list = slices.Clone(list)
	if n := len(list); !IsNewest(list, head.Revision) {
		if n > 0 {
			overtake(&list[n-1], head.Revision, now)
		}
		head.Outcome = state.ReleaseUnderWay
		list = append(list, head)
	}
	r := &list[len(list)-1]
	if p == nil {
		r.StartedAt = now
		return bound(list)
	}
	if r.StartedAt.IsZero() {
		r.PlanHash, r.Commits, r.Removed, r.Returned = p.Hash, p.Asked(), p.Count(plan.ActionForget), p.Count(plan.ActionReturn)
		if len(p.Holds) == 0 {
			r.StartedAt, r.Approver = now, p.Approved
		}
	}
	outcome, left := standing(p, now)
	if outcome == state.ReleaseFailed && p.Count(plan.ActionCommit) > 0 {
		outcome = state.ReleaseUnderWay // as an earlier revision left it: the calls are still to come
	}
	settle(r, p, outcome, left, now)
	return bound(list)
}

// IsNewest reports whether the newest release is of the revision.
func IsNewest(list []state.Release, revision string) bool {
	return len(list) > 0 && list[len(list)-1].Revision == revision
}

// Judge returns the releases after a pass for the newest of them, which has left
// so much, and what to say of that; nothing if nothing has changed.
func Judge(list []state.Release, left *plan.Plan, now time.Time) (next []state.Release, note string) {
	n := len(list)
	if !IsNewest(list, left.Source.Revision) || list[n-1].Outcome == state.ReleaseDone {
		return list, ""
	}
	next = slices.Clone(list)
	r := &next[n-1]
	was := *r
	outcome, counts := standing(left, now)
	settle(r, left, outcome, counts, now)
	switch {
	case outcome != was.Outcome || r.Guard != was.Guard:
	case outcome == state.ReleaseFailed && !maps.Equal(r.Left, was.Left):
	case r.Left[unknown] > 0 != (was.Left[unknown] > 0): // what it ends with until that is known
	case r.Left[inApproval] > 0 != (was.Left[inApproval] > 0): // which can take days
	default:
		return list, ""
	}
	return next, state.Clip(Text(r, nil, plain, ""))
}

// Text says on one line how far a release is, with more about the outcome, if there is more.
// label names the states of tasks, of which those in order come first.
func Text(r *state.Release, order []string, label func(state string) string, more string) string {
	said := plain(string(r.Outcome))
	var parts []string
	if r.Guard != "" {
		parts = append(parts, r.Guard+": "+r.Why)
	}
	rank := func(what string) uint { return uint(slices.Index(order, what)) } // -1 is the last
	for _, what := range slices.SortedFunc(maps.Keys(r.Left), func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) }) {
		if what == string(plan.HoldGuard) && r.Guard != "" {
			continue // these tasks are held by it
		}
		parts = append(parts, fmt.Sprintf("%d %s", r.Left[what], label(what)))
	}
	if r.OvertakenBy != "" {
		said += " by " + plan.Short(r.OvertakenBy)
	}
	said += more
	if len(parts) == 0 {
		return said
	}
	return said + ": " + strings.Join(parts, ", ")
}

// plain is a state or an outcome as people read it.
func plain(name string) string { return strings.ReplaceAll(name, "-", " ") }

func settle(r *state.Release, p *plan.Plan, outcome state.ReleaseOutcome, left map[string]int, now time.Time) {
	if outcome != r.Outcome {
		r.EndedAt = time.Time{}
		if outcome == state.ReleaseDone || outcome == state.ReleaseFailed {
			r.EndedAt = now
		}
	}
	r.Outcome, r.Left, r.Guard, r.Why = outcome, left, "", ""
	if len(p.Holds) > 0 {
		r.Guard, r.Why = p.Holds[0].Guard, state.Clip(p.Holds[0].Message)
	}
}

// overtake ends a release that was neither done nor failed.
func overtake(r *state.Release, by string, now time.Time) {
	if r.Outcome == state.ReleaseUnderWay || r.Outcome == state.ReleaseHeld {
		r.Outcome, r.EndedAt, r.OvertakenBy = state.ReleaseOvertaken, now, by
		r.Guard, r.Why, r.Left = "", "", nil // what held it holds it no more
	}
}

// unknown is the state of tasks whose last commit has an unknown outcome.
const unknown = string(plan.HoldUnknown)

// inApproval is the state of tasks whose last commit waits for an approval in WeData.
const inApproval = "approval"

// keptReleases is how many releases that asked for nothing are kept beside the others, and
// not in their place.
const keptReleases = 20

// bound keeps as many as are kept. Those that asked for nothing go first.
func bound(list []state.Release) []state.Release {
	for len(list) > state.MaxReleases {
		old := list[:len(list)-keptReleases]
		i := slices.IndexFunc(old, func(r state.Release) bool { return r.Commits+r.Removed+r.Returned == 0 })
		list = slices.Delete(list, max(i, 0), max(i, 0)+1)
	}
	return list
}

// standing says how far the plan, as what a pass has left, is from done, and counts the
// tasks that are not as they should be, by state.
func standing(p *plan.Plan, now time.Time) (state.ReleaseOutcome, map[string]int) {
	left := map[string]int{}
	failed, held, open := p.Problems.Errors() > 0, false, false
	if n := p.Problems.Errors(); n > 0 {
		left["invalid"] = n
	}
	for i := range p.Changes {
		what, is := standingOf(&p.Changes[i], now)
		if what == "" {
			continue
		}
		left[what]++
		failed, held, open = failed || is == state.ReleaseFailed, held || is == state.ReleaseHeld, open || is == state.ReleaseUnderWay
	}
	switch {
	case len(p.Holds) > 0:
		return state.ReleaseHeld, left // nothing was sent
	case failed:
		return state.ReleaseFailed, left
	case held:
		return state.ReleaseHeld, left
	case open:
		return state.ReleaseUnderWay, left
	default:
		return state.ReleaseDone, nil
	}
}

// standingOf names the state of one task, and what that makes of a release; both are empty
// for a task that is as it should be.
func standingOf(c *plan.Change, now time.Time) (string, state.ReleaseOutcome) {
	switch c.Action {
	case plan.ActionCommit:
		return "to-send", state.ReleaseUnderWay
	case plan.ActionForget, plan.ActionReturn:
		return "to-manage", state.ReleaseUnderWay
	case plan.ActionFollow:
		return followed(c)
	case plan.ActionHold:
		return string(c.Hold), holds(c, now)
	default:
		return "", ""
	}
}

func followed(c *plan.Change) (string, state.ReleaseOutcome) {
	switch {
	case c.NotRunning():
		return "not-running", state.ReleaseFailed
	case c.Unhealthy():
		return "unhealthy", state.ReleaseFailed
	case c.NotLive():
		return "not-live", state.ReleaseFailed
	case c.Have.Accepted() && c.Have.Attempt.Outcome.TaskApproveID != "":
		return inApproval, state.ReleaseUnderWay
	case c.Have.Accepted():
		return "accepted", state.ReleaseUnderWay
	default:
		return "starting", state.ReleaseUnderWay
	}
}

func holds(c *plan.Change, now time.Time) state.ReleaseOutcome {
	switch c.Hold {
	case plan.HoldSuspended:
		if c.Want != nil && c.Want.Suspend || c.Have != nil && c.Have.Suspended.Active(now) {
			return state.ReleaseDone // this task is left alone on purpose
		}
		return state.ReleaseHeld // everything is suspended
	case plan.HoldGuard, plan.HoldWindow, plan.HoldPaused:
		return state.ReleaseHeld
	case plan.HoldUnknown:
		if c.Have != nil && c.Have.Attempt != nil && c.Have.Attempt.NeedsOperator != "" {
			return state.ReleaseFailed
		}
		return state.ReleaseUnderWay
	case plan.HoldLocked, plan.HoldWaiting, plan.HoldDependency:
		return state.ReleaseUnderWay
	case plan.HoldAdopted:
		return state.ReleaseDone // the drift policy accepts it
	default:
		return state.ReleaseFailed
	}
}
