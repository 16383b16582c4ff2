package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/admission"
	"github.com/wedatasync/wedatasync/internal/serve/metrics"
	"github.com/wedatasync/wedatasync/internal/serve/page"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/serve/tasklist"
	"github.com/wedatasync/wedatasync/internal/weblink"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/state"
)

// The bounds of a connection. Handlers that need longer set their own deadlines.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 5 * time.Second // for what is in memory, and for each part of what is not
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	// shutdownWithin is how long requests under way get to end.
	shutdownWithin = 5 * time.Second
)

// Server answers requests about one daemon. Its methods may be called from any goroutine.
type Server struct {
	cfg     Config
	daemon  *snapshot.Daemon
	state   *stateReader
	tasks   *tasklist.Cache
	pages   *page.Pages
	metrics *metrics.Metrics
	hub     *hub
	trigger *trigger // nil: there is nothing to ask for a poll
	answers *answers
	exports *exports

	live atomic.Pointer[live]
}

// live is the part of a Server that a reload exchanges.
type live struct {
	handler http.Handler
	links   weblink.Links
}

// New builds a Server. The error names a secret or token file that cannot be used.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg:     cfg,
		daemon:  cfg.Daemon,
		state:   newStateReader(&cfg),
		hub:     newHub(),
		answers: newAnswers(),
		exports: newExports(),
	}
	s.tasks = tasklist.NewCache(func(ctx context.Context) (tasklist.Reader, error) { return s.state.open(ctx) })
	s.metrics = metrics.New(metrics.Config{Version: cfg.Version, Snapshot: s.daemon.Snapshot, Skew: cfg.Skew, KeyExpiry: cfg.KeyExpiry, Receivers: cfg.Receivers})
	var err error
	s.pages, err = page.New(page.Config{
		Version: cfg.Version, Started: time.Now(), Source: cfg.Source, Logger: cfg.Logger,
		Snapshot: s.daemon.Snapshot, Tasks: s.tasks, State: s.state,
		Links: func() page.Links { return s.live.Load().links },
	})
	if err != nil {
		return nil, err
	}
	if cfg.Trigger != nil {
		s.trigger = newTrigger(cfg.Trigger, s.revision, min(triggerGap, cfg.Interval))
	}
	s.use(&cfg, s.routes(&cfg))
	return s, nil
}

// revision returns the revision of the newest plan.
func (s *Server) revision() string {
	if p := s.daemon.Status().Plan; p != nil {
		return p.Source.Revision
	}
	return ""
}

// use puts the part of cfg that can change in place.
func (s *Server) use(cfg *Config, h http.Handler) {
	var names []string
	for _, f := range cfg.Webhooks.forges() {
		names = append(names, f.name)
	}
	s.metrics.Forges(names)
	if s.trigger != nil {
		s.trigger.setGap(min(triggerGap, cfg.Interval))
	}
	s.live.Store(&live{h, cfg.Links})
}

// Reload checks the Interval, the Webhooks, the Tokens, Private, the Hosts and the Links of cfg, and
// returns a function that puts them in place. After an error the Server goes on as it is.
func (s *Server) Reload(cfg Config) (swap func(), err error) {
	next := s.cfg
	next.Interval, next.Webhooks = cfg.Interval, cfg.Webhooks
	next.Tokens, next.Private, next.Hosts, next.Links = cfg.Tokens, cfg.Private, cfg.Hosts, cfg.Links
	if err := next.check(); err != nil {
		return nil, err
	}
	h := s.routes(&next)
	return func() { s.use(&next, h) }, nil
}

// Handler answers requests without a listener and its bounds.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.live.Load().handler.ServeHTTP(w, r) })
}

// Serve answers requests until ctx is done, and then ends within a few seconds. It
// closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	bounded := admission.NewListener(l)
	srv := &http.Server{
		Handler:                      admission.LastWithBody(s.Handler()),
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelWarn),
		ConnContext:                  bounded.ConnContext,
		ConnState:                    bounded.ConnState,
		Protocols:                    new(http.Protocols),
	}
	srv.Protocols.SetHTTP1(true)

	warm, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { s.warm(warm) })
	served := make(chan error, 1)
	go func() { served <- srv.Serve(bounded) }()

	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	stop()
	s.hub.close()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
	defer cancel()
	if srv.Shutdown(end) != nil {
		_ = srv.Close() // cuts off the requests that have not ended
	}
	if s.trigger != nil {
		s.trigger.stop()
	}
	background.Wait()
	s.tasks.Close()
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// recentEvents is how many rows of the history a Server reads at its start.
const recentEvents = 2000

// restore reads what happened before this process from the history.
func (s *Server) restore(ctx context.Context) error {
	events, _, err := s.state.Events(ctx, state.HistoryQuery{Limit: recentEvents})
	s.daemon.Tracker.Restore(events)
	return err
}

// warm reads ahead for the first visitor: the history at once, and the list of tasks after
// the first plan, so that it does not delay that.
func (s *Server) warm(ctx context.Context) {
	if err := s.restore(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, tasklist.ErrNoState) {
		s.cfg.Logger.WarnContext(ctx, "read the history for the status page", "error", err)
	}
	select {
	case <-s.daemon.Tracker.Begun():
		s.tasks.Get(ctx)
	case <-ctx.Done():
	}
}

// Observer returns the observer of the reconciler's passes, which the page, the metrics and
// the events show at once.
func (s *Server) Observer() reconcile.Observer {
	return &observer{tracker: s.daemon.Tracker, metrics: s.metrics, hub: s.hub}
}

// observer passes the reconciler's reports on.
type observer struct {
	tracker *snapshot.Tracker
	metrics *metrics.Metrics
	hub     *hub
	shown   lastShown // what the last event was about
}

func (o *observer) Planned(p *plan.Plan) {
	o.tracker.Planned(p)
	if o.shown.differs(p, nil) {
		o.hub.publish()
	}
}

func (o *observer) Called(c *plan.Change, next *state.Record, out state.Outcome) {
	o.tracker.Called(c, next, out)
	o.metrics.Called(c.Reason, out.Class)
	o.hub.publish()
}

func (o *observer) Passed(r *reconcile.Result) {
	o.metrics.Passed(r, o.tracker.Passed(r))
	if o.shown.differs(r.Left, r.Pauses) {
		o.hub.publish()
	}
}
