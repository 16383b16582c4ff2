package gitremote

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/text"
)

// GitHubApp are the credentials of an installation of a GitHub App: a token is made
// of them that may read, and is good for an hour.
type GitHubApp struct {
	ID             string // the App's id, or its client id
	InstallationID string
	KeyFile        string // the App's private key, in PEM as GitHub gives it
	APIURL         string // https://api.github.com if empty; https://HOST/api/v3 of a server
}

const (
	githubAPI = "https://api.github.com"
	// renewBefore is how long before its end a token is renewed: a fetch may begin
	// with it and take a while.
	renewBefore = 10 * time.Minute
	// What GitHub says of the JSON web token: at most 10 minutes, and begin it a minute
	// ago, for clocks differ.
	assertFor   = 9 * time.Minute
	assertSince = time.Minute
)

// set reports whether there is an App, and check whether it can be used for a URL.
func (a *GitHubApp) set() bool { return *a != GitHubApp{} }

func (a *GitHubApp) check(plain secret.PlainHosts) error {
	if a.ID == "" || a.InstallationID == "" || a.KeyFile == "" {
		return errors.New("a GitHub App needs its id, the id of its installation and the file of its private key")
	}
	if strings.Trim(a.InstallationID, "0123456789") != "" {
		return fmt.Errorf("%q is not the id of an installation: it is the number at the end of its page's address", text.OneLine(a.InstallationID, 40))
	}
	if a.APIURL == "" {
		return nil
	}
	u, err := url.Parse(a.APIURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("the address of GitHub's API must be a URL without a user and a query, such as https://github.example.com/api/v3")
	}
	return plain.Check(u)
}

// appTokens makes tokens of an App, and keeps the last one until shortly before it ends.
type appTokens struct {
	app     GitHubApp
	log     *slog.Logger
	token   string
	renewAt time.Time     // by our clock
	skew    time.Duration // by how much GitHub's clock is ahead of ours
}

// get returns a token.
func (t *appTokens) get(ctx context.Context, client *http.Client) (string, error) {
	if t.token != "" && time.Now().Before(t.renewAt) {
		return t.token, nil
	}
	skew := t.skew
	err := t.ask(ctx, client)
	if errors.Is(err, ErrAuth) && (t.skew-skew).Abs() > assertSince/2 {
		err = t.ask(ctx, client) // now that we know what time it is there
	}
	return t.token, err
}

// forget makes the next token a new one.
func (t *appTokens) forget() { t.token = "" }

// ask exchanges the App's key for a token that may read the repositories of the
// installation.
func (t *appTokens) ask(ctx context.Context, client *http.Client) error {
	t.forget()
	assertion, err := t.assertion(time.Now().Add(t.skew))
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(t.app.APIURL, "/")
	if base == "" {
		base = githubAPI
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/app/installations/"+t.app.InstallationID+"/access_tokens",
		strings.NewReader(`{"permissions":{"contents":"read"}}`))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+assertion)
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	resp, err := client.Do(req)
	if err != nil {
		return &Error{Kind: ErrUnreachable, Detail: "GitHub App", Err: Scrub(err, []string{assertion})}
	}
	defer resp.Body.Close()
	now := time.Now()
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		t.skew = date.Sub(now)
	}
	const most = 64 << 10
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return &Error{Kind: ErrUnreachable, Detail: "GitHub App", Err: err}
	}
	var answer struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires_at"`
		Message string    `json:"message"`
	}
	err = json.Unmarshal(body, &answer)
	if resp.StatusCode != http.StatusCreated {
		said := strings.ReplaceAll(answer.Message, assertion, "[redacted]")
		return t.refused(resp.StatusCode, said)
	}
	if err != nil || answer.Token == "" || strings.ContainsFunc(answer.Token, unprintable) || answer.Expires.IsZero() {
		return &Error{Kind: ErrBadAnswer, Detail: "GitHub App: the API gave no token", Hint: "check --github-api-url"}
	}
	t.token, t.renewAt = answer.Token, answer.Expires.Add(-t.skew-renewBefore)
	return nil
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// refused says what an answer without a token means.
func (t *appTokens) refused(status int, message string) error {
	e := &Error{Kind: ErrAuth, Detail: "GitHub App", Err: fmt.Errorf("the API answers %d: %s", status, text.OneLine(message, maxCause))}
	switch {
	case status == http.StatusUnauthorized:
		e.Hint = "check the App's id, its private key and this machine's clock"
	case status == http.StatusNotFound:
		e.Hint = fmt.Sprintf("check the address of the API, and that the App has the installation %s", t.app.InstallationID)
	case status == http.StatusForbidden, status == http.StatusUnprocessableEntity:
		e.Hint = "the App needs the permission to read contents, and its installation must not be suspended"
	default:
		e.Kind = ErrBadAnswer
	}
	return e
}

// assertion is what the App proves itself with: a JSON web token, signed with RS256.
func (t *appTokens) assertion(now time.Time) (string, error) {
	key, err := readRSAKey(t.app.KeyFile, t.log)
	if err != nil {
		return "", &Error{Kind: ErrAuth, Detail: "GitHub App", Err: err, Hint: "set --github-app-key-file to the private key that GitHub gave for the App"}
	}
	claims, err := json.Marshal(struct {
		Issued  int64  `json:"iat"`
		Expires int64  `json:"exp"`
		Issuer  string `json:"iss"`
	}{now.Add(-assertSince).Unix(), now.Add(assertFor).Unix(), t.app.ID})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + encode(sig), nil
}

// readRSAKey reads a private key in PEM.
func readRSAKey(path string, log *slog.Logger) (*rsa.PrivateKey, error) {
	text, err := readSecret("--github-app-key-file", path, log)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(bytes.TrimSpace([]byte(text)))
	if block == nil {
		return nil, fmt.Errorf("read %s: it holds nothing in PEM", path)
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if private, ok := key.(*rsa.PrivateKey); ok && err == nil {
		return private, nil
	}
	return nil, fmt.Errorf("read %s: it holds no private RSA key", path)
}
