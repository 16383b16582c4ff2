package reconcile

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// TestRecover_DropsOldApprovals: what an earlier version took names no guard, or its plan
// by a few digits, and lets nothing pass; the log and the history say so.
func TestRecover_DropsOldApprovals(t *testing.T) {
	whole := heldPlan(t, noon).Hash
	good := state.Approval{PlanHash: whole, Actor: "lin", At: noon, Expires: noon.Add(time.Hour), Guards: []string{"maxChanges"}}
	ledger, log := &ledgerOf{}, new(bytes.Buffer)
	r := New(Config{Store: ledger, Logger: slog.New(slog.NewTextHandler(log, nil))}, nil, state.Control{Approvals: []state.Approval{
		{PlanHash: "370fe1c0", Actor: "ada", Expires: noon}, good, {PlanHash: strings.TrimPrefix(whole, plan.HashPrefix), Actor: "bo"},
	}})
	if err := r.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.applied.Control().Approvals; len(got) != 1 || got[0].PlanHash != good.PlanHash {
		t.Errorf("left: %+v", got)
	}
	if len(ledger.saved) != 1 || len(ledger.saved[0].Events) != 2 || ledger.saved[0].Events[0].Kind != state.EventApproval || ledger.saved[0].Events[0].Actor != "ada" {
		t.Errorf("saved: %+v", ledger.saved)
	}
	if n := strings.Count(log.String(), "dropped an approval"); n != 2 {
		t.Errorf("%d lines in the log, want 2:\n%s", n, log)
	}
}
