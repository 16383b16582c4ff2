package worlds_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/approval"
	"github.com/wedatasync/wedatasync/reconcile/approval/listing"
	"github.com/wedatasync/wedatasync/reconcile/drift"
	"github.com/wedatasync/wedatasync/reconcile/pace"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// acceptHorizon is the daemon's default.
const acceptHorizon = 310 * time.Second

// daemon is one life of the real engine with the real client. When it is killed,
// nothing that it does has an effect any more.
type daemon struct {
	w      *world
	r      *reconcile.Reconciler
	client *wedata.Client
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	killed bool
	conns  map[net.Conn]bool
}

var errKilled = errors.New("the process was killed")

// start starts a daemon from what is durable. It does nothing yet.
func (w *world) start(ctx context.Context) (*daemon, error) {
	d := &daemon{w: w, conns: make(map[net.Conn]bool)}
	d.ctx, d.cancel = context.WithCancel(ctx)
	credentials, err := wedata.FindCredentials(ctx, wedata.CredentialSources{Getenv: wedatasim.DefaultAccount().Getenv})
	if err != nil {
		return nil, err
	}
	d.client, err = wedata.New(wedata.Config{
		Endpoint: "http://127.0.0.1", Region: "ap-guangzhou", Dial: d.dial,
		Credentials: credentials,
	})
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	cfg := reconcile.Config{
		Source: d, Committer: paced{d.client, w}, Reader: paced{d.client, w}, Store: d, Observer: d, Logger: slog.New(slog.DiscardHandler),
		Guards:   func() *plan.Guards { return new(plan.Guards) },
		Horizon:  func() time.Duration { return acceptHorizon + d.client.SkewMargin() },
		Skew:     d.client.SkewBound,
		Interval: func() time.Duration { return interval },
		Commits:  pace.New(20), Reads: pace.New(20),
		Approvals: &listing.Watch{
			Lister: paced{d.client, w}, Limit: pace.New(20), Logger: slog.New(slog.DiscardHandler),
			Random: func() float64 { return float64(w.moment("listing")%1000) / 1000 },
		},
		Evaluate: w.rule,
		Random:   func() float64 { return float64(w.moment("random")%1000) / 1000 },
		NewID:    w.newID,
		Versions: paced{d.client, w},
		Tags:     func() bool { return w.lot.tags },
	}
	d.r = reconcile.New(cfg, state.NewRecords(slices.Collect(maps.Values(w.records))...), w.control)
	w.daemon = d
	select {
	case <-w.poke: // whether the life before has still taken it is chance, and this one looks anyway
	default:
	}
	w.note("the daemon starts")
	return d, nil
}

// paced is the client, whose requests set off one after another: which of two that are
// ready at the same moment connects first would be the scheduler's to say.
type paced struct {
	*wedata.Client
	w *world
}

// Commit implements [reconcile.Committer].
func (p paced) Commit(ctx context.Context, c *spec.Commit, gate pace.Gate) (state.Outcome, reconcile.Timing) {
	p.w.setOff("commit", c.Key)
	return p.Client.Commit(ctx, c, gate)
}

// Read implements [reconcile.Reader].
func (p paced) Read(ctx context.Context, key spec.Key, t spec.TaskType, gate pace.Gate) (*state.Live, error) {
	p.w.setOff("read", key)
	return p.Client.Read(ctx, key, t, gate)
}

// Version implements [drift.Versioner].
func (p paced) Version(ctx context.Context, key spec.Key, t spec.TaskType, version int64, gate pace.Gate) (*drift.Version, error) {
	p.w.setOff("version", key)
	return p.Client.Version(ctx, key, t, version, gate)
}

// newID makes the id of an attempt: several can be made at one moment, one after another.
func (w *world) newID() string {
	w.ids++
	return fmt.Sprintf("%016x-%d", w.moment("id"), w.ids)
}

// Approvals implements [listing.Lister].
func (p paced) Approvals(ctx context.Context, page int, gate pace.Gate) ([]approval.Row, error) {
	p.w.setOff("list", spec.Key{TaskID: strconv.Itoa(page)})
	return p.Client.Approvals(ctx, page, func(ctx context.Context) error {
		err := gate(ctx)
		time.Sleep(137 * time.Microsecond) // the turns of reads come at the same moments
		return err
	})
}

// setOff waits for some milliseconds that depend on the task and the time.
func (w *world) setOff(what string, key spec.Key) {
	time.Sleep(time.Millisecond + time.Duration(w.chance(what, key, int(time.Since(w.begin)))%uint64(5*time.Millisecond)))
}

