package wedata

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/transport"
	"github.com/wedatasync/wedatasync/reconcile"
)

// MaxTimeout bounds [Config.Timeout].
const MaxTimeout = 10 * time.Second

// maxSignatureAge is how old a signature may be when the first byte leaves: it is made
// before the connection, and waits at the gate. It is accepted for five minutes.
const maxSignatureAge = time.Minute

// Bounds of an answer in bytes.
const (
	maxBody = 1 << 20
	maxRead = 8 << 20 // of a read: a list has a page of tasks
)

// writeBuffer is larger than the headers of a request can be: they leave at once.
const writeBuffer = 4 * maxSecret

// maxIdle is how many connections are kept for the next reads: about as many as are
// under way at the full rate. A read that has to connect first comes late.
const maxIdle = 8

// Config is what a [Client] is made of.
type Config struct {
	// Endpoint is a host, such as wedata.tencentcloudapi.com, or a URL with its
	// scheme. Plain http is for this machine, and for PlainHosts.
	Endpoint    string
	PlainHosts  secret.PlainHosts
	Region      string // such as ap-guangzhou
	Credentials *Credentials
	Timeout     time.Duration  // for a connection, and for an answer; 0 is MaxTimeout
	UserAgent   string         // empty is Go's own
	RootCAs     *x509.CertPool // nil is the system's
	Logger      *slog.Logger   // told of each request, at debug level; nil is silence

	// Uptime tells how old a signature is; it should go on while the machine sleeps. nil
	// is Go's own clock, which does not.
	Uptime reconcile.Clock

	// Dial, if not nil, connects instead of TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// endpoint is a parsed Config.Endpoint.
type endpoint struct {
	scheme   string
	host     string // with the port, if one is given
	loopback bool
}

// parseEndpoint reads a host or a URL. No error repeats it: it may hold a secret.
func parseEndpoint(s string, plain secret.PlainHosts) (endpoint, error) {
	text := s
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return endpoint{}, errors.New("read endpoint: not a host and not a URL")
	}
	host := u.Hostname()
	e := endpoint{scheme: u.Scheme, host: u.Host, loopback: secret.Loopback(host)}
	switch {
	case u.User != nil:
		return endpoint{}, errors.New("read endpoint: it holds a user name; credentials are given apart from it")
	case host == "" || !isHost(host):
		return endpoint{}, errors.New("read endpoint: no host in it")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return endpoint{}, errors.New("read endpoint: only a scheme, a host and a port are allowed")
	case e.scheme != "https" && e.scheme != "http":
		return endpoint{}, errors.New("read endpoint: the scheme is https, or http for this machine")
	}
	if err := plain.Check(u); err != nil {
		return endpoint{}, fmt.Errorf("read endpoint: %w", err)
	}
	return e, nil
}

// CheckEndpoint returns an error if [Config.Endpoint] cannot be text, and reports
// whether it is on this machine.
func CheckEndpoint(text string, plain secret.PlainHosts) (loopback bool, err error) {
	e, err := parseEndpoint(text, plain)
	return e.loopback, err
}

func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`).MatchString(host)
}

// transport returns the way to the endpoint. Without keepAlive each request has a
// connection of its own.
func (e endpoint) transport(cfg *Config, keepAlive bool) *http.Transport {
	t := transport.New(transport.Options{
		RootCAs: cfg.RootCAs, DialContext: e.dial(cfg),
		Timeout: cfg.Timeout, IdleTimeout: 30 * time.Second,
	})
	if e.loopback {
		t.Proxy = nil
	}
	t.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	t.DisableKeepAlives = !keepAlive
	t.DisableCompression = true
	t.MaxIdleConnsPerHost = maxIdle
	t.WriteBufferSize = writeBuffer
	t.Protocols = transport.HTTP1() // one request a connection, and what was written is plain to see
	return t
}

// dial returns what connects. It has a deadline of its own: the transport goes on
// with a dial whose request has ended. Plain http to this machine goes to a loopback
// address only: a name such as localhost can resolve to another.
func (e endpoint) dial(cfg *Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := new(net.Dialer)
	if e.scheme == "http" && e.loopback {
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			if ap, err := netip.ParseAddrPort(address); err != nil || !ap.Addr().IsLoopback() {
				return fmt.Errorf("plain http to %s, which is not this machine", address)
			}
			return nil
		}
	}
	connect := dialer.DialContext
	if cfg.Dial != nil {
		connect = cfg.Dial
	}
	timeout := cfg.Timeout
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := connect(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return newWire(conn), nil
	}
}
