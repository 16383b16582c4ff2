package tasklist

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// TestListFollowsTheState: a list is made when someone looks and the one before is
// old, beside the request; an error keeps the list before.
func TestListFollowsTheState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wedatasync.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlstore.Open(t.Context(), path, state.Identity{Source: "x"}, sqlstore.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		add := func(n int) {
			rec := &state.Record{Key: spec.Key{ProjectID: "1", TaskID: fmt.Sprint(n)}, Status: state.StatusApplied, Applied: &state.Applied{Origin: state.OriginAdopted}}
			if err := store.Save(t.Context(), state.Transition{Record: rec, Events: []state.Event{{Kind: state.EventAdopted, Key: rec.Key}}}); err != nil {
				t.Fatal(err)
			}
		}
		add(1)
		opened, fail := 0, error(nil)
		c := NewCache(func(ctx context.Context) (Reader, error) {
			if opened++; fail != nil {
				return nil, fail
			}
			return sqlstore.OpenReader(ctx, path)
		})
		look := func(step string, tasks, opens int) *List {
			t.Helper()
			l := c.Get(t.Context())
			synctest.Wait()
			if len(l.Tasks) != tasks || opened != opens {
				t.Errorf("%s: %d tasks after %d reads, want %d after %d", step, len(l.Tasks), opened, tasks, opens)
			}
			return l
		}
		look("the first waits", 1, 1)
		look("a young one is good", 1, 1)
		time.Sleep(2*leastAge + time.Minute)
		look("an old one is given, and another made", 1, 2)
		add(2)
		time.Sleep(time.Minute)
		look("the change comes", 1, 3)
		look("and is there", 2, 3)
		fail = errors.New("gone")
		time.Sleep(time.Minute)
		look("an error", 2, 4)
		if l := look("keeps the list before", 2, 4); l.Err == nil {
			t.Error("the error is not told")
		}
		fail = nil
		time.Sleep(time.Minute)
		look("and passes", 2, 5)
		if l := look("", 2, 5); l.Err != nil {
			t.Errorf("the error stays: %v", l.Err)
		}
		add(3)
		time.Sleep(keptFor + time.Second)
		look("one that nobody has looked at for long is gone", 3, 6)
	})
}

// TestCloseEndsTheReading: nothing reads the state once the Cache is closed, and who asks
// then is answered at once.
func TestCloseEndsTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reading := false
		c := NewCache(func(ctx context.Context) (Reader, error) {
			reading = true
			<-ctx.Done()
			time.Sleep(time.Second) // what a slow disk takes to let go
			reading = false
			return nil, ctx.Err()
		})
		c.Peek(t.Context())
		synctest.Wait()
		if !reading {
			t.Fatal("nothing reads")
		}
		if c.Close(); reading {
			t.Error("the state is read after Close")
		}
		begun := time.Now()
		if l := c.Get(t.Context()); len(l.Tasks) > 0 || time.Since(begun) > 0 || reading {
			t.Errorf("%d tasks after %v", len(l.Tasks), time.Since(begun))
		}
		c.Close()
	})
}
