package snapshot_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestReadiness is the table from what has happened to whether action is required.
func TestReadiness(t *testing.T) {
	now := time.Date(2026, 11, 23, 13, 20, 0, 0, time.UTC)
	with := func(change func(*reconcile.Status)) reconcile.Status {
		s := servetest.Healthy(servetest.EmptyPlan(), now)
		change(&s)
		return s
	}
	holding := func(why plan.HoldReason, rec *state.Record) reconcile.Status {
		return with(func(s *reconcile.Status) { servetest.Held(s.Plan, servetest.Key(1), why, rec) })
	}
	paused := func(p state.Pause) reconcile.Status {
		p.Since, p.Until = now.Add(-time.Hour), now.Add(time.Minute)
		return with(func(s *reconcile.Status) { s.Control.Pauses = []state.Pause{p} })
	}
	source := func(h reconcile.Health) reconcile.Status {
		return with(func(s *reconcile.Status) { s.Source = h })
	}
	ledger := func(h reconcile.Health) reconcile.Status {
		return with(func(s *reconcile.Status) { s.Store = h })
	}
	guarded := func(guards ...string) reconcile.Status {
		return with(func(s *reconcile.Status) {
			for _, g := range guards {
				s.Plan.Holds = append(s.Plan.Holds, plan.GuardHold{Guard: g, Message: "why", Approvable: true})
			}
			servetest.Held(s.Plan, servetest.Key(1), plan.HoldGuard, nil)
		})
	}
	problem := func(severity spec.Severity) reconcile.Status {
		return with(func(s *reconcile.Status) {
			s.Plan.Problems = spec.Problems{{Pos: spec.Pos{File: "a.yaml", Line: 1, Column: 1}, Severity: severity, Message: "wrong"}}
		})
	}
	unknown := func(needs string) *state.Record {
		rec := servetest.Record(servetest.Key(1), state.StatusUnknown, state.Outcome{Class: state.ClassUnknown, Code: "Timeout"}, now)
		rec.Attempt.NeedsOperator = needs
		return rec
	}
	following := func(status state.RunStatus) reconcile.Status {
		return with(func(s *reconcile.Status) {
			rec := &state.Record{Key: servetest.Key(1), Status: state.StatusApplied, Applied: &state.Applied{Wait: 60, Run: &state.Run{Status: status, Detail: "failed"}}}
			s.Plan.Changes = append(s.Plan.Changes, plan.Change{Key: servetest.Key(1), Action: plan.ActionFollow, Have: rec})
		})
	}
	broken := errors.New("no")

	for _, tt := range []struct {
		name   string
		status reconcile.Status
		want   []explain.ReasonCode
	}{
		{"all is well", servetest.Healthy(servetest.EmptyPlan(), now), nil},
		{"before the first poll has ended", reconcile.Status{}, nil},
		{"a long first pass", with(func(s *reconcile.Status) { servetest.Calls(s.Plan, 210); s.InFlight = []spec.Key{servetest.Key(1)} }), nil},
		{"a long first pass, polled two hours ago", with(func(s *reconcile.Status) { s.Source.OK, s.Source.At = now.Add(-2*time.Hour), now.Add(-2*time.Hour) }), nil},

		{"a lock", holding(plan.HoldLocked, nil), nil},
		{"a back-off", holding(plan.HoldWaiting, nil), nil},
		{"a dependency", holding(plan.HoldDependency, nil), nil},
		{"a suspended task", holding(plan.HoldSuspended, nil), nil},
		{"a task outside an allow-list", holding(plan.HoldGuard, nil), nil},
		{"everything suspended", with(func(s *reconcile.Status) { s.Control.Suspended = &state.Suspension{At: now} }), nil},
		{"an unknown outcome that is read back", holding(plan.HoldUnknown, unknown("")), nil},
		{"an unknown outcome that requires action", holding(plan.HoldUnknown, unknown("it fits neither")), []explain.ReasonCode{explain.ReasonUnknown}},
		{"a refused commit", holding(plan.HoldRefused, nil), []explain.ReasonCode{explain.ReasonRefused}},

		{"a task that is followed until it runs", following(state.RunStarting), nil},
		{"a change by others that was adopted", holding(plan.HoldAdopted, nil), nil},
		{"a task that others change again whenever it is healed", holding(plan.HoldContested, nil), []explain.ReasonCode{explain.ReasonContested}},
		{"a task that did not run in time", following(state.RunLate), []explain.ReasonCode{explain.ReasonNotRunning}},
		{"a task that failed after its start", following(state.RunFailed), []explain.ReasonCode{explain.ReasonNotRunning}},

		{"a guard", guarded("maxChanges"), []explain.ReasonCode{explain.ReasonGuard}},
		{"two guards", guarded("rewritten", "maxChanges"), []explain.ReasonCode{explain.ReasonGuard, explain.ReasonGuard}},
		{"a freeze window", guarded("windows"), nil},
		{"a guard in a freeze window", guarded("empty", "windows"), []explain.ReasonCode{explain.ReasonGuard}},

		{"a file with an error", problem(spec.SeverityError), []explain.ReasonCode{explain.ReasonSpecs}},
		{"a file with a warning", problem(spec.SeverityWarning), nil},

		{"credentials that are not accepted", paused(state.Pause{Code: "AuthFailure.SecretIdNotFound"}), []explain.ReasonCode{explain.ReasonCredentials}},
		{"a clock that is off", paused(state.Pause{Code: "AuthFailure.SignatureExpire"}), []explain.ReasonCode{explain.ReasonCredentials}},
		{"a project without permission", paused(state.Pause{ProjectID: servetest.Project, Code: "UnauthorizedOperation"}), []explain.ReasonCode{explain.ReasonCredentials}},
		{"credentials between two tries", with(func(s *reconcile.Status) {
			s.Control.Pauses = []state.Pause{{Code: "AuthFailure", Until: now.Add(-servetest.Interval)}}
		}), []explain.ReasonCode{explain.ReasonCredentials}},
		{"a pause that nobody has needed since", with(func(s *reconcile.Status) {
			s.Control.Pauses = []state.Pause{{Code: "AuthFailure", Until: now.Add(-time.Hour)}}
		}), nil},
		{"no credentials at all", paused(state.Pause{Code: wedata.CodeNoCredentials}), []explain.ReasonCode{explain.ReasonCredentials}},
		{"a region that does not exist", paused(state.Pause{Code: "UnsupportedRegion"}), []explain.ReasonCode{explain.ReasonCredentials}},
		{"a certificate that is not trusted", paused(state.Pause{Code: wedata.CodeUntrusted}), []explain.ReasonCode{explain.ReasonCredentials}},
		{"an endpoint that does not answer", paused(state.Pause{Code: wedata.CodeTimeout}), nil},
		{"an endpoint whose name does not resolve", paused(state.Pause{Code: wedata.CodeUnknownHost}), nil},
		{"an endpoint that refuses connections", paused(state.Pause{Code: wedata.CodeNoConnection}), nil},
		{"connections that break", paused(state.Pause{Code: wedata.CodeBroken}), nil},
		{"another fault of the network", paused(state.Pause{Code: wedata.CodeNetwork}), nil},
		{"an endpoint that fails", paused(state.Pause{Code: "EndpointFailing"}), nil},

		{"a source that failed once", source(reconcile.Health{OK: now.Add(-servetest.Interval), At: now, Err: broken}), nil},
		{"a source that failed for two intervals", source(reconcile.Health{OK: now.Add(-2 * servetest.Interval), At: now, Err: broken}), nil},
		{"a source that failed for longer", source(reconcile.Health{OK: now.Add(-2*servetest.Interval - 1), At: now, Err: broken}), []explain.ReasonCode{explain.ReasonSource}},
		{"a source that was never read", source(reconcile.Health{At: now, Err: broken}), []explain.ReasonCode{explain.ReasonSource}},

		{"a revision that is not signed", source(reconcile.Health{OK: now, At: now, Err: fmt.Errorf("poll the source: %w", reconcile.ErrUnverified)}), []explain.ReasonCode{explain.ReasonSignature}},

		{"a full disk", ledger(reconcile.Health{OK: now, At: now, Err: fmt.Errorf("write the state: %w", state.ErrFull)}), []explain.ReasonCode{explain.ReasonState}},
		{"a damaged state", ledger(reconcile.Health{OK: now, At: now, Err: &state.DamagedError{Table: "tasks"}}), []explain.ReasonCode{explain.ReasonState}},
		{"a state that was busy once", ledger(reconcile.Health{OK: now, At: now, Err: state.ErrBusy}), nil},
		{"a state that is busy for long", ledger(reconcile.Health{OK: now.Add(-time.Hour), At: now, Err: state.ErrBusy}), []explain.ReasonCode{explain.ReasonState}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []explain.ReasonCode
			for _, r := range snapshot.Readiness(tt.status, now, servetest.Interval) {
				got = append(got, r.Code)
				if r.Message == "" || strings.ContainsAny(r.Message, "\r\n") {
					t.Errorf("message %q is not one line", r.Message)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCommandsAreOneWord: a task id is printable and may mean something to a shell.
func TestCommandsAreOneWord(t *testing.T) {
	now := time.Now()
	s := servetest.Healthy(servetest.EmptyPlan(), now)
	k := spec.Key{ProjectID: "1", TaskID: `x;$(reboot)'"` + "`id`"}
	servetest.Held(s.Plan, k, plan.HoldRefused, nil)
	got := snapshot.Readiness(s, now, servetest.Interval)
	want := []string{`wedatasync retry '1/x;$(reboot)'\''"` + "`id`'"}
	if diff := cmp.Diff(want, got[0].Commands); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

// TestEveryCodeHasWords: a kind of reason is named, and said in a few words.
func TestEveryCodeHasWords(t *testing.T) {
	seen := map[string]bool{}
	for _, code := range explain.ReasonCodes() {
		for _, text := range []string{code.Title(), code.Text()} {
			if text == "" || text == string(code) || seen[text] {
				t.Errorf("%s is %q", code, text)
			}
			seen[text] = true
		}
	}
}
