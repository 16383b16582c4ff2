// Package transporttest has the network of tests whose connections die without a word, as behind
// a NAT or a load balancer that has forgotten them.
package transporttest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy passes connections on to a server, until they are swallowed.
type Proxy struct {
	Addr string // host:port

	conns atomic.Int32
	after atomic.Int64 // see SwallowAfter
	mu    sync.Mutex
	holes []*atomic.Bool
}

// NewProxy starts a proxy in front of a server at host:port. It ends with the test.
func NewProxy(t testing.TB, server string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.pass(t, conn, server) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return p
}

// Swallow makes black holes of all connections so far: what is sent is lost, no answer
// comes, and nobody is told.
func (p *Proxy) Swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.holes {
		h.Store(true)
	}
}

// SwallowAfter makes a black hole of each new connection once the server has sent so many
// bytes; 0: of none.
func (p *Proxy) SwallowAfter(bytes int64) { p.after.Store(bytes) }

// Conns returns how many connections there were.
func (p *Proxy) Conns() int { return int(p.conns.Load()) }

func (p *Proxy) pass(t testing.TB, client net.Conn, addr string) {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return
	}
	defer server.Close()
	p.conns.Add(1)
	lost := new(atomic.Bool)
	p.mu.Lock()
	p.holes = append(p.holes, lost)
	p.mu.Unlock()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-t.Context().Done(): // a hole has no end of its own
			client.Close()
			server.Close()
		case <-stop:
		}
	}()
	var copying sync.WaitGroup
	for _, way := range []struct {
		from, to net.Conn
		left     int64
	}{{client, server, 0}, {server, client, p.after.Load()}} {
		copying.Go(func() {
			_, _ = io.Copy(&hole{way.to, lost, way.left}, way.from)
			if !lost.Load() {
				client.Close()
				server.Close()
			}
		})
	}
	copying.Wait()
}

// hole passes on what is written, until it is lost.
type hole struct {
	io.Writer
	lost *atomic.Bool
	left int64 // bytes until it is; 0: it is not
}

func (h *hole) Write(b []byte) (int, error) {
	if h.lost.Load() {
		return len(b), nil
	}
	if h.left > 0 {
		if h.left -= int64(len(b)); h.left <= 0 {
			h.lost.Store(true)
			return len(b), nil
		}
	}
	return h.Writer.Write(b)
}
