package transport

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// LimitPause is how long to wait after too many requests when the server does not
// say (GitHub, best practices for using the REST API).
const LimitPause = time.Minute

// IsLimit reports whether an answer says to slow down. GitHub says it with 403 as
// well as with 429, and for its secondary limits there may be no header but only
// the message to tell it from a missing permission.
func IsLimit(resp *http.Response, message string) bool {
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return resp.Header.Get("Retry-After") != "" ||
			resp.Header.Get("X-RateLimit-Remaining") == "0" ||
			strings.Contains(strings.ToLower(message), "rate limit")
	default:
		return false
	}
}

// RetryAfter returns how long the server wants to be left alone: as Retry-After
// says, in seconds or as a date, or until the limit is reset; 0 if it does not say.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if text := h.Get("Retry-After"); text != "" {
		if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
			return atLeast(time.Duration(seconds) * time.Second)
		}
		if at, err := http.ParseTime(text); err == nil {
			return atLeast(at.Sub(now))
		}
	}
	if h.Get("X-RateLimit-Remaining") == "0" {
		if at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return atLeast(time.Unix(at, 0).Sub(now))
		}
	}
	return 0
}

// atLeast keeps a wait from being none: clocks differ.
func atLeast(d time.Duration) time.Duration { return max(d, time.Second) }
