package wedata

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"
)

// Reach is what an endpoint shows to anybody who connects to it.
type Reach struct {
	RoundTrip time.Duration // with the connection
	TLS       string        // such as "TLS 1.3"; empty if it is not encrypted
	Skew      Skew
}

// ReachError says why an endpoint cannot be reached.
type ReachError struct {
	Code string // one of the words of our own, such as CodeUnknownHost
	Err  error
}

// Error says what happened, and what to look at.
func (e *ReachError) Error() string {
	hint := "check the network between here and there, and HTTPS_PROXY if there is a proxy"
	switch e.Code {
	case CodeUnknownHost:
		hint = "check the name of the endpoint, and this machine's DNS"
	case CodeUntrusted:
		hint = "something in between may break TLS open: its certificate has to be among those that this machine trusts"
	}
	return fmt.Sprintf("reach the endpoint: %s: %v: %s", e.Code, e.Err, hint)
}

// Unwrap returns the cause.
func (e *ReachError) Unwrap() error { return e.Err }

// TryEndpoint connects to the endpoint as a Client does, and asks it for nothing: what
// it sends is not signed. Of cfg, the credentials do not count.
func TryEndpoint(ctx context.Context, cfg Config) (Reach, error) {
	e, err := parseEndpoint(cfg.Endpoint, cfg.PlainHosts)
	if err != nil {
		return Reach{}, err
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, MaxTimeout)
	return e.try(ctx, e.transport(&cfg, false), cfg.UserAgent, cfg.Timeout)
}

// try asks the endpoint for nothing.
func (e endpoint) try(ctx context.Context, t http.RoundTripper, userAgent string, timeout time.Duration) (Reach, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, e.scheme+"://"+e.host+"/", nil)
	if err != nil {
		return Reach{}, fmt.Errorf("reach the endpoint: %w", err)
	}
	if userAgent != "" {
		req.Header.Set("User-Agent", userAgent)
	}
	start := time.Now()
	resp, err := t.RoundTrip(req)
	if err != nil {
		return Reach{}, &ReachError{Code: faultCode(err), Err: err}
	}
	defer resp.Body.Close()
	r := Reach{RoundTrip: time.Since(start)}
	if resp.TLS != nil {
		r.TLS = tls.VersionName(resp.TLS.Version)
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.Skew = skewOf(date, start, start.Add(r.RoundTrip))
	}
	return r, nil
}
