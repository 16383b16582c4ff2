package wedata_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/state"
)

// Each way a server can go wrong is met once, and taken for what it can be.
func TestCommitAgainstServersThatGoWrong(t *testing.T) {
	foreign, foreignRequests := serve(t, say(applied))
	redirect := func(status int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", strings.Replace(foreign, "127.0.0.1", "localhost", 1))
			w.WriteHeader(status)
		}
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		code   string
	}{
		{"closes the connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, wedata.CodeBroken},
		{"resets the connection", reset, wedata.CodeBroken},
		{"closes it in the middle of the answer", half, wedata.CodeBroken},
		{"sends a gibibyte", endless, wedata.CodeTooLarge},
		{"sends a byte more than it may", say(applied + strings.Repeat(" ", 1<<20+1-len(applied))), wedata.CodeTooLarge},
		{"sends headers without end", manyHeaders, wedata.CodeNetwork},
		{"does not speak HTTP", babble, wedata.CodeNetwork},
		{"compresses the answer", zipped, wedata.CodeMalformed},
		{"streams events", events, wedata.CodeMalformed},
		{"sends a page with 502", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, wedata.CodeStatus},
		{"sends a page with 200", say("<html>"), wedata.CodeMalformed},
		{"sends {}", say("{}"), wedata.CodeMalformed},
		{"answers 299", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299) }, wedata.CodeStatus},
		{"answers 300", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(300) }, wedata.CodeRedirect},
		{"answers 399", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(399) }, wedata.CodeRedirect},
		{"answers 400", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, wedata.CodeStatus},
		{"redirects with 301", redirect(301), wedata.CodeRedirect},
		{"redirects with 302", redirect(302), wedata.CodeRedirect},
		{"redirects with 303", redirect(303), wedata.CodeRedirect},
		{"redirects with 307", redirect(307), wedata.CodeRedirect},
		{"redirects with 308", redirect(308), wedata.CodeRedirect},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, requests := serve(t, tt.answer)
			c := newClient(t, url, nil)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			out, timing := c.Commit(t.Context(), commitOf("a"), nil)
			runtime.ReadMemStats(&after)
			if out.Class != state.ClassUnknown || out.Code != tt.code || timing.Wrote.IsZero() {
				t.Errorf("got %+v, want unknown %s", out, tt.code)
			}
			if n := len(requests()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("allocated %d bytes", used)
			}
		})
	}
	if n := len(foreignRequests()); n != 0 {
		t.Errorf("%d requests reached another host", n)
	}
}

func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, _ := http.NewResponseController(w).Hijack()
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "42")
	_, _ = io.WriteString(w, applied[:21])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func endless(w http.ResponseWriter, _ *http.Request) {
	chunk := bytes.Repeat([]byte(" "), 1<<16)
	for range 1 << 14 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func manyHeaders(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X", strings.Repeat("x", 1<<20))
	_, _ = io.WriteString(w, applied)
}

func babble(w http.ResponseWriter, _ *http.Request) {
	conn, _, _ := http.NewResponseController(w).Hijack()
	_, _ = io.WriteString(conn, "220 mail.example.com ESMTP\r\n\r\n")
	_ = conn.Close()
}

func zipped(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = io.WriteString(w, "\x1f\x8b\x08\x00\x00\x00\x00\x00")
}

func events(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: "+applied+"\n\n")
}

// A server that ends the connection at once may or may not have been written to.
// Whichever it was, the outcome is not a third thing.
func TestCommitToAServerThatResetsAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	c := newClient(t, "http://"+l.Addr().String(), nil)
	for range 50 {
		out, timing := c.Commit(t.Context(), commitOf("a"), nil)
		wrote := !timing.Wrote.IsZero()
		if wrote && out.Class != state.ClassUnknown || !wrote && out.Class != state.ClassNotSent {
			t.Fatalf("written %v: %+v", wrote, out)
		}
	}
}

