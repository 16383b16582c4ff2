package follow

import (
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/state"
)

// Verdict is what observations come to.
type Verdict struct {
	Status state.RunStatus
	Detail string // why the task is not healthy, or not yet; empty if it is
}

// Judge says what the observations of a task that was brought to a come to at now. They
// are oldest first, and at least one.
func Judge(a *state.Applied, seen []state.Observation, now time.Time) Verdict {
	var asked state.Healthy
	if a.Healthy != nil {
		asked = *a.Healthy
	}
	n := len(seen)
	last := &seen[n-1]
	// Until has moved on by the earlier gaps already.
	late := !now.Before(a.Run.Until.Add(time.Duration(last.Gap) * time.Millisecond))
	rise, told := Restarts(seen)
	switch {
	case n > 1 && ended(last) && ended(&seen[n-2]) && seen[n-2].Sight == last.Sight && goneForGood(&asked, seen, now):
		return Verdict{state.RunFailed, describe(last)}
	case asked.Restarts != nil && told && rise > *asked.Restarts:
		return Verdict{state.RunUnhealthy, fmt.Sprintf("restarted %s in %s; wait allows %d", times(rise), short(last.Time().Sub(a.Run.Since)), *asked.Restarts)}
	case last.Sight != state.SightTask || last.Status != state.TaskRunning:
		return pending(late, state.RunLate, describe(last))
	}
	held, confirmed := good(a, seen)
	lag := newestLag(seen)
	switch {
	case confirmed && held >= time.Duration(asked.For)*time.Second:
		return Verdict{Status: state.RunRunning}
	case asked.Lag > 0 && lag == state.Untold:
		return pending(late, state.RunUnhealthy, "WeData does not report the lag of this task; wait asks for less than "+Seconds(asked.Lag))
	case asked.Lag > 0 && lag >= asked.Lag:
		return pending(late, state.RunUnhealthy, fmt.Sprintf("its lag is %s; wait asks for less than %s", Seconds(lag), Seconds(asked.Lag)))
	case asked.Restarts != nil && !told:
		return pending(late, state.RunUnhealthy, fmt.Sprintf("WeData does not report how often this task restarts; wait allows %d", *asked.Restarts))
	case asked.For > 0:
		return pending(late, state.RunUnhealthy, fmt.Sprintf("healthy for %s; wait asks for %s", short(max(held, 0)), Seconds(asked.For)))
	default:
		return Verdict{state.RunStarting, "it runs, and was seen once"} // however late: the next look decides
	}
}

// pending is the verdict on a task that is not healthy: yet, or in time.
func pending(late bool, status state.RunStatus, why string) Verdict {
	if !late {
		status = state.RunStarting
	}
	return Verdict{status, why}
}

// ended reports whether the task will not run any more by itself.
func ended(o *state.Observation) bool {
	return o.Sight == state.SightGone || o.Sight == state.SightTask && (o.Status == state.TaskFailed || o.Status == state.TaskAbnormal)
}

// restartWithin is how long a task that may restart may be down meanwhile.
const restartWithin = time.Minute

// goneForGood reports whether WeData will not restart a task that has ended: its wait allows no
// restart, or it has been down for longer than one takes.
func goneForGood(asked *state.Healthy, seen []state.Observation, now time.Time) bool {
	if asked.Restarts == nil || *asked.Restarts == 0 {
		return true
	}
	i := len(seen) - 1
	for i > 0 && ended(&seen[i-1]) {
		i--
	}
	return now.Sub(seen[i].Time()) >= restartWithin
}

// Restarts returns by how much the count of restarts has risen, from where it was lowest: a
// new job begins to count at 0. told is false where none was told.
func Restarts(seen []state.Observation) (rise int64, told bool) {
	low := int64(state.Untold)
	for i := range seen {
		n := seen[i].Restarts
		if seen[i].Sight != state.SightTask || n == state.Untold {
			continue
		}
		if low == state.Untold || n < low {
			low = n
		}
		rise, told = max(rise, n-low), true
	}
	return rise, told
}

// newestLag returns the newest lag that is told, or Untold.
func newestLag(seen []state.Observation) int64 {
	for i := len(seen) - 1; i >= 0; i-- {
		if seen[i].Lag != state.Untold {
			return seen[i].Lag
		}
	}
	return state.Untold
}

// good returns for how long the newest observations are all as asked, without a time in
// which that is not told; negative if the newest is not. confirmed says that more than one
// is. One that does not tell all that is asked counts neither way.
func good(a *state.Applied, seen []state.Observation) (held time.Duration, confirmed bool) {
	newest, oldest, n := int64(0), int64(0), 0
	for i := len(seen) - 1; i >= 0; i-- {
		o := &seen[i]
		is := standing(a.Healthy, o)
		if is == bad || is == fine && n > 0 && a.Healthy != nil && oldest-o.At > gapOf(a).Milliseconds() {
			break
		}
		if is == fine {
			if oldest = o.At; n == 0 {
				newest = o.At
			}
			n++
		}
		if o.Gap > 0 {
			break
		}
	}
	return heldFor(newest, oldest, n)
}

func heldFor(newest, oldest int64, n int) (time.Duration, bool) {
	if n == 0 {
		return -1, false
	}
	return time.Duration(newest-oldest) * time.Millisecond, n > 1
}

type judgement int

const (
	fine judgement = iota
	bad
	open // it does not tell all that is asked
)

// standing says how one observation stands to what is asked, but for restarts.
func standing(asked *state.Healthy, o *state.Observation) judgement {
	switch {
	case o.Sight == state.SightUnread:
		return open
	case o.Sight != state.SightTask || o.Status != state.TaskRunning:
		return bad
	case asked == nil:
		return fine
	case asked.Lag > 0 && o.Lag >= asked.Lag:
		return bad
	case asked.Lag > 0 && o.Lag == state.Untold, asked.Restarts != nil && o.Restarts == state.Untold:
		return open
	default:
		return fine
	}
}
