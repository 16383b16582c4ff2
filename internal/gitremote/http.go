package gitremote

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/internal/transport"
)

// httpRemote reads a repository over http or https. Connections are kept between
// sessions, so that a poll is one round trip.
type httpRemote struct {
	url          string
	user         string
	passwordFile string
	caFile       string
	app          *appTokens // nil: there is no GitHub App
	staleAfter   time.Duration
	log          *slog.Logger
	memory

	password string // as last read
	ca       []byte // what client trusts besides the system's authorities
	proxy    proxy
	client   *http.Client
	api      *http.Client // for the App
}

func (h *httpRemote) Secrets() []string {
	return append(h.proxy.secrets(), credentials(h.user, h.password)...) // the App's token is a password as well
}

// credentials are what of a password may turn up in a text, in whatever form.
func credentials(user, password string) []string {
	if password == "" {
		return nil
	}
	return []string{user + ":" + password, password}
}

func (h *httpRemote) connect(ctx context.Context) (session, error) {
	if err := h.trust(); err != nil {
		return nil, err
	}
	if err := h.login(ctx); err != nil {
		return nil, err
	}
	s := &httpSession{remote: h, base: h.url}
	if base := h.base.Load(); base != nil && h.server.Load() != nil {
		s.base = *base
	}
	return s, nil
}

// login finds the password.
func (h *httpRemote) login(ctx context.Context) (err error) {
	if h.app != nil {
		h.user = "x-access-token" // any does; this one is in GitHub's documents
		h.password, err = h.app.get(ctx, h.api)
		return err
	}
	return h.readPassword()
}

// Denied makes the next session log in anew: a token may be taken back before it ends.
func (h *httpRemote) Denied() {
	if h.app != nil {
		h.app.forget()
	}
}

// Check reads the files that a session will need.
func (h *httpRemote) Check() error {
	if err := h.trust(); err != nil {
		return err
	}
	if h.app != nil {
		_, err := h.app.assertion(time.Now())
		return err
	}
	return h.readPassword()
}

func (h *httpRemote) readPassword() error {
	if h.passwordFile == "" {
		return nil
	}
	password, err := readSecret("--git-token-file", h.passwordFile, h.log)
	if err != nil {
		return &Error{Kind: ErrAuth, Detail: "password file", Err: err}
	}
	h.password = password
	return nil
}

// trust makes the client, anew if the file of authorities has changed.
func (h *httpRemote) trust() error {
	var ca []byte
	if h.caFile != "" {
		var err error
		if ca, err = file.Read("--ca-file", h.caFile, file.MaxCertificates); err != nil {
			return &Error{Kind: ErrUnreachable, Detail: "authorities", Err: err, Hint: "set --ca-file to a readable file of certificates in PEM"}
		}
	}
	if h.client != nil && bytes.Equal(ca, h.ca) {
		return nil
	}
	if err := h.proxy.read(h.url); err != nil {
		return err
	}
	var roots *x509.CertPool // the system's
	if ca != nil {
		var err error
		if roots, err = transport.RootCAs(ca); err != nil {
			return &Error{Kind: ErrUnreachable, Detail: "authorities " + h.caFile, Hint: err.Error()}
		}
	}
	h.CloseIdle()
	h.ca = ca
	h.client = &http.Client{Transport: &boundedTransport{base: transport.Renew(newTransport(roots, &h.proxy), h.staleAfter)}, CheckRedirect: fewHops}
	if h.app == nil {
		return nil
	}
	its := &proxy{}
	if err := its.read(cmp.Or(h.app.app.APIURL, githubAPI)); err != nil {
		return err
	}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	h.api = &http.Client{Transport: newTransport(roots, its), CheckRedirect: refuse}
	return nil
}

func newTransport(roots *x509.CertPool, p *proxy) *http.Transport {
	return transport.New(transport.Options{
		RootCAs: roots, Proxy: p.of,
		IdleTimeout: 5 * time.Minute, // longer than most intervals
		MaxHeaders:  256 << 10,
	})
}

func (h *httpRemote) CloseIdle() {
	for _, client := range []*http.Client{h.client, h.api} {
		if client != nil {
			client.CloseIdleConnections()
		}
	}
}

// fewHops ends redirects that do not end, and those of what is posted: where the repository
// is the list of its refs has told.
func fewHops(_ *http.Request, via []*http.Request) error {
	const most = 5
	if len(via) > most || via[0].Method != http.MethodGet {
		return &Error{Kind: ErrBadAnswer, Detail: "it points from one place to the next"}
	}
	return nil
}

// sameHost refuses redirects to elsewhere. What a repository's address is is for
// its user to say, not for a server.
func sameHost(resp *http.Response) error {
	to, err := resp.Location()
	if err != nil || resp.StatusCode/100 != 3 {
		return nil
	}
	if from := resp.Request.URL; to.Host != from.Host || to.Scheme != from.Scheme {
		return &Error{
			Kind: ErrBadAnswer, Detail: "it points to another place, " + Redact(to.Scheme+"://"+to.Host+to.Path),
			Hint: "if that is right, set --source to it",
		}
	}
	return nil
}

// boundedTransport limits what a server can make us read beside packs.
type boundedTransport struct{ base *transport.Renewing }

// RoundTrip does one request.
func (b *boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := sameHost(resp); err != nil {
		_ = resp.Body.Close() // nothing of it is wanted
		return nil, err
	}
	body := drainedBody{resp.Body}
	resp.Body = body
	switch {
	case resp.StatusCode/100 == 3 && resp.Header.Get("Location") != "": // http.Client follows it
	case resp.StatusCode/100 != 2:
		defer body.Close()
		return nil, refusal(resp)
	}
	return resp, nil
}

// CloseIdleConnections is what http.Client looks for.
func (b *boundedTransport) CloseIdleConnections() { b.base.CloseIdleConnections() }

// drainedBody reads the little that git leaves of a body, so that the connection can
// be used again.
type drainedBody struct{ io.ReadCloser }

func (d drainedBody) Close() error {
	_, _ = io.CopyN(io.Discard, d.ReadCloser, 4<<10)
	return d.ReadCloser.Close()
}

// readSecret reads a file that holds one secret. Line ends after it do not count.
func readSecret(by, path string, log *slog.Logger) (string, error) {
	const most = 64 << 10
	data, err := file.ReadSecret(by, path, most, log)
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(data), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s: read %s: it is empty", by, path)
	}
	return secret, nil
}
