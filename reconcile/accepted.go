package reconcile

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// shown reports whether what was read shows a commit that WeData has accepted.
func shown(rec *state.Record, e *Evidence) bool {
	a, before, live := rec.Attempt, rec.Attempt.Before, e.Live
	want := a.Wanted.InstanceVersion
	switch {
	case before == nil || live.Missing || precedes(a, a.Prior, live, e.At, e.Horizon):
		return false
	case want != 0 && live.InstanceVersion != 0 && live.InstanceVersion != want:
		return false
	case want != 0 && live.InstanceVersion == want && before.InstanceVersion != want && !a.Stale:
		return true
	case a.Outcome.TaskApproveID != "":
		// Until the approval others can operate the task at the version that it has.
		return byUs(a, a.Prior, e)
	case live.OperateID != "":
		return live.OperateID != before.OperateID && (a.Prior == nil || a.Prior.OperateID != live.OperateID)
	default:
		return before.Missing || live.UpdateTime != before.UpdateTime
	}
}

// showable reports whether reads tell what the commit moves, by what was told before it
// and is told in seen, which may be nil.
func showable(a *state.Attempt, seen *state.Live) bool {
	before, want := a.Before, a.Wanted.InstanceVersion
	if before == nil {
		return false
	}
	if want != 0 && want != before.InstanceVersion && seen == nil {
		return true // it may appear
	}
	for _, l := range []*state.Live{before, seen} {
		if l != nil && (l.Missing || l.OperateID != "" || l.UpdateTime != "" || want != 0 && l.InstanceVersion != 0 && want != before.InstanceVersion) {
			return true
		}
	}
	return false
}

// confirmed returns the record of an accepted commit that is live. live shows it; nil
// where reads cannot.
func confirmed(rec *state.Record, live *state.Live, now time.Time) *state.Record {
	next, applied := *rec, *rec.Applied
	applied.TaskApproveID, applied.Run = "", startOf(&applied, now)
	if live != nil {
		applied.OperateID = live.OperateID
	}
	next.Applied, next.Attempt = &applied, nil
	return &next
}

// withdrawn returns the record of an accepted commit that an operator gives up, to be
// made once more at now. If it comes to be all the same, as by an approval that is still
// open, what it leaves is no proof of the next one.
func withdrawn(rec *state.Record, now time.Time) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Status, next.Applied, next.Attempt = state.StatusWaiting, a.Prior, &a
	a.Prior, a.Stale, a.Since, a.NextAt, a.NeedsPerson = nil, true, now, now, ""
	a.Outcome = state.Outcome{Class: state.ClassWaiting, Code: codeNotApplied, Message: "an operator says that the accepted commit will not come to be"}
	return &next
}

// confirm makes durable what a read sent at tells of an accepted commit, if that is
// something new.
func (x *execution) confirm(rec *state.Record, live *state.Live, at time.Time, readErr error) {
	r, now := x.r, time.Now()
	e := event(state.EventReadBack, rec, now)
	e.After = live
	a := rec.Attempt
	approval := a.Outcome.TaskApproveID
	t := state.Transition{}
	switch {
	case errors.Is(readErr, ErrReadDenied) && approval == "":
		t.Record, e.Note = confirmed(rec, nil, now), "counts as live: reading tasks is not permitted"
	case readErr != nil && !errors.Is(readErr, ErrTaskGone):
		return
	case shown(rec, &Evidence{Live: live, At: at, Horizon: r.cfg.Horizon(), Operator: r.operator()}):
		t.Record, t.Control, e.Note = confirmed(rec, live, now), r.learnOperator(rec, live), "live"
	case approval == "" && !showable(a, live):
		t.Record, e.Note = confirmed(rec, nil, now), "counts as live: reads do not tell what the commit changes"
	case approval == "" && a.NeedsPerson == "" && now.Sub(a.Since) >= settleTime:
		next, late := *rec, *a
		late.NeedsPerson = notSeenLive(live)
		next.Attempt, t.Record, e.Note = &late, &next, state.Clip("not seen live: "+late.NeedsPerson)
	default:
		return
	}
	t.Events = []state.Event{e}
	if err := r.save(x.stop, t); err != nil {
		x.fail(err)
		return
	}
	r.cfg.Logger.InfoContext(x.stop, "accepted commit", "task", rec.Key.String(), "instanceVersion", rec.Applied.InstanceVersion, "status", e.Note)
	if t.Record.Done() {
		x.release(rec.Key)
	}
}

// notSeenLive says what is live in place of an accepted commit.
func notSeenLive(live *state.Live) string {
	switch {
	case live.Missing:
		return "WeData knows no such task any more"
	case live.InstanceVersion != 0:
		return fmt.Sprintf("WeData has the task at version %d, %s", live.InstanceVersion, live.Status)
	default:
		return "WeData tells no newer operation of the task"
	}
}

// operator returns our own account as reads name it, or empty if that is not certain.
func (r *Reconciler) operator() string {
	if o := r.Control().Operator; o != nil && o.Seen >= ownSeen {
		return o.UIN
	}
	return ""
}

// learnOperator returns the control that remembers whom live names for a commit of
// ours, or nil if that is known.
func (r *Reconciler) learnOperator(rec *state.Record, live *state.Live) *state.Control {
	if live.Operator == "" || live.OperateID == "" || live.OperateID == rec.Attempt.Before.OperateID || rec.Attempt.Outcome.TaskApproveID != "" {
		return nil
	}
	next := r.Control()
	switch o := next.Operator; {
	case o == nil || o.UIN != live.Operator:
		next.Operator = &state.Operator{UIN: live.Operator, Seen: 1}
	case o.Seen < ownSeen:
		next.Operator = &state.Operator{UIN: o.UIN, Seen: o.Seen + 1}
	default:
		return nil
	}
	return &next
}

// approvals says whether commits of the project wait for an approval in WeData.
func (r *Reconciler) approvals(projectID string) ApprovalFlow {
	control := r.Control()
	switch needed, known := control.ApprovalFlows[projectID]; {
	case !known:
		return ApprovalUnknown
	case needed:
		return ApprovalNeeded
	default:
		return ApprovalNone
	}
}

// noteApproval returns the control that remembers what an accepted commit tells of the
// approvals of its project, or nil if that is known. A project that has ever needed one
// keeps to need it.
func (r *Reconciler) noteApproval(projectID string, out state.Outcome) *state.Control {
	next := r.Control()
	needed := out.TaskApproveID != ""
	if was, known := next.ApprovalFlows[projectID]; out.Class != state.ClassApplied || known && (was || !needed) {
		return nil
	}
	flows := maps.Clone(next.ApprovalFlows)
	if flows == nil {
		flows = map[string]bool{}
	}
	flows[projectID] = needed
	next.ApprovalFlows = flows
	return &next
}

// acceptedDetail says for a plan what an accepted commit waits for.
func acceptedDetail(key spec.Key, a *state.Attempt) string {
	accepted := "accepted " + stamp(a.Since)
	switch {
	case a.Outcome.TaskApproveID != "":
		return fmt.Sprintf("%s, waits for approval %s in WeData; if that was rejected: wedatasync retry %s", accepted, a.Outcome.TaskApproveID, key.ShellWord())
	case a.NeedsPerson != "":
		return fmt.Sprintf("%s, and not seen live: %s; check the task in WeData, then: wedatasync resolve %s applied|not-applied", accepted, a.NeedsPerson, key.ShellWord())
	default:
		return accepted + ", not seen live yet"
	}
}
