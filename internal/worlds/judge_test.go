package worlds_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// intent is what the daemon meant to send, once.
type intent struct {
	key    spec.Key
	id     string
	at     time.Time
	epoch  int // the edit that asks for it
	wanted state.Applied
	reason string
	denied string // why it is said not to have happened, and what was so then; or empty
	proof  bool   // it is the daemon that says so
}

// fate is what became of an intent's request.
type fate int

const (
	fateNever   fate = iota // it has no effect, and will have none
	fateApplied             // it took effect
	fateLate                // it may arrive yet
	fatePending             // it waits for an approval
)

// String says what was so.
func (f fate) String() string {
	return [...]string{"it never will", "it had taken effect", "it was under way", "it waited for an approval"}[f]
}

// intentOf returns the intent with the id, or nil: a call that was put off has none.
// w.mu is held.
func (w *world) intentOf(id string) *intent {
	if i := slices.IndexFunc(w.intents, func(in *intent) bool { return in.id == id }); i >= 0 {
		return w.intents[i]
	}
	return nil
}

// requestsOf returns the requests that the intent was sent in: those of its task that
// left after it was made and before the next one was.
func (w *world) requestsOf(in *intent) []wedatasim.Entry {
	end := time.Time{}
	for _, other := range w.intents {
		if other.key == in.key && other.at.After(in.at) && (end.IsZero() || other.at.Before(end)) {
			end = other.at
		}
	}
	var list []wedatasim.Entry
	for _, e := range w.sim.Ledger() {
		at := e.At.Add(-w.lot.behavior.Skew)
		if e.Action == "CommitIntegrationTask" && e.TaskID == in.key.TaskID && !at.Before(in.at) && (end.IsZero() || at.Before(end)) {
			list = append(list, e)
		}
	}
	return list
}

// fateOf returns what became of the intent, as the service knows it.
func (w *world) fateOf(in *intent) fate {
	requests := w.requestsOf(in)
	if len(requests) == 0 {
		return fateNever
	}
	e := &requests[0]
	switch {
	case e.Applied:
		return fateApplied
	case e.Approval == wedatasim.ApprovalWaiting:
		return fatePending
	case e.ArrivedAt.IsZero() && e.Fault > 0 && w.lot.faults[e.Fault-1].Effect == wedatasim.EffectLate:
		return fateLate
	default:
		return fateNever
	}
}

// keep makes a transition durable, and compares what it says with the truth. w.mu is
// held.
func (w *world) keep(t *state.Transition) {
	switch {
	case t.Record != nil:
		prev := w.records[t.Record.Key]
		note := ""
		if len(t.Events) > 0 {
			note = t.Events[0].Note
		}
		w.judgeRecord(prev, t.Record, t.CarriedOut != nil, note)
		w.records[t.Record.Key] = t.Record
		w.note("  %s is %s: %s", t.Record.Key.TaskID, t.Record.Status, note)
	case t.Forget != nil:
		if prev := w.records[*t.Forget]; prev != nil {
			w.judgeRecord(prev, nil, t.CarriedOut != nil, t.Events[0].Note)
		}
		delete(w.records, *t.Forget)
		w.note("  %s is gone", t.Forget.TaskID)
	}
	if t.Control != nil {
		w.control = *t.Control
	}
	if a := t.CarriedOut; a != nil {
		w.note("  word %d: %v, %s", a.ID, a.Result.OK, a.Result.Message)
		w.words = slices.DeleteFunc(w.words, func(word state.Command) bool { return word.ID == a.ID })
	}
}

// judgeRecord compares what the daemon says of an attempt with what became of it. word
// says that it is an operator who says so, and note what the daemon says about it.
func (w *world) judgeRecord(prev, next *state.Record, word bool, note string) {
	if next != nil && next.Status == state.StatusIntent {
		if prev != nil && isOpen(prev.Status) {
			w.breach("doubled", "rule", "%s: a new intent over one whose outcome is not known", next.Key.TaskID)
		}
		a := next.Attempt
		w.intents = append(w.intents, &intent{
			key: next.Key, id: a.ID, at: time.Now(), wanted: a.Wanted, reason: a.Reason,
			epoch: w.epochs[a.Wanted.Revision][next.Key],
		})
		w.stats.intents++
		w.judgeOrder(next.Key)
		return
	}
	if prev == nil || prev.Attempt == nil {
		return
	}
	in := w.intentOf(prev.Attempt.ID)
	live := next != nil && next.Status == state.StatusApplied && next.Attempt == nil
	switch {
	case !isOpen(prev.Status):
		switch {
		case prev.Status != state.StatusApplied || word:
		case live:
			w.judgeApplied(in, note) // its approval is said to have passed
		case next != nil && next.Status == state.StatusRefused && next.Attempt.ID == prev.Attempt.ID:
			w.judgeApprovalEnd(in, next.Attempt.Outcome.Code)
		}
	case next != nil && isOpen(next.Status):
		if prev.Status == state.StatusIntent {
			w.stats.unknown++
			if w.lot.hasty {
				w.beHasty(in)
			}
		}
	default:
		w.judgeEnd(in, prev, next, word, note)
	}
}

