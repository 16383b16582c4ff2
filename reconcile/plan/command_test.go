package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// operated is a state with a task of each kind, and a plan that a guard holds.
func operated(t *testing.T) *Commands {
	t.Helper()
	want := func(t *testing.T, id string) *spec.Commit {
		return specs(t, "taskId: "+id+", commitType: start, instanceVersion: 2").Get(task(id))
	}
	records := adopted(t,
		"taskId: applied, commitType: start, instanceVersion: 1",
		"taskId: twice, commitType: start, instanceVersion: 1",
		`taskId: twice, projectId: "2", commitType: start, instanceVersion: 1`)
	now := time.Now()
	for id, out := range map[string]state.Outcome{
		"refused": refusedParam, "locked": lockedBy, "unknown": doubtful, "intent": {},
		"approving": {Class: state.ClassApplied, TaskApproveID: "7"},
		"live":      {Class: state.ClassRefused, Code: CodeAlreadyLive, Message: "version 2 runs"},
	} {
		records.Put(ended(nil, want(t, id), now, out))
	}
	for id, rec := range map[string]*state.Record{
		"held-back": heldBack(ended(nil, want(t, "held-back"), now, doubtful), now.Add(time.Minute), now, false),
		"suspended": {Status: state.StatusNone, Suspended: &state.Suspension{Actor: "lin"}},
		"paused":    {Status: state.StatusApplied, Applied: records.Get(task("applied")).Applied, Suspended: &state.Suspension{Actor: "lin"}},
	} {
		rec.Key = task(id)
		records.Put(rec)
	}
	return &Commands{
		Plan:    (&Guards{MaxChanges: 1}).Check(changing(t, 10, 5, 0), Facts{}, now),
		Specs:   specs(t, "taskId: new, commitType: start, instanceVersion: 1"),
		Records: records, Horizon: testHorizon,
	}
}

