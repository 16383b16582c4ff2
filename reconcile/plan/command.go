package plan

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/proof"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Commands is what decides about what operators ask for.
type Commands struct {
	Plan       *Plan     // the newest; nil before the first
	Specs      *spec.Set // nil if there are none
	Records    *state.Records
	Control    state.Control // a copy
	Guards     *Guards       // nil are none
	Unverified error         // why the newest revision does not count; nil if it does
	Horizon    time.Duration // for how long after an attempt its request can be accepted
}

// Decide decides about a command. It changes nothing.
func (in *Commands) Decide(w state.Command, now time.Time) (state.Transition, state.CommandResult) {
	switch {
	case w.Verb == state.VerbSuspend && !w.Until.IsZero() && !now.Before(w.Until):
		return state.Transition{}, no("%s is over already: suspend until a later time", Stamp(w.Until))
	case w.Verb == state.VerbApprove && IsCommit(w.Target):
		return in.approveCommit(w, now)
	case w.Verb == state.VerbApprove:
		return in.approve(w, now)
	case w.Target == "" && w.Verb == state.VerbRetry:
		return retryAll(in.Control)
	case w.Target == "" && w.Verb == state.VerbSuspend:
		return suspendAll(in.Control, &state.Suspension{Reason: w.Arg, Actor: w.Actor, At: now, Until: w.Until})
	case w.Target == "" && w.Verb == state.VerbUnsuspend:
		return suspendAll(in.Control, nil)
	}
	key, err := in.find(w.Target)
	if err != nil {
		return state.Transition{}, no("%s", err)
	}
	rec := in.Records.Get(key)
	switch w.Verb {
	case state.VerbRetry:
		return in.reopened(Retry(key, rec, now))
	case state.VerbResolve:
		return in.reopened(resolve(key, rec, w.Arg, in.Horizon, approval.FlowOf(&in.Control, key.ProjectID), now))
	case state.VerbSuspend:
		return Suspend(key, rec, &state.Suspension{Reason: w.Arg, Actor: w.Actor, At: now, Until: w.Until})
	case state.VerbUnsuspend:
		return Suspend(key, rec, nil)
	default:
		return state.Transition{}, no("%q is not an operator action that this version knows", w.Verb)
	}
}

// reopened lets a release that had failed be under way until the next pass has judged it:
// whoever waits for it must not be told the outcome from before the command.
func (in *Commands) reopened(t state.Transition, result state.CommandResult) (state.Transition, state.CommandResult) {
	n := len(in.Control.Releases)
	if result.OK && n > 0 && in.Control.Releases[n-1].Outcome == state.ReleaseFailed {
		control := in.Control
		control.Releases = slices.Clone(control.Releases)
		newest := &control.Releases[n-1]
		newest.Outcome, newest.EndedAt = state.ReleaseUnderWay, time.Time{}
		t.Control = &control
	}
	return t, result
}

// find returns the task that a person named, by "projectId/taskId" or, where that
// is clear, by its taskId alone.
func (in *Commands) find(target string) (spec.Key, error) {
	if project, task, ok := strings.Cut(target, "/"); ok {
		key := spec.Key{ProjectID: project, TaskID: task}
		if in.Records.Get(key) == nil && (in.Specs == nil || !in.Specs.Has(key)) {
			return key, fmt.Errorf("there is no task %s in the state or the specs", target)
		}
		return key, nil
	}
	found := map[spec.Key]bool{}
	for _, keys := range []iter.Seq[spec.Key]{in.Records.Keys(), in.Records.Removed()} {
		for key := range keys {
			if key.TaskID == target {
				found[key] = true
			}
		}
	}
	if in.Specs != nil {
		for c := range in.Specs.All() {
			if c.TaskID == target {
				found[c.Key] = true
			}
		}
	}
	switch len(found) {
	case 0:
		return spec.Key{}, fmt.Errorf("there is no task %s in the state or the specs", target)
	case 1:
		for key := range found {
			return key, nil
		}
	}
	return spec.Key{}, fmt.Errorf("%d projects have a task %s: name it as projectId/taskId", len(found), target)
}

