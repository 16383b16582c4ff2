package sqlstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

func TestCheckCounts(t *testing.T) {
	path := statePath(t)
	s := open(t, path)
	for _, tr := range []state.Transition{applied(0), intent(1)} {
		if err := s.Save(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
	}
	if rep, err := sqlstore.Check(t.Context(), path); err != nil || rep.Records != 2 || rep.Events != 3 || rep.Head != rep.Serial {
		t.Errorf("check: %+v, %v", rep, err)
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
