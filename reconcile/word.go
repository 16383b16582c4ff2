package reconcile

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// Obey carries out what people have asked for since it was last called. It is for
// the goroutine of Run or Once, while no call is under way.
func (r *Reconciler) Obey(ctx context.Context) (obeyed int, err error) {
	words, err := r.cfg.Ledger.Words(ctx)
	if err != nil {
		return 0, fmt.Errorf("read what people asked for: %w", err)
	}
	isApproval := func(w state.Word) bool { return w.Verb == state.VerbApprove && !IsCommit(w.Target) }
	if i := slices.IndexFunc(words, isApproval); i >= 0 && r.plan == nil && r.revision != nil {
		if _, err := r.planAt(ctx, words[i].At); err != nil { // what held it then is what was approved
			return 0, err
		}
	}
	for _, w := range words {
		if err := r.obey(ctx, w); err != nil {
			return obeyed, err
		}
		obeyed++
	}
	return obeyed, nil
}

// obey carries out one word and answers it, in one transition.
func (r *Reconciler) obey(ctx context.Context, w state.Word) error {
	now := time.Now().Round(0) // what is promised from now on ends by the clock on the wall
	t, answer := r.answer(w, now)
	note := fmt.Sprintf("%s: %s", w.Verb, answer.Message)
	if !answer.OK {
		t, note = state.Transition{}, fmt.Sprintf("%s was not done: %s", w.Verb, answer.Message)
	}
	e := state.Event{At: now, Kind: state.EventWord, Actor: w.Actor, Note: state.Clip(note)}
	if t.Record != nil {
		e.Key = t.Record.Key
	}
	switch {
	case w.Verb != state.VerbApprove || !answer.OK:
	case IsCommit(w.Target):
		e.Revision = strings.ToLower(w.Target)
	default:
		e.PlanHash = r.plan.Hash
	}
	if t.Forget != nil {
		e.Key = *t.Forget
	}
	t.Events = append(t.Events, e)
	t.Answered = &state.AnsweredWord{ID: w.ID, Answer: answer}
	if err := r.save(ctx, t); err != nil {
		return err
	}
	r.touch(e.Key)
	r.cfg.Logger.InfoContext(ctx, "word", "verb", w.Verb, "target", w.Target, "actor", w.Actor, "ok", answer.OK, "answer", answer.Message)
	return nil
}

// touch makes the next plan look at the task.
func (r *Reconciler) touch(key spec.Key) {
	if r.unsettled != nil && key != (spec.Key{}) {
		r.unsettled[key] = struct{}{}
	}
}

func yes(format string, args ...any) state.Answer {
	return state.Answer{OK: true, Message: fmt.Sprintf(format, args...)}
}

func no(format string, args ...any) state.Answer {
	return state.Answer{Message: fmt.Sprintf(format, args...)}
}

// answer decides about a word. It changes nothing.
func (r *Reconciler) answer(w state.Word, now time.Time) (state.Transition, state.Answer) {
	switch {
	case w.Verb == state.VerbSuspend && !w.Until.IsZero() && !now.Before(w.Until):
		return state.Transition{}, no("%s is over already: suspend until a later time", stamp(w.Until))
	case w.Verb == state.VerbApprove && IsCommit(w.Target):
		return r.approveCommit(w, now)
	case w.Verb == state.VerbApprove:
		return r.approve(w, now)
	case w.Target == "" && w.Verb == state.VerbRetry:
		return r.retryAll()
	case w.Target == "" && w.Verb == state.VerbSuspend:
		return r.suspendAll(&state.Suspension{Reason: w.Arg, Actor: w.Actor, At: now, Until: w.Until})
	case w.Target == "" && w.Verb == state.VerbUnsuspend:
		return r.suspendAll(nil)
	}
	key, err := r.find(w.Target)
	if err != nil {
		return state.Transition{}, no("%s", err)
	}
	rec := r.record(key)
	switch w.Verb {
	case state.VerbRetry:
		return retry(key, rec, now)
	case state.VerbResolve:
		return r.resolve(key, rec, w.Arg, now)
	case state.VerbSuspend:
		return suspend(key, rec, &state.Suspension{Reason: w.Arg, Actor: w.Actor, At: now, Until: w.Until})
	case state.VerbUnsuspend:
		return suspend(key, rec, nil)
	default:
		return state.Transition{}, no("%q is not a word this version knows", w.Verb)
	}
}

