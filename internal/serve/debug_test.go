package serve_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/wedatasync/wedatasync/internal/serve"
)

// TestDebug: the profiles are there, but not for pages of another site, and end with the
// daemon.
func TestDebug(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve.Debug(ctx, l, slog.New(slog.DiscardHandler)) }()
	for _, tt := range []struct {
		path, host string
		want       int
	}{
		{"/debug/pprof/", "", http.StatusOK},
		{"/debug/pprof/heap", "", http.StatusOK},
		{"/debug/pprof/goroutine?debug=2", "localhost", http.StatusOK},
		{"/debug/pprof/heap", "evil.example", http.StatusMisdirectedRequest},
		{"/debug/pprof/cmdline", "", http.StatusNotFound},
		{"/", "", http.StatusNotFound},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tt.host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tt.want {
			t.Errorf("GET %s of %q = %s, want %d", tt.path, tt.host, resp.Status, tt.want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
