package serve_test

import (
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestLastShown: a poll that finds nothing new is no event for a page, and whatever the page
// shows is.
func TestLastShown(t *testing.T) {
	waits := func(p *plan.Plan, tries int) {
		p.Changes = []plan.Change{{Key: servetest.Key(1), Action: plan.ActionHold, Hold: plan.HoldWaiting, Have: &state.Record{Key: servetest.Key(1), Status: state.StatusWaiting, Attempt: &state.Attempt{Tries: tries}}}}
	}
	found := []struct {
		what   string
		change func(p *plan.Plan)
		pauses []state.Pause
	}{
		{"in sync", func(*plan.Plan) {}, nil},
		{"a new revision", func(p *plan.Plan) { p.Source.Revision = "3f2a9c1" }, nil},
		{"a spec more", func(p *plan.Plan) { p.Specs++ }, nil},
		{"an error", func(p *plan.Plan) { p.Problems = spec.Problems{{Severity: spec.SeverityError, Message: "no"}} }, nil},
		{"held", func(p *plan.Plan) { p.Holds = []plan.GuardHold{{Guard: "maxChanges"}} }, nil},
		{"approved", func(p *plan.Plan) { p.Approved = "Ada" }, nil},
		{"changes", func(p *plan.Plan) { servetest.Calls(p, 3) }, nil},
		{"drifted", func(p *plan.Plan) { p.Drift = []state.Drift{{Key: servetest.Key(1), Kind: state.DriftGone}} }, nil},
		{"waiting", func(p *plan.Plan) { waits(p, 1) }, nil},
		{"waiting, tried again", func(p *plan.Plan) { waits(p, 2) }, nil},
		{"paused", func(*plan.Plan) {}, []state.Pause{{Code: "AuthFailure"}}},
		{"paused for longer", func(*plan.Plan) {}, []state.Pause{{Code: "AuthFailure", Until: time.Unix(1, 0)}}},
		{"in sync again", func(*plan.Plan) {}, nil},
	}
	var s serve.LastShown
	for _, f := range found {
		for poll := range 3 {
			p := servetest.EmptyPlan()
			f.change(p)
			if got := s.Differs(p, f.pauses); got != (poll == 0) {
				t.Errorf("%s, poll %d: it differs: %v", f.what, poll, got)
			}
		}
	}
	many := servetest.EmptyPlan()
	servetest.Calls(many, 2000)
	for range 2 {
		if !s.Differs(many, nil) {
			t.Error("2,000 changes are nothing new")
		}
	}
}
