package wedatasim

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options say how a [Server] behaves. The zero value is strict and has the
// documented limit.
type Options struct {
	Accounts      []Account    // who may call; none: DefaultAccount alone
	Regions       []string     // which regions there are; none: those of the SDK
	Limit         int          // requests a second of one account, region and action; 0: 20; less than 0: no limit
	Window        Window       // how seconds are counted
	CountRejected bool         // rejected requests count, too
	KnownOnly     bool         // a commit of a task that was not there before is ResourceNotFound
	Behavior      Behavior     // may change while the server runs; has to pass its Check
	Seed          uint64       // of all that is random
	Ledger        io.Writer    // each request that was decided on, as a line of JSON; may be nil
	Logger        *slog.Logger // nil: silence
	// Reshape changes the result of a read before it is told; nil leaves it.
	Reshape func(action string, request []byte, result map[string]any)
}

// Account is who calls.
type Account struct {
	SecretID  string
	SecretKey string
	Token     string // that has to come with the request; empty for a permanent key
	UIN       string // the account's number, as it holds locks
}

// Getenv returns what the variables are that the SDK's users give the account's keys in;
// empty for all others.
func (a Account) Getenv(name string) string {
	switch name {
	case "TENCENTCLOUD_SECRET_ID":
		return a.SecretID
	case "TENCENTCLOUD_SECRET_KEY":
		return a.SecretKey
	case "TENCENTCLOUD_TOKEN":
		return a.Token
	default:
		return ""
	}
}

// DefaultAccount is the account of a Server that was given none.
func DefaultAccount() Account {
	return Account{
		SecretID:  "AKIDsimulated000000000000000000000000",
		SecretKey: "simulated0000000000000000000000",
		UIN:       "100000000001",
	}
}

// Server is the simulated endpoint: an [http.Handler], safe for concurrent use.
type Server struct {
	world
	control http.Handler
	http    *http.Server
	pipes   *pipeListener
	serving sync.Once // of pipes

	// mu guards these as well.
	accounts map[string]Account // by SecretID
	windows  windows
	faults   faults
}

// New returns a server without tasks.
func New(opts Options) *Server {
	opts.Limit = cmp.Or(opts.Limit, defaultLimit)
	if len(opts.Accounts) == 0 {
		opts.Accounts = []Account{DefaultAccount()}
	}
	if len(opts.Regions) == 0 {
		opts.Regions = regions()
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{world: newWorld(opts), pipes: newPipeListener(), windows: make(windows)}
	s.SetAccounts(opts.Accounts...)
	s.control = controlPlane(control{s})
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// SetAccounts exchanges who may call, as a rotation of keys does.
func (s *Server) SetAccounts(accounts ...Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts = make(map[string]Account, len(accounts))
	for _, a := range accounts {
		s.accounts[a.SecretID] = a
	}
}

// Serve answers on l until Close. It always returns an error, [http.ErrServerClosed]
// after Close.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(l) }

// Dial connects to s in memory, whatever the address. A client that dials so can
// run with s in one synctest bubble.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.serving.Do(func() {
		go func() {
			if err := s.Serve(s.pipes); !errors.Is(err, http.ErrServerClosed) {
				s.opts.Logger.Error("serve in memory", "error", err)
			}
		}()
	})
	return s.pipes.dial(ctx)
}

// Close ends Serve and all connections.
func (s *Server) Close() error { return s.http.Close() }

// ServeHTTP answers one request of the API, or of the control plane.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isControl(r.URL.Path) {
		s.control.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	now := s.now()
	s.mu.Unlock()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	s.serveAPI(w, r)
}

// regions are the regions that the SDK names.
func regions() []string {
	return slices.Clone([]string{
		"ap-bangkok", "ap-beijing", "ap-chengdu", "ap-chongqing", "ap-guangzhou", "ap-guangzhou-open", "ap-hongkong",
		"ap-jakarta", "ap-mumbai", "ap-nanjing", "ap-seoul", "ap-shanghai", "ap-shanghai-fsi", "ap-shenzhen-fsi",
		"ap-singapore", "ap-tokyo", "eu-frankfurt", "eu-moscow", "na-ashburn", "na-siliconvalley", "na-toronto", "sa-saopaulo",
	})
}

// pipeListener is a listener in memory.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

// dial returns the client's end of a new connection.
func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept returns the server's end of the next connection.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr names the listener.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }

func (pipeAddr) String() string { return "pipe" }
