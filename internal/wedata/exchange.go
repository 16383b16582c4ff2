package wedata

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/wedatasync/wedatasync/reconcile"
)

var (
	errSecondRequest = errors.New("send request: refused to send it twice")
	errBodyTooLarge  = errors.New("read answer: it is over the bound")
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
	limit     int  // of the answer's body, in bytes
	sent      bool // RoundTrip was called

	mu        sync.Mutex // the trace's functions run on other goroutines
	dialed    map[string]time.Time
	connect   time.Duration
	wrote     time.Time // headers written
	answered  time.Time // first byte of the answer
	status    int
	mediaType string
	body      []byte
	err       error
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

// trace notes what is written when.
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
		WroteHeaders: func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			if x.wrote.IsZero() {
				x.wrote = time.Now()
			}
		},
		GotFirstResponseByte: func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.answered = time.Now()
		},
	}
}

// answer returns what came back. sdkErr counts only if nothing was ever sent.
func (x *exchange) answer(sdkErr error, secrets []string) Answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := Answer{
		Wrote:       !x.wrote.IsZero(),
		Err:         x.err,
		HTTPStatus:  x.status,
		ContentType: x.mediaType,
		Body:        x.body,
		Secrets:     secrets,
	}
	if !x.sent {
		a.Err = sdkErr
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
