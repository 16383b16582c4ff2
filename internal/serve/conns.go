package serve

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxConns bounds the open connections, and leastConn is how long each is left open
	// at the least: together 1024 newcomers a second, whatever the others do.
	maxConns  = 256
	leastConn = 250 * time.Millisecond
)

// seats gives the connections of a listener their places.
type seats struct {
	net.Listener
	places  *places
	open    context.Context
	closing context.CancelFunc

	mu    sync.Mutex
	conns map[net.Conn]*place
}

// seat is what a request knows of its connection.
type seat struct {
	conn net.Conn
	*place
}

// seatKey is the key of a request's seat in its context.
type seatKey struct{}

func newSeats(l net.Listener, p *places) *seats {
	s := &seats{Listener: l, places: p, conns: make(map[net.Conn]*place)}
	s.open, s.closing = context.WithCancel(context.Background())
	return s
}

// Accept returns the next connection, once there is a place for it. Who is not accepted
// yet waits in the system's queue.
func (s *seats) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p := s.places.take(s.open, func() { _ = c.Close() })
	if p == nil {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = p
	return c, nil
}

// Close implements [net.Listener].
func (s *seats) Close() error {
	s.closing()
	return s.Listener.Close()
}

// connContext is the server's ConnContext.
func (s *seats) connContext(ctx context.Context, c net.Conn) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return context.WithValue(ctx, seatKey{}, &seat{c, s.conns[c]})
}

// connState is the server's ConnState.
func (s *seats) connState(c net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	s.mu.Lock()
	p := s.conns[c]
	delete(s.conns, c)
	s.mu.Unlock()
	if p != nil {
		p.leave()
	}
}

// prove keeps the connection of a request that has shown a token open until the request is
// answered, whoever else comes.
func prove(r *http.Request) {
	if s, ok := r.Context().Value(seatKey{}).(*seat); ok {
		s.place.prove(true)
	}
}

// unseat ends the connection of a request.
func unseat(r *http.Request) {
	if s, ok := r.Context().Value(seatKey{}).(*seat); ok {
		_ = s.conn.Close()
	}
}

// lastWithBody lets a request with a body be the last on its connection, and does not
// wait for what h has not read of the body. It ends what the request has proved.
func lastWithBody(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, ok := r.Context().Value(seatKey{}).(*seat); ok {
			defer s.place.prove(false)
		}
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			defer func() { _ = http.NewResponseController(w).SetReadDeadline(time.Now()) }()
		}
		h.ServeHTTP(w, r)
	})
}