// TestCommands has each command that an operator can give, accepted and refused.
func TestCommands(t *testing.T) {
	hash := strings.TrimPrefix(changing(t, 10, 5, 0).Hash, HashPrefix)
	later := func() time.Time { return time.Now().Add(time.Hour) }
	tests := []struct {
		name string
		word state.Command
		prep func(in *Commands)
		ok   bool
		says string // in the answer
		task string
		then state.Status // of the task; empty: it has no record
	}{
		{name: "approve", word: state.Command{Verb: state.VerbApprove, Target: "sha256:" + hash}, ok: true, says: "is approved until"},
		{name: "approve by the first digits", word: state.Command{Verb: state.VerbApprove, Target: hash[:16]}, says: "wedatasync approve sha256:" + hash},
		{name: "approve by all but one digit", word: state.Command{Verb: state.VerbApprove, Target: hash[:63]}, says: "wedatasync approve sha256:" + hash},
		{name: "approve by one digit more", word: state.Command{Verb: state.VerbApprove, Target: hash + "0"}, says: "is not a plan hash"},
		{name: "approve in capitals", word: state.Command{Verb: state.VerbApprove, Target: strings.ToUpper(hash)}, ok: true, says: "past maxChanges"},
		{name: "approve nothing", word: state.Command{Verb: state.VerbApprove}, says: "is not a plan hash"},
		{name: "approve what is no hash", word: state.Command{Verb: state.VerbApprove, Target: "not-a-hash"}, says: "is not a plan hash"},
		{name: "approve another plan", word: state.Command{Verb: state.VerbApprove, Target: "0123456789"}, says: "the plan is sha256:" + hash},
		{
			name: "approve a plan that nothing holds", word: state.Command{Verb: state.VerbApprove, Target: hash}, says: "nothing holds",
			prep: func(in *Commands) {
				in.Plan = Diff(Input{Specs: spec.NewSet()}, noon)
				in.Plan.Hash = HashPrefix + hash
			},
		},
		{
			name: "approve before there is a plan", word: state.Command{Verb: state.VerbApprove, Target: hash}, says: "no plan yet",
			prep: func(in *Commands) { in.Plan, in.Specs = nil, nil },
		},

		{name: "retry what was refused", word: state.Command{Verb: state.VerbRetry, Target: "refused"}, ok: true, task: "refused"},
		{name: "retry what is locked", word: state.Command{Verb: state.VerbRetry, Target: project + "/locked"}, ok: true, task: "locked"},
		{name: "retry what is applied", word: state.Command{Verb: state.VerbRetry, Target: "applied"}, says: "nothing to retry", task: "applied", then: state.StatusApplied},
		{name: "retry what is not known", word: state.Command{Verb: state.VerbRetry, Target: "unknown"}, says: "resolve", task: "unknown", then: state.StatusUnknown},
		{name: "retry what waits for an approval", word: state.Command{Verb: state.VerbRetry, Target: "approving"}, ok: true, says: "reject approval 7", task: "approving", then: state.StatusWaiting},
		{name: "resolve what waits for an approval as live", word: state.Command{Verb: state.VerbResolve, Target: "approving", Arg: "applied"}, ok: true, says: "live", task: "approving", then: state.StatusApplied},
		{name: "resolve what waits for an approval as not applied", word: state.Command{Verb: state.VerbResolve, Target: "approving", Arg: "not-applied"}, ok: true, says: "sent again", task: "approving", then: state.StatusWaiting},
		{name: "resolve what is live already as applied", word: state.Command{Verb: state.VerbResolve, Target: "live", Arg: "applied"}, ok: true, says: "without a commit", task: "live", then: state.StatusApplied},
		{name: "retry what is live already", word: state.Command{Verb: state.VerbRetry, Target: "live"}, ok: true, says: "although version 2 runs", task: "live", then: state.StatusWaiting},
		{name: "retry what may still arrive", word: state.Command{Verb: state.VerbRetry, Target: "held-back"}, says: "and not before", task: "held-back", then: state.StatusWaiting},
		{name: "retry a task that was never tried", word: state.Command{Verb: state.VerbRetry, Target: "new"}, says: "nothing to retry"},
		{name: "retry a task that is not there", word: state.Command{Verb: state.VerbRetry, Target: "nowhere"}, says: "no task nowhere"},
		{name: "retry with nothing paused", word: state.Command{Verb: state.VerbRetry}, says: "no sends are paused"},
		{
			name: "retry everything", word: state.Command{Verb: state.VerbRetry}, ok: true, says: "sending resumed",
			prep: func(in *Commands) { in.Control.Pauses = []state.Pause{{Code: "AuthFailure", Until: later()}} },
		},

		{name: "resolve as applied", word: state.Command{Verb: state.VerbResolve, Target: "unknown", Arg: "applied"}, ok: true, task: "unknown", then: state.StatusApplied},
		{name: "resolve as not applied", word: state.Command{Verb: state.VerbResolve, Target: "unknown", Arg: "not-applied"}, ok: true, says: "sent again after", task: "unknown", then: state.StatusWaiting},
		{
			name: "resolve as not applied, after the horizon", word: state.Command{Verb: state.VerbResolve, Target: "unknown", Arg: "not-applied"}, ok: true, says: "in the next pass", task: "unknown",
			prep: func(in *Commands) {
				in.Horizon = 0
				in.Control.ApprovalFlows = map[string]bool{task("unknown").ProjectID: false}
			},
		},
		{
			name: "resolve as not applied, after the horizon, and an approval may be open", word: state.Command{Verb: state.VerbResolve, Target: "unknown", Arg: "not-applied"}, ok: true, says: "in the next pass", task: "unknown", then: state.StatusWaiting,
			prep: func(in *Commands) { in.Horizon = 0 },
		},
		{name: "resolve an intent", word: state.Command{Verb: state.VerbResolve, Target: "intent", Arg: "applied"}, ok: true, task: "intent", then: state.StatusApplied},
		{name: "resolve as something else", word: state.Command{Verb: state.VerbResolve, Target: "unknown", Arg: "perhaps"}, says: "applied or not-applied", task: "unknown", then: state.StatusUnknown},
		{name: "resolve what is known", word: state.Command{Verb: state.VerbResolve, Target: "refused", Arg: "applied"}, says: "is known", task: "refused", then: state.StatusRefused},
		{name: "resolve what is not there", word: state.Command{Verb: state.VerbResolve, Target: "nowhere", Arg: "applied"}, says: "no task nowhere"},
		{name: "resolve nothing", word: state.Command{Verb: state.VerbResolve, Arg: "applied"}, says: "no task"},

		{name: "suspend", word: state.Command{Verb: state.VerbSuspend, Target: "applied", Arg: "move"}, ok: true, says: "until unsuspended: move", task: "applied", then: state.StatusApplied},
		{name: "suspend for a while", word: state.Command{Verb: state.VerbSuspend, Target: "new", Until: later()}, ok: true, says: "until 20", task: "new", then: state.StatusNone},
		{name: "suspend until before", word: state.Command{Verb: state.VerbSuspend, Target: "new", Until: noon.Add(-100 * 365 * 24 * time.Hour)}, says: "over already"},
		{name: "suspend what is not known", word: state.Command{Verb: state.VerbSuspend, Target: "unknown"}, ok: true, task: "unknown", then: state.StatusUnknown},
		{name: "suspend one of two", word: state.Command{Verb: state.VerbSuspend, Target: "twice"}, says: "2 projects have a task twice"},
		{name: "suspend by its whole name", word: state.Command{Verb: state.VerbSuspend, Target: "2/twice"}, ok: true},
		{name: "suspend what is not there", word: state.Command{Verb: state.VerbSuspend, Target: "2/nowhere"}, says: "no task 2/nowhere"},
		{name: "suspend everything", word: state.Command{Verb: state.VerbSuspend, Arg: "move"}, ok: true, says: "everything was suspended"},

		{name: "unsuspend", word: state.Command{Verb: state.VerbUnsuspend, Target: "paused"}, ok: true, task: "paused", then: state.StatusApplied},
		{name: "unsuspend what was never tried", word: state.Command{Verb: state.VerbUnsuspend, Target: "suspended"}, ok: true, task: "suspended"},
		{name: "unsuspend what is not suspended", word: state.Command{Verb: state.VerbUnsuspend, Target: "applied"}, says: "not suspended", task: "applied", then: state.StatusApplied},
		{name: "unsuspend everything, and nothing is", word: state.Command{Verb: state.VerbUnsuspend}, says: "nothing is suspended"},
		{
			name: "unsuspend everything", word: state.Command{Verb: state.VerbUnsuspend}, ok: true, says: "resumed",
			prep: func(in *Commands) { in.Control.Suspended = &state.Suspension{Actor: "lin"} },
		},

		{name: "another word", word: state.Command{Verb: "dance", Target: "applied"}, says: "not an operator action"},
		{name: "another word for everything", word: state.Command{Verb: "dance"}, says: "no task"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := operated(t)
			if tt.prep != nil {
				tt.prep(in)
			}
			tt.word.Actor = "lin"
			before := in.Control
			got, a := in.Decide(tt.word, time.Now())
			if a.OK != tt.ok || !strings.Contains(a.Message, tt.says) {
				t.Errorf("answer: %+v", a)
			}
			if changed := got.Record != nil || got.Forget != nil || got.Control != nil; changed != tt.ok {
				t.Errorf("changes something: %v", changed)
			}
			if diff := cmp.Diff(before, in.Control); diff != "" {
				t.Errorf("control was changed:\n%s", diff)
			}
			if tt.task == "" {
				return
			}
			rec := in.Records.Get(task(tt.task))
			switch {
			case got.Forget != nil:
				rec = nil
			case got.Record != nil:
				rec = got.Record
			}
			if (rec == nil) != (tt.then == "") || rec != nil && (rec.Key != task(tt.task) || rec.Status != tt.then) {
				t.Errorf("the task is %+v, want %q", rec, tt.then)
			}
		})
	}
}

