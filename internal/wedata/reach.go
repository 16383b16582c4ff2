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
	Dated     bool          // whether Ahead is known: the endpoint says its time
	// Ahead is how far this machine's clock is ahead of the endpoint's, give or take a
	// second; it is behind if negative. A signature is accepted up to 5 minutes off.
	Ahead time.Duration
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
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, e.scheme+"://"+e.host+"/", nil)
	if err != nil {
		return Reach{}, fmt.Errorf("reach the endpoint: %w", err)
	}
	if cfg.UserAgent != "" {
		req.Header.Set("User-Agent", cfg.UserAgent)
	}
	start := time.Now()
	resp, err := e.transport(&cfg, false).RoundTrip(req)
	if err != nil {
		return Reach{}, &ReachError{Code: faultCode(err), Err: err}
	}
	defer resp.Body.Close()
	r := Reach{RoundTrip: time.Since(start)}
	if resp.TLS != nil {
		r.TLS = tls.VersionName(resp.TLS.Version)
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// The date was said about when the answer came, and has lost half a second on
		// the average.
		r.Dated, r.Ahead = true, time.Since(date.Add(time.Second/2))
	}
	return r, nil
}
