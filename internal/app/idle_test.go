package app

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// quiet is a source without specs and a ledger without commands, which counts how often it
// is asked.
type quiet struct {
	polls, looks atomic.Int64
}

func (q *quiet) Poll(context.Context) (*reconcile.Revision, error) {
	q.polls.Add(1)
	return &reconcile.Revision{ID: "5555555555555555555555555555555555555555", Specs: spec.NewSet()}, nil
}

func (*quiet) Descends(context.Context, string, string) (bool, error)  { return true, nil }
func (*quiet) SameSpecs(context.Context, string, string) (bool, error) { return true, nil }
func (*quiet) Close() error                                            { return nil }

func (*quiet) Save(context.Context, state.Transition) error             { return nil }
func (*quiet) PendingCommands(context.Context) ([]state.Command, error) { return nil, nil }
func (*quiet) CommandsArrive() <-chan struct{}                          { return nil }

func (q *quiet) HasPendingCommands(context.Context) (bool, error) {
	q.looks.Add(1)
	return false, nil
}

// TestIdle_Wakes counts how often the parts of a daemon wake in an hour in which there is
// nothing to do: for its polls, and a heartbeat each for the status file and for systemd.
func TestIdle_Wakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &quiet{}
		log := slog.New(slog.DiscardHandler)
		interval := func() time.Duration { return 30 * time.Second }
		r := reconcile.New(reconcile.Config{
			Source: src, Store: src, Logger: log, Guards: func() *plan.Guards { return new(plan.Guards) },
			Interval: interval, Random: func() float64 { return 0 },
		}, nil, state.Control{})
		var shown, sent atomic.Int64
		daemon := &snapshot.Daemon{Interval: interval, Tracker: snapshot.NewTracker(), Status: func() reconcile.Status {
			shown.Add(1)
			return r.Status()
		}}
		ours, theirs := net.Pipe()
		go func() {
			for datagram := make([]byte, 4096); ; sent.Add(1) {
				if _, err := theirs.Read(datagram); err != nil {
					return
				}
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		systemd := &supervisor{conn: ours, log: log, watchdog: time.Minute}
		stop := background(ctx,
			newReporter(daemon, filepath.Join(t.TempDir(), "s.db"), "test", log).run,
			func(running context.Context) { systemd.run(running, ctx, r, daemon.Snapshot) },
		)
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx, nil) }()
		time.Sleep(time.Minute + time.Second) // the start
		synctest.Wait()
		before := []int64{src.polls.Load(), src.looks.Load(), shown.Load(), sent.Load()}
		time.Sleep(time.Hour)
		synctest.Wait()
		for i, c := range []struct {
			what string
			now  int64
			most int64 // an hour
		}{
			{"polls", src.polls.Load(), 120},
			{"looks for commands, one after each pass", src.looks.Load(), 120},
			{"looks at the daemon, of the status file and of systemd", shown.Load(), 2 * 720},
			{"datagrams", sent.Load(), 720},
		} {
			if n := c.now - before[i]; n == 0 || n > c.most {
				t.Errorf("%d %s, want at most %d", n, c.what, c.most)
			}
		}
		cancel()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ours.Close()
	})
}
