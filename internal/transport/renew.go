package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// StaleAfter is how long a kept connection may take to answer before another is asked.
const StaleAfter = 20 * time.Second

// Renewing is a transport that does not wait for the end of a connection that died without a
// word: what is only read, and gets no answer over a connection that was kept, or an error,
// is asked for once more over a new one.
type Renewing struct {
	base  atomic.Pointer[http.Transport]
	stale time.Duration
}

// Renew returns such a transport over t. stale is the time until another connection is
// asked; 0 is [StaleAfter].
func Renew(t *http.Transport, stale time.Duration) *Renewing {
	if stale == 0 {
		stale = StaleAfter
	}
	r := &Renewing{stale: stale}
	r.base.Store(t)
	return r
}

// errStale ends a request that gets no answer over a kept connection.
var errStale = errors.New("a kept connection does not answer")

// RoundTrip does one request.
func (r *Renewing) RoundTrip(req *http.Request) (*http.Response, error) {
	base := r.base.Load()
	if !isRead(req) {
		return base.RoundTrip(req)
	}
	body := req.GetBody // of a request that is sent again
	ctx, cancel := context.WithCancelCause(req.Context())
	waiting := time.AfterFunc(time.Hour, func() { cancel(errStale) })
	waiting.Stop()
	var kept atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		kept.Store(c.Reused)
		if c.Reused {
			waiting.Reset(r.stale)
		}
	}}
	resp, err := base.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	waiting.Stop()
	stale := errors.Is(context.Cause(ctx), errStale)
	if err != nil && !stale {
		stale = kept.Load() && ctx.Err() == nil // it has ended meanwhile
		cancel(nil)
	}
	if !stale {
		if err != nil {
			return nil, err
		}
		resp.Body = &cancelBody{resp.Body, cancel}
		return resp, nil
	}
	if err == nil { // in the same moment
		resp.Body.Close()
	}
	next := base.Clone()
	if !r.base.CompareAndSwap(base, next) {
		next = r.base.Load() // another request has found out, too
	}
	base.CloseIdleConnections()
	if body != nil {
		req = req.Clone(req.Context())
		if req.Body, err = body(); err != nil {
			return nil, err
		}
	}
	return next.RoundTrip(req)
}

// MarkRead marks a request that changes nothing, whatever its method, in the way of net/http:
// by a header that is not sent. Its body, if any, must be one that can be had again.
func MarkRead(req *http.Request) { req.Header["Idempotency-Key"] = nil }

// isRead reports whether a request changes nothing, and can be sent again.
func isRead(req *http.Request) bool {
	_, marked := req.Header["Idempotency-Key"]
	return req.Method == http.MethodGet || marked && (req.Body == nil || req.GetBody != nil)
}

// CloseIdleConnections is what http.Client looks for.
func (r *Renewing) CloseIdleConnections() { r.base.Load().CloseIdleConnections() }

// cancelBody lets go of what its request holds.
type cancelBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (c *cancelBody) Close() error {
	defer c.cancel(nil)
	return c.ReadCloser.Close()
}