// approve keeps the approval of the plan that is held now: for what it does, and for the
// guards that hold it.
func (in *Commands) approve(w state.Command, now time.Time) (state.Transition, state.CommandResult) {
	p := in.Plan
	digits, whole, ok := ParseHash(w.Target)
	switch {
	case !ok:
		return state.Transition{}, no("%q is not a plan hash", state.Clip(w.Target))
	case p == nil:
		return state.Transition{}, no("there is no plan yet: approve it once there is one")
	case len(p.Holds) == 0:
		return state.Transition{}, no("nothing holds plan %s", p.Hash)
	case !strings.HasPrefix(p.Hash, HashPrefix+digits):
		return state.Transition{}, no("the plan is %s now, not %s: review it, and approve that one", p.Hash, w.Target)
	case !whole:
		return state.Transition{}, no("a plan is approved by its whole hash: review it, then: wedatasync approve %s", p.Hash)
	}
	if in.Guards != nil {
		if own := in.Guards.ownWork(&p.Source, w.Actor); own != "" {
			return state.Transition{}, no("%s", own)
		}
	}
	given := state.Approval{PlanHash: p.Hash, Actor: w.Actor, At: now, Expires: now.Add(ApprovalLife), Calls: p.halted}
	for _, h := range p.Holds {
		given.Guards = append(given.Guards, h.key())
	}
	control := in.Control
	control.Approvals = slices.DeleteFunc(slices.Clone(control.Approvals), func(a state.Approval) bool {
		if a.PlanHash != p.Hash {
			return false
		}
		if now.Before(a.Expires) { // who approves it now has seen what it passes already
			given.Guards = append(given.Guards, a.Guards...)
			given.Used = a.Used
		}
		return true
	})
	slices.Sort(given.Guards)
	given.Guards = slices.Compact(given.Guards)
	control.Approvals = append(control.Approvals, given)
	return state.Transition{Control: &control}, yes("plan %s is approved until %s, past %s: %s",
		p.Hash, Stamp(given.Expires), strings.Join(given.Guards, ", "), numberOf(len(given.Calls), "change"))
}

// approveCommit lets a commit count that is not signed as it has to be: the newest, or the
// one for which the newest does not count.
func (in *Commands) approveCommit(w state.Command, now time.Time) (state.Transition, state.CommandResult) {
	commit := strings.ToLower(w.Target)
	if in.Unverified == nil {
		return state.Transition{}, no("commit %s needs no approval: the newest revision is verified, or nothing has to be signed", commit)
	}
	u, ok := errors.AsType[*Unverified](in.Unverified)
	if !ok {
		return state.Transition{}, no("no commit is at fault: %v", in.Unverified)
	}
	which := u.Fault
	switch commit {
	case u.Fault.Commit:
	case u.Head.Commit:
		which = u.Head
	default:
		return state.Transition{}, no("commit %s is neither the newest, %s, nor the one at fault, %s: review them with git show, and approve one of them", commit, u.Head.Commit, u.Fault.Commit)
	}
	if in.Guards != nil {
		if own := in.Guards.ownWork(&SourceInfo{Revision: which.Commit, Author: which.Author}, w.Actor); own != "" {
			return state.Transition{}, no("%s", own)
		}
	}
	control := in.Control
	control.Trusted = append(slices.Clone(control.Trusted), state.TrustedCommit{Commit: commit, Actor: w.Actor, At: now})
	control.Trusted = control.Trusted[max(0, len(control.Trusted)-maxTrusted):]
	return state.Transition{Control: &control}, yes("commit %s counts from now on, with what led to it, although %v", commit, u.Err)
}

