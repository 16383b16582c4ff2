package drift

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// driftRow is one three-way situation: what git wants, what was applied, what is live,
// and what comes of it. The words are read by wantOf, haveOf and seenOf below.
type driftRow struct{ git, applied, live, want string }

// driftRows are the three-way situations. A "-" is nothing; a verdict has what
// differs behind it, applied and live.
var driftRows = []driftRow{
	// As it was applied.
	{"start 3", "start 3", "running 3", "in-sync"},
	{"submit 3", "submit 3", "not-started 3", "in-sync"},
	{"resume 3", "resume 3", "running 3", "in-sync"},
	{"pause-resume 3", "pause-resume 3", "running 3", "in-sync"},
	{"restart-discard-state 3", "restart-discard-state 3", "running 3", "in-sync"},
	{"start 3", "start 3 imported", "running 3", "in-sync"},
	{"start 3", "start 3 adopted", "running 3", "in-sync"},
	{"start 3", "start 3 suspended", "running 3", "in-sync"},
	{"-", "start 3", "running 3", "in-sync"},       // the spec is gone
	{"start 4", "start 3", "running 3", "in-sync"}, // git is ahead, and that is a plan
	{"start 4", "start 3 refused", "running 3", "in-sync"},
	{"start 4", "start 3 waiting", "running 3", "in-sync"},
	{"submit offline", "submit offline", "not-started offline", "in-sync"},
	{"start", "start", "running 9", "in-sync"}, // without a version in the spec

	// What an ordinary day does to a task that nobody has released.
	{"start 3", "start 3", "running 3 draft", "in-sync"},
	{"start 3", "start 3", "running 3 restarted", "in-sync"},
	{"start 3", "start 3", "running 3 described", "in-sync"},
	{"start 3", "start 3", "in-operation 3", "in-sync"}, // on its way
	{"start 3", "start 3", "stopping 3", "in-sync"},
	{"start 3", "start 3", "failed 3", "in-sync"}, // that is its health
	{"start 3", "start 3", "abnormal 3", "in-sync"},
	{"start 3", "start 3", "status-unknown 3", "in-sync"},
	{"start 3", "start 3", "status-not-told 3", "in-sync"},
	{"start 3", "start 3", "running", "in-sync"}, // no version is told
	{"start 3", "start 3", "status-not-told", "in-sync"},
	{"submit offline", "submit offline", "running offline", "in-sync"}, // as its schedule says
	{"submit offline", "submit offline", "stopped offline", "in-sync"},
	{"start offline", "start offline", "stopped offline", "in-sync"},

	// Somebody has it open. That is no drift, and hides none.
	{"start 3", "start 3", "running 3 locked", "locked"},
	{"start 4", "start 3 waiting", "running 3 locked", "locked"},
	{"submit offline", "submit offline", "not-started offline locked", "locked"},
	{"start 3", "start 3", "running 5 locked", "newer instanceVersion 3 5"},
	{"start 3", "start 3", "stopped 3 locked", "stopped status running stopped"},

	// Another version.
	{"start 3", "start 3", "running 4", "newer instanceVersion 3 4"},
	{"start 4", "start 3", "running 4", "newer instanceVersion 3 4"}, // by hand what git wants
	{"start 3", "start 3", "running 2", "older instanceVersion 3 2"},
	{"start 4", "start 3", "running 2", "older instanceVersion 3 2"},
	{"-", "start 3", "running 4", "newer instanceVersion 3 4"},
	{"start 3", "start 3 imported", "running 4", "newer instanceVersion 3 4"},
	{"start 3", "start 3 adopted", "running 4", "newer instanceVersion 3 4"},
	{"start 4", "start 3 refused", "running 5", "newer instanceVersion 3 5"},
	{"start 4", "start 3 waiting", "running 5", "newer instanceVersion 3 5"},
	{"start 3", "start 3", "running 5 draft", "newer instanceVersion 3 5"},
	{"start 3", "start 3", "failed 5", "newer instanceVersion 3 5"},
	{"start 3", "start 3", "status-not-told 5", "newer instanceVersion 3 5"},
	{"submit 3", "submit 3", "not-started 4", "newer instanceVersion 3 4"},
	{"submit 3 offline", "submit 3 offline", "not-started 4 offline", "newer instanceVersion 3 4"},
	{"start 3", "start 3", "stopped 5", "newer instanceVersion 3 5, status running stopped"},
	{"start 3", "start 3", "paused 2", "older instanceVersion 3 2, status running paused"},
	{"submit 3", "submit 3 idle", "running 4", "newer instanceVersion 3 4, status submitted running"},

	// Started and stopped by hand.
	{"start 3", "start 3", "stopped 3", "stopped status running stopped"},
	{"start 3", "start 3", "paused 3", "stopped status running paused"},
	{"start 3", "start 3", "not-started 3", "stopped status running not started"},
	{"resume 3", "resume 3", "stopped 3", "stopped status running stopped"},
	{"start 3", "start 3 imported", "stopped 3", "stopped status running stopped"},
	{"start 4", "start 3", "stopped 3", "stopped status running stopped"},
	{"submit 4", "start 3", "stopped 3", "stopped status running stopped"},
	{"-", "start 3", "stopped 3", "stopped status running stopped"},
	{"start 3", "start 3", "stopped", "stopped status running stopped"}, // no version is told
	{"submit 3", "submit 3 idle", "running 3", "started status submitted running"},
	{"submit 3", "submit 3 idle imported", "running 3", "started status submitted running"},
	{"start 3", "submit 3 idle", "running 3", "started status submitted running"}, // by hand what git wants
	{"submit 3", "submit 3", "running 3", "in-sync"},                              // it ran before, and still does
	{"submit 3", "submit 3 idle", "stopped 3", "in-sync"},
	{"submit 3", "submit 3 idle", "failed 3", "in-sync"},

	// Out of production, or gone. Nothing is ever done about that.
	{"start 3", "start 3", "gone", "gone"},
	{"start 3", "start 3", "missing", "gone"},
	{"-", "start 3", "gone", "gone"},
	{"start 4", "start 3", "gone", "gone"},
	{"start 4", "start 3 refused", "gone", "gone"},
	{"start 3", "start 3", "not-submitted", "not-submitted status running not submitted"},
	{"submit offline", "submit offline", "not-submitted offline", "not-submitted status submitted not submitted"},

	// A commit of ours is open, or so new that what is told may be older.
	{"start 3", "start 2 intent", "running 2", "pending"},
	{"start 3", "start 2 unknown", "running 9", "pending"},
	{"start 3", "- intent", "running 3", "pending"},
	{"start 3", "start 3 approval", "running 2", "pending"},
	{"start 3", "start 3 followed", "not-started 3", "pending"}, // until it runs
	{"start 3", "start 3 not-running", "stopped 3", "stopped status running stopped"},
	{"start 3", "start 3 just", "running 2", "pending"},
	{"start 3", "start 3 just", "not-started 3", "pending"},
	{"start 3", "start 3 just", "gone", "pending"},
	{"start 3", "start 3 just", "not-submitted", "pending"},
	{"start 3", "start 3 just resolved", "running 2", "pending"},
	{"start 3", "start 3 just read-back", "running 2", "pending"},
	{"start 3", "start 3 just", "running 3", "in-sync"},
	{"start 3", "start 3 just", "running 3 locked", "locked"},
	{"start 3", "start 3 just imported", "running 4", "newer instanceVersion 3 4"}, // there was no commit
	{"start 3", "start 3 just adopted", "stopped 3", "stopped status running stopped"},

	// What cannot be read is unknown, and what was never applied differs from nothing.
	{"start 3", "start 3", "denied", "unknown"},
	{"start 3", "start 3", "failing", "unknown"},
	{"start 3", "start 3", "unread", "unknown"},
	{"start 3", "start 3 just", "denied", "unknown"},
	{"start 3", "start 3 intent", "denied", "pending"},
	{"start 3", "-", "running 3", "unmanaged"},
	{"start 3", "-", "gone", "unmanaged"},
	{"start 3", "- refused", "running 3", "unmanaged"},
	{"start 3", "- waiting", "stopped 3", "unmanaged"},
	{"start 3", "- suspended", "running 3", "unmanaged"},
	{"-", "-", "running 3", "unmanaged"},
}

