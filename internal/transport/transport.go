// Package transport builds every http.Transport of the program: over TLS 1.2 or later,
// through the proxy of the environment, with bounds on the time to connect and on the
// headers of a response, and so that a connection that died is left after one timeout.
//
// What may enter: how a connection is made, kept and given up, whom it trusts, and when a
// server wants to be asked again. Not what is sent over it, redirects, or what may be sent
// again.
package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/wedatasync/wedatasync/internal/file"
)

const (
	connectTimeout = 10 * time.Second // to connect, and again for the handshake
	idleTimeout    = time.Minute
	maxHeaders     = 64 << 10 // bytes of the headers of a response

	// A connection of HTTP/2 outlives the requests that timed out on it. One that a
	// middlebox has dropped silently would take all that follow, until TCP gives up
	// after a quarter of an hour: so silence is asked about, and ends it after 25 s.
	pingAfter   = 15 * time.Second
	pingTimeout = 10 * time.Second
)

// Options are what the transports differ in. Zero values are fine.
type Options struct {
	RootCAs     *x509.CertPool                                                       // nil is the system's
	Proxy       func(*http.Request) (*url.URL, error)                                // nil is the environment's
	DialContext func(ctx context.Context, network, address string) (net.Conn, error) // nil is TCP, within 10 s
	Timeout     time.Duration                                                        // for the TLS handshake; 0 is 10 s
	IdleTimeout time.Duration                                                        // after which a connection is closed; 0 is 1 min
	MaxHeaders  int64                                                                // bytes of the headers of a response; 0 is 64 KiB
}

// New returns a transport. It may be changed until it is first used.
func New(o Options) *http.Transport {
	t := &http.Transport{
		Proxy:                  o.Proxy,
		DialContext:            o.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout:    cmp.Or(o.Timeout, connectTimeout),
		IdleConnTimeout:        cmp.Or(o.IdleTimeout, idleTimeout),
		MaxResponseHeaderBytes: cmp.Or(o.MaxHeaders, maxHeaders),
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: pingTimeout},
	}
	if t.Proxy == nil {
		t.Proxy = http.ProxyFromEnvironment
	}
	if t.DialContext == nil {
		t.DialContext = Dialer().DialContext
	}
	return t
}

// Dialer connects within 10 s. The system asks after a connection that is silent for 15 s, and
// ends one whose other end is gone after 30 s: that of HTTP/1 in the middle of a pack, for one.
func Dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         connectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: pingAfter, Interval: 5 * time.Second, Count: 3},
	}
}

// Direct is a [Options.Proxy] that uses none.
func Direct(*http.Request) (*url.URL, error) { return nil, nil }

// HTTP1 allows HTTP/1 alone.
func HTTP1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// ErrNoCertificate says that a file of authorities has none.
var ErrNoCertificate = errors.New("it holds no certificate in PEM")

// ReadRootCAs returns the system's authorities and those in the file, or nil, which is
// the system's, if there is no file. An error names by, which is the setting that names
// the file.
func ReadRootCAs(by, path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	data, err := file.Read(by, path, file.MaxCertificates)
	if err != nil {
		return nil, err
	}
	pool, err := RootCAs(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return pool, nil
}

// RootCAs returns the system's authorities and those in PEM.
func RootCAs(pem []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, ErrNoCertificate
	}
	return pool, nil
}
