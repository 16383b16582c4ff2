package serve_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wedatasync/wedatasync/internal/serve"
)

// TestTextOfLibraries: an error that a library writes as text becomes a problem, and nothing
// else changes.
func TestTextOfLibraries(t *testing.T) {
	const text, page = "text/plain; charset=utf-8", "text/html; charset=utf-8"
	for _, tt := range []struct {
		name       string
		status     int
		kind, body string
		want       string
	}{
		{"an error", http.StatusInternalServerError, text, "it failed\n", `{"title":"Internal Server Error","status":500,"detail":"it failed"}` + "\n"},
		{"text that is none", http.StatusOK, text, "metrics\n", "metrics\n"},
		{"a page", http.StatusNotFound, page, "<p>not found</p>", "<p>not found</p>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			serve.Buffered(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			})).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
			if w.Code != tt.status || w.Body.String() != tt.want {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, tt.status, tt.want)
			}
		})
	}
}
