package reconcile

import (
	"testing"

	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestRelease_OfAnEarlierVersion: the revision that a state of an earlier version is at is
// remembered once, as done, and nobody claims to know since when.
func TestRelease_OfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	ledger := &ledgerOf{}
	r := New(Config{
		Source: &setSource{set: spec.NewSet()}, Store: ledger, Logger: silent,
		Guards: func() *plan.Guards { return &plan.Guards{} },
	}, state.NewRecords(), state.Control{Revision: "1"})
	if _, err := r.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := r.applied.Control().Releases
	if len(list) != 1 || list[0].Revision != "1" || list[0].Outcome != state.ReleaseDone || !list[0].SeenAt.IsZero() || len(ledger.saved) != 1 {
		t.Errorf("after the first pass: %+v, by %d transitions", list, len(ledger.saved))
	}
}