// TestReopened: after a task is tried again, its release is under way until a pass has judged
// it. What failed before is for who has read it then.
func TestReopened(t *testing.T) {
	for _, tt := range []struct {
		verb   state.Verb
		target string
		was    state.ReleaseOutcome
		want   state.ReleaseOutcome
	}{
		{state.VerbRetry, "refused", state.ReleaseFailed, state.ReleaseUnderWay},
		{state.VerbResolve, "unknown", state.ReleaseFailed, state.ReleaseUnderWay},
		{state.VerbRetry, "refused", state.ReleaseDone, state.ReleaseDone},
		{state.VerbRetry, "applied", state.ReleaseFailed, state.ReleaseFailed}, // there is nothing to retry
		{state.VerbSuspend, "refused", state.ReleaseFailed, state.ReleaseFailed},
	} {
		in := operated(t)
		ended := time.Now()
		in.Control.Releases = []state.Release{{Revision: "a", Outcome: state.ReleaseFailed, EndedAt: ended}, {Revision: "b", Outcome: tt.was, EndedAt: ended}}
		got, _ := in.Decide(state.Command{Verb: tt.verb, Target: tt.target, Arg: "applied", Actor: "lin"}, ended)
		after := in.Control.Releases
		if got.Control != nil {
			after = got.Control.Releases
		}
		if after[0].Outcome != state.ReleaseFailed || after[1].Outcome != tt.want || after[1].EndedAt.IsZero() != (tt.want == state.ReleaseUnderWay) {
			t.Errorf("%s %s of a release that was %s: it is %+v", tt.verb, tt.target, tt.was, after[1])
		}
		if in.Control.Releases[1].Outcome != tt.was {
			t.Error("what was there has changed")
		}
	}
}