// judgeOrder looks whether a commit is sent while what it depends on waits for its
// approval.
func (w *world) judgeOrder(key spec.Key) {
	needs := spec.Key{ProjectID: project, TaskID: "realtime"}
	rec := w.records[needs]
	if !w.lot.depends || w.lot.denied || key.TaskID != "content" || rec == nil || rec.Attempt == nil {
		return
	}
	if in := w.intentOf(rec.Attempt.ID); in != nil && w.fateOf(in) == fatePending {
		w.breach("early", string(rec.Status), "%s is sent before edit %d of %s is live", key.TaskID, in.epoch, needs.TaskID)
	}
}

// judgeEnd judges how an attempt whose outcome was not known has ended.
func (w *world) judgeEnd(in *intent, prev, next *state.Record, word bool, note string) {
	if prev.Status == state.StatusUnknown && word {
		w.stats.said++
	} else if prev.Status == state.StatusUnknown {
		w.stats.settled++
	}
	applied := next != nil && next.Status == state.StatusApplied && (prev.Applied == nil || *next.Applied != *prev.Applied)
	switch {
	case !applied:
		in.proof = !word
		if word {
			note = "an operator said so"
		}
		in.denied = fmt.Sprintf("%s, and %s", cmp.Or(note, "answered"), w.fateOf(in))
	case word:
	case next.Applied.TaskApproveID != "" && next.Attempt != nil: // accepted, and nothing more
	default:
		w.judgeApplied(in, note)
	}
}

// judgeApplied looks whether a commit that is said to be live is.
func (w *world) judgeApplied(in *intent, note string) {
	if f := w.fateOf(in); f != fateApplied && !w.byAnotherRequest(in) && !w.byAnotherHand(in) {
		w.breach("lost", fmt.Sprintf("%s, and %s", cmp.Or(note, "answered"), f), "%s: edit %d (%s) is said to be applied, and is not", in.key.TaskID, in.epoch, in.reason)
	}
}

// judgeApprovalEnd looks whether the approval of a commit has ended as is said.
func (w *world) judgeApprovalEnd(in *intent, code string) {
	w.stats.ended++
	in.denied, in.proof = code, true
	said := map[string]wedatasim.ApprovalState{
		"ApprovalRejected": wedatasim.ApprovalRejected, "ApprovalWithdrawn": wedatasim.ApprovalWithdrawn, "ApprovalFailed": wedatasim.ApprovalFailed,
	}[code]
	if requests := w.requestsOf(in); len(requests) == 0 || requests[0].Approval != said {
		w.breach("denied", code, "%s: the approval of edit %d is said to have ended, and has not so", in.key.TaskID, in.epoch)
	}
}

// settleWithin is how long the daemon may take to see how an approval has ended: a listing
// comes at least each minute, and a read that is as much newer; what was denied, or cannot
// be seen live, takes longer.
const settleWithin = 16 * time.Minute

// judgeWait looks that no commit goes on waiting for an approval that has ended.
func (w *world) judgeWait(rec *state.Record) {
	if !rec.Accepted() || rec.Attempt.Outcome.TaskApproveID == "" || rec.Attempt.NeedsOperator != "" || w.lot.unlisted {
		return
	}
	id := rec.Attempt.Outcome.TaskApproveID
	for _, a := range w.sim.Approvals() {
		if a.ID == id && !a.Ended.IsZero() && time.Since(a.Ended.Add(-w.lot.behavior.Skew)) > settleWithin {
			w.breach("waits", string(a.State), "%s: the approval %s ended at %s, and the commit waits still", rec.Key.TaskID, id, a.Ended.Sub(w.begin))
		}
	}
}

