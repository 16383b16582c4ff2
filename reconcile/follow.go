package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// followEvery is how long to wait between two looks at a task that was started.
var followEvery = Backoff{Min: 2 * time.Second, Max: 30 * time.Second}

// isFollowed reports whether the task was started and is looked at until it runs.
func isFollowed(rec *state.Record) bool {
	return rec.Status == state.StatusApplied && rec.Attempt == nil &&
		rec.Applied.Run != nil && rec.Applied.Run.Status == state.RunStarting
}

// hasStarted reports whether what was applied runs as its spec asked for, if it did.
func hasStarted(a *state.Applied) bool {
	return a.Wait == 0 || a.Run != nil && a.Run.Status == state.RunRunning
}

// startOf returns the Run of a task that was brought to a at now; nil if nobody
// waits for it.
func startOf(a *state.Applied, now time.Time) *state.Run {
	if a.Wait == 0 {
		return nil
	}
	return &state.Run{Status: state.RunStarting, Since: now, Until: now.Add(time.Duration(a.Wait) * time.Second)}
}

// waitOf returns how many seconds the commit's task may take to run.
func waitOf(c *spec.Commit) int64 {
	if !c.CommitType.Runs() {
		return 0
	}
	return int64(c.Wait / time.Second)
}

// glimpse is what one look at a task has shown.
type glimpse struct {
	status  state.TaskStatus
	version int64
	missing bool
}

// look returns the run after another look at the task, which showed live, or failed
// with readErr. What it shows counts when the look before has shown it, too: right
// after a commit WeData may still tell how the task was.
func (f *watched) look(a *state.Applied, live *state.Live, readErr error, now time.Time) state.Run {
	run := *a.Run
	var seen glimpse
	detail := ""
	switch {
	case errors.Is(readErr, ErrReadDenied):
		detail = "reading tasks is not permitted"
	case live == nil || readErr != nil && !errors.Is(readErr, ErrTaskGone):
		detail = "it could not be read"
		if readErr != nil {
			detail += ": " + readErr.Error()
		}
	default:
		seen = glimpse{live.Status, live.InstanceVersion, live.Missing}
		detail = seen.detail(a)
	}
	twice := seen == f.last && seen != glimpse{}
	f.last = seen
	switch {
	case twice && seen.status == state.TaskRunning && seen.isAt(a):
		return state.Run{Status: state.RunRunning, Since: now}
	case twice && seen.ends(a):
		run.Status = state.RunFailed
	case !now.Before(run.Until):
		run.Status = state.RunLate
	default:
		return run
	}
	run.Since, run.Detail = now, state.Clip(detail)
	return run
}

// isAt reports whether the look was at what was applied.
func (g glimpse) isAt(a *state.Applied) bool {
	return !g.missing && (a.InstanceVersion == 0 || g.version == 0 || g.version == a.InstanceVersion)
}

// ends reports whether the task will not run any more by itself.
func (g glimpse) ends(a *state.Applied) bool {
	return g.missing || g.isAt(a) && (g.status == state.TaskFailed || g.status == state.TaskAbnormal)
}

// detail says why the task does not run.
func (g glimpse) detail(a *state.Applied) string {
	switch {
	case g.missing:
		return "WeData knows no such task any more"
	case !g.isAt(a):
		return fmt.Sprintf("WeData has it at version %d", g.version)
	default:
		return fmt.Sprintf("WeData says that it is %s", g.status)
	}
}

// followRun makes durable what a read tells of a task that was started, if that is
// something new.
func (x *execution) followRun(rec *state.Record, run state.Run, live *state.Live) {
	if run.Status == state.RunStarting {
		return
	}
	next, applied := *rec, *rec.Applied
	applied.Run, next.Applied = &run, &applied
	e := state.Event{At: time.Now(), Kind: state.EventReadBack, Key: rec.Key, Revision: applied.Revision, After: live, Note: runNote(&run)}
	if err := x.r.save(x.stop, change(rec.Key, &next, e)); err != nil {
		x.fail(err)
		return
	}
	x.logRun(&next)
	if run.Status == state.RunRunning {
		x.release(rec.Key)
	}
}

// runNote says in the history how a start went.
func runNote(run *state.Run) string {
	switch run.Status {
	case state.RunRunning:
		return "it runs"
	case state.RunLate:
		return state.Clip("it did not run in time: " + run.Detail)
	default:
		return state.Clip("it does not run: " + run.Detail)
	}
}

func (x *execution) logRun(rec *state.Record) {
	run := rec.Applied.Run
	log := x.r.cfg.Logger.InfoContext
	if run.Status != state.RunRunning {
		log = x.r.cfg.Logger.ErrorContext
	}
	log(context.WithoutCancel(x.stop), "start", "task", rec.Key.String(), "instanceVersion", rec.Applied.InstanceVersion,
		"status", run.Status, "detail", run.Detail)
}

// followDetail says for a plan how the start of a task goes.
func followDetail(key spec.Key, a *state.Applied) string {
	switch run := a.Run; {
	case run == nil:
		return "its spec waits for it to run since after it was applied; wedatasync retry " + key.ShellWord() + " follows it anew"
	case run.Status == state.RunStarting:
		return fmt.Sprintf("started %s, and has until %s to run", stamp(run.Since), stamp(run.Until))
	case run.Status == state.RunLate:
		return fmt.Sprintf("did not run by %s: %s; look at it in WeData, and then say: wedatasync retry %s", stamp(run.Until), run.Detail, key.ShellWord())
	default:
		return fmt.Sprintf("does not run since %s: %s; look at it in WeData, and then say: wedatasync retry %s", stamp(run.Since), run.Detail, key.ShellWord())
	}
}
