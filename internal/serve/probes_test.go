package serve_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestReadinessNamesTheWayOn reads what a person would: what has happened, and what to
// type.
func TestReadinessNamesTheWayOn(t *testing.T) {
	now := time.Now()
	d := servetest.NewDaemon(t, servetest.TroubledStatus(now))
	w := servetest.Get(t, d.Serve(t), "/readyz")
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
	since := now.Add(-12 * time.Minute).UTC().Format(time.RFC3339)
	want := `action required
credentials: sending to project 1486804694126882816 is paused: UnauthorizedOperation: you may not
unknown: 1486804694126882816/kb947c997-4f91-4a1f-913d-000000000002: the outcome of the commit is not known: what is live fits neither
  wedatasync resolve 1486804694126882816/kb947c997-4f91-4a1f-913d-000000000002 applied
  wedatasync resolve 1486804694126882816/kb947c997-4f91-4a1f-913d-000000000002 not-applied
guard: maxChanges holds the plan: 38 calls, and guards.maxChanges is 30
  wedatasync approve sha256:5a3c9d1e0f343b0931126a20f133d67c2b018a3b5f1f7a8d0f3b1f0c8b7b0b1e
refused: 1486804694126882816/kb947c997-4f91-4a1f-913d-000000000003: refused with InvalidParameterValue: no such version (since ` + since + `)
  wedatasync retry 1486804694126882816/kb947c997-4f91-4a1f-913d-000000000003
drifted: 1 task drifted; undo it in WeData, or change the spec to what is live
specs: 1 error: tasks/clicks.yaml:12:7: commitType 2 needs discardState: add it
source: the source could not be read for 1 h: poll the source: no way there
`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// TestReadinessIsBounded has many of everything, and a body that stays short.
func TestReadinessIsBounded(t *testing.T) {
	now := time.Now()
	s := servetest.Healthy(servetest.EmptyPlan(), now)
	for i := range 1000 {
		rec := servetest.Record(servetest.Key(i), state.StatusUnknown, state.Outcome{Class: state.ClassUnknown}, now)
		rec.Attempt.NeedsOperator = "it fits neither"
		servetest.Held(s.Plan, servetest.Key(i), plan.HoldUnknown, rec)
		servetest.Held(s.Plan, servetest.Key(1000+i), plan.HoldRefused, nil)
		s.Plan.Problems = append(s.Plan.Problems, spec.Problem{Severity: spec.SeverityError, Message: "wrong"})
	}
	body := servetest.Get(t, servetest.NewDaemon(t, s).Serve(t), "/readyz").Body.String()
	if len(body) > 4<<10 {
		t.Errorf("%d bytes", len(body))
	}
	for _, want := range []string{"1,000 unknown outcomes require action in all", "1,000 tasks are refused", "1,000 errors"} {
		if !strings.Contains(body, want) {
			t.Errorf("the body does not say %q:\n%s", want, body)
		}
	}
}

// TestReadyWhenNobodyIsNeeded: the probes of a healthy daemon.
func TestReadyWhenNobodyIsNeeded(t *testing.T) {
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
	if got := servetest.Page(t, s, "/readyz"); got != "ready\n" {
		t.Errorf("/readyz says %q", got)
	}
	if got := servetest.Page(t, s, "/healthz"); got != "ok\n" {
		t.Errorf("/healthz says %q", got)
	}
}

// TestHealthOfALoopThatHangs: only that makes a restart worth it.
func TestHealthOfALoopThatHangs(t *testing.T) {
	d := servetest.NewDaemon(t, servetest.TroubledStatus(time.Now()))
	alive := true
	d.Config.Daemon.Alive = func(time.Time) bool { return alive }
	s := d.Serve(t)
	for _, want := range []int{http.StatusOK, http.StatusServiceUnavailable, http.StatusOK} {
		alive = want == http.StatusOK
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
		if w.Code != want {
			t.Errorf("/healthz of a daemon whose loop goes on (%v) answers %d %q, want %d", alive, w.Code, w.Body, want)
		}
	}
}
