package sqlstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

func TestWhatIsSavedIsReadBack(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	suspended := &state.Suspension{Reason: "migration", Actor: "ada", At: sampleTime(), Until: sampleTime().Add(time.Hour)}
	waiting := *intent(2).Record
	waiting.Status, waiting.Suspended = state.StatusWaiting, suspended
	waiting.Attempt.Outcome = state.Outcome{Class: state.ClassWaiting, Code: "UnsupportedOperation", Message: "locked", Locker: "100028625403"}
	waiting.Attempt.Since, waiting.Attempt.NextAt = sampleTime(), sampleTime().Add(time.Minute)
	none := state.Record{Key: sampleKey(3), Status: state.StatusNone, Suspended: suspended}
	control := state.Control{
		Revision:  "9fceb02d0ae598e95dc970b74767f19372d61af8",
		Pauses:    []state.Pause{{ProjectID: "1", Code: "UnauthorizedOperation", Message: "no", Since: sampleTime(), Until: sampleTime(), Tries: 2}},
		Approvals: []state.Approval{{PlanHash: "sha256:00", Actor: "ada", At: sampleTime(), Expires: sampleTime(), Calls: []spec.Digest{sampleDigest(5)}}},
		Suspended: suspended,
		DriftScan: &state.DriftScan{
			At: sampleTime(), Tasks: 9, Unknown: 1, Error: "no", Kinds: map[state.DriftKind]int{state.DriftNewer: 1},
			Drifted: []state.Drift{{
				Key: sampleKey(2), Kind: state.DriftNewer, Fields: []state.DriftField{{Name: "instanceVersion", Git: "1", Applied: "1", Live: "2"}},
				Operator: "100028625403", OperatedAt: "2026-11-26 14:03:11", Event: "commit", Locker: "7", Detail: "d", Since: sampleTime(),
			}},
		},
	}
	event := []state.Event{{At: sampleTime(), Kind: state.EventCommand, Note: "said <so> & so"}}
	for _, tr := range []state.Transition{
		intent(0), applied(0), intent(1),
		{Record: &waiting, Events: event},
		{Record: &none, Events: event},
		{Control: &control, Events: event},
		applied(9),
		forgotten(9),
		forgotten(10),
	} {
		if err := s.Save(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
	}
	want := content{Records: []state.Record{*applied(0).Record, *intent(1).Record, waiting, none}, Control: control}

	got, err := read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Records, got.Records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Control, got.Control); diff != "" {
		t.Errorf("control (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, mustRead(t, path)); diff != "" {
		t.Errorf("a reader sees something else (-store +reader):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, mustRead(t, path)); diff != "" {
		t.Errorf("a closed state is something else (-open +closed):\n%s", diff)
	}
	rec, err := open(t, path).Record(t.Context(), sampleKey(1))
	if diff := cmp.Diff(intent(1).Record, rec); diff != "" || err != nil {
		t.Errorf("record (-want +got), %v:\n%s", err, diff)
	}
	if rep, err := sqlstore.Check(t.Context(), path); err != nil || rep.Records != 4 || rep.Events != 10 || rep.Head != rep.Serial {
		t.Errorf("check: %+v, %v", rep, err)
	}
}

func TestARecordThatIsNotThereIsNil(t *testing.T) {
	if rec, err := open(t, statePath(t)).Record(t.Context(), sampleKey(1)); rec != nil || err != nil {
		t.Errorf("got %v, %v", rec, err)
	}
}

func TestHistoryIsReadInPages(t *testing.T) {
	s := open(t, statePath(t))
	for i := range 6 {
		if err := s.Save(t.Context(), applied(i%2)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tr := range []state.Transition{applied(7), forgotten(7)} {
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
		{"of one task", state.HistoryQuery{Key: new(sampleKey(1))}, []int64{7, 5, 3}},
		{"of a task that was forgotten", state.HistoryQuery{Key: new(sampleKey(7))}, []int64{9, 8}},
		{"of one task, older", state.HistoryQuery{Key: new(sampleKey(1)), Before: 7, Limit: 1}, []int64{5}},
		{"of no task", state.HistoryQuery{Key: new(sampleKey(5))}, nil},
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

func TestTransitionsThatCannotBeAreRefused(t *testing.T) {
	event := []state.Event{{At: sampleTime(), Kind: state.EventCommand}}
	s := open(t, statePath(t))
	for _, tt := range []struct {
		name string
		tr   state.Transition
		want string
	}{
		{"without an event", state.Transition{Record: applied(1).Record}, "has no event"},
		{"without a key", state.Transition{Record: &state.Record{Status: state.StatusNone}, Events: event}, "is not an id"},
		{"with a long key", state.Transition{Record: &state.Record{Key: spec.Key{ProjectID: strings.Repeat("1", 129), TaskID: "1"}}, Events: event}, "is not an id"},
		{"with a space in a key", state.Transition{Record: &state.Record{Key: spec.Key{ProjectID: "1", TaskID: "a b"}}, Events: event}, "is not an id"},
		{"without a status", state.Transition{Record: &state.Record{Key: sampleKey(1)}, Events: event}, `no status ""`},
		{"applied without what", state.Transition{Record: &state.Record{Key: sampleKey(1), Status: state.StatusApplied}, Events: event}, "does not say what"},
		{"unknown without attempt", state.Transition{Record: &state.Record{Key: sampleKey(1), Status: state.StatusUnknown}, Events: event}, "has no attempt"},
		{"a record beyond all bounds", state.Transition{Record: &state.Record{
			Key: sampleKey(1), Status: state.StatusApplied,
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
			if err := s.Save(t.Context(), applied(1)); err != nil {
				t.Errorf("the next one is not saved: %v", err)
			}
		})
	}
}

func TestTextsFromOutsideAreCut(t *testing.T) {
	s := open(t, statePath(t))
	flood := strings.Repeat("世", 10_000)
	tr := intent(1)
	tr.Record.Status, tr.Record.Attempt.Outcome.Message = state.StatusUnknown, flood
	tr.Events[0].Note = flood
	tr.Control = &state.Control{DriftScan: &state.DriftScan{Error: flood, Drifted: []state.Drift{{Operator: flood, OperatedAt: flood, Event: flood, Locker: flood, Detail: flood}}}}
	if err := s.Save(t.Context(), tr); err != nil {
		t.Fatal(err)
	}
	c, err := read(t.Context(), s)
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
func TestIDsOfAnyScript(t *testing.T) {
	s := open(t, statePath(t))
	for _, id := range []string{"任务-1", "ñandú", "a/b'c\"d\\e;--", strings.Repeat("界", 42)} {
		tr := applied(0)
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
func TestARecordIsNotForgottenWithoutATrace(t *testing.T) {
	s := open(t, statePath(t))
	adopt(t, s, 2)
	other := forgotten(0)
	other.Events[0].Key = sampleKey(1)
	both := forgotten(0)
	both.Record = applied(1).Record
	for _, tr := range []state.Transition{other, both} {
		if err := s.Save(t.Context(), tr); err == nil {
			t.Errorf("%+v is saved", tr)
		}
	}
	if rec, err := s.Record(t.Context(), sampleKey(0)); rec == nil || err != nil {
		t.Errorf("the record is gone: %v", err)
	}
}

func TestSaveAllIsOneTransaction(t *testing.T) {
	s := open(t, statePath(t))
	before, _ := s.Serial(t.Context())
	adopt(t, s, 500)
	after, err := s.Serial(t.Context())
	if err != nil || after != before+1 {
		t.Errorf("serial went from %d to %d, %v", before, after, err)
	}
	bad := []state.Transition{applied(600), applied(601), {}}
	if err := s.SaveAll(t.Context(), bad); err == nil {
		t.Fatal("a bad transition is saved")
	}
	if rec, err := s.Record(t.Context(), sampleKey(600)); rec != nil || err != nil {
		t.Errorf("half of it is there: %v, %v", rec, err)
	}
}

// gate is a fault that stops the writing goroutine at each begin, until it is let go.
type gate chan struct{}

func (g gate) stop(point string) error {
	if point == "begin" {
		<-g
	}
	return nil
}

// openGated opens a new state whose transactions wait for the gate.
func openGated(t *testing.T) (*sqlstore.Store, gate) {
	t.Helper()
	path := statePath(t)
	open(t, path).Close()
	g := make(gate)
	s, err := sqlstore.Open(t.Context(), path, sampleIdentity(), sqlstore.WithFault(sqlstore.Options{}, g.stop))
	if err != nil {
		t.Fatal(err)
	}
	return s, g
}

func TestSavesAtTheSameTimeShareATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := openGated(t)
		defer s.Close()
		before, _ := s.Serial(t.Context())
		var wg sync.WaitGroup
		errs := make([]error, 20)
		for i := range errs {
			wg.Go(func() { errs[i] = s.Save(t.Context(), applied(i)) })
		}
		synctest.Wait() // one is being written, the others queue
		close(g)
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		after, _ := s.Serial(t.Context())
		if after != before+2 {
			t.Errorf("20 saves took %d transactions, want 2", after-before)
		}
	})
}

func TestABadSaveDoesNotTakeOthersWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := openGated(t)
		defer s.Close()
		var wg sync.WaitGroup
		errs := make([]error, 10)
		for i := range errs {
			tr := applied(i)
			if i%5 == 3 {
				tr.CarriedOut = &state.CarriedOut{ID: int64(i)}
			}
			wg.Go(func() { errs[i] = s.Save(t.Context(), tr) })
		}
		synctest.Wait()
		close(g)
		wg.Wait()
		for i, err := range errs {
			rec, _ := s.Record(t.Context(), sampleKey(i))
			if bad := i%5 == 3; bad != errors.Is(err, state.ErrNoCommand) || bad != (rec == nil) {
				t.Errorf("save %d: %v, record %v", i, err, rec != nil)
			}
		}
	})
}

func TestASaveThatWaitsEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := openGated(t)
		defer s.Close()
		first := make(chan error)
		go func() { first <- s.Save(t.Context(), applied(1)) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Save(ctx, applied(2)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(g)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if rec, err := s.Record(t.Context(), sampleKey(2)); rec != nil || err != nil {
			t.Errorf("it was written: %v, %v", rec, err)
		}
	})
}

func TestAClosedStoreTakesNothing(t *testing.T) {
	s := open(t, statePath(t))
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), applied(1)); !errors.Is(err, state.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestNothingButTheStateIsLeftBehind(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	adopt(t, s, 50)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if want := []string{path, path + ".head", path + ".lock"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

// A state is one thing whatever way leads to it, so that it has one lock.
func TestALinkToAStateIsTheState(t *testing.T) {
	path := statePath(t)
	adopt(t, open(t, path), 1)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Open(t.Context(), link, sampleIdentity(), sqlstore.Options{}); !errors.Is(err, state.ErrLocked) {
		t.Errorf("open by a link: %v", err)
	}
	if got := mustRead(t, link); len(got.Records) != 1 {
		t.Errorf("%d records by a link", len(got.Records))
	}
}

func TestAnOddPathIsOnlyAPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?mode=memory&x=%41#.db")
	s := open(t, path)
	adopt(t, s, 1)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if got := mustRead(t, path); len(got.Records) != 1 {
		t.Errorf("%d records", len(got.Records))
	}
}

func TestConcurrentUse(t *testing.T) {
	s := open(t, statePath(t))
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 10 {
				if err := s.Save(t.Context(), applied(w*100+i)); err != nil {
					t.Error(err)
				}
				if _, err := read(t.Context(), s); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c, err := read(t.Context(), s)
	if err != nil || len(c.Records) != 40 {
		t.Fatalf("%d records, %v", len(c.Records), err)
	}
	if got, want := len(c.History), 41; got != want {
		t.Errorf("%d events, want %d", got, want)
	}
}
