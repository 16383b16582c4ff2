package wedata

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

// errClosed says that the other side closed the connection before the request.
var errClosed = errors.New("the connection was closed while the request waited for its turn")

// wire is a connection on which the first byte of a request waits for its gate. What
// makes the connection (a proxy's CONNECT, TLS) passes freely.
type wire struct {
	net.Conn
	open context.Context // done when either side has closed
	end  context.CancelCauseFunc

	mu   sync.Mutex
	next *exchange // whose request is the next to be written; nil: none is
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn}
	w.open, w.end = context.WithCancelCause(context.Background())
	return w
}

// wireOf returns the wire below TLS, or nil.
func wireOf(conn net.Conn) *wire {
	for {
		switch c := conn.(type) {
		case *wire:
			return c
		case *tls.Conn:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

// expect makes the next write wait for the gate of x.
func (w *wire) expect(x *exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = x
}

func (w *wire) expected() *exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.next
	w.next = nil
	return x
}

// Write writes p, after the gate if it begins a request.
func (w *wire) Write(p []byte) (int, error) {
	x := w.expected()
	if x == nil {
		return w.Conn.Write(p)
	}
	if err := x.pass(w.open); err != nil {
		w.end(err)
		return 0, err
	}
	n, err := w.Conn.Write(p)
	if n == 0 && err != nil {
		x.notWritten()
	}
	return n, err
}

// Read notes when the other side closes. The transport always reads.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err != nil {
		w.end(errClosed)
	}
	return n, err
}

// Close closes the connection, and ends the wait for a gate.
func (w *wire) Close() error {
	w.end(errClosed)
	return w.Conn.Close()
}
