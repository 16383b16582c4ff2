package proof

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/reconcile/internal/fixture"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

func (v Finding) String() string {
	return [...]string{"open", "happened", "not happened", "operator"}[v]
}

// TestJudge has what reading back can find. The attempt is to start version 3 after
// version 2 ran, unless the row says otherwise.
func TestJudge(t *testing.T) {
	start3 := state.Applied{CommitType: spec.Start, InstanceVersion: 3}
	submit3 := state.Applied{CommitType: spec.Submit, InstanceVersion: 3}
	restart3 := state.Applied{CommitType: spec.RestartDiscardState, InstanceVersion: 3}
	startAny := state.Applied{CommitType: spec.Resume}
	submitAny := state.Applied{CommitType: spec.Submit}
	offline3 := state.Applied{CommitType: spec.Start, TaskType: spec.Offline, InstanceVersion: 3}
	offlineAny := state.Applied{CommitType: spec.Start, TaskType: spec.Offline}

	live := func(version int64, status state.TaskStatus, operation, by string) *state.Live {
		return &state.Live{InstanceVersion: version, Status: status, Submitted: version > 0, OperateID: operation, Operator: by}
	}
	updated := func(version int64, status state.TaskStatus, at string) *state.Live {
		return &state.Live{InstanceVersion: version, Status: status, UpdateTime: at}
	}
	with := func(l *state.Live, edit func(*state.Live)) *state.Live {
		next := *l
		edit(&next)
		return &next
	}
	lock := func(l *state.Live) { l.Locked, l.Locker = true, fixture.Other }
	running2 := live(2, state.TaskRunning, "op1", fixture.Own)
	running3 := live(3, state.TaskRunning, "op2", fixture.Own)
	missing := &state.Live{Missing: true}
	const (
		soon    = 2 * time.Second
		decides = fixture.Horizon + ReadLag
		never   = fixture.Horizon + SettleTime
		longAgo = "2026-01-01 08:00:00"
	)
	type row struct {
		name   string
		wanted state.Applied
		before *state.Live
		live   *state.Live
		after  time.Duration
		want   Finding
	}
	check := func(t *testing.T, tt row, applied *state.Applied, e Evidence, stale bool) {
		t.Helper()
		rec := &state.Record{Applied: applied, Attempt: &state.Attempt{Wanted: tt.wanted, At: fixture.Noon, Before: tt.before, Stale: stale}}
		e.Live, e.At, e.Horizon = tt.live, fixture.Noon.Add(tt.after), fixture.Horizon
		got, why := Evaluate(rec, e)
		if got != tt.want {
			t.Errorf("%v (%s), want %v", got, why, tt.want)
		}
		if got == NeedsOperator && why == "" || (got == Happened || got == NotHappened) && why != "" {
			t.Errorf("%v, because %q", got, why)
		}
	}
	known := Evidence{Operator: fixture.Own, Approvals: ApprovalNone}
	applied2 := &state.Applied{CommitType: spec.Start, InstanceVersion: 2, OperateID: "op1"}
	for _, tt := range []row{
		{"the wanted version runs", start3, running2, running3, soon, Happened},
		{"the wanted version runs, a day later", start3, running2, running3, 24 * time.Hour, Happened},
		{"the wanted version runs, and is locked", start3, running2, with(running3, lock), soon, Happened},
		{"the wanted version runs, by another's hand", start3, running2, live(3, state.TaskRunning, "op2", fixture.Other), soon, Happened},
		{"the wanted version runs, and no operation is told", start3, updated(2, state.TaskRunning, ""), updated(3, state.TaskRunning, ""), soon, Happened},
		{"the wanted version is on its way", start3, running2, live(3, state.TaskInOperation, "op2", fixture.Own), soon, Happened},
		{"the wanted version was started and fails at once", start3, running2, live(3, state.TaskFailed, "op2", fixture.Own), soon, Happened},
		{"the wanted version was started by somebody, and had failed before", start3, live(2, state.TaskFailed, "op1", fixture.Own), live(3, state.TaskFailed, "op2", fixture.Other), never, NeedsOperator},
		{"the wanted version was started by us, and had failed before", start3, live(2, state.TaskFailed, "op1", fixture.Own), live(3, state.TaskFailed, "op2", fixture.Own), soon, Happened},
		{"the wanted version was submitted by another, and not started", start3, live(2, state.TaskStopped, "op1", fixture.Own), live(3, state.TaskStopped, "op2", fixture.Other), never, NeedsOperator},
		{"restarted at another version", restart3, running2, running3, soon, Happened},
		{"there was no such task, and now it runs", start3, missing, running3, soon, Happened},

		{"as before, soon", start3, running2, running2, soon, Open},
		{"as before, at the horizon: the read may be old", start3, running2, running2, fixture.Horizon, Open},
		{"as before, when no read is that old", start3, running2, running2, decides, NotHappened},
		{"as before, a day later", start3, running2, running2, 24 * time.Hour, NotHappened},
		{"as before, and locked now", start3, running2, with(running2, lock), decides, NotHappened},
		{"as before, and the platform has restarted it", start3, running2, with(running2, func(l *state.Live) { l.NumRestarts = new(int64(1)) }), decides, NotHappened},
		{"there was no such task, and there is none", start3, missing, missing, decides, NotHappened},
		{"as before, by the time of update alone", start3, updated(2, state.TaskRunning, longAgo), updated(2, state.TaskRunning, longAgo), decides, NotHappened},
		{"the time of update has moved", start3, updated(2, state.TaskRunning, longAgo), updated(2, state.TaskRunning, "2026-01-02 08:00:00"), never, NeedsOperator},
		{"the time of update is the same, and it was run again", start3, updated(2, state.TaskRunning, longAgo), with(updated(2, state.TaskRunning, longAgo), func(l *state.Live) { l.RunningOrder = 1 }), never, NeedsOperator},
		{"the operation is the same, and the platform has run it again", start3, running2, with(running2, func(l *state.Live) { l.RunningOrder = 1 }), decides, NotHappened},
		{"the time of update is that of the request", start3, updated(2, state.TaskRunning, "2026-12-01 20:00:00"), updated(2, state.TaskRunning, "2026-12-01 20:00:00"), never, NeedsOperator},
		{"nothing is told that a commit moves", start3, updated(2, state.TaskRunning, ""), updated(2, state.TaskRunning, ""), never, NeedsOperator},
		{"the last operation is not told any more", start3, running2, updated(2, state.TaskRunning, ""), never, NeedsOperator},

		{"rolled back in the console since", start3, running2, live(2, state.TaskRunning, "op3", fixture.Other), decides, Open},
		{"rolled back in the console since, for good", start3, running2, live(2, state.TaskRunning, "op3", fixture.Other), never, NeedsOperator},
		{"another version runs, for good", start3, running2, live(4, state.TaskRunning, "op2", fixture.Other), never, NeedsOperator},
		{"there is no such task any more, for good", start3, running2, missing, never, NeedsOperator},

		{"submitted", submit3, running2, live(3, state.TaskRunning, "op2", fixture.Own), soon, Happened},
		{"submitted, in the newest shape", submit3, updated(2, state.TaskRunning, ""), &state.Live{InstanceVersion: 3, Submitted: true, Status: state.TaskRunning}, soon, Happened},
		{"the version is saved and not submitted", submit3, running2, with(live(3, state.TaskRunning, "op2", fixture.Other), func(l *state.Live) { l.Submitted, l.NotSubmitted = false, true }), never, NeedsOperator},

		{"no version, and an operation of ours", startAny, running2, live(7, state.TaskRunning, "op2", fixture.Own), soon, Happened},
		{"no version, and an operation of another", startAny, running2, live(7, state.TaskRunning, "op2", fixture.Other), never, NeedsOperator},
		{"no version, and somebody has started it", startAny, live(2, state.TaskStopped, "op1", fixture.Own), live(2, state.TaskRunning, "op2", fixture.Other), never, NeedsOperator},
		{"no version, and a status that moved without an operation", startAny, live(2, state.TaskFailed, "op1", fixture.Own), live(2, state.TaskRunning, "op1", fixture.Own), decides, NotHappened},
		{"no version, submitted by us", submitAny, running2, live(0, state.TaskRunning, "op2", fixture.Own), soon, Happened},

		{"offline: the version is live", offline3, &state.Live{InstanceVersion: 2}, &state.Live{InstanceVersion: 3, Submitted: true}, soon, Happened},
		{"offline: an operation of ours", offlineAny, &state.Live{OperateID: "op1", Submitted: true}, &state.Live{OperateID: "op2", Operator: fixture.Own, Submitted: true}, soon, Happened},
		{"offline: nothing is told", offlineAny, &state.Live{Submitted: true}, &state.Live{Submitted: true}, never, NeedsOperator},
		{"offline: nothing is told, and it was not submitted", offlineAny, &state.Live{NotSubmitted: true}, &state.Live{NotSubmitted: true}, never, NeedsOperator},

		{"before is not known", start3, nil, running3, soon, NeedsOperator},
	} {
		t.Run(tt.name, func(t *testing.T) { check(t, tt, applied2, known, false) })
	}

	again := row{"", start3, running3, live(3, state.TaskRunning, "op3", fixture.Own), soon, Happened}
	applied3 := &state.Applied{CommitType: spec.Start, InstanceVersion: 3, OperateID: "op2"}
	t.Run("rerun at the version it has, by us", func(t *testing.T) { check(t, again, applied3, known, false) })
	t.Run("rerun, and the account is not known", func(t *testing.T) {
		check(t, row{"", start3, running3, again.live, never, NeedsOperator}, applied3, Evidence{Approvals: ApprovalNone}, false)
	})
	t.Run("rerun, by another", func(t *testing.T) {
		check(t, row{"", start3, running3, live(3, state.TaskRunning, "op3", fixture.Other), never, NeedsOperator}, applied3, known, false)
	})
	t.Run("rerun, and before was older than our commit before", func(t *testing.T) {
		check(t, row{"", start3, running2, running3, never, NeedsOperator}, &state.Applied{CommitType: spec.Start, InstanceVersion: 3}, known, true)
	})
	t.Run("rerun, and what is new is our commit before", func(t *testing.T) {
		check(t, row{"", start3, live(3, state.TaskRunning, "op1", fixture.Own), running3, never, NeedsOperator}, applied3, known, false)
	})
	t.Run("an older operation of ours that was not told", func(t *testing.T) {
		check(t, row{"", start3, updated(3, state.TaskRunning, ""), running3, never, NeedsOperator}, &state.Applied{CommitType: spec.Start, InstanceVersion: 3}, known, false)
	})
	justBefore := func(version int64) *state.Applied {
		return &state.Applied{CommitType: spec.Start, InstanceVersion: version, OperateID: "op1", At: fixture.Noon.Add(-time.Second)}
	}
	rollback := row{"", start3, live(4, state.TaskRunning, "op1", fixture.Own), running3, soon, Open}
	t.Run("rolled back a second after a commit: the read may be older than both", func(t *testing.T) {
		check(t, rollback, justBefore(4), known, false)
		rollback.after, rollback.want = ReadLag, Happened
		check(t, rollback, justBefore(4), known, false)
	})
	t.Run("a newer version a second after a commit: no older read has it", func(t *testing.T) {
		check(t, row{"", start3, running2, running3, soon, Happened}, justBefore(2), known, false)
	})
	t.Run("no version is told, a second after a commit", func(t *testing.T) {
		told := live(0, state.TaskRunning, "op2", fixture.Own)
		check(t, row{"", start3, live(0, state.TaskRunning, "op1", fixture.Own), told, soon, Open}, justBefore(2), known, false)
	})
	for flow, want := range map[ApprovalFlow]Finding{ApprovalNone: NotHappened, ApprovalNeeded: NeedsOperator, ApprovalUnknown: NeedsOperator} {
		t.Run(fmt.Sprintf("as before, approvals %d", flow), func(t *testing.T) {
			check(t, row{"", start3, running2, running2, never, want}, applied2, Evidence{Operator: fixture.Own, Approvals: flow}, false)
		})
	}
	t.Run("the time of update, and clocks that are apart", func(t *testing.T) {
		tt := row{"", start3, updated(2, state.TaskRunning, "2026-12-01 19:59:00"), updated(2, state.TaskRunning, "2026-12-01 19:59:00"), never, NotHappened}
		check(t, tt, applied2, known, false)
		tt.want = NeedsOperator
		check(t, tt, applied2, Evidence{Operator: fixture.Own, Approvals: ApprovalNone, ClockSkew: 2 * time.Minute}, false)
	})
}

