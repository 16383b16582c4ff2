package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/status"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
	"github.com/wedatasync/wedatasync/state/sqlstore"
)

// reportEvery is how often the daemon looks whether its condition has changed by time, and
// writes the status file, changed or not. A pass is reported at once.
const reportEvery = 5 * time.Second

// reporter reports the condition of the daemon to the log, and in the status file beside the
// state.
type reporter struct {
	daemon  *snapshot.Daemon
	version string
	path    string // of the state
	passed  chan struct{}

	mu      sync.Mutex
	story   story
	failing bool // the status file could not be written
}

func newReporter(daemon *snapshot.Daemon, path, version string, log *slog.Logger) *reporter {
	return &reporter{daemon: daemon, path: path, version: version, passed: make(chan struct{}, 1), story: story{log: log}}
}

var _ reconcile.Observer = (*reporter)(nil)

// Planned implements [reconcile.Observer].
func (r *reporter) Planned(p *plan.Plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.story.planned(context.Background(), p, r.daemon.Status().Control.Revision)
}

// Called implements [reconcile.Observer].
func (r *reporter) Called(*plan.Change, *state.Record, state.Outcome) {}

// Passed implements [reconcile.Observer].
func (r *reporter) Passed(result *reconcile.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.daemon.Snapshot()
	r.story.afterPass(context.Background(), result, at)
	r.story.conditions(context.Background(), at)
	select {
	case r.passed <- struct{}{}:
	default:
	}
}

// run reports until ctx is done.
func (r *reporter) run(ctx context.Context) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		r.report(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.passed:
		}
	}
}

// report logs what has changed, and writes the status file.
func (r *reporter) report(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.daemon.Snapshot()
	r.story.conditions(ctx, at)
	r.save(ctx, status.Of(r.version, at))
}

// end writes the status of a program that ends. serial is of its state; 0 if that is not known.
func (r *reporter) end(ctx context.Context, serial int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := status.Of(r.version, r.daemon.Snapshot())
	last.Ended, last.Serial = true, serial
	r.save(ctx, last)
}

// stateSerial returns the serial of the state at the path.
func stateSerial(ctx context.Context, path string) (_ int64, err error) {
	r, err := sqlstore.OpenReader(ctx, path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Serial(ctx)
}

// save writes the status file. That it cannot be written is no reason to stop releases.
func (r *reporter) save(ctx context.Context, s *status.Status) {
	err := s.Save(r.path)
	if err != nil && !r.failing {
		r.story.log.WarnContext(ctx, "the command status cannot show this daemon", "error", err)
	}
	r.failing = err != nil
}

// tracking has a tracker follow the passes of a program that opens no server.
type tracking struct{ *snapshot.Tracker }

var _ reconcile.Observer = tracking{}

// Passed implements [reconcile.Observer].
func (t tracking) Passed(r *reconcile.Result) { t.Tracker.Passed(r) }
