package serve

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// boundedListener bounds how many connections are open. One that comes when all are
// taken gets the place of the one that has been without a whole request for longest,
// so that whoever only holds connections open cannot keep the probes out.
type boundedListener struct {
	net.Listener
	most int

	mu    sync.Mutex
	conns map[net.Conn]int // open connections, and the turn at which they began to wait
	turn  int
}

// answering stands for the turn of a connection that is being answered.
const answering = -1

// connKey is the key of a request's connection in its context.
type connKey struct{}

func newBoundedListener(l net.Listener, most int) *boundedListener {
	return &boundedListener{Listener: l, most: most, conns: make(map[net.Conn]int)}
}

// Accept returns the next connection that there is a place for.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.admit(c) {
			return c, nil
		}
		_ = c.Close() // nothing was said on it yet
	}
}

// admit makes a place for the connection, if there is one.
func (l *boundedListener) admit(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.conns) >= l.most && !l.evict() {
		return false
	}
	l.turn++
	l.conns[c] = l.turn
	return true
}

// evict closes the connection that has waited for longest.
func (l *boundedListener) evict() bool {
	var oldest net.Conn
	for c, since := range l.conns {
		if since != answering && (oldest == nil || since < l.conns[oldest]) {
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	delete(l.conns, oldest)
	_ = oldest.Close()
	return true
}

// set notes the turn of an open connection; the next one if turn is 0.
func (l *boundedListener) set(c net.Conn, turn int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, open := l.conns[c]; !open {
		return
	}
	if turn == 0 {
		l.turn++
		turn = l.turn
	}
	l.conns[c] = turn
}

// connContext is the server's ConnContext.
func (l *boundedListener) connContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connState is the server's ConnState.
func (l *boundedListener) connState(c net.Conn, s http.ConnState) {
	if s == http.StateClosed {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, c)
	}
}

// keeping returns h for the connections of l. A request whose headers are complete
// keeps its place until it is answered. One with a body is the last on its connection, and what h has
// not read of the body is not waited for.
func (l *boundedListener) keeping(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(net.Conn); ok {
			l.set(c, answering)
			defer l.set(c, 0)
		}
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			defer func() { _ = http.NewResponseController(w).SetReadDeadline(time.Now()) }()
		}
		h.ServeHTTP(w, r)
	})
}
