package reconcile

import (
	"context"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// followEvery is how long to wait between two looks at a task that was started.
var followEvery = plan.Backoff{Min: 2 * time.Second, Max: 30 * time.Second}

// followRun makes durable what a read tells of a task that was started, if that is
// something new.
func (x *execution) followRun(rec *state.Record, run state.Run, live *state.Live) {
	if run.Status == state.RunStarting {
		return
	}
	next, e := plan.AfterRun(rec, run, live, time.Now())
	if err := x.r.save(x.stop, plan.Transition(rec.Key, next, e)); err != nil {
		x.fail(err)
		return
	}
	x.logRun(next)
	if run.Status == state.RunRunning {
		x.release(rec.Key)
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