func TestCommitThatIsNotSent(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	https := func(version uint16) *httptest.Server {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(say(applied)))
		srv.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		srv.StartTLS()
		t.Cleanup(srv.Close)
		return srv
	}
	untrusted, old := https(tls.VersionTLS13), https(tls.VersionTLS11)
	plain, plainRequests := serve(t, say(applied))
	tests := []struct {
		name     string
		endpoint string
		change   func(*wedata.Config)
		code     string
	}{
		{"nothing listens", "http://" + closed.Addr().String(), nil, wedata.CodeNoConnection},
		{"the name does not resolve", "wedata.invalid", func(cfg *wedata.Config) {
			cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "wedata.invalid", IsNotFound: true}}
			}
		}, wedata.CodeUnknownHost},
		{"the certificate is not trusted", untrusted.URL, nil, wedata.CodeUntrusted},
		{"TLS is too old", old.URL, func(cfg *wedata.Config) {
			cfg.RootCAs = old.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		}, wedata.CodeUntrusted},
		{"there is no TLS", strings.Replace(plain, "http:", "https:", 1), nil, wedata.CodeUntrusted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, timing := newClient(t, tt.endpoint, tt.change).Commit(t.Context(), commitOf("a"), nil)
			if out.Class != state.ClassNotSent || out.Code != tt.code || !timing.Wrote.IsZero() {
				t.Errorf("got %+v, want not-sent %s", out, tt.code)
			}
		})
	}
	if n := len(plainRequests()); n != 0 {
		t.Errorf("%d requests went out without TLS", n)
	}
}

func TestCommitOverTLS(t *testing.T) {
	rec := &recorder{answer: say(applied)}
	srv := httptest.NewTLSServer(rec)
	t.Cleanup(srv.Close)
	c := newClient(t, srv.URL, func(cfg *wedata.Config) {
		cfg.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	})
	for range 2 {
		if out, _ := c.Commit(t.Context(), commitOf("a"), nil); out.Class != state.ClassApplied {
			t.Errorf("got %+v", out)
		}
	}
	if n := len(rec.requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// A request that takes too long is unknown, whether the server acted on it, will
// act, or never does: only what it did tells.
func TestCommitInTime(t *testing.T) {
	tests := []struct {
		name    string
		fault   wedatasim.Fault
		applied int
	}{
		{"acts too late", wedatasim.Fault{Delay: time.Minute}, 1},
		{"acts, and answers too late", wedatasim.Fault{Hold: time.Minute}, 1},
		{"acts, and never answers", wedatasim.Fault{Answer: wedatasim.ReplyHang}, 1},
		{"never acts, never answers", wedatasim.Fault{Effect: wedatasim.EffectNever, Answer: wedatasim.ReplyHang}, 0},
		{"answers a byte at a time", wedatasim.Fault{Answer: wedatasim.ReplySlow}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim, c := newSim(t, wedatasim.Options{})
				sim.Inject(tt.fault)
				start := time.Now()
				out, _ := c.Commit(t.Context(), commitOf("a"), nil)
				if took := time.Since(start); took != wedata.MaxTimeout {
					t.Errorf("took %s, want %s", took, wedata.MaxTimeout)
				}
				if out.Class != state.ClassUnknown || out.Code != wedata.CodeTimeout {
					t.Errorf("got %+v, want unknown", out)
				}
				time.Sleep(2 * time.Minute)
				if n := len(sim.Applied("1", "a")); n != tt.applied || len(sim.Ledger()) != 1 {
					t.Errorf("applied %d of %d requests, want %d of 1", n, len(sim.Ledger()), tt.applied)
				}
			})
		})
	}
}

// Until the connection stands, time that runs out means that nothing was sent.
func TestCommitThatCannotConnectInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://127.0.0.1", func(cfg *wedata.Config) {
			cfg.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		out, timing := c.Commit(t.Context(), commitOf("a"), nil)
		if out.Class != state.ClassNotSent || out.Code != wedata.CodeTimeout || !timing.Wrote.IsZero() {
			t.Errorf("got %+v", out)
		}
	})
}

func TestCommitWhoseContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := newSim(t, wedatasim.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if out, _ := c.Commit(ctx, commitOf("a"), nil); out.Class != state.ClassNotSent {
			t.Errorf("before it was sent: %+v", out)
		}
		sim.Inject(wedatasim.Fault{Answer: wedatasim.ReplyHang})
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if out, _ := c.Commit(ctx, commitOf("a"), nil); out.Class != state.ClassUnknown || out.Code != wedata.CodeCanceled {
			t.Errorf("in flight: %+v", out)
		}
	})
}
