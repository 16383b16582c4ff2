package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

func testReadBack(t *testing.T, fresh func(testing.TB) Database) {
	d := fresh(t)
	s := open(t, d)
	suspended := &state.Suspension{Reason: "migration", Actor: "ada", At: Time(), Until: Time().Add(time.Hour)}
	waiting := *Intent(2).Record
	waiting.Status, waiting.Suspended = state.StatusWaiting, suspended
	waiting.Attempt.Outcome = state.Outcome{Class: state.ClassWaiting, Code: "UnsupportedOperation", Message: "locked", Locker: "100028625403"}
	waiting.Attempt.Since, waiting.Attempt.NextAt = Time(), Time().Add(time.Minute)
	none := state.Record{Key: Key(3), Status: state.StatusNone, Suspended: suspended}
	control := state.Control{
		Revision:  "9fceb02d0ae598e95dc970b74767f19372d61af8",
		Pauses:    []state.Pause{{ProjectID: "1", Code: "UnauthorizedOperation", Message: "no", Since: Time(), Until: Time(), Tries: 2}},
		Approvals: []state.Approval{{PlanHash: "sha256:00", Actor: "ada", At: Time(), Expires: Time(), Calls: []spec.Digest{Digest(5)}}},
		Suspended: suspended,
		DriftScan: &state.DriftScan{
			At: Time(), Tasks: 9, Unknown: 1, Error: "no", Kinds: map[state.DriftKind]int{state.DriftNewer: 1},
			Drifted: []state.Drift{{
				Key: Key(2), Kind: state.DriftNewer, Fields: []state.DriftField{{Name: "instanceVersion", Git: "1", Applied: "1", Live: "2"}},
				Operator: "100028625403", OperatedAt: "2026-11-26 14:03:11", Event: "commit", Locker: "7", Detail: "d", Since: Time(),
			}},
		},
	}
	event := []state.Event{{At: Time(), Kind: state.EventCommand, Note: "said <so> & so"}}
	for _, tr := range []state.Transition{
		Intent(0), Applied(0), Intent(1),
		{Record: &waiting, Events: event},
		{Record: &none, Events: event},
		{Control: &control, Events: event},
		Applied(9),
		Forgotten(9),
		Forgotten(10),
	} {
		if err := s.Save(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
	}
	want := Content{Records: []state.Record{*Applied(0).Record, *Intent(1).Record, waiting, none}, Control: control}

	got, err := Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Records, got.Records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Control, got.Control); diff != "" {
		t.Errorf("control (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, mustRead(t, d)); diff != "" {
		t.Errorf("a reader sees something else (-store +reader):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, mustRead(t, d)); diff != "" {
		t.Errorf("a closed state is something else (-open +closed):\n%s", diff)
	}
	rec, err := open(t, d).Record(t.Context(), Key(1))
	if diff := cmp.Diff(Intent(1).Record, rec); diff != "" || err != nil {
		t.Errorf("record (-want +got), %v:\n%s", err, diff)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func testNoRecord(t *testing.T, fresh func(testing.TB) Database) {
	if rec, err := open(t, fresh(t)).Record(t.Context(), Key(1)); rec != nil || err != nil {
		t.Errorf("got %v, %v", rec, err)
	}
}

func testHistoryPages(t *testing.T, fresh func(testing.TB) Database) {
	s := open(t, fresh(t))
	for i := range 6 {
		if err := s.Save(t.Context(), Applied(i%2)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tr := range []state.Transition{Applied(7), Forgotten(7)} {
		if err := s.Save(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		q    state.HistoryQuery
		want []int64
	}{
		{"all", state.HistoryQuery{}, []int64{9, 8, 7, 6, 5, 4, 3, 2, 1}},
		{"the newest", state.HistoryQuery{Limit: 2}, []int64{9, 8}},
		{"older ones", state.HistoryQuery{Before: 4, Limit: 2}, []int64{3, 2}},
		{"of one task", state.HistoryQuery{Key: new(Key(1))}, []int64{7, 5, 3}},
		{"of a task that was forgotten", state.HistoryQuery{Key: new(Key(7))}, []int64{9, 8}},
		{"of one task, older", state.HistoryQuery{Key: new(Key(1)), Before: 7, Limit: 1}, []int64{5}},
		{"of no task", state.HistoryQuery{Key: new(Key(5))}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events, err := s.History(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, e := range events {
				got = append(got, e.Seq)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if _, err := s.History(t.Context(), state.HistoryQuery{Limit: state.MaxHistory + 1}); err == nil {
		t.Error("a limit without bound is accepted")
	}
}

func testRefusedTransitions(t *testing.T, fresh func(testing.TB) Database) {
	event := []state.Event{{At: Time(), Kind: state.EventCommand}}
	s := open(t, fresh(t))
	for _, tt := range []struct {
		name string
		tr   state.Transition
		want string
	}{
		{"without an event", state.Transition{Record: Applied(1).Record}, "has no event"},
		{"without a key", state.Transition{Record: &state.Record{Status: state.StatusNone}, Events: event}, "is not an id"},
		{"with a long key", state.Transition{Record: &state.Record{Key: spec.Key{ProjectID: strings.Repeat("1", 129), TaskID: "1"}}, Events: event}, "is not an id"},
		{"with a space in a key", state.Transition{Record: &state.Record{Key: spec.Key{ProjectID: "1", TaskID: "a b"}}, Events: event}, "is not an id"},
		{"without a status", state.Transition{Record: &state.Record{Key: Key(1)}, Events: event}, `no status ""`},
		{"applied without what", state.Transition{Record: &state.Record{Key: Key(1), Status: state.StatusApplied}, Events: event}, "does not say what"},
		{"unknown without attempt", state.Transition{Record: &state.Record{Key: Key(1), Status: state.StatusUnknown}, Events: event}, "has no attempt"},
		{"a record beyond all bounds", state.Transition{Record: &state.Record{
			Key: Key(1), Status: state.StatusApplied,
			Applied: &state.Applied{VersionDesc: strings.Repeat("x", 2<<20)},
		}, Events: event}, "at most"},
		{"a time that JSON has not", state.Transition{Events: []state.Event{{At: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}}}, "year"},
		{"an answer to nothing", state.Transition{CarriedOut: &state.CarriedOut{ID: 7}, Events: event}, state.ErrNoCommand.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, _ := s.Serial(t.Context())
			if err := s.Save(t.Context(), tt.tr); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if after, _ := s.Serial(t.Context()); after != before {
				t.Error("something was written")
			}
			if err := s.Save(t.Context(), Applied(1)); err != nil {
				t.Errorf("the next one is not saved: %v", err)
			}
		})
	}
}

func testBounds(t *testing.T, fresh func(testing.TB) Database) {
	s := open(t, fresh(t))
	flood := strings.Repeat("世", 10_000)
	tr := Intent(1)
	tr.Record.Status, tr.Record.Attempt.Outcome.Message = state.StatusUnknown, flood
	tr.Events[0].Note = flood
	tr.Control = &state.Control{DriftScan: &state.DriftScan{Error: flood, Drifted: []state.Drift{{Operator: flood, OperatedAt: flood, Event: flood, Locker: flood, Detail: flood}}}}
	if err := s.Save(t.Context(), tr); err != nil {
		t.Fatal(err)
	}
	c, err := Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	d := c.Control.DriftScan.Drifted[0]
	for _, got := range []string{
		c.Records[0].Attempt.Outcome.Message, c.History[0].Note,
		c.Control.DriftScan.Error, d.Operator, d.OperatedAt, d.Event, d.Locker, d.Detail,
	} {
		if len(got) > state.MaxMessage || !strings.HasPrefix(flood, strings.TrimSuffix(got, "…")) {
			t.Errorf("%d bytes: %.20s", len(got), got)
		}
	}
	if tr.Record.Attempt.Outcome.Message != flood || tr.Control.DriftScan.Drifted[0].Detail != flood {
		t.Error("the caller's record was changed")
	}
}

// An id is whatever specs let pass, in any script.
func testIDs(t *testing.T, fresh func(testing.TB) Database) {
	s := open(t, fresh(t))
	for _, id := range []string{"任务-1", "ñandú", "a/b'c\"d\\e;--", strings.Repeat("界", 42)} {
		tr := Applied(0)
		tr.Record.Key = spec.Key{ProjectID: id, TaskID: id}
		if err := s.Save(t.Context(), tr); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		rec, err := s.Record(t.Context(), tr.Record.Key)
		if diff := cmp.Diff(tr.Record, rec); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", id, err, diff)
		}
	}
	for _, err := range s.Records(t.Context()) {
		if err != nil {
			t.Error(err)
		}
	}
}

// A record goes with an event that says so: its history has no other beginning then.
func testForget(t *testing.T, fresh func(testing.TB) Database) {
	s := open(t, fresh(t))
	adopt(t, s, 2)
	other := Forgotten(0)
	other.Events[0].Key = Key(1)
	both := Forgotten(0)
	both.Record = Applied(1).Record
	for _, tr := range []state.Transition{other, both} {
		if err := s.Save(t.Context(), tr); err == nil {
			t.Errorf("%+v is saved", tr)
		}
	}
	if rec, err := s.Record(t.Context(), Key(0)); rec == nil || err != nil {
		t.Errorf("the record is gone: %v", err)
	}
}

func testSaveAll(t *testing.T, fresh func(testing.TB) Database) {
	s := open(t, fresh(t))
	before, _ := s.Serial(t.Context())
	adopt(t, s, 500)
	after, err := s.Serial(t.Context())
	if err != nil || after != before+1 {
		t.Errorf("serial went from %d to %d, %v", before, after, err)
	}
	bad := []state.Transition{Applied(600), Applied(601), {}}
	if err := s.SaveAll(t.Context(), bad); err == nil {
		t.Fatal("a bad transition is saved")
	}
	if rec, err := s.Record(t.Context(), Key(600)); rec != nil || err != nil {
		t.Errorf("half of it is there: %v, %v", rec, err)
	}
}

func testClosed(t *testing.T, fresh func(testing.TB) Database) {
	s := open(t, fresh(t))
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), Applied(1)); !errors.Is(err, state.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
