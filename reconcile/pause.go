package reconcile

import (
	"context"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// pauseNow returns the pause that stops the project's sends now.
func (r *Reconciler) pauseNow(projectID string) (state.Pause, bool) {
	control := r.Control()
	return plan.PauseOf(&control, projectID, time.Now())
}

// pause stops the sends of a project, or with "" of everything, for a while that
// doubles each time. What is already paused stays so, and no longer.
func (x *execution) pause(projectID string, out state.Outcome) {
	r, now := x.r, time.Now()
	if _, already := r.pauseNow(projectID); already {
		return
	}
	next, set := plan.Paused(r.Control().Pauses, projectID, out, now, r.cfg.Random())
	err := r.saveControl(x.stop, func(c *state.Control) { c.Pauses = next }, state.Event{At: now, Kind: state.EventPause, Outcome: out, Note: "sends stop: " + plan.Scope(projectID)})
	if err != nil {
		x.fail(err)
		return
	}
	r.cfg.Logger.ErrorContext(x.stop, "sends stop", "scope", plan.Scope(projectID), "code", out.Code, "message", out.Message,
		"until", set.Until, "tries", set.Tries)
}

// unpause forgets the pauses that a good answer for the project proves to be over.
func (x *execution) unpause(projectID string) {
	pauses := x.r.Control().Pauses
	next := plan.Unpaused(pauses, projectID)
	if len(next) == len(pauses) {
		return
	}
	err := x.r.saveControl(x.stop, func(c *state.Control) { c.Pauses = next },
		state.Event{At: time.Now(), Kind: state.EventPause, Note: "sends go on: " + plan.Scope(projectID)})
	if err != nil {
		x.fail(err)
	}
}

// Renew says that the credentials are others now. What is paused, and reading that
// was denied, is tried again in the next pass. It may be called from any goroutine.
func (r *Reconciler) Renew() { r.renewed.Store(true) }

// resume ends what other credentials can be the end of.
func (r *Reconciler) resume(ctx context.Context) error {
	if !r.renewed.Swap(false) {
		return nil
	}
	r.mu.Lock()
	r.readDenied = time.Time{}
	r.mu.Unlock()
	if len(r.Control().Pauses) == 0 {
		return nil
	}
	err := r.saveControl(ctx, func(c *state.Control) { c.Pauses = nil },
		state.Event{At: time.Now(), Kind: state.EventPause, Note: "sends go on: there are new credentials"})
	if err != nil {
		r.renewed.Store(true)
	}
	return err
}

// refuseAuth handles credentials that were not accepted, when nothing is under way
// any more: they are read again once, and if they are not others everyone stops.
func (x *execution) refuseAuth() {
	if reloader, ok := x.r.cfg.Committer.(Reloader); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(x.stop), sendWithin)
		defer cancel()
		changed, err := reloader.Reload(ctx)
		if err == nil && changed {
			x.r.cfg.Logger.InfoContext(x.stop, "the credentials were not accepted, and are others now: sends go on", "code", x.auth.Code)
			return
		}
	}
	x.pause("", *x.auth)
}