// TestUnattributable: an operation is a trace of a commit only where no other commit of
// ours can leave one after it was read what was live before.
func TestUnattributable(t *testing.T) {
	op1, op2 := &state.Live{InstanceVersion: 3, OperateID: "op1"}, &state.Live{InstanceVersion: 3, OperateID: "op2"}
	for _, tt := range []struct {
		name   string
		origin state.Origin
		before *state.Live
		since  time.Duration
		want   bool
	}{
		{"the read shows our commit", state.OriginCommit, op2, time.Second, false},
		{"the read may be older than our commit", state.OriginCommit, op1, ReadLag - time.Second, true},
		{"the read is newer than our commit", state.OriginCommit, op1, ReadLag, false},
		{"the read may be older than what was read back", state.OriginReadBack, op1, ReadLag - time.Second, true},
		{"our request can still arrive", state.OriginLive, op2, fixture.Horizon + ReadLag - time.Second, true},
		{"our request can arrive no more", state.OriginLive, op2, fixture.Horizon + ReadLag, false},
		{"an operator says so, and our request can still arrive", state.OriginResolved, op2, fixture.Horizon, true},
		{"nothing was sent", state.OriginAdopted, op2, time.Second, false},
		{"the read failed", state.OriginCommit, nil, time.Second, false},
	} {
		applied := &state.Applied{Origin: tt.origin, InstanceVersion: 3, OperateID: "op2", At: fixture.Noon}
		if got := Unattributable(applied, tt.before, fixture.Noon.Add(tt.since), fixture.Horizon); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if Unattributable(nil, op1, fixture.Noon, fixture.Horizon) {
		t.Error("nothing was applied, and something is said to hide an operation")
	}
}

func drawLive(t *rapid.T, name string) *state.Live {
	return &state.Live{
		InstanceVersion: rapid.Int64Range(0, 3).Draw(t, name+" version"),
		Status:          state.TaskStatus(rapid.IntRange(0, 7).Draw(t, name+" status")),
		Submitted:       rapid.Bool().Draw(t, name+" submitted"),
		Missing:         rapid.IntRange(0, 9).Draw(t, name+" missing") == 0,
		Locked:          rapid.Bool().Draw(t, name+" locked"),
		Operator:        rapid.SampledFrom([]string{"", fixture.Own, fixture.Other}).Draw(t, name+" operator"),
		OperateID:       rapid.SampledFrom([]string{"", "op1", "op2"}).Draw(t, name+" operation"),
		NumRestarts:     new(rapid.Int64Range(0, 1).Draw(t, name+" restarts")),
		UpdateTime:      rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, name+" update"),
		Tag:             rapid.SampledFrom([]string{"", "", "", "ours", "another"}).Draw(t, name+" tag"),
		TagEnabled:      rapid.Bool().Draw(t, name+" enabled"),
	}
}