// live goes on until the context is done or the daemon is killed.
func (d *daemon) live() {
	defer d.client.Close()
	defer d.cancel()
	if d.w.lot.runs {
		_ = d.r.Run(d.ctx, d.w.poke)
		return
	}
	for d.ctx.Err() == nil {
		// What fails is tried again, as Run does; a death ends the context.
		_, _ = d.r.Once(d.ctx)
		timer := time.NewTimer(interval)
		select {
		case <-timer.C:
		case <-d.w.poke:
		case <-d.ctx.Done():
		}
		timer.Stop()
	}
}

// kill ends the daemon as SIGKILL does: its connections end with it.
func (d *daemon) kill(why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.killed {
		return
	}
	d.killed = true
	d.w.note("the daemon is killed %s", why)
	for c := range d.conns {
		_ = c.Close()
	}
	d.cancel()
}

func (d *daemon) dead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.killed
}

// dial connects to the service, as long as the daemon lives.
func (d *daemon) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.dead() {
		return nil, errKilled
	}
	c, err := d.w.sim.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.killed {
		_ = c.Close()
		return nil, errKilled
	}
	d.conns[c] = true
	return &conn{c, d}, nil
}

type conn struct {
	net.Conn
	d *daemon
}

func (c *conn) Close() error {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	delete(c.d.conns, c.Conn)
	return c.Conn.Close()
}

// Save implements reconcile.Ledger.
func (d *daemon) Save(_ context.Context, t state.Transition) error {
	w := d.w
	if d.dead() {
		return errKilled
	}
	death := w.deathAt(&t)
	if death == "before" {
		d.kill("before it writes")
		return errKilled
	}
	w.mu.Lock()
	w.keep(&t)
	w.mu.Unlock()
	switch death {
	case "after":
		d.kill("after it has written")
		return errKilled
	case "soon": // with the request on its way
		time.AfterFunc(time.Duration(w.moment("death")%uint64(9*time.Second)), func() { d.kill("with a request under way") })
	}
	return nil
}

// PendingCommands implements reconcile.Ledger.
func (d *daemon) PendingCommands(context.Context) ([]state.Command, error) {
	if d.dead() {
		return nil, errKilled
	}
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return slices.Clone(d.w.words), nil
}

// HasPendingCommands implements reconcile.Ledger.
func (d *daemon) HasPendingCommands(context.Context) (bool, error) {
	if d.dead() {
		return false, errKilled
	}
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return len(d.w.words) > 0, nil
}

// CommandsArrive implements reconcile.Ledger. Who says something asks for a poll, too.
func (d *daemon) CommandsArrive() <-chan struct{} { return nil }

// Poll implements reconcile.Source.
func (d *daemon) Poll(ctx context.Context) (*reconcile.Revision, error) {
	if d.dead() {
		return nil, errKilled
	}
	w := d.w
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.pushed {
		w.specs.Put(f)
	}
	w.pushed = nil
	if n := w.specs.Problems().Errors(); n > 0 {
		w.breach("test", "", "the specs are wrong: %v", w.specs.Problems())
	}
	id := fmt.Sprintf("%040d", w.edits)
	w.epochs[id] = maps.Clone(w.epoch)
	return &reconcile.Revision{ID: id, Author: "Lin <lin@example.org>", Subject: "change", Specs: w.specs}, ctx.Err()
}

// Descends implements reconcile.Source.
func (*daemon) Descends(context.Context, string, string) (bool, error) { return true, nil }

// SameSpecs implements reconcile.Source.
func (*daemon) SameSpecs(context.Context, string, string) (bool, error) { return true, nil }

// Close implements reconcile.Source.
func (*daemon) Close() error { return nil }

// Planned implements reconcile.Observer.
func (d *daemon) Planned(p *plan.Plan) { d.shown(p) }

// Called implements reconcile.Observer.
func (*daemon) Called(*plan.Change, *state.Record, state.Outcome) {}

// Passed implements reconcile.Observer.
func (d *daemon) Passed(r *reconcile.Result) { d.shown(r.Left) }

// shown looks that the plan lists all that is in doubt.
func (d *daemon) shown(p *plan.Plan) {
	w := d.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.dead() {
		return
	}
	for key, rec := range w.records {
		if isOpen(rec.Status) && !slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Key == key && c.Hold == plan.HoldUnknown }) {
			w.breach("hidden", "", "%s: its outcome is not known, and the plan does not say so", key.TaskID)
		}
	}
}

// isOpen reports whether the outcome of the newest commit is not known.
func isOpen(s state.Status) bool { return s == state.StatusIntent || s == state.StatusUnknown }

// parsed keeps the files that were parsed: many worlds have the same, and nobody
// changes them.
var parsed sync.Map

func parse(w *wish) *spec.File {
	text := w.text()
	f, ok := parsed.Load(text)
	if !ok {
		f, _ = parsed.LoadOrStore(text, spec.Parse(w.task+".yaml", []byte(text)))
	}
	return f.(*spec.File)
}
