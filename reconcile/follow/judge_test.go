package follow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/reconcile/follow"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// started is a task that was started at noon, and is to be healthy within 30 minutes.
func started(h *state.Healthy) *state.Applied {
	return &state.Applied{
		CommitType: spec.Start, InstanceVersion: 2, OperateID: "ours", Wait: 30 * 60, Healthy: h,
		Run: &state.Run{Status: state.RunStarting, Since: noon, Until: noon.Add(30 * time.Minute)},
	}
}

// told is what a read tells of the task while it runs.
func told(restarts, lag int64) *state.Live {
	l := &state.Live{Status: state.TaskRunning, InstanceVersion: 2, OperateID: "ours"}
	l.Vitals = &state.Vitals{ReaderDelay: lag, BusinessLatency: state.Untold, ReadPhase: state.Untold}
	if restarts != state.Untold {
		l.NumRestarts = new(restarts)
	}
	return l
}

// life lets a daemon look at the task as long as it is followed, every half a minute, and
// returns what that comes to. read says what the task tells so long after noon.
func life(a *state.Applied, read func(after time.Duration) (*state.Live, error)) (ended time.Duration) {
	var last *state.Observation
	for at := time.Second; at < 48*time.Hour; at += 30 * time.Second {
		live, err := read(at)
		next, seen := follow.Look(a, last, live, err, noon.Add(at))
		if last = seen; last == nil {
			a.Run = &next
		}
		if a.Run.Status != state.RunStarting {
			return at
		}
	}
	return 0
}

func TestLives(t *testing.T) {
	none, some := int64(0), int64(2)
	all := &state.Healthy{For: 600, Lag: 60, Restarts: &none}
	status := func(s state.TaskStatus) *state.Live { l := told(0, 5); l.Status = s; return l }
	const untold = state.Untold
	tests := []struct {
		name   string
		asked  *state.Healthy
		read   func(after time.Duration) *state.Live
		want   state.RunStatus
		detail string
		within time.Duration // and not half of it
	}{
		{"healthy from the start", all, func(time.Duration) *state.Live { return told(4, 5) }, state.RunRunning, "", 11 * time.Minute},
		{"its lag falls", all, func(d time.Duration) *state.Live { return told(0, max(5, 900-int64(d.Seconds()))) }, state.RunRunning, "", 25 * time.Minute},
		{"its lag never falls", all, func(time.Duration) *state.Live { return told(0, 340) }, state.RunUnhealthy, "its lag is 5m40s; wait asks for less than 1m", 31 * time.Minute},
		{"its lag comes back", all, func(d time.Duration) *state.Live {
			if d > 8*time.Minute && d < 10*time.Minute {
				return told(0, 100)
			}
			return told(0, 5)
		}, state.RunRunning, "", 21 * time.Minute},
		{"its lag comes back too often", all, func(d time.Duration) *state.Live {
			if d%(9*time.Minute) < time.Minute {
				return told(0, 100)
			}
			return told(0, 5)
		}, state.RunUnhealthy, "healthy for ", 31 * time.Minute},
		{"its lag is not told", all, func(time.Duration) *state.Live { return told(0, untold) }, state.RunUnhealthy, "WeData does not report the lag of this task", 31 * time.Minute},
		{"its restarts are not told", all, func(time.Duration) *state.Live { return told(untold, 5) }, state.RunUnhealthy, "WeData does not report how often this task restarts", 31 * time.Minute},
		{"now and then nothing is told", all, func(d time.Duration) *state.Live {
			if d%(3*time.Minute) < 2*time.Minute {
				return told(untold, untold)
			}
			return told(0, 5)
		}, state.RunRunning, "", 16 * time.Minute},
		{"it restarts every 40 seconds", all, func(d time.Duration) *state.Live { return told(3+int64(d/(40*time.Second)), 5) }, state.RunUnhealthy, "restarted once in 1m", 2 * time.Minute},
		{"it restarts as often as it may", &state.Healthy{For: 600, Restarts: &some}, func(d time.Duration) *state.Live { return told(min(2, int64(d/(2*time.Minute))), untold) }, state.RunRunning, "", 11 * time.Minute},
		{"it restarts more often", &state.Healthy{For: 600, Restarts: &some}, func(d time.Duration) *state.Live { return told(int64(d/(2*time.Minute)), untold) }, state.RunUnhealthy, "restarted 3 times in 6m1s; wait allows 2", 7 * time.Minute},
		{"a new job counts from 0", all, func(d time.Duration) *state.Live {
			if d < 3*time.Minute {
				return told(7, 5)
			}
			return told(0, 5)
		}, state.RunRunning, "", 11 * time.Minute},
		{"it fails after a while", all, func(d time.Duration) *state.Live {
			if d < 7*time.Minute {
				return told(0, 5)
			}
			return status(state.TaskFailed)
		}, state.RunFailed, "WeData says that it is failed", 8 * time.Minute},
		{"it is down while it restarts, which it may", &state.Healthy{For: 600, Restarts: &some}, func(d time.Duration) *state.Live {
			if d > 3*time.Minute && d < 4*time.Minute {
				return status(state.TaskFailed)
			}
			return told(int64(d/(3*time.Minute+30*time.Second))/9, 5)
		}, state.RunRunning, "", 15 * time.Minute},
		{"somebody stops it", all, func(time.Duration) *state.Live { return status(state.TaskStopped) }, state.RunLate, "WeData says that it is stopped", 31 * time.Minute},
		{"an older version is live", all, func(time.Duration) *state.Live { l := told(0, 5); l.InstanceVersion = 1; return l }, state.RunLate, "version 1", 31 * time.Minute},
		{"BusinessLatency alone is told", all, func(time.Duration) *state.Live {
			l := told(0, untold)
			l.Vitals.BusinessLatency = 340
			return l
		}, state.RunUnhealthy, "its lag is 5m40s", 31 * time.Minute},
		{"answers of before the commit", all, func(d time.Duration) *state.Live {
			if d > 20*time.Second && d < 50*time.Second {
				l := told(9, 5000)
				l.OperateID = "before"
				return l
			}
			return told(0, 5)
		}, state.RunRunning, "", 11 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := started(tt.asked)
			ended := life(a, func(after time.Duration) (*state.Live, error) { return tt.read(after), nil })
			if a.Run.Status != tt.want || !strings.Contains(a.Run.Detail, tt.detail) || (tt.detail == "") != (a.Run.Detail == "") {
				t.Errorf("%s: %s; want %s: %s", a.Run.Status, a.Run.Detail, tt.want, tt.detail)
			}
			if ended > tt.within || ended < tt.within/2 {
				t.Errorf("after %s, want %s", ended, tt.within)
			}
			if n := len(a.Run.Observations); n == 0 || n > state.MaxObservations {
				t.Errorf("%d observations", n)
			}
		})
	}
}

