package explain_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

var (
	noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	key  = spec.Key{ProjectID: "1", TaskID: "a"}
)

// attempted is a record whose newest commit, of two minutes ago, has come to out.
func attempted(status state.Status, out state.Outcome) *state.Record {
	return &state.Record{Key: key, Status: status, Attempt: &state.Attempt{
		At: noon.Add(-2 * time.Minute), Since: noon.Add(-time.Minute), NextAt: noon.Add(time.Minute), Outcome: out,
	}}
}

// ran is a record of what was applied two minutes ago, and is followed until it runs.
func ran(run *state.Run) *state.Record {
	return &state.Record{Key: key, Status: state.StatusApplied, Applied: &state.Applied{At: noon.Add(-2 * time.Minute), Run: run}}
}

func hold(r plan.HoldReason, rec *state.Record, detail string) *plan.Change {
	return &plan.Change{Key: key, Action: plan.ActionHold, Hold: r, Have: rec, Detail: detail, Want: &spec.Commit{Key: key}}
}

// TestOf words what a task waits for: why, since when, until when, and what to do.
func TestOf(t *testing.T) {
	refused := state.Outcome{Class: state.ClassRefused, Code: "InvalidParameter", Message: "no such field"}
	lost := state.Outcome{Class: state.ClassUnknown, Code: "Timeout", Message: "no answer in time"}
	locked := state.Outcome{Class: state.ClassWaiting, Locker: "100028625403"}
	busy := state.Outcome{Class: state.ClassWaiting, Code: "ResourceInUse", Message: "busy"}
	forOperator := attempted(state.StatusUnknown, lost)
	forOperator.Attempt.NeedsOperator = "reading tasks is not permitted"
	accepted := func(out state.Outcome) *state.Record {
		rec := attempted(state.StatusApplied, out)
		rec.Applied = &state.Applied{}
		return rec
	}
	notLive := accepted(state.Outcome{Class: state.ClassApplied})
	notLive.Attempt.NeedsOperator = "WeData has the task at version 3, running"
	suspended := func(until time.Time) *state.Record {
		return &state.Record{Key: key, Suspended: &state.Suspension{Actor: "lin", Reason: "move", At: noon, Until: until}}
	}
	follow := func(rec *state.Record) *plan.Change {
		return &plan.Change{Key: key, Action: plan.ActionFollow, Have: rec, Want: &spec.Commit{Key: key}}
	}
	const (
		sent  = "2026-12-01T11:58:00Z"
		since = "2026-12-01T11:59:00Z"
		next  = "2026-12-01T12:01:00Z"
	)
	for _, tt := range []struct {
		state explain.State
		c     *plan.Change
		want  string
	}{
		{explain.Locked, hold(plan.HoldLocked, attempted(state.StatusWaiting, locked), ""), "locked by 100028625403 (since " + since + "); next try " + next},
		{explain.Waiting, hold(plan.HoldWaiting, attempted(state.StatusWaiting, busy), ""), "ResourceInUse: busy (since " + since + "); next try " + next},
		{explain.Waiting, hold(plan.HoldWaiting, accepted(state.Outcome{Class: state.ClassApplied}), ""), "its last commit is accepted, and not live yet (since " + since + ")"},
		{explain.Refused, hold(plan.HoldRefused, attempted(state.StatusRefused, refused), ""), "refused with InvalidParameter: no such field (since " + since + "); change the spec, or to send it again: wedatasync retry 1/a"},
		{explain.Unknown, hold(plan.HoldUnknown, attempted(state.StatusUnknown, lost), ""), "the outcome of the commit is not known: Timeout: no answer in time (since " + sent + "); read back " + next},
		{explain.Unknown, hold(plan.HoldUnknown, attempted(state.StatusIntent, state.Outcome{}), ""), "the outcome of the commit is not known (since " + sent + "); read back " + next},
		{explain.Unknown, hold(plan.HoldUnknown, forOperator, ""), "the outcome of the commit is not known: reading tasks is not permitted (since " + sent + "); if the read-back does not resolve it, check the task in WeData, then: wedatasync resolve 1/a applied|not-applied"},
		{explain.Suspended, hold(plan.HoldSuspended, suspended(time.Time{}), ""), "suspended by lin: move (since 2026-12-01T12:00:00Z); to end it: wedatasync unsuspend 1/a"},
		{explain.Suspended, hold(plan.HoldSuspended, suspended(noon.Add(time.Hour)), ""), "suspended by lin: move (since 2026-12-01T12:00:00Z); until 2026-12-01T13:00:00Z"},
		{explain.Suspended, hold(plan.HoldSuspended, suspended(time.Time{}), "everything was suspended by wu"), "everything was suspended by wu; to end it: wedatasync unsuspend"},
		{explain.Dependency, hold(plan.HoldDependency, nil, "waits for 1/b"), "waits for 1/b"},
		{explain.Guard, hold(plan.HoldGuard, nil, "task a is not in guards.allowTasks"), "task a is not in guards.allowTasks"},
		{explain.Adopted, hold(plan.HoldAdopted, ran(nil), ""), "others had changed it, and that was adopted (since " + sent + "); change the spec, or to go back to it: wedatasync retry 1/a"},
		{explain.Approval, follow(accepted(state.Outcome{Class: state.ClassApplied, TaskApproveID: "7"})), "accepted, waits for approval 7 in WeData (since " + since + "); if that was rejected: wedatasync retry 1/a"},
		{explain.Accepted, follow(accepted(state.Outcome{Class: state.ClassApplied})), "accepted, not seen live yet (since " + since + ")"},
		{explain.NotLive, follow(notLive), "accepted, not seen live: WeData has the task at version 3, running (since " + since + "); check the task in WeData, then: wedatasync resolve 1/a applied|not-applied"},
		{explain.Starting, follow(ran(nil)), "its spec waits for it to run since after it was applied; to follow it again: wedatasync retry 1/a"},
		{explain.Starting, follow(ran(&state.Run{Status: state.RunStarting, Since: noon, Until: noon.Add(time.Minute)})), "started, does not run yet (since 2026-12-01T12:00:00Z); wait ends " + next},
		{explain.NotRunning, follow(ran(&state.Run{Status: state.RunFailed, Since: noon, Detail: "it is failed"})), "does not run: it is failed (since 2026-12-01T12:00:00Z); check the task in WeData, then: wedatasync retry 1/a"},
		{explain.NotRunning, follow(ran(&state.Run{Status: state.RunLate, Until: noon, Detail: "it is starting"})), "did not run in time: it is starting (since 2026-12-01T12:00:00Z); check the task in WeData, then: wedatasync retry 1/a"},
	} {
		got := explain.Of(tt.c)
		if got.State != tt.state || got.Sentence() != tt.want {
			t.Errorf("%s: %q, want\n%s: %q", got.State, got.Sentence(), tt.state, tt.want)
		}
	}
}