// Retry lets a task be sent again that was refused or is backing off. One that did
// not come to run is given its time again.
func Retry(key spec.Key, rec *state.Record, now time.Time) (state.Transition, state.CommandResult) {
	switch {
	case isRecalled(rec):
		return Transition(key, nil), yes("%s is sent in the next pass, as if nothing had been applied to it", key)
	case rec != nil && rec.Attempt == nil && rec.Applied != nil && rec.Applied.Run != nil && rec.Applied.Run.Status != state.RunRunning:
		next, applied := *rec, *rec.Applied
		applied.Run, next.Applied = startOf(&applied, now), &applied
		applied.Run.Again = true
		return Transition(key, &next), yes("%s is followed until it runs and is healthy; nothing is sent", key)
	case rec != nil && rec.Attempt == nil && OverOf(rec.Applied) != nil:
		return Transition(key, WithoutOver(rec)), yes("%s goes back to what its spec asks for in the next pass", key)
	case rec != nil && rec.Attempt == nil && Contested(rec.Applied) != "":
		next := WithUndo(rec, UndoOf(rec.Applied))
		next.Applied.Drift.Heals = nil
		return Transition(key, next), yes("%s is healed once more in the next pass, if that is still the policy", key)
	case rec == nil || rec.Attempt == nil:
		return state.Transition{}, no("%s is not refused or waiting: there is nothing to retry", key)
	case IsOpen(rec.Status):
		return state.Transition{}, no("the outcome of the last commit of %s is not known: say what happened with resolve", key)
	case rec.Accepted() && rec.Attempt.Outcome.TaskApproveID != "":
		return Transition(key, withdrawn(rec, now)), yes("%s is committed again in the next pass; reject approval %s in WeData if it is still open there, or both take effect", key, rec.Attempt.Outcome.TaskApproveID)
	case rec.Accepted():
		return state.Transition{}, no("%s was accepted, and is read until it is live: if it never will be, say resolve %s not-applied", key, key.ShellWord())
	case heldBackUntil(rec).After(now):
		return state.Transition{}, no("%s is sent again after %s, and not before: WeData can accept the first request until then", key, Stamp(heldBackUntil(rec)))
	case WithheldCode(rec) != "":
		return Transition(key, forced(rec, now)), yes("%s is committed in the next pass, although %s", key, rec.Attempt.Outcome.Message)
	}
	return Transition(key, Drop(rec)), yes("%s is tried again in the next pass", key)
}

// forced returns the record of a commit that was withheld because of what is live, and
// that an operator asks for all the same.
func forced(rec *state.Record, now time.Time) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Status, next.Attempt = state.StatusWaiting, &a
	a.Forced, a.NextAt, a.Outcome.Class = true, now, state.ClassWaiting
	return &next
}

// retryAll lets everything that was paused go on.
func retryAll(control state.Control) (state.Transition, state.CommandResult) {
	if len(control.Pauses) == 0 {
		return state.Transition{}, no("no sends are paused: name the task to retry")
	}
	control.Pauses = nil
	return state.Transition{Control: &control}, yes("sending resumed")
}