// lowest returns the lowest count of restarts that was told.
func lowest(all []state.Observation) (low int64, told bool) {
	for _, o := range all {
		if o.Restarts != state.Untold && (!told || o.Restarts < low) {
			low, told = o.Restarts, true
		}
	}
	return low, told
}

// A daemon that was down goes on where it was, and does not count the time in which nobody
// looked: neither for the task nor against it.
func TestLook_nobodyLooked(t *testing.T) {
	none := int64(0)
	for _, down := range []time.Duration{time.Minute, 20 * time.Minute, 5 * time.Hour} {
		a := started(&state.Healthy{For: 600, Lag: 60, Restarts: &none})
		var last *state.Observation
		ended := time.Duration(0)
		for at := time.Second; a.Run.Status == state.RunStarting && at < 12*time.Hour; at += 30 * time.Second {
			if at > 6*time.Minute && at < 6*time.Minute+down {
				last = nil // of another process
				continue
			}
			next, seen := follow.Look(a, last, told(0, 5), nil, noon.Add(at))
			if last = seen; last == nil {
				a.Run = &next
			}
			ended = at
		}
		want := 10*time.Minute + time.Second
		if down > 2*time.Minute {
			want = 16*time.Minute + down // from when it was looked at again
		}
		if a.Run.Status != state.RunRunning || ended < want || ended > want+time.Minute {
			t.Errorf("down for %s: %s after %s, want %s: %s", down, a.Run.Status, ended, want, a.Run.Detail)
		}
	}
}

// TestLaws: whatever reads tell, a task is healthy only if for so long all that is asked was
// told, and was so; it restarted too often only if that was told; and what is kept is
// bounded, and gives the verdict that all of it gives.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		allowed := rapid.Int64Range(0, 2).Draw(t, "allowed")
		asked := &state.Healthy{For: rapid.SampledFrom([]int64{0, 60, 300}).Draw(t, "for"), Lag: rapid.SampledFrom([]int64{0, 60}).Draw(t, "lag")}
		if rapid.Bool().Draw(t, "counts") {
			asked.Restarts = &allowed
		}
		if *asked == (state.Healthy{}) {
			asked.For = 30
		}
		a := started(asked)
		var all []state.Observation
		var last *state.Observation
		restarts := int64(0)
		at := noon.Add(time.Second)
		for a.Run.Status == state.RunStarting {
			at = at.Add(time.Duration(rapid.IntRange(2, 40).Draw(t, "until the next look")) * time.Second)
			happens := rapid.IntRange(0, 30).Draw(t, "what happens")
			if _, told := lowest(all); happens == 0 && told { // nobody can see what was before
				restarts++
			}
			live := told(restarts, rapid.SampledFrom([]int64{5, 5, 5, 59, 60, 300, state.Untold}).Draw(t, "lag told"))
			switch happens {
			case 1:
				live.Status = state.TaskFailed
			case 2:
				live.NumRestarts = nil
			case 3:
				live = nil
			}
			next, seen := follow.Look(a, last, live, nil, at)
			if seen != nil {
				all = append(all, *seen)
			} else {
				all = append(all, next.Observations[len(next.Observations)-1])
			}
			if v := follow.Judge(a, all, at); v.Status != next.Status && len(all) <= state.MaxObservations {
				t.Fatalf("all observations give %+v, those that are kept %s: %s", v, next.Status, next.Detail)
			}
			if last = seen; last == nil {
				a.Run = &next
			}
			if len(a.Run.Observations) > state.MaxObservations {
				t.Fatalf("%d observations", len(a.Run.Observations))
			}
		}
		final := all[len(all)-1]
		switch a.Run.Status {
		case state.RunRunning:
			good := time.Duration(0)
			for _, o := range slices.Backward(all) {
				if o.Sight == state.SightTask && (o.Status != state.TaskRunning || asked.Lag > 0 && o.Lag >= asked.Lag) {
					break
				}
				good = final.Time().Sub(o.Time())
			}
			if good < time.Duration(asked.For)*time.Second || asked.Restarts != nil && restarts > allowed {
				t.Fatalf("healthy after %s and %d restarts", good, restarts)
			}
		case state.RunUnhealthy:
			if strings.HasPrefix(a.Run.Detail, "restarted") && (asked.Restarts == nil || restarts <= allowed) {
				t.Fatalf("%s, and it restarted %d times", a.Run.Detail, restarts)
			}
		case state.RunFailed:
			if final.Status != state.TaskFailed {
				t.Fatal(fmt.Sprint("failed, and is ", final.Status))
			}
		}
	})
}