var driftNow = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// TestDriftOf is the table of verdicts.
func TestDriftOf(t *testing.T) {
	if n := len(driftRows); n < 60 {
		t.Errorf("%d situations, want 60 at the least", n)
	}
	seen := map[driftRow]bool{}
	for _, row := range driftRows {
		if key := (driftRow{row.git, row.applied, row.live, ""}); seen[key] {
			t.Errorf("%v is there twice", key)
		} else {
			seen[key] = true
		}
		sighting, err := seenOf(row.live)
		got := Of(wantOf(row.git), haveOf(row.applied), sighting, err, driftNow)
		if text := driftWords(&got); text != row.want {
			t.Errorf("git %q, applied %q, live %q: %s, want %s", row.git, row.applied, row.live, text, row.want)
		}
		drifted := got.Kind.Drifted()
		if !drifted && len(got.Fields) > 0 || drifted && got.Kind != state.DriftGone && got.Operator != "100028625403" {
			t.Errorf("git %q, applied %q, live %q: %+v", row.git, row.applied, row.live, got)
		}
		for _, f := range got.Fields {
			if (f.Git == "") != (row.git == "-") {
				t.Errorf("git %q: %s is %v", row.git, f.Name, f.Git)
			}
		}
	}
}

// TestDriftOf_Total: whatever is applied and told, there is a verdict; the same one
// again; git never decides about it; and drift is only what is known to differ.
func TestDriftOf_Total(t *testing.T) {
	var gits, applieds, lives []string
	for _, row := range driftRows {
		gits, applieds, lives = append(gits, row.git), append(applieds, row.applied), append(lives, row.live)
	}
	rapid.Check(t, func(t *rapid.T) {
		want, have := wantOf(rapid.SampledFrom(gits).Draw(t, "git")), haveOf(rapid.SampledFrom(applieds).Draw(t, "applied"))
		seen, err := seenOf(rapid.SampledFrom(lives).Draw(t, "live"))
		got := Of(want, have, seen, err, driftNow)
		if again := Of(want, have, seen, err, driftNow); driftWords(&again) != driftWords(&got) {
			t.Fatalf("%+v, and then %+v", got, again)
		}
		if without := Of(nil, have, seen, err, driftNow); without.Kind != got.Kind {
			t.Fatalf("with git %s, without %s", got.Kind, without.Kind)
		}
		if got.Kind == "" {
			t.Fatal("no verdict")
		}
		if got.Kind.Drifted() && (have == nil || have.Applied == nil || seen == nil && !errors.Is(err, plan.ErrTaskGone)) {
			t.Fatalf("%s, of what nobody knows", got.Kind)
		}
	})
}