// resolve ends what reading back does not: an unknown outcome, an accepted commit that
// was not seen live, and a commit that was withheld because of what is live.
func resolve(key spec.Key, rec *state.Record, said string, horizon time.Duration, flow proof.ApprovalFlow, now time.Time) (state.Transition, state.CommandResult) {
	switch {
	case said != "applied" && said != "not-applied":
		return state.Transition{}, no("resolve takes applied or not-applied, not %q", said)
	case rec != nil && rec.Accepted():
		return resolveAccepted(key, rec, said, now)
	case WithheldCode(rec) == CodeAlreadyLive && said == "applied":
		return Transition(key, Settle(rec, state.OriginResolved, rec.Attempt.Before, now)), yes("%s is marked as applied, without a commit", key)
	case rec == nil || !IsOpen(rec.Status):
		return state.Transition{}, no("the outcome of the last commit of %s is known: there is nothing to resolve", key)
	case said == "applied":
		return Transition(key, Settle(rec, state.OriginResolved, nil, now)), yes("%s is marked as applied", key)
	case rec.Attempt.Reason == string(ReasonDrift):
		return Transition(key, Drop(rec)), yes("%s is marked as not applied: it is healed again if the next drift check finds it changed still", key)
	}
	decides := rec.Attempt.At.Add(proof.DecidedAfter(horizon))
	hidden := flow != proof.ApprovalNone // an open approval can still bring it about
	switch {
	case now.Before(decides):
		return Transition(key, heldBack(rec, decides, now, hidden)), yes("%s is marked as not applied: it is sent again after %s, because WeData can accept the first request until then", key, Stamp(decides))
	case hidden:
		return Transition(key, heldBack(rec, now, now, hidden)), yes("%s is marked as not applied: it is sent again in the next pass", key)
	default:
		return Transition(key, Drop(rec)), yes("%s is marked as not applied: it is sent again in the next pass", key)
	}
}

// resolveAccepted ends the wait for an accepted commit to be seen live.
func resolveAccepted(key spec.Key, rec *state.Record, said string, now time.Time) (state.Transition, state.CommandResult) {
	if said == "applied" {
		return Transition(key, confirmed(rec, nil, now)), yes("%s is marked as live", key)
	}
	return Transition(key, withdrawn(rec, now)), yes("%s is marked as not applied: it is sent again in the next pass", key)
}

// CodeNotApplied is the code of an attempt that an operator, or a read, says was not
// applied.
const CodeNotApplied = "NotApplied"

// heldBack returns the record of an attempt that an operator says was not applied. It is
// sent again at until: the first request can be accepted until then. Where it can come to
// be all the same, what it leaves is no proof of the next one.
func heldBack(rec *state.Record, until, now time.Time, canBe bool) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Status, next.Attempt = state.StatusWaiting, &a
	a.Since, a.NextAt, a.Tries, a.NeedsOperator, a.Stale = now, until, 0, "", a.Stale || canBe
	a.Outcome = state.Outcome{
		Class: state.ClassWaiting, Code: CodeNotApplied,
		Message: "an operator says that the commit was not applied; WeData can accept the first request until then",
	}
	return &next
}

// Suspend sets, or with nil takes back, an operator's request to leave the task alone.
func Suspend(key spec.Key, rec *state.Record, s *state.Suspension) (state.Transition, state.CommandResult) {
	if s == nil && (rec == nil || rec.Suspended == nil) {
		return state.Transition{}, no("%s is not suspended", key)
	}
	next := state.Record{Key: key, Status: state.StatusNone}
	if rec != nil {
		next = *rec
	}
	next.Suspended = s
	if s == nil {
		if next.Status == state.StatusNone {
			return Transition(key, nil), yes("%s is no longer suspended", key)
		}
		return Transition(key, &next), yes("%s is no longer suspended", key)
	}
	return Transition(key, &next), yes("%s", suspendedDetail(key.String(), s))
}

func suspendAll(control state.Control, s *state.Suspension) (state.Transition, state.CommandResult) {
	if s == nil && control.Suspended == nil {
		return state.Transition{}, no("nothing is suspended as a whole")
	}
	control.Suspended = s
	if s == nil {
		return state.Transition{Control: &control}, yes("resumed")
	}
	return state.Transition{Control: &control}, yes("%s", suspendedDetail("everything", s))
}

func yes(format string, args ...any) state.CommandResult {
	return state.CommandResult{OK: true, Message: fmt.Sprintf(format, args...)}
}

func no(format string, args ...any) state.CommandResult {
	return state.CommandResult{Message: fmt.Sprintf(format, args...)}
}

// ApprovalLife is how long an approval is good for.
const ApprovalLife = 24 * time.Hour

// maxTrusted bounds the commits that operators have let count: the oldest ones are long
// behind what counts by itself.
const maxTrusted = 16
