package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/servetest"
)

// start serves on loopback until the test ends, and returns the address.
func start(t testing.TB, s *serve.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}

// TestNothingElseIsThere walks paths that servers often have by mistake, and methods
// that change things.
func TestNothingElseIsThere(t *testing.T) {
	t.Parallel()
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
	paths := []string{
		"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars", "/debug/requests", "/debug/events",
		"/.git/config", "/.env", "/assets/", "/assets/x/", "/assets/x/style.css", "/assets/x/..%2f..%2fserver.go", "/pages/home.html",
		"/openapi.yaml", "/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/status", "/api/v1/words", "/api/v1/commands", "/webhook/github",
		"/task", "/task/", "/task/1", "/task/1/2/3", "/tasks/", "/metrics/", "/healthz/", "/status", "/admin", "/favicon.ico", "/index.html", "//", "/%2e%2e/",
	}
	for i := range 200 {
		paths = append(paths, fmt.Sprintf("/%x/%d", i*2654435761, i))
	}
	for _, path := range paths {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
			w := servetest.Do(t, s, method, path, nil)
			if asset := strings.HasPrefix(path, "/assets/x/") && w.Code == http.StatusMethodNotAllowed; w.Code != http.StatusNotFound && w.Code/100 != 3 && !asset {
				t.Errorf("%s %s = %d, want 404", method, path, w.Code)
			}
		}
	}
	for _, path := range []string{"/", "/tasks", "/history", "/healthz", "/readyz", "/metrics", "/events", "/api/v1/status", "/api/v1/state"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} {
			w := servetest.Do(t, s, method, path, strings.NewReader("x"))
			if allow := w.Header().Get("Allow"); w.Code != http.StatusMethodNotAllowed || allow != "GET, HEAD" {
				t.Errorf("%s %s = %d, allowing %q, want 405", method, path, w.Code, allow)
			}
		}
	}
}

// TestEveryAnswerIsGuarded: the headers that keep a browser from doing more than show.
func TestEveryAnswerIsGuarded(t *testing.T) {
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
	for _, path := range []string{"/", "/tasks", "/history", "/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/plan", "/api/v1/state", "/api/v1/openapi.yaml", "/nowhere", "/api/nowhere"} {
		h := servetest.Get(t, s, path).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"X-Frame-Options":         "DENY",
			"Cache-Control":           "no-store",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("GET %s: %s is %q, want %q", path, name, got, want)
			}
		}
		if h.Get("Content-Type") == "" {
			t.Errorf("GET %s: no content type", path)
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("GET %s: other origins may read it", path)
		}
	}
}

// TestSlowConnectionsKeepNobodyOut opens a thousand connections that say nothing, half
// a request, or a body that does not come, and asks for the health all the same.
func TestSlowConnectionsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	addr := start(t, servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t))
	for i := range 1000 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		switch i % 3 {
		case 1:
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		case 2:
			_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for range 5 {
		begun := time.Now()
		resp, err := client.Get("http://" + addr + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Error(resp.Status)
		}
		t.Logf("healthy after %v", time.Since(begun))
	}
}

// TestLargeHeadersAreRefused before anything looks at them.
func TestLargeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	addr := start(t, servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Large: %s\r\n\r\n", strings.Repeat("x", 32<<10))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%s, want 431", resp.Status)
	}
}

// TestServeEnds: also while someone watches, and within its bound.
func TestServeEnds(t *testing.T) {
	t.Parallel()
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	resp, err := http.Get("http://" + l.Addr().String() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %v to end", took)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
}

// TestServeTellsOfItsListener: an error that nobody asked for is returned.
func TestServeTellsOfItsListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t).Serve(t.Context(), l); err == nil {
		t.Error("a closed listener is no error")
	}
}