// TestImport_LeavesNoDrift: what was imported is as it is live, with a spec and
// without; and the spec that is written of it has an empty plan.
func TestImport_LeavesNoDrift(t *testing.T) {
	for _, row := range driftRows {
		seen, err := seenOf(row.live)
		if err != nil || seen == nil || seen.Live.Missing || seen.NotSubmitted {
			continue
		}
		for _, want := range []*spec.Commit{nil, wantOf(row.git)} {
			rec := Import(nil, want, seen, "grace", driftNow).Record
			if d := Of(want, rec, seen, nil, driftNow); d.Kind.Drifted() {
				t.Errorf("git %q, live %q: imported, it is %s", row.git, row.live, driftWords(&d))
			}
			c, ok := SpecOf(rec.Key, rec.Applied)
			if !ok {
				t.Errorf("git %q, live %q: no spec for %+v", row.git, row.live, rec.Applied)
				continue
			}
			set := spec.NewSet()
			set.Put(&spec.File{Name: "a.yaml", Commits: []*spec.Commit{&c}})
			p := plan.Diff(plan.Input{Specs: set, Records: state.NewRecords(rec)}, driftNow)
			if n := p.Count(plan.ActionCommit) + p.Count(plan.ActionHold); n > 0 {
				t.Errorf("git %q, live %q: the plan of its spec has %d commits", row.git, row.live, n)
			}
		}
	}
}

// driftWords writes a verdict as driftRows has it.
func driftWords(d *state.Drift) string {
	var fields []string
	for _, f := range d.Fields {
		fields = append(fields, fmt.Sprintf(" %s %v %v", f.Name, f.Applied, f.Live))
	}
	return string(d.Kind) + strings.Join(fields, ",")
}