// TestJudgeLaws: never is it said that a commit did not happen before the horizon, or
// where an operation, an approval or silence could hide it; never that it did where
// nothing but a status has changed; and what was decided stays decided.
func TestJudgeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := &state.Attempt{At: fixture.Noon, Wanted: state.Applied{
			CommitType:      spec.CommitType(rapid.IntRange(0, 4).Draw(t, "type")),
			TaskType:        rapid.SampledFrom([]spec.TaskType{0, spec.Realtime, spec.Offline}).Draw(t, "task type"),
			InstanceVersion: rapid.Int64Range(0, 3).Draw(t, "version"),
		}}
		a.Tag = rapid.SampledFrom([]string{"", "ours"}).Draw(t, "tag")
		rec := &state.Record{Attempt: a}
		if rapid.Bool().Draw(t, "applied") {
			rec.Applied = &state.Applied{InstanceVersion: rapid.Int64Range(0, 3).Draw(t, "applied version"), OperateID: rapid.SampledFrom([]string{"", "op1", "op2"}).Draw(t, "applied by")}
		}
		if rapid.IntRange(0, 9).Draw(t, "before") > 0 {
			a.Before = drawLive(t, "before")
		}
		e := Evidence{
			Live: drawLive(t, "live"), Horizon: fixture.Horizon,
			Operator:  rapid.SampledFrom([]string{"", fixture.Own}).Draw(t, "own"),
			Approvals: ApprovalFlow(rapid.IntRange(0, 2).Draw(t, "approvals")),
		}
		if a.Before != nil && rapid.Bool().Draw(t, "unmoved") {
			*e.Live = *a.Before
		}
		judgeAt := func(after time.Duration) Finding {
			e := e
			e.At = fixture.Noon.Add(after)
			v, _ := Evaluate(rec, e)
			return v
		}
		after := rapid.SampledFrom([]time.Duration{0, time.Second, fixture.Horizon, fixture.Horizon + ReadLag, fixture.Horizon + SettleTime, time.Hour}).Draw(t, "after")
		v, live := judgeAt(after), e.Live
		moved := a.Before != nil && (live.OperateID != a.Before.OperateID || live.InstanceVersion != a.Before.InstanceVersion || a.Before.Missing != live.Missing)
		tagged := a.Tag != "" && live.Tag == a.Tag
		if tagged && (live.TagEnabled || e.Approvals == ApprovalNone) && v != Happened || tagged && v == NotHappened {
			t.Fatalf("%v, and the version of the attempt is there", v)
		}
		switch {
		case tagged:
			return
		case a.Before == nil && v == Happened:
			t.Fatal("happened, and there is nothing to compare with")
		}
		switch v {
		case Happened:
			if !moved || live.Missing {
				t.Fatal("happened, and nothing but a status has changed")
			}
			if a.Wanted.InstanceVersion != 0 && live.InstanceVersion != 0 && live.InstanceVersion != a.Wanted.InstanceVersion {
				t.Fatal("happened, at another version")
			}
			sameVersion := a.Wanted.InstanceVersion == 0 || a.Before.InstanceVersion == a.Wanted.InstanceVersion
			if sameVersion && (live.Operator != fixture.Own || e.Operator != fixture.Own || live.OperateID == a.Before.OperateID) {
				t.Fatal("happened, at the version it had, and not provably by us")
			}
		case NotHappened:
			told := a.Before.Missing || live.OperateID != "" && live.OperateID == a.Before.OperateID || live.UpdateTime != "" && live.UpdateTime == a.Before.UpdateTime
			if after < fixture.Horizon+ReadLag || !told || e.Approvals != ApprovalNone {
				t.Fatal("not happened, and it may be yet")
			}
		case Open:
			if judgeAt(24*time.Hour) == Open {
				t.Fatal("open for ever")
			}
		}
		if v == Happened || v == NotHappened {
			if later := judgeAt(after + time.Hour); later != v {
				t.Fatalf("%v, and later %v", v, later)
			}
		}
	})
}

