package sqlstore_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// TestNotices keeps notices across a restart, replaces and removes them, and leaves the
// serial as it is. A row that is damaged is left out.
func TestNotices(t *testing.T) {
	path := statePath(t)
	s, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	adopt(t, s, 2)
	if list, err := s.Notices(t.Context()); len(list) != 0 || err != nil {
		t.Errorf("a new state has the notices %v, %v", list, err)
	}
	before, err := s.Serial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	notice := func(receiver, id, body string) state.Notice {
		return state.Notice{Receiver: receiver, ID: id, Body: body, At: sampleTime()}
	}
	a, b, c := notice("ops", "a", "1"), notice("ops", "b", "2"), notice("releases", "a", "3")
	if err := s.SaveNotices(t.Context(), []state.Notice{a, b, c}, nil); err != nil {
		t.Fatal(err)
	}
	b.Body = "4"
	if err := s.SaveNotices(t.Context(), []state.Notice{b}, []state.Notice{a}); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), applied(3)); err != nil {
		t.Fatal(err)
	}
	if now, err := s.Serial(t.Context()); now != before+1 || err != nil {
		t.Errorf("serial %d, %v, want %d: only the record counts", now, err, before+1)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Check(t.Context(), path); err != nil {
		t.Error(err)
	}
	s = open(t, path)
	list, err := s.Notices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]state.Notice{b, c}, list); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	sqlExec(t, path, "UPDATE notices SET body = 'another' WHERE receiver = 'ops'")
	if list, err := s.Notices(t.Context()); len(list) != 1 || err != nil {
		t.Errorf("with a damaged row: %v, %v", list, err)
	}
}

// TestNotices_Refused: a notice that cannot be kept is refused, and so is one for a closed
// state; a full disk takes it later.
func TestNotices_Refused(t *testing.T) {
	var full atomic.Bool
	s, err := sqlstore.Open(t.Context(), statePath(t), sampleIdentity(), sqlstore.WithFault(sqlstore.Options{Create: true}, func(point string) error {
		if full.Load() && point == "commit" {
			return state.ErrFull
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	good := []state.Notice{{Receiver: "ops", ID: "a", At: time.Now()}}
	for _, bad := range []state.Notice{{ID: "a"}, {Receiver: "ops", Body: strings.Repeat("x", state.MaxNotice+1)}} {
		if err := s.SaveNotices(t.Context(), []state.Notice{bad}, nil); err == nil {
			t.Errorf("%q was kept", bad.Receiver)
		}
	}
	full.Store(true)
	if err := s.SaveNotices(t.Context(), good, nil); !errors.Is(err, state.ErrFull) {
		t.Errorf("a full disk: %v", err)
	}
	full.Store(false)
	if err := s.SaveNotices(t.Context(), good, nil); err != nil {
		t.Errorf("after that: %v", err)
	}
	if err := s.Save(t.Context(), applied(1)); err != nil {
		t.Errorf("a record after that: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveNotices(t.Context(), good, nil); !errors.Is(err, state.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
