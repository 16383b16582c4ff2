package transport_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/transport"
)

// pipes is a listener in memory, whose connections become black holes when they are told
// to: what is written into them is lost, and nothing comes out.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	dials atomic.Int32
	mu    sync.Mutex
	holes []*hole
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	p.dials.Add(1)
	ours, theirs := net.Pipe()
	p.conns <- theirs
	h := &hole{Conn: ours}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holes = append(p.holes, h)
	return h, nil
}

// swallow makes black holes of all connections so far.
func (p *pipes) swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.holes {
		h.dead.Store(true)
	}
}

type hole struct {
	net.Conn
	dead atomic.Bool
}

func (h *hole) Write(b []byte) (int, error) {
	if h.dead.Load() {
		return len(b), nil
	}
	return h.Conn.Write(b)
}

// TestDeadConnection: a connection that is lost without a word costs one request, over
// HTTP/1 and HTTP/2.
func TestDeadConnection(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if (r.ProtoMajor == 2) != http2 {
					t.Errorf("spoken is %s", r.Proto)
				}
			}))
			server.Listener.Close()
			server.Listener, server.EnableHTTP2 = p, http2
			server.StartTLS()
			roots := x509.NewCertPool()
			roots.AddCert(server.Certificate())
			way := transport.New(transport.Options{RootCAs: roots, Proxy: transport.Direct, DialContext: p.dial, IdleTimeout: time.Hour})
			defer server.Close()
			defer way.CloseIdleConnections()
			get := func() error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := way.RoundTrip(req)
				if err == nil {
					resp.Body.Close()
				}
				return err
			}
			if err := get(); err != nil {
				t.Fatal(err)
			}
			p.swallow()
			if err := get(); err == nil {
				t.Error("there is an answer from a black hole")
			}
			if err := get(); err != nil || p.dials.Load() != 2 {
				t.Errorf("the request after that: %v, over %d connections in all; want the second", err, p.dials.Load())
			}
		})
	}
}

func TestReadRootCAs(t *testing.T) {
	if pool, err := transport.ReadRootCAs("caFile", ""); pool != nil || err != nil {
		t.Errorf("without a file: %v, %v", pool, err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + ".gone"} {
		if _, err := transport.ReadRootCAs("caFile", name); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
