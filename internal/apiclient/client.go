package apiclient

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/transport"
)

// The bounds of what is sent and read.
const (
	maxRedirect = 3                // of one request, and only to the same host
	maxAnswer   = 32 << 20         // bytes of an answer; a page of comments is the longest
	MaxFailure  = 64 << 10         // bytes that are read of an answer that is an error
	tryTimeout  = 30 * time.Second // for one request, its answer included
)

// Client sends requests, and sends them again as far as that is right.
type Client struct {
	http  *http.Client
	log   *slog.Logger
	tries int           // requests for one call, at the most
	pause time.Duration // between two of them, at the most, if the server does not say
}

// New makes a client whose requests go by way. If that is nil, they go by a transport
// that trusts the system's authorities and those in caFile, if it is not empty.
func New(way http.RoundTripper, caFile string, log *slog.Logger) (*Client, error) {
	if way == nil {
		roots, err := transport.ReadRootCAs("caFile", caFile)
		if err != nil {
			return nil, err
		}
		way = transport.New(transport.Options{RootCAs: roots})
	}
	return &Client{
		http: &http.Client{Transport: way, CheckRedirect: sameHost}, log: log,
		tries: 5, pause: 30 * time.Second,
	}, nil
}

// Patient returns a client over the same connections that waits and tries otherwise.
func (c *Client) Patient(tries int, pause time.Duration, log *slog.Logger) *Client {
	own := *c
	own.tries, own.pause, own.log = tries, pause, log
	return &own
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// errRedirect is what a redirect that is not followed ends with.
var errRedirect = errors.New("the server points elsewhere")

// sameHost follows redirects within one host only: a token or a secret path is
// for the server it was given for. A redirect that would turn a write into a read
// is refused as well.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > maxRedirect:
		return fmt.Errorf("%w again and again", errRedirect)
	case req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme:
		return fmt.Errorf("%w, to %s://%s", errRedirect, req.URL.Scheme, req.URL.Host)
	case req.Method != first.Method:
		return fmt.Errorf("%w for what was to be written", errRedirect)
	}
	return nil
}

// Call is one thing asked of a server.
type Call struct {
	Op string // for errors
	// Build makes the request, anew for each time it is sent, and returns the texts
	// in it that must not be shown.
	Build func(context.Context) (req *http.Request, secrets []string, err error)
	// Repeatable says that to do it twice comes to the same.
	Repeatable bool
	// Refusal says what an answer other than 2xx means. The body is cut off.
	Refusal func(*http.Response, []byte) *fault.Error
	// Read takes in a 2xx answer. The body is bounded.
	Read func(*http.Response) error
}

// Do sends the request, again where that may help and can do no harm, until ctx
// is done. A wait that would outlast ctx is not begun.
func (c *Client) Do(ctx context.Context, call Call) error {
	return c.Again(ctx, func() error { return c.try(ctx, call) }, func(e *fault.Error) bool {
		return e.Effect == fault.NotDone || e.Effect == fault.MaybeDone && call.Repeatable
	})
}

// Again repeats f while it fails in a way that may be repeated.
func (c *Client) Again(ctx context.Context, f func() error, may func(*fault.Error) bool) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval = time.Second, 2, c.pause
	for tries := 1; ; tries++ {
		err := f()
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || !may(e) {
			return err
		}
		wait := cmp.Or(e.RetryAfter, pause.NextBackOff())
		deadline, bounded := ctx.Deadline()
		if tries == c.tries || bounded && time.Until(deadline) <= wait {
			e.Effect = fault.Final
			return e
		}
		c.log.DebugContext(ctx, "try again", "op", e.Op, "cause", e.Kind, "status", e.Status, "wait", wait)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// try sends one request. Every error is an *Error without secrets, or that of ctx.
func (c *Client) try(ctx context.Context, call Call) error {
	deadline, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	req, secrets, err := call.Build(deadline)
	if err != nil {
		return &fault.Error{Op: call.Op, Kind: ErrConfig, Err: err}
	}
	start := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return scrub(call.unanswered(err), secrets)
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
		resp.Body.Close()
	}()
	c.log.DebugContext(ctx, "asked", "op", call.Op, "method", req.Method, "status", resp.StatusCode, "duration", time.Since(start))
	e := call.answered(resp)
	switch {
	case e == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return scrub(e, secrets)
}

// WithTimeout limits how long something takes, with all its requests and waits.
func WithTimeout(ctx context.Context, op string, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, &fault.Error{Op: op, Kind: ErrUnavailable, Detail: fmt.Sprintf("not done after %v", d)})
}

// NewRequest makes a request that carries JSON; nil is none.
func NewRequest(ctx context.Context, method, url string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the address is not a valid URL") // which can be a secret
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return req, nil
}

// unanswered describes a request that has no answer.
func (call *Call) unanswered(err error) *fault.Error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the URL, which can be a secret
	}
	e := &fault.Error{Op: call.Op, Kind: ErrUnavailable, Err: err, Effect: fault.MaybeDone}
	switch op, ok := errors.AsType[*net.OpError](err); {
	case errors.Is(err, errRedirect):
		e.Kind, e.Effect = ErrBadAnswer, fault.Final
		e.Hint = "if that is right, make it the address in the configuration"
	case ok && op.Op == "dial":
		e.Effect = fault.NotDone
	case isCertificate(err):
		e.Effect = fault.Final
		e.Hint = "name the file of the authority that signed its certificate"
	case errors.Is(err, context.DeadlineExceeded):
		e.Err = fmt.Errorf("no answer within %v", tryTimeout)
	}
	return e
}

func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// answered takes in an answer, whatever it is.
func (call *Call) answered(resp *http.Response) *fault.Error {
	if resp.StatusCode/100 != 2 {
		data, _ := io.ReadAll(io.LimitReader(resp.Body, MaxFailure))
		return call.Refusal(resp, data)
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	err := call.Read(resp)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	e := &fault.Error{Op: call.Op, Kind: ErrBadAnswer, Status: resp.StatusCode, Err: err, Effect: fault.MaybeDone}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		e.Effect = fault.Final
	}
	return e
}

// scrub takes secrets out of what others said, whatever a server or a library put
// into it.
func scrub(e *fault.Error, secrets []string) *fault.Error {
	clean := secret.Replacer(secrets...).Replace
	e.Detail = clean(e.Detail)
	if e.Err != nil {
		if text := e.Err.Error(); clean(text) != text {
			e.Err = errors.New(clean(text))
		}
	}
	return e
}
