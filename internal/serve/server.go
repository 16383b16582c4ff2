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

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// Config is what a Server is made of. Everything but Source, Reloads, Period, Skew, Say,
// Tokens, Private, Hosts and Webhooks is required. [Server.Reload] exchanges Interval,
// Webhooks, Tokens, Private and Hosts.
type Config struct {
	Version  string        // of this program
	Interval time.Duration // between two polls of the source
	Logger   *slog.Logger
	// Source is where specs come from, as it is shown before there is a plan.
	Source reconcile.SourceInfo

	// Status says how the daemon stands.
	Status func() reconcile.Status
	// Alive reports whether the daemon's loop goes on. Nil: it does.
	Alive func(now time.Time) bool
	// State opens the state as it is now, for reading. Who calls it closes it.
	State func(context.Context) (*state.Reader, error)
	// Reloads says how the last reloads of what is on disk went. Nil: there are none.
	Reloads func() Reloads
	// Period is the time between two commits as the limiter has it now. Nil: the
	// least that the API's limit allows.
	Period func() time.Duration
	// Skew is how far this machine's clock is ahead of the endpoint's, if that is known.
	// Nil: it is not.
	Skew func() (ahead time.Duration, known bool)
	// KeyExpiry says when the first of the keys ends that may sign commits; zero: none does.
	// Nil: nothing has to be signed.
	KeyExpiry func() time.Time

	// Poke asks for a poll of the source. It must not block. It is called for
	// webhooks, and is required if there are any.
	Poke     func()
	Webhooks Webhooks

	// Say gives a person's word to the daemon, and returns the answer. [ErrPending]
	// says that the word was left and not answered yet.
	Say func(context.Context, state.Word) (state.Answer, error)
	// Tokens are those that words are taken with. None that acts: there are no actions.
	Tokens []Token
	// Private says that pages, the API, events and metrics need a token that may read.
	Private bool
	// Hosts are the names, in lower case and without a port, that requests may have for
	// this server, beside its IP addresses and localhost.
	Hosts []string
}

// Webhooks names the files of the secrets that the forges sign with. A file has one
// secret, or two lines with one each while it is rotated, and is read again at each
// use. A forge without a file has no endpoint.
type Webhooks struct {
	GitHub string
	GitLab string
	Gitea  string
}

// ErrPending says that a word was left for the daemon and is not answered yet.
var ErrPending = errors.New("the daemon has not answered yet; it will, and history shows it")

// The bounds of a connection. What needs longer says so itself.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	hookTimeout       = 5 * time.Second // for the body of a webhook
	writeTimeout      = 5 * time.Second // for what is in memory, and for each part of what is not
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	// shutdownWithin is how long requests under way get to end.
	shutdownWithin = 5 * time.Second
)

// Server is the window. Its methods may be called from any goroutine.
type Server struct {
	cfg     Config
	started time.Time
	tracker *tracker
	hub     *hub
	catalog *catalog
	metrics *metrics
	pages   *pages
	poker   *poker
	digests digests

	reads   chan struct{} // one for each reader of the state that may be open
	exports *places       // one for each export that may run
	answers *places       // one for each answer that is in memory
	making  chan struct{} // one for each that is being made

	live    atomic.Pointer[live]
	closing sync.Once
	quit    chan struct{} // closed when what has no end of its own has to end
}

// New builds a Server. The error names a secret or token file that cannot be used.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:     cfg,
		started: time.Now(),
		hub:     newHub(),
		pages:   pages,
		reads:   make(chan struct{}, 8),
		exports: newPlaces(maxExports, leastExport),
		answers: newPlaces(maxAnswers, leastAnswer),
		making:  make(chan struct{}, maxMade),
		quit:    make(chan struct{}),
	}
	s.catalog = newCatalog(s.openState)
	s.metrics = newMetrics(s)
	s.metrics.webhooks(cfg.Webhooks.forges())
	s.tracker = newTracker(s.metrics.called, s.metrics.passed, s.hub.publish)
	if cfg.Poke != nil {
		s.poker = newPoker(cfg.Poke, min(pokeGap, cfg.Interval))
	}
	s.live.Store(s.newLive(&cfg))
	return s, nil
}

// check finds at the start what would be found at the first use.
func (cfg *Config) check() error {
	if cfg.Poke == nil && len(cfg.Webhooks.forges()) > 0 {
		return errors.New("serve webhooks: there is nothing to ask for a poll")
	}
	for _, f := range cfg.Webhooks.forges() {
		if _, err := readSecrets(f.flag(), f.file, cfg.Logger); err != nil {
			return err
		}
	}
	return tokens(cfg.Tokens).check()
}

// Observer returns what the reconciler tells of its passes, so that the page, the
// metrics and the events have them at once.
func (s *Server) Observer() reconcile.Observer { return s.tracker }

// Handler returns the window without a listener.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.live.Load().handler.ServeHTTP(w, r) })
}

// Serve answers requests until ctx is done, and then ends within a few seconds. It
// closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	seats := newSeats(l, newPlaces(maxConns, leastConn))
	srv := &http.Server{
		Handler:                      lastWithBody(s.Handler()),
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelWarn),
		ConnContext:                  seats.connContext,
		ConnState:                    seats.connState,
		Protocols:                    new(http.Protocols),
	}
	srv.Protocols.SetHTTP1(true)

	warm, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { s.warm(warm) })
	served := make(chan error, 1)
	go func() { served <- srv.Serve(seats) }()

	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	stop()
	s.closing.Do(func() { close(s.quit) })
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
	defer cancel()
	if srv.Shutdown(end) != nil {
		_ = srv.Close() // who has not ended by now is cut off
	}
	if s.poker != nil {
		s.poker.stop()
	}
	background.Wait()
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// errNoState says that there is no state yet: it is made once the source was read for
// the first time.
var errNoState = errors.New("there is no state yet: the source is being read for the first time")

// openState opens the state as it is now, for reading.
func (s *Server) openState(ctx context.Context) (*state.Reader, error) {
	r, err := s.cfg.State(ctx)
	if errors.Is(err, state.ErrMissing) && s.cfg.Status().Plan == nil {
		return nil, errNoState
	}
	return r, err
}

// warm gets what the first visitor would have to wait for, once nothing waits for it.
func (s *Server) warm(ctx context.Context) {
	if err := s.recall(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, errNoState) {
		s.cfg.Logger.WarnContext(ctx, "read the history for the status page", "error", err)
	}
	select {
	case <-s.tracker.begun:
		s.catalog.get(ctx)
	case <-ctx.Done():
	}
}