// find returns the task that a person named, by "projectId/taskId" or, where that
// is clear, by its taskId alone.
func (r *Reconciler) find(target string) (spec.Key, error) {
	if project, task, ok := strings.Cut(target, "/"); ok {
		key := spec.Key{ProjectID: project, TaskID: task}
		if r.record(key) == nil && (r.revision == nil || !r.revision.Specs.Has(key)) {
			return key, fmt.Errorf("there is no task %s in the state or the specs", target)
		}
		return key, nil
	}
	found := map[spec.Key]bool{}
	for _, keys := range []iter.Seq[spec.Key]{r.records.Keys(), r.records.Removed()} {
		for key := range keys {
			if key.TaskID == target {
				found[key] = true
			}
		}
	}
	if r.revision != nil {
		for c := range r.revision.Specs.All() {
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

// ownWork says that the actor may not approve the newest plan, or "". Without a plan it is
// found when there is one.
func (r *Reconciler) ownWork(actor string) string {
	if r.cfg.Guards == nil {
		return ""
	}
	return r.cfg.Guards().ownWork(&r.plan.Source, actor)
}

// retry lets a task be sent again that was refused or is backing off. One that did
// not come to run is given its time again.
func retry(key spec.Key, rec *state.Record, now time.Time) (state.Transition, state.Answer) {
	switch {
	case isRecalled(rec):
		return change(key, nil), yes("%s is sent in the next pass, as if nothing had been applied to it", key)
	case rec != nil && rec.Attempt == nil && rec.Applied != nil && rec.Applied.Run != nil && rec.Applied.Run.Status != state.RunRunning:
		next, applied := *rec, *rec.Applied
		applied.Run, next.Applied = startOf(&applied, now), &applied
		return change(key, &next), yes("%s is followed until it runs; nothing is sent", key)
	case rec != nil && rec.Attempt == nil && overOf(rec.Applied) != nil:
		return change(key, withoutOver(rec)), yes("%s goes back to what its spec asks for in the next pass", key)
	case rec != nil && rec.Attempt == nil && contested(rec.Applied) != "":
		next := withUndo(rec, undoOf(rec.Applied))
		next.Applied.Drift.Heals = nil
		return change(key, next), yes("%s is healed once more in the next pass, if that is still the policy", key)
	case rec == nil || rec.Attempt == nil:
		return state.Transition{}, no("%s is not refused or waiting: there is nothing to retry", key)
	case isOpen(rec.Status):
		return state.Transition{}, no("the outcome of the last commit of %s is not known: say what happened with resolve", key)
	case rec.Accepted() && rec.Attempt.Outcome.TaskApproveID != "":
		return change(key, withdrawn(rec, now)), yes("%s is committed again in the next pass; reject approval %s in WeData if it is still open there, or both take effect", key, rec.Attempt.Outcome.TaskApproveID)
	case rec.Accepted():
		return state.Transition{}, no("%s was accepted, and is read until it is live: if it never will be, say resolve %s not-applied", key, key.ShellWord())
	case heldBackUntil(rec).After(now):
		return state.Transition{}, no("%s is sent again after %s, and not before: WeData can accept the first request until then", key, stamp(heldBackUntil(rec)))
	case withheldCode(rec) != "":
		return change(key, forced(rec, now)), yes("%s is committed in the next pass, although %s", key, rec.Attempt.Outcome.Message)
	}
	return change(key, drop(rec)), yes("%s is tried again in the next pass", key)
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
func (r *Reconciler) retryAll() (state.Transition, state.Answer) {
	control := r.Control()
	if len(control.Pauses) == 0 {
		return state.Transition{}, no("no sends are paused: name the task to retry")
	}
	control.Pauses = nil
	return state.Transition{Control: &control}, yes("sends go on")
}

// resolve ends what reading back does not: an unknown outcome, an accepted commit that
// was not seen live, and a commit that was withheld because of what is live.
func (r *Reconciler) resolve(key spec.Key, rec *state.Record, said string, now time.Time) (state.Transition, state.Answer) {
	switch {
	case said != "applied" && said != "not-applied":
		return state.Transition{}, no("resolve takes applied or not-applied, not %q", said)
	case rec != nil && rec.Accepted():
		return resolveAccepted(key, rec, said, now)
	case withheldCode(rec) == CodeAlreadyLive && said == "applied":
		return change(key, settle(rec, state.OriginResolved, rec.Attempt.Before, now)), yes("%s is marked as applied, without a commit", key)
	case rec == nil || !isOpen(rec.Status):
		return state.Transition{}, no("the outcome of the last commit of %s is known: there is nothing to resolve", key)
	case said == "applied":
		return change(key, settle(rec, state.OriginResolved, nil, now)), yes("%s is marked as applied", key)
	case rec.Attempt.Reason == string(ReasonDrift):
		return change(key, drop(rec)), yes("%s is marked as not applied: it is healed again if the next drift check finds it changed still", key)
	}
	decides := rec.Attempt.At.Add(decidedAfter(r.cfg.Horizon()))
	hidden := r.approvals(key.ProjectID) != ApprovalNone // an open approval can still bring it about
	switch {
	case now.Before(decides):
		return change(key, heldBack(rec, decides, now, hidden)), yes("%s is marked as not applied: it is sent again after %s, because WeData can accept the first request until then", key, stamp(decides))
	case hidden:
		return change(key, heldBack(rec, now, now, hidden)), yes("%s is marked as not applied: it is sent again in the next pass", key)
	default:
		return change(key, drop(rec)), yes("%s is marked as not applied: it is sent again in the next pass", key)
	}
}

// resolveAccepted ends the wait for an accepted commit to be seen live.
func resolveAccepted(key spec.Key, rec *state.Record, said string, now time.Time) (state.Transition, state.Answer) {
	if said == "applied" {
		return change(key, confirmed(rec, nil, now)), yes("%s is marked as live", key)
	}
	return change(key, withdrawn(rec, now)), yes("%s is marked as not applied: it is sent again in the next pass", key)
}

// codeNotApplied is the code of an attempt that an operator, or a read, says was not
// applied.
const codeNotApplied = "NotApplied"

// heldBackUntil returns until when the request of an attempt that an operator says was
// not applied can be accepted; the zero time if there is none.
func heldBackUntil(rec *state.Record) time.Time {
	if rec == nil || rec.Status != state.StatusWaiting || rec.Attempt.Outcome.Code != codeNotApplied {
		return time.Time{}
	}
	return rec.Attempt.NextAt
}

// heldBack returns the record of an attempt that an operator says was not applied. It is
// sent again at until: the first request can be accepted until then. Where it can come to
// be all the same, what it leaves is no proof of the next one.
func heldBack(rec *state.Record, until, now time.Time, canBe bool) *state.Record {
	next, a := *rec, *rec.Attempt
	next.Status, next.Attempt = state.StatusWaiting, &a
	a.Since, a.NextAt, a.Tries, a.NeedsPerson, a.Stale = now, until, 0, "", a.Stale || canBe
	a.Outcome = state.Outcome{
		Class: state.ClassWaiting, Code: codeNotApplied,
		Message: "an operator says that the commit was not applied; WeData can accept the first request until then",
	}
	return &next
}

// suspend sets, or with nil takes back, a person's word to leave the task alone.
func suspend(key spec.Key, rec *state.Record, s *state.Suspension) (state.Transition, state.Answer) {
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
			return change(key, nil), yes("%s is no longer suspended", key)
		}
		return change(key, &next), yes("%s is no longer suspended", key)
	}
	return change(key, &next), yes("%s", suspendedDetail(key.String(), s))
}

func (r *Reconciler) suspendAll(s *state.Suspension) (state.Transition, state.Answer) {
	control := r.Control()
	if s == nil && control.Suspended == nil {
		return state.Transition{}, no("nothing is suspended as a whole")
	}
	control.Suspended = s
	if s == nil {
		return state.Transition{Control: &control}, yes("everything goes on")
	}
	return state.Transition{Control: &control}, yes("%s", suspendedDetail("everything", s))
}