// TestShownByUs: only a commit whose own operation is told leaves no room for another one
// of ours.
func TestShownByUs(t *testing.T) {
	accepted := func(edit func(*state.Record)) *state.Record {
		rec := &state.Record{Status: state.StatusApplied, Attempt: &state.Attempt{
			At:      fixture.Noon,
			Before:  &state.Live{InstanceVersion: 2, OperateID: "op1", Operator: fixture.Own},
			Wanted:  state.Applied{CommitType: spec.Start, InstanceVersion: 3},
			Outcome: state.Outcome{Class: state.ClassApplied},
		}}
		if edit != nil {
			edit(rec)
		}
		return rec
	}
	own := &state.Live{InstanceVersion: 3, OperateID: "op2", Operator: fixture.Own}
	for _, tt := range []struct {
		name     string
		rec      *state.Record
		live     *state.Live
		operator string
		want     bool
	}{
		{"the wanted version, by us", accepted(nil), own, fixture.Own, true},
		{"the read failed", accepted(nil), nil, fixture.Own, false},
		{"the version before", accepted(nil), &state.Live{InstanceVersion: 2, OperateID: "op1", Operator: fixture.Own}, fixture.Own, false},
		{"by another", accepted(nil), &state.Live{InstanceVersion: 3, OperateID: "op2", Operator: fixture.Other}, fixture.Own, false},
		{"no operation is told", accepted(nil), &state.Live{InstanceVersion: 3, Operator: fixture.Own}, fixture.Own, false},
		{"nobody knows who we are", accepted(nil), &state.Live{InstanceVersion: 3, OperateID: "op2"}, "", false},
		{"what was live before it may have been older", accepted(func(r *state.Record) { r.Attempt.Stale = true }), own, fixture.Own, false},
		{"it is not known to be accepted", accepted(func(r *state.Record) { r.Status = state.StatusUnknown }), own, fixture.Own, false},
	} {
		e := Evidence{Live: tt.live, At: fixture.Noon.Add(time.Second), Horizon: fixture.Horizon, Operator: tt.operator}
		if got := ShownByUs(tt.rec, &e); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestShown_Runs: where neither the operation nor the time of update is told, another run
// shows an accepted commit that starts the task, and no other commit.
func TestShown_Runs(t *testing.T) {
	for _, tt := range []struct {
		name         string
		commit       spec.CommitType
		approval     string
		before, live int64
		want         bool
	}{
		{"another run", spec.Start, "", 4, 5, true},
		{"the same run", spec.Start, "", 4, 4, false},
		{"runs were not told before", spec.Start, "", 0, 5, false},
		{"a submit, and somebody has started it", spec.Submit, "", 4, 5, false},
		{"it waits for an approval, and somebody has started it", spec.Start, "7", 4, 5, false},
	} {
		rec := &state.Record{Status: state.StatusApplied, Attempt: &state.Attempt{
			At: fixture.Noon, Wanted: state.Applied{CommitType: tt.commit, InstanceVersion: 3},
			Before:  &state.Live{InstanceVersion: 3, Status: state.TaskRunning, RunningOrder: tt.before},
			Outcome: state.Outcome{Class: state.ClassApplied, TaskApproveID: tt.approval},
		}}
		e := &Evidence{Live: &state.Live{InstanceVersion: 3, Status: state.TaskRunning, RunningOrder: tt.live}, At: fixture.Noon.Add(time.Second), Horizon: fixture.Horizon}
		if got := Shown(rec, e); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestTag: a tag is part of what is sent, and of nothing else; only one that can be read back
// and has room is.
func TestTag(t *testing.T) {
	want := &spec.Commit{Key: fixture.Task("a"), CommitType: spec.Start, InstanceVersion: 3, VersionDesc: "third"}
	request, wanted := want.Request(), want.Wanted()
	sent, tag := Tagged(want, "id")
	if sent == want || want.VersionDesc != "third" || want.Request() != request || want.Wanted() != wanted {
		t.Errorf("the spec's commit has become %+v", want)
	}
	if sent.VersionDesc != "third (wedatasync:"+tag+")" || TagIn(sent.VersionDesc) != tag || TagIn(sent.VersionDesc+" ") != tag {
		t.Errorf("%q, tag %q", sent.VersionDesc, tag)
	}
	if _, other := Tagged(want, "another id"); other == tag {
		t.Error("two attempts have one tag")
	}
	if bare, tag := Tagged(&spec.Commit{InstanceVersion: 3}, "id"); bare.VersionDesc != "(wedatasync:"+tag+")" {
		t.Errorf("%q", bare.VersionDesc)
	}
	for name, c := range map[string]*spec.Commit{
		"no version": {VersionDesc: "x"},
		"no room":    {InstanceVersion: 3, VersionDesc: strings.Repeat("x", spec.MaxText-20)},
	} {
		if sent, tag := Tagged(c, "id"); sent != c || tag != "" {
			t.Errorf("%s: %q", name, tag)
		}
	}
	for _, desc := range []string{"", "third", tag, "(wedatasync:" + tag, "(wedatasync:" + tag + ") and more", "(wedatasync:)", "(wedatasync:xyzxyzxyzxyz)", "(wedatasync:" + tag + "00)"} {
		if got := TagIn(desc); got != "" {
			t.Errorf("%q has the tag %q", desc, got)
		}
	}
}

// TestJudge_Tag: a tag proves the attempt that it names, whatever else is told, and no other
// one; a version that is not in production can wait for an approval.
func TestJudge_Tag(t *testing.T) {
	before := &state.Live{InstanceVersion: 2, Status: state.TaskRunning, OperateID: "op1"}
	for _, tt := range []struct {
		name      string
		tag       string
		enabled   bool
		approvals ApprovalFlow
		stale     bool
		before    *state.Live
		after     time.Duration
		want      Finding
	}{
		{"ours, in production", "ours", true, ApprovalNeeded, false, before, time.Second, Happened},
		{"ours, in production, and what was before may be older", "ours", true, ApprovalNone, true, before, time.Second, Happened},
		{"ours, in production, and nothing is known of before", "ours", true, ApprovalUnknown, false, nil, time.Second, Happened},
		{"ours, and nothing has to be approved", "ours", false, ApprovalNone, false, before, time.Second, Happened},
		{"ours, and it can wait for an approval", "ours", false, ApprovalNeeded, false, before, time.Second, Open},
		{"ours, and it can wait for an approval, for good", "ours", false, ApprovalUnknown, false, before, time.Hour, NeedsOperator},
		{"that of another attempt", "another", true, ApprovalNone, false, before, time.Second, Open},
		{"that of another attempt, for good", "another", true, ApprovalNone, false, before, time.Hour, NotHappened},
		{"none", "", true, ApprovalNone, false, before, time.Second, Open},
	} {
		live := *before
		live.Tag, live.TagEnabled = tt.tag, tt.enabled
		rec := &state.Record{Status: state.StatusUnknown, Attempt: &state.Attempt{
			At: fixture.Noon, Wanted: state.Applied{CommitType: spec.Start, InstanceVersion: 3}, Before: tt.before, Stale: tt.stale, Tag: "ours",
		}}
		e := Evidence{Live: &live, At: fixture.Noon.Add(tt.after), Horizon: fixture.Horizon, Operator: fixture.Own, Approvals: tt.approvals}
		if got, why := Evaluate(rec, e); got != tt.want {
			t.Errorf("%s: %v (%s), want %v", tt.name, got, why, tt.want)
		}
		if ByUs(rec.Attempt, nil, &e) != (tt.want == Happened) {
			t.Errorf("%s: by us is %v", tt.name, tt.want != Happened)
		}
	}
}
