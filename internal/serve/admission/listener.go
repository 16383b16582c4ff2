package admission

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

// Listener bounds the open connections of a listener.
type Listener struct {
	net.Listener
	slots   *Slots
	open    context.Context
	closing context.CancelFunc

	mu    sync.Mutex
	conns map[net.Conn]*Slot
}

// heldConn is the connection of a request, with its slot.
type heldConn struct {
	conn net.Conn
	*Slot
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

// NewListener returns l with bounded connections.
func NewListener(l net.Listener) *Listener {
	s := &Listener{Listener: l, slots: NewSlots(maxConns, leastConn), conns: make(map[net.Conn]*Slot)}
	s.open, s.closing = context.WithCancel(context.Background())
	return s
}

// Accept returns the next connection, once there is a slot for it. The connections after it
// wait in the system's queue.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p := l.slots.Acquire(l.open, func() { _ = c.Close() })
	if p == nil {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = p
	return c, nil
}

// Close implements [net.Listener].
func (l *Listener) Close() error {
	l.closing()
	return l.Listener.Close()
}

// ConnContext is the server's ConnContext.
func (l *Listener) ConnContext(ctx context.Context, c net.Conn) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return context.WithValue(ctx, connKey{}, &heldConn{c, l.conns[c]})
}

// ConnState is the server's ConnState.
func (l *Listener) ConnState(c net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	l.mu.Lock()
	p := l.conns[c]
	delete(l.conns, c)
	l.mu.Unlock()
	if p != nil {
		p.Release()
	}
}

// Trust keeps the connection of a request with a token open until the request is answered,
// whoever else comes.
func Trust(r *http.Request) {
	if s, ok := r.Context().Value(connKey{}).(*heldConn); ok {
		s.Slot.trust(true)
	}
}

// Disconnect ends the connection of a request.
func Disconnect(r *http.Request) {
	if s, ok := r.Context().Value(connKey{}).(*heldConn); ok {
		_ = s.conn.Close()
	}
}

// LastWithBody closes the connection after a request with a body, without waiting for the
// rest of a body that h has not read. It ends the trust that the request had.
func LastWithBody(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s, ok := r.Context().Value(connKey{}).(*heldConn); ok {
			defer s.Slot.trust(false)
		}
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			defer func() { _ = http.NewResponseController(w).SetReadDeadline(time.Now()) }()
		}
		h.ServeHTTP(w, r)
	})
}
