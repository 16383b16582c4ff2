package wedata_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/state"
)

// TestGate_Order: the gate is asked when TLS is done, and not a byte of the request has
// arrived by then.
func TestGate_Order(t *testing.T) {
	var hellos, requests atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		say(`{"Response":{"Data":true,"TaskInfo":{"TaskId":"a"},"RequestId":"r"}}`)(w, r)
	}))
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { hellos.Add(1); return nil, nil }}
	server.StartTLS()
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	c := newClient(t, server.URL, func(cfg *wedata.Config) { cfg.RootCAs = pool })
	asked := int32(0)
	gate := func(context.Context) error {
		if hellos.Load() != min(asked+1, 2) || requests.Load() != asked {
			t.Errorf("asked after %d handshakes and %d requests, want %d and %d", hellos.Load(), requests.Load(), min(asked+1, 2), asked)
		}
		asked++
		return nil
	}
	if out, timing := c.Commit(t.Context(), commitOf("a"), gate); out.Class != state.ClassApplied || timing.Wrote.IsZero() {
		t.Errorf("%+v, %+v", out, timing)
	}
	for range 2 { // the second on the connection of the first
		if _, err := c.Read(t.Context(), commitOf("a").Key, 0, gate); err != nil {
			t.Error(err)
		}
	}
	if asked != 3 || requests.Load() != 3 {
		t.Errorf("asked %d times for %d requests, want 3", asked, requests.Load())
	}
}

// TestGate_Shut: what the gate does not let pass is not sent, commit or read.
func TestGate_Shut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		shut := func(context.Context) error { return errors.New("shut") }
		if out, timing := c.Commit(t.Context(), commitOf("a"), shut); out.Class != state.ClassNotSent || !timing.Wrote.IsZero() {
			t.Errorf("%+v, %+v", out, timing)
		}
		if _, err := c.Read(t.Context(), commitOf("a").Key, 0, shut); !errors.Is(err, wedata.ErrTemporary) {
			t.Errorf("%v", err)
		}
		if n := len(sim.Ledger()); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// answering answers each request on the connection, and counts them.
func answering(requests *atomic.Int32, patience time.Duration) func(net.Conn) {
	return func(conn net.Conn) {
		for in := bufio.NewReader(conn); ; requests.Add(1) {
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			const body = `{"Response":{"Data":true,"TaskInfo":{"TaskId":"a"},"RequestId":"r"}}`
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	}
}

// TestGate_Waits: how long a request waits at the gate counts in no timeout, up to the
// age of its signature; and by a clock that goes on while the machine sleeps.
func TestGate_Waits(t *testing.T) {
	for _, tt := range []struct {
		name        string
		wait, sleep time.Duration
		want        state.Class
	}{
		{"50 s", 50 * time.Second, 0, state.ClassApplied},
		{"70 s", 70 * time.Second, 0, state.ClassNotSent},
		{"1 s, and an hour asleep", time.Second, time.Hour, state.ClassNotSent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, slept := time.Now(), time.Duration(0)
				var requests atomic.Int32
				c := newClient(t, "http://127.0.0.1", func(cfg *wedata.Config) {
					cfg.Dial = dialTo(answering(&requests, time.Hour))
					cfg.Uptime = func() time.Duration { return time.Since(start) + slept }
				})
				out, _ := c.Commit(t.Context(), commitOf("a"), func(context.Context) error {
					time.Sleep(tt.wait)
					slept += tt.sleep
					return nil
				})
				if out.Class != tt.want || requests.Load() > 0 != (tt.want == state.ClassApplied) {
					t.Errorf("%+v after %d requests, want %s", out, requests.Load(), tt.want)
				}
			})
		})
	}
}

// dialTo answers connections in memory with serve.
func dialTo(serve func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			serve(server)
		}()
		return client, nil
	}
}

// TestGate_Closed: a connection that is closed, or answered on, before the request ends
// the wait at the gate. Nothing was sent, and nothing is sent later.
func TestGate_Closed(t *testing.T) {
	for name, tt := range map[string]struct {
		serve func(net.Conn)
		class state.Class
		code  string
	}{
		"closed": {func(net.Conn) { time.Sleep(time.Second) }, state.ClassNotSent, wedata.CodeBroken},
		"answered": {func(c net.Conn) {
			time.Sleep(time.Second)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
			if n, _ := io.Copy(io.Discard, c); n > 0 {
				t.Errorf("%d bytes came after the answer", n)
			}
		}, state.ClassUnknown, wedata.CodeUnasked},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, "http://127.0.0.1", func(cfg *wedata.Config) { cfg.Dial = dialTo(tt.serve) })
				start, over := time.Now(), false
				out, timing := c.Commit(t.Context(), commitOf("a"), func(ctx context.Context) error {
					defer func() { over = true }()
					select {
					case <-ctx.Done():
						return context.Cause(ctx)
					case <-time.After(5 * time.Second):
						return nil
					}
				})
				if out.Class != tt.class || out.Code != tt.code || !timing.Wrote.IsZero() || !over || time.Since(start) > 1100*time.Millisecond {
					t.Errorf("%+v, %+v after %v, want %s %s", out, timing, time.Since(start), tt.class, tt.code)
				}
			})
		})
	}
}

// TestGate_ReadAgain: a read whose connection was closed while it waited goes out on
// another, and asks the gate again.
func TestGate_ReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connections, requests atomic.Int32
		c := newClient(t, "http://127.0.0.1", func(cfg *wedata.Config) {
			cfg.Dial = dialTo(func(conn net.Conn) {
				connections.Add(1)
				answering(&requests, 3*time.Second)(conn)
			})
		})
		asked := 0
		for range 2 {
			_, err := c.Read(t.Context(), commitOf("a").Key, 0, func(ctx context.Context) error {
				if asked++; asked == 2 {
					<-ctx.Done()
					return context.Cause(ctx)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if asked != 3 || connections.Load() != 2 || requests.Load() != 2 {
			t.Errorf("asked %d times on %d connections for %d requests, want 3, 2, 2", asked, connections.Load(), requests.Load())
		}
	})
}
