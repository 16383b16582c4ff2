package wedata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/pace"
)

var (
	errSecondRequest = errors.New("send request: refused to send it twice")
	errBodyTooLarge  = errors.New("read answer: it is over the bound")
	errOver          = errors.New("send request: it is over already")
	errNoWire        = errors.New("send request: the connection is not the client's own")
	errOldSignature  = errors.New("send request: its signature is too old: the machine may have slept")
)

// redirectError is an answer that points elsewhere. It is not followed: the token
// must not leave for another host, nor the request be sent again.
type redirectError struct{ status int }

func (e *redirectError) Error() string {
	return fmt.Sprintf("read answer: a redirect (%d), which is not followed; is the endpoint right?", e.status)
}

// exchange carries one request, once, and keeps what happened on the wire and what
// came back. It is the SDK's transport for that request.
type exchange struct {
	transport http.RoundTripper
	userAgent string
	limit     int             // of the answer's body, in bytes
	gate      pace.Gate       // nil is open
	timeout   time.Duration   // for the connection, and again from the gate to the answer
	uptime    reconcile.Clock // which the signature's age is told by; nil: there is none
	signed    time.Duration   // not later than the signature, by uptime
	sent      bool            // RoundTrip was called

	ctx      context.Context // of the request
	cancel   context.CancelCauseFunc
	patience *time.Timer // ends ctx

	passing sync.Mutex // held while the gate is asked
	over    bool       // nothing is written any more; needs passing

	mu        sync.Mutex // what follows is noted on other goroutines
	dialed    map[string]time.Time
	connect   time.Duration
	wrote     time.Time // the first byte
	answered  time.Time // first byte of the answer
	date      time.Time // as the answer says; zero if it does not
	refused   error     // why the gate did not let the request pass
	status    int
	mediaType string
	body      []byte
	err       error
}

// newExchange returns what carries one request. Its context, ctx, ends when a part of the
// exchange takes longer than the timeout; how long it waits at the gate does not count.
func newExchange(ctx context.Context, t http.RoundTripper, limit int, timeout time.Duration) *exchange {
	x := &exchange{transport: t, limit: limit, timeout: timeout}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.patience = time.AfterFunc(timeout, func() { x.cancel(context.DeadlineExceeded) })
	return x
}

// end stops the timer and the context of the exchange.
func (x *exchange) end() {
	x.patience.Stop()
	x.cancel(nil)
}

// RoundTrip sends the request and reads the whole answer.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	if x.sent {
		return nil, errSecondRequest
	}
	x.sent = true
	req = req.Clone(httptrace.WithClientTrace(req.Context(), x.trace()))
	if x.userAgent != "" {
		req.Header.Set("User-Agent", x.userAgent)
	}
	resp, err := x.transport.RoundTrip(req)
	if err != nil {
		x.err = err
		return nil, err
	}
	defer resp.Body.Close()
	x.status, x.mediaType = resp.StatusCode, resp.Header.Get("Content-Type")
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		x.date = date
	}
	if x.status >= 300 && x.status < 400 {
		x.err = &redirectError{x.status}
		return nil, x.err
	}
	x.body, x.err = io.ReadAll(io.LimitReader(resp.Body, int64(x.limit)+1))
	if x.err == nil && len(x.body) > x.limit {
		x.err = fmt.Errorf("%w of %d bytes", errBodyTooLarge, x.limit)
	}
	if x.err != nil {
		return nil, x.err
	}
	return plainResponse(req, x.status, x.body), nil
}

// plainResponse is what the SDK is given to read: by its headers it would decode
// or stream what is already decided here.
func plainResponse(req *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		Status:        http.StatusText(status),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}
}

// pass asks the gate, when the connection is there and nothing of the request was
// written yet. open is done when the connection is closed.
func (x *exchange) pass(open context.Context) error {
	x.passing.Lock()
	defer x.passing.Unlock()
	ctx, cancel := context.WithCancelCause(x.ctx)
	defer cancel(nil)
	defer context.AfterFunc(open, func() { cancel(context.Cause(open)) })()
	x.patience.Stop()
	defer x.patience.Reset(x.timeout)
	err := x.mayPass(ctx)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		if x.refused = err; open.Err() == nil {
			x.cancel(err) // or the transport would try another connection
		}
		return err
	}
	x.wrote = time.Now()
	return nil
}

// mayPass reports why the request must not be written now.
func (x *exchange) mayPass(ctx context.Context) error {
	if x.over {
		return errOver
	}
	if x.gate != nil && ctx.Err() == nil {
		if err := x.gate(ctx); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if x.uptime != nil && x.uptime()-x.signed > maxSignatureAge {
		return errOldSignature
	}
	return nil
}

// notWritten notes that not one byte of the request was written after all.
func (x *exchange) notWritten() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wrote = time.Time{}
}

// trace makes the request wait for its gate, and notes what happens when.
func (x *exchange) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		ConnectStart: func(_, addr string) {
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.dialed == nil {
				x.dialed = make(map[string]time.Time)
			}
			x.dialed[addr] = time.Now()
		},
		ConnectDone: func(_, addr string, err error) {
			x.mu.Lock()
			defer x.mu.Unlock()
			if err == nil {
				x.connect = time.Since(x.dialed[addr])
			}
		},
		GotConn: func(got httptrace.GotConnInfo) {
			if w := wireOf(got.Conn); w != nil {
				w.expect(x)
				return
			}
			x.cancel(errNoWire)
			_ = got.Conn.Close()
		},
		GotFirstResponseByte: func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.answered = time.Now()
		},
	}
}

// response ends the exchange and returns what came back. From here on nothing of it is
// written. sdkErr counts only if nothing was ever sent.
func (x *exchange) response(sdkErr error, secrets []string) Response {
	x.cancel(errOver) // a gate that is asked still, which an early answer can outrun, ends
	x.passing.Lock()
	defer x.passing.Unlock()
	x.over = true
	x.mu.Lock()
	defer x.mu.Unlock()
	a := Response{
		Wrote:       !x.wrote.IsZero(),
		Err:         x.err,
		HTTPStatus:  x.status,
		ContentType: x.mediaType,
		Body:        x.body,
		Secrets:     secrets,
	}
	switch {
	case !x.sent:
		a.Err = sdkErr
	case !a.Wrote && x.refused != nil:
		a.Err = x.refused
	}
	return a
}

// timing returns how the request went on the wire.
func (x *exchange) timing() reconcile.Timing {
	x.mu.Lock()
	defer x.mu.Unlock()
	t := reconcile.Timing{Connect: x.connect, Wrote: x.wrote}
	if !x.wrote.IsZero() && !x.answered.IsZero() {
		t.RoundTrip = x.answered.Sub(x.wrote)
	}
	return t
}