// TestOfRecord says of a record alone what the plan would say of it.
func TestOfRecord(t *testing.T) {
	suspended := ran(nil)
	suspended.Suspended = &state.Suspension{Actor: "lin", Reason: "move", Until: noon}
	for _, tt := range []struct {
		rec  *state.Record
		at   time.Time
		want explain.State
	}{
		{ran(nil), noon, explain.InSync},
		{ran(&state.Run{Status: state.RunRunning}), noon, explain.InSync},
		{ran(&state.Run{Status: state.RunStarting}), noon, explain.Starting},
		{ran(&state.Run{Status: state.RunLate}), noon, explain.NotRunning},
		{attempted(state.StatusApplied, state.Outcome{Class: state.ClassApplied}), noon, explain.Accepted},
		{attempted(state.StatusIntent, state.Outcome{}), noon, explain.Sending},
		{attempted(state.StatusRefused, state.Outcome{Code: plan.CodeAlreadyLive}), noon, explain.AlreadyLive},
		{suspended, noon.Add(-time.Second), explain.Suspended},
		{suspended, noon, explain.InSync},
	} {
		if got := explain.OfRecord(tt.rec, tt.at).State; got != tt.want {
			t.Errorf("%v, want %v", got, tt.want)
		}
	}
}

// TestStates: every state is explained, what needs an operator says what to do, and every
// command is in the sentence that tells of it.
func TestStates(t *testing.T) {
	seen := map[explain.State]bool{}
	for _, i := range explain.States() {
		if seen[i.State] || i.Label == "" || i.Meaning == "" {
			t.Errorf("%s is listed twice or has no words", i.State)
		}
		seen[i.State] = true
		if i.Tone == explain.ToneBad && i.Next == "" {
			t.Errorf("%s needs an operator, and does not say what for", i.State)
		}
		told := i.Next + " " + strings.ReplaceAll(i.Next, "applied|not-applied", "not-applied") + " " + strings.ReplaceAll(i.Next, "applied|not-applied", "applied")
		for _, c := range i.Commands {
			if !strings.Contains(told, c) {
				t.Errorf("%s: %q is not in %q", i.State, c, i.Next)
			}
		}
		other := i.For(spec.Key{ProjectID: "1", TaskID: "it's"})
		if slices.ContainsFunc(append(other.Commands, other.Next), regexp.MustCompile(`\bTASK\b`).MatchString) {
			t.Errorf("%s keeps the place of the task: %+v", i.State, other)
		}
	}
	for _, s := range explain.Holds() {
		if !seen[s] {
			t.Errorf("the hold %s is no state", s)
		}
	}
}
