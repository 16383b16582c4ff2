package transport_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/transport"
)

// TestRetryAfter reads seconds, dates and the times of rate limits, and no nonsense.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"Retry-After: 30": 30 * time.Second,
		"Retry-After: 0":  time.Second,
		"Retry-After: Mon, 30 Nov 2026 12:00:40 GMT": 40 * time.Second,
		"Retry-After: soon":                          0,
		"X-RateLimit-Reset: 1796040045":              0, // there are requests left
		"":                                           0,
	} {
		h := http.Header{}
		if name, value, ok := strings.Cut(text, ": "); ok {
			h.Set(name, value)
		}
		if got := transport.RetryAfter(h, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
