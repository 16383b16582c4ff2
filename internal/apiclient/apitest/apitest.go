// Package apitest has the network of tests whose clients wait and repeat: within the
// process, so that a synctest bubble can let time pass.
package apitest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// pipes is a network within a process: what a synctest bubble needs.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("connection refused")}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Serve runs a server for every host there is, and returns the way to it.
func Serve(t *testing.T, h http.Handler) *http.Transport {
	t.Helper()
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: h}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(p) })
	transport := &http.Transport{DialContext: p.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		running.Wait()
	})
	return transport
}

// Leaks is a log that fails the test if a secret, which has s3cr3t in it, gets into it.
type Leaks struct{ T *testing.T }

// Write writes to the test's output.
func (l Leaks) Write(p []byte) (int, error) {
	Hides(l.T, string(p))
	return l.T.Output().Write(p)
}

// Hides fails the test if a text shows a secret.
func Hides(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "s3cr3t") {
		t.Errorf("a secret is shown: %s", text)
	}
}

// Insecure carries https without encryption.
type Insecure struct{ *http.Transport }

// RoundTrip does the request over http.
func (i Insecure) RoundTrip(r *http.Request) (*http.Response, error) {
	plain := r.Clone(r.Context())
	plain.URL.Scheme = "http"
	resp, err := i.Transport.RoundTrip(plain)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

// Silence is a server that takes a request and never answers.
var Silence = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
})

// RoundTripper answers requests without a network.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f RoundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
