package forge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/fault"
	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/transport"
)

// Kind is a forge by its API.
type Kind string

// The forges. Forgejo and Codeberg speak Gitea's API.
const (
	GitHub Kind = "github"
	GitLab Kind = "gitlab"
	Gitea  Kind = "gitea"
)

// Config says which repository on which forge, and with which token.
type Config struct {
	Kind Kind
	// BaseURL is the API's, such as https://ghe.example.com/api/v3,
	// https://gitlab.example.com/api/v4 or https://gitea.example.com/api/v1, or, of all but
	// GitHub Enterprise, the forge's own. Empty is github.com's or gitlab.com's.
	BaseURL string
	// Repository is owner/name; on GitLab the project's path or its number.
	Repository string
	// PullRequest is the number of the pull request, on GitLab the merge request's in
	// its project; 0 if there is none.
	PullRequest int
	Token       secret.Value
	CAFile      string // more authorities to trust, in PEM; may be empty
	PlainHosts  secret.PlainHosts
	UserAgent   string // such as wedatasync/1.0
	// Timeout bounds one call of a method, with all its requests and waits; 0 is 3 min.
	Timeout time.Duration
	// Transport does the requests; nil is one of its own.
	Transport http.RoundTripper
	Logger    *slog.Logger
}

// Forge is a repository on a forge. It is safe for concurrent use.
type Forge struct {
	forgeAPI
	client  *apiclient.Client
	config  Config
	base    string // of the API, without a slash at the end
	timeout time.Duration
}

// Open checks the configuration. It sends nothing.
func Open(c Config) (*Forge, error) {
	wrong := func(format string, args ...any) (*Forge, error) {
		return nil, &fault.Error{Op: "open the forge", Kind: apiclient.ErrConfig, Err: fmt.Errorf(format, args...)}
	}
	api, ok := apiOf(c.Kind)
	if !ok {
		return wrong("the kind is not one of github, gitlab and gitea")
	}
	base, err := parseBase(c.Kind, cmp.Or(c.BaseURL, api.base))
	if err != nil {
		return wrong("%w", err)
	}
	if !validRepository(c.Kind, c.Repository) {
		return wrong("that is not a repository: write owner/name")
	}
	if c.Token.IsZero() {
		return nil, &fault.Error{Op: "open the forge", Kind: apiclient.ErrToken, Detail: "there is none", Hint: api.hintsFor(c).token}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := c.PlainHosts.Check(base); err != nil {
		return wrong("%w", err)
	}
	c.Logger = c.Logger.With("forge", string(c.Kind))
	client, err := apiclient.New(c.Transport, c.CAFile, c.Logger)
	if err != nil {
		return wrong("%w", err)
	}
	return &Forge{forgeAPI: api, client: client, config: c, base: strings.TrimSuffix(base.String(), "/"), timeout: cmp.Or(c.Timeout, 3*time.Minute)}, nil
}

// Close closes the connections that are idle.
func (f *Forge) Close() error {
	f.client.Close()
	return nil
}

// parseBase reads the address of an API. That of the forge itself is completed.
func parseBase(kind Kind, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("the address of the API is required, such as https://gitea.example.com/api/v1")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the address of the API is not a URL, such as https://gitea.example.com/api/v1")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the address of the API must not hold a user, a query or a fragment")
	case slices.Contains(strings.Split(u.Path, "/"), "api"):
	case kind == GitHub && u.Host == "github.com":
		u.Host = "api.github.com"
	case kind != GitHub: // whose API can be at any address
		u = u.JoinPath(map[Kind]string{GitLab: "api/v4", Gitea: "api/v1"}[kind])
	}
	return u, nil
}

// validRepository reports whether the name can be part of a path as it is meant.
func validRepository(kind Kind, name string) bool {
	parts := strings.Split(name, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || url.PathEscape(part) != part {
			return false
		}
	}
	return len(parts) == 2 || kind == GitLab
}

