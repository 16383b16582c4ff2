package sqlstore_test

import (
	"errors"
	"testing"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
	"github.com/wedatasync/wedatasync/state/sqlstore/storetest"
)

// TestRegionIsBoundByTheFirstCall: a mistyped endpoint or region is corrected in the
// settings alone, until a call may have been accepted there.
func TestRegionIsBoundByTheFirstCall(t *testing.T) {
	refused := storetest.Intent(1)
	rec := *refused.Record
	rec.Status, rec.Applied = state.StatusWaiting, nil
	rec.Attempt.Outcome = state.Outcome{Class: state.ClassAuth, Code: "UnsupportedRegion"}
	refused.Record = &rec
	for _, tt := range []struct {
		name  string
		saved state.Transition
		bound bool
	}{
		{"refused", refused, false},
		{"under way", storetest.Intent(1), true},
		{"applied", storetest.Applied(1), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := statePath(t)
			typo := sampleIdentity()
			typo.Region, typo.Endpoint = "ap-guangzhoo", "https://wedata.example.com"
			s, err := sqlstore.Open(t.Context(), path, typo, sqlstore.Options{Create: true})
			if err != nil {
				t.Fatal(err)
			}
			control := state.Control{Pauses: []state.Pause{{Code: "UnsupportedRegion"}}}
			tt.saved.Control = &control
			if err := errors.Join(s.Save(t.Context(), tt.saved), s.Close()); err != nil {
				t.Fatal(err)
			}
			s, err = sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{})
			if tt.bound {
				if !errors.Is(err, state.ErrForeign) {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if after, err := s.Control(t.Context()); err != nil || len(after.Pauses) > 0 {
				t.Errorf("the pauses are %v, %v", after.Pauses, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			rep, err := sqlstore.Check(t.Context(), path)
			if err != nil || rep.Identity != sampleIdentity() {
				t.Errorf("the state belongs to %v, %v", rep.Identity, err)
			}
			other := sampleIdentity()
			other.Branch = "dev"
			if _, err := sqlstore.Open(t.Context(), path, other, sqlstore.Options{}); !errors.Is(err, state.ErrForeign) {
				t.Errorf("another branch: %v", err)
			}
		})
	}
}