var driftKey = spec.Key{ProjectID: "1", TaskID: "a"}

// wantOf reads what git wants: a commit type, a version, offline.
func wantOf(text string) *spec.Commit {
	if text == "-" {
		return nil
	}
	c := &spec.Commit{Key: driftKey}
	for word := range strings.FieldsSeq(text) {
		if t, ok := spec.ParseCommitType(word); ok && word[0] > '9' {
			c.CommitType = t
		} else if v, err := strconv.ParseInt(word, 10, 64); err == nil {
			c.InstanceVersion = v
		} else {
			c.TaskType = spec.Offline
		}
	}
	return c
}

// haveOf reads a record: what was applied as wantOf does, "-" if nothing was; idle;
// where it is known from; over, for what was adopted where git says 3; just, for a moment ago and not an hour; and the status of
// what is open.
func haveOf(text string) *state.Record {
	rec := &state.Record{Key: driftKey, Status: state.StatusApplied}
	a := &state.Applied{Origin: state.OriginCommit, At: driftNow.Add(-time.Hour)}
	attempt := &state.Attempt{}
	var git []string
	for word := range strings.FieldsSeq(text) {
		switch word {
		case "idle":
			a.Idle = true
		case "imported", "adopted", "resolved", "read-back":
			a.Origin = state.Origin(word)
		case "just":
			a.At = driftNow.Add(-time.Second)
		case "followed":
			a.Run = &state.Run{Status: state.RunStarting}
		case "not-running":
			a.Run = &state.Run{Status: state.RunLate}
		case "approval":
			rec.Attempt = attempt
		case "over":
			over := plan.AppliedOf(&spec.Commit{Key: driftKey, CommitType: spec.Start, InstanceVersion: 3}, "")
			a.Drift = &state.Drifted{Over: &over}
		case "suspended":
			rec.Suspended = &state.Suspension{}
		case "intent", "unknown", "waiting", "refused":
			rec.Status, rec.Attempt = state.Status(word), attempt
		default:
			git = append(git, word)
		}
	}
	if want := wantOf(strings.Join(git, " ")); want != nil {
		applied := plan.AppliedOf(want, "")
		applied.Origin, applied.At, applied.Idle, applied.Run, applied.Drift = a.Origin, a.At, a.Idle, a.Run, a.Drift
		rec.Applied = &applied
	} else if rec.Attempt == nil && rec.Suspended == nil {
		return nil
	}
	return rec
}

// seenOf reads what was told: a status, a version, and what else there is; or why
// nothing was.
func seenOf(text string) (*LiveTask, error) {
	s := &LiveTask{Key: driftKey, TaskType: spec.Realtime, Live: state.Live{Operator: "100028625403"}}
	for word := range strings.FieldsSeq(text) {
		switch word {
		case "gone":
			return nil, fmt.Errorf("look: %w", plan.ErrTaskGone)
		case "denied":
			return nil, plan.ErrReadDenied
		case "failing":
			return nil, errors.New("no usable answer")
		case "unread":
			return nil, nil
		case "missing":
			s.Live.Missing = true
		case "offline":
			s.TaskType = spec.Offline
		case "locked":
			s.Live.Locked, s.Live.Locker = true, "100000000007"
		case "not-submitted":
			s.NotSubmitted = true
		case "draft", "described":
			s.Event, s.Live.UpdateTime, s.Live.OperateID = "edit", "2026-11-26 19:59:00", "o2"
		case "restarted":
			s.Live.NumRestarts, s.Live.OperateID = new(int64(7)), "o3"
		case "running":
			s.Live.Status = state.TaskRunning
		case "in-operation":
			s.Live.Status = state.TaskInOperation
		case "not-started":
			s.Live.Status = state.TaskNotStarted
		case "paused":
			s.Live.Status = state.TaskPaused
		case "stopping":
			s.Live.Status = state.TaskStopping
		case "stopped":
			s.Live.Status = state.TaskStopped
		case "failed":
			s.Live.Status = state.TaskFailed
		case "abnormal":
			s.Live.Status = 20
		case "status-unknown":
			s.Live.Status = 21
		case "status-not-told":
		default:
			v, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				panic("what is " + word)
			}
			s.Live.InstanceVersion = v
		}
	}
	return s, nil
}
