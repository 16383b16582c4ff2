package follow

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/state"
)

// keptAfter bounds the observations of a task that is followed no more.
const keptAfter = 24

// Look returns how the start of a task that was brought to a goes after a read, which was
// sent at and showed live, or failed with readErr. last is the observation before, if it is
// not among those of the Run; seen is the last of the next look, or nil if next, with it, is to
// be made durable.
func Look(a *state.Applied, last *state.Observation, live *state.Live, readErr error, at time.Time) (next state.Run, seen *state.Observation) {
	next = *a.Run
	kept := next.Observations
	list := slices.Clip(kept)
	if last != nil {
		list = append(list, *last)
	}
	o := observe(a, live, readErr, at)
	before := a.Run.Since
	if n := len(list); n > 0 {
		before = list[n-1].Time()
	}
	if gap := at.Sub(before); a.Healthy != nil && gap > gapOf(a) {
		o.Gap = gap.Milliseconds()
	}
	v := Judge(a, append(list, o), at)
	ended := v.Status != state.RunStarting
	if !ended && !worthKeeping(a, kept, &o) {
		return next, &o
	}
	next.Detail = state.Clip(v.Detail)
	if ended {
		next.Status, next.Since = v.Status, at
	}
	if a.Healthy != nil {
		next.Observations = bounded(kept, o, ended)
		next.Until = next.Until.Add(time.Duration(o.Gap) * time.Millisecond)
	}
	return next, nil
}

// everyOf is how often an observation is kept of a task that stays as it is.
func everyOf(a *state.Applied) time.Duration {
	return max(time.Duration(a.Wait)*time.Second/30, 10*time.Second)
}

// gapOf is from when on nobody has looked for too long.
func gapOf(a *state.Applied) time.Duration { return 2*everyOf(a) + time.Minute }

// worthKeeping reports whether an observation tells what those that are kept do not.
func worthKeeping(a *state.Applied, kept []state.Observation, o *state.Observation) bool {
	switch n := len(kept); {
	case a.Healthy == nil:
		return false // it takes two looks, and no more
	case n == 0 || o.Gap > 0:
		return true
	default:
		was := &kept[n-1]
		return o.Sight != was.Sight || o.Status != was.Status || o.Restarts != was.Restarts ||
			standing(a.Healthy, o) != standing(a.Healthy, was) || o.Time().Sub(was.Time()) >= everyOf(a)
	}
}

// bounded returns the observations with one more. Of too many, the second goes, and the
// first takes over from it where the count of restarts was lowest. Of a task that is
// followed no more some are kept, from all of the time.
func bounded(kept []state.Observation, o state.Observation, ended bool) []state.Observation {
	list := append(slices.Clone(kept), o)
	for i := range kept {
		list[i].Note = ""
	}
	if n := len(list); ended && n > keptAfter {
		some := make([]state.Observation, keptAfter)
		for i := range some {
			some[i] = list[i*(n-1)/(keptAfter-1)]
		}
		return some
	}
	if len(list) > state.MaxObservations {
		if first, gone := &list[0], &list[1]; gone.Restarts != state.Untold && (first.Restarts == state.Untold || gone.Restarts < first.Restarts) {
			first.Restarts = gone.Restarts
		}
		list = slices.Delete(list, 1, 2)
	}
	return list
}

// observe returns what a read has told. What may be an answer of before the commit does not
// tell how the job goes: that is so for a while, unless it names the commit's operation.
func observe(a *state.Applied, live *state.Live, readErr error, at time.Time) state.Observation {
	o := state.Observation{At: at.UnixMilli(), Restarts: state.Untold, Lag: state.Untold}
	switch {
	case errors.Is(readErr, plan.ErrReadDenied):
		o.Sight, o.Note = state.SightUnread, plan.ErrReadDenied.Error()
	case live == nil || readErr != nil && !errors.Is(readErr, plan.ErrTaskGone):
		o.Sight, o.Note = state.SightUnread, "it could not be read"
		if readErr != nil {
			o.Note += ": " + readErr.Error()
		}
	case live.Missing:
		o.Sight = state.SightGone
	case a.InstanceVersion != 0 && live.InstanceVersion != 0 && live.InstanceVersion != a.InstanceVersion:
		o.Sight, o.Note = state.SightOther, fmt.Sprintf("WeData has it at version %d", live.InstanceVersion)
	default:
		o.Status = live.Status
		if live.OperateID != "" && live.OperateID == a.OperateID || a.Run.Again || at.Sub(a.Run.Since) >= proof.ReadLag {
			o.Restarts, o.Lag = live.Restarts(), live.Lag()
		}
	}
	o.Note = state.Clip(o.Note)
	return o
}

// describe says what an observation is of that is not a task that runs.
func describe(o *state.Observation) string {
	switch o.Sight {
	case state.SightGone:
		return "WeData knows no such task any more"
	case state.SightTask:
		return fmt.Sprintf("WeData says that it is %s", o.Status)
	default:
		return o.Note
	}
}

// After returns the record of a task that was started after a read that told how the
// run goes, and the event to go with it.
func After(rec *state.Record, run state.Run, live *state.Live, now time.Time) (*state.Record, state.Event) {
	next, applied := *rec, *rec.Applied
	applied.Run, next.Applied = &run, &applied
	return &next, state.Event{At: now, Kind: state.EventReadBack, Key: rec.Key, Revision: applied.Revision, After: live, Note: noteOf(&applied)}
}

// noteOf says in the history how a start goes.
func noteOf(a *state.Applied) string {
	run := a.Run
	switch run.Status {
	case state.RunStarting:
		return state.Clip("not healthy yet: " + run.Detail)
	case state.RunRunning:
		if a.Healthy != nil {
			return "it is healthy"
		}
		return "it runs"
	case state.RunLate:
		return state.Clip("it did not run in time: " + run.Detail)
	case state.RunUnhealthy:
		return state.Clip("it is not healthy: " + run.Detail)
	default:
		return state.Clip("it does not run: " + run.Detail)
	}
}

// short writes a time to the second, such as 90s, 10m or 1h30m.
func short(d time.Duration) string {
	s, whole := strings.CutSuffix(d.Round(time.Second).String(), "m0s")
	if !whole {
		return s
	}
	if hours, whole := strings.CutSuffix(s, "h0"); whole {
		return hours + "h"
	}
	return s + "m"
}

// Seconds writes a number of seconds, such as 340, as 5m40s.
func Seconds(n int64) string { return short(time.Duration(n) * time.Second) }

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