// byAnotherRequest reports whether another request for the same edit took effect.
func (w *world) byAnotherRequest(in *intent) bool {
	return slices.ContainsFunc(w.intents, func(other *intent) bool {
		return other.key == in.key && other.epoch == in.epoch && w.fateOf(other) == fateApplied
	})
}

// byAnotherHand reports whether the version that the intent was to bring is live by
// somebody else's operation, as far as a read could show it: that is what git asked for.
func (w *world) byAnotherHand(in *intent) bool {
	switch plan.Reason(in.reason) {
	case plan.ReasonNew, plan.ReasonVersion, plan.ReasonRollback:
	default:
		return false
	}
	if in.wanted.InstanceVersion == 0 {
		return false
	}
	task, _ := w.sim.Task(project, in.key.TaskID)
	oldest := time.Now().Add(w.lot.behavior.Skew - w.lot.behavior.ReadLag)
	version, setter := int64(0), ""
	for i, o := range task.Operations {
		if o.InstanceVersion != version || o.Event == string(wedatasim.DeedCommit) {
			version, setter = o.InstanceVersion, o.OperatorUIN
		}
		over := i+1 < len(task.Operations) && task.Operations[i+1].At.Before(oldest)
		if !over && version == in.wanted.InstanceVersion && setter == hand {
			return true
		}
	}
	return false
}

// judge judges the world by the service's ledger, at its end.
func (w *world) judge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	type change struct {
		key   spec.Key
		epoch int
	}
	effects, why := make(map[change]int), make(map[change]string)
	matched := 0
	for _, in := range w.intents {
		requests := w.requestsOf(in)
		matched += len(requests)
		if len(requests) > 1 {
			w.breach("doubled", "rule", "%s: edit %d was sent %d times for one intent", in.key.TaskID, in.epoch, len(requests))
		}
		for _, e := range requests {
			if e.ApproveID != "" {
				w.stats.approvals++
			}
			if !e.Applied {
				continue
			}
			w.stats.effects++
			if w.misled(in, &e) {
				w.stats.misled++
				continue
			}
			effects[change{in.key, in.epoch}]++
			if in.denied != "" {
				why[change{in.key, in.epoch}] = in.denied
			}
			if in.denied != "" && in.proof {
				w.breach("denied", in.denied, "%s: edit %d (%s) is said not to have happened, and has", in.key.TaskID, in.epoch, in.reason)
			}
		}
	}
	for c, n := range effects {
		if n > 1 {
			w.breach("doubled", why[c], "%s: edit %d took effect %d times", c.key.TaskID, c.epoch, n)
		}
	}
	for _, rec := range w.records {
		w.judgeWait(rec)
		if isOpen(rec.Status) {
			w.stats.leave(rec.Attempt.NeedsOperator, 1)
		}
	}
	commits := 0
	for _, e := range w.sim.Ledger() {
		if e.Action == "CommitIntegrationTask" {
			commits++
		}
	}
	if commits != matched {
		w.breach("test", "", "%d requests, and %d belong to an intent", commits, matched)
	}
}

// misled reports whether an operator said of a commit that it did not happen, and its
// request arrived before anything else was sent: that the next one repeats it is the
// operator's word. One that can still arrive must not be overtaken, whatever an operator
// says.
func (w *world) misled(in *intent, e *wedatasim.Entry) bool {
	if in.denied == "" || in.proof {
		return false
	}
	at := e.ArrivedAt.Add(-w.lot.behavior.Skew)
	for _, other := range w.intents {
		if other.key == in.key && other.at.After(in.at) {
			return !at.After(other.at)
		}
	}
	return true
}

// deathAt says whether, and when, the daemon dies of writing the transition.
func (w *world) deathAt(t *state.Transition) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	age := time.Since(w.begin)
	if t.Record == nil || age < calmFor || age > lossFor {
		return ""
	}
	key := t.Record.Key
	prev := w.records[key]
	intends := t.Record.Status == state.StatusIntent
	if !intends && (prev == nil || prev.Status != state.StatusIntent) {
		return ""
	}
	w.saves[key]++
	n := w.chance("death", key, w.saves[key])
	if float64(n%1000)/1000 >= w.lot.crashes {
		return ""
	}
	if !intends {
		return "before" // with the answer in its hands
	}
	return []string{"before", "after", "soon", "soon"}[n/1000%4]
}