// ask makes a call of a path below the API's address.
func (f *Forge) ask(op, method, path string, payload any, read func(*http.Response) error) apiclient.Call {
	return apiclient.Call{
		Op: op,
		Build: func(ctx context.Context) (*http.Request, []string, error) {
			return f.request(ctx, method, path, payload)
		},
		Repeatable: method != http.MethodPost,
		Refusal:    func(resp *http.Response, data []byte) *fault.Error { return f.refused(op, resp, data) },
		Read:       read,
	}
}

// request makes a request with what proves who asks.
func (f *Forge) request(ctx context.Context, method, path string, payload any) (*http.Request, []string, error) {
	token, err := f.config.Token.Read("the file of the forge's token", f.config.Logger)
	if err != nil {
		return nil, nil, err
	}
	var body []byte
	if payload != nil {
		if body, err = json.Marshal(payload); err != nil {
			return nil, nil, err
		}
	}
	req, err := apiclient.NewRequest(ctx, method, f.base+path, body)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", f.scheme+" "+token)
	req.Header.Set("Accept", f.accept)
	req.Header.Set("User-Agent", cmp.Or(f.config.UserAgent, agent))
	if f.version != "" {
		req.Header.Set("X-GitHub-Api-Version", f.version)
	}
	return req, []string{token}, nil
}

// agent is the default User-Agent.
const agent = "wedatasync"

// decode reads one JSON value. It reads all of it first: a decoder that reads by
// itself looks at white space again with each piece that comes.
func decode(into any) func(*http.Response) error {
	return func(resp *http.Response) error {
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		return json.Unmarshal(data, into)
	}
}

// discard takes an answer for what its status says.
func discard(resp *http.Response) error {
	_, err := io.Copy(io.Discard, resp.Body)
	return err
}

// refused says what an answer other than 2xx means, and what to do about it.
func (f *Forge) refused(op string, resp *http.Response, data []byte) *fault.Error {
	e := &fault.Error{Op: op, Status: resp.StatusCode, Detail: messageOf(data)}
	switch code := resp.StatusCode; {
	case transport.IsLimit(resp, e.Detail):
		e.Kind, e.Effect, e.RetryAfter = apiclient.ErrLimited, fault.NotDone, cmp.Or(transport.RetryAfter(resp.Header, time.Now()), transport.LimitPause)
	case code == http.StatusUnauthorized:
		e.Kind, e.Hint = apiclient.ErrToken, f.hintsFor(f.config).token
	case code == http.StatusForbidden:
		e.Kind, e.Hint = apiclient.ErrPermission, f.hintsFor(f.config).permission
	case code == http.StatusNotFound:
		e.Kind, e.Hint = apiclient.ErrNotFound, "check the address of the forge, the repository, and the number or the commit; a token that may not see them gets the same answer"
		e.Detail = strings.TrimSpace(e.Detail + " at " + resp.Request.URL.Redacted())
	case code >= 500 || code == http.StatusRequestTimeout:
		e.Kind, e.Effect, e.RetryAfter = apiclient.ErrUnavailable, fault.MaybeDone, transport.RetryAfter(resp.Header, time.Now())
	default:
		e.Kind = apiclient.ErrRefused
	}
	return e
}

// messageOf finds the server's words in an answer that is an error. GitLab puts lists
// and maps where others have a sentence.
func messageOf(data []byte) string {
	var answer struct {
		Message     any `json:"message"`
		Errors      any `json:"errors"`
		Error       any `json:"error"`
		Description any `json:"error_description"`
	}
	if json.Unmarshal(data, &answer) != nil {
		return "" // a page of a proxy
	}
	var words []string
	for _, part := range []any{answer.Message, answer.Errors, answer.Error, answer.Description} {
		switch part := part.(type) {
		case nil:
		case string:
			words = append(words, part)
		default:
			if text, err := json.Marshal(part); err == nil {
				words = append(words, string(text))
			}
		}
	}
	return strings.Join(words, ": ")
}
