package source

import (
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
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitremote"
)

// refusal answers in place of GitHub, and reports whether it did.
type refusal func(w http.ResponseWriter, jwt string) bool

// github is a server that behaves as GitHub documents it for Apps.
type github struct {
	key     *rsa.PublicKey
	ahead   time.Duration // of its clock
	good    time.Duration // for which a token is good
	tokens  int           // that were given out
	token   string        // that is good now
	refuse  atomic.Pointer[refusal]
	permits string // what was asked for last
}

func (h *github) now() time.Time { return time.Now().Add(h.ahead) }

func (h *github) serve(w http.ResponseWriter, req *http.Request, git http.Handler) {
	w.Header().Set("Date", h.now().UTC().Format(http.TimeFormat))
	if !strings.HasPrefix(req.URL.Path, "/api/v3/") {
		if _, password, _ := req.BasicAuth(); password != h.token || h.token == "" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, "not with %s", req.Header.Get("Authorization"))
			return
		}
		git.ServeHTTP(w, req)
		return
	}
	jwt, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if refuse := h.refuse.Load(); refuse != nil && (*refuse)(w, jwt) {
		return
	}
	fail := func(status int, message string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": message, "documentation_url": "https://docs.github.com/rest"})
	}
	switch err := h.check(jwt); {
	case err != nil:
		fail(401, err.Error())
	case req.Method != http.MethodPost || req.URL.Path != "/api/v3/app/installations/42/access_tokens":
		fail(404, "Not Found")
	case req.Header.Get("Accept") != "application/vnd.github+json" || req.Header.Get("X-GitHub-Api-Version") == "":
		fail(415, "Unsupported")
	default:
		body, _ := io.ReadAll(req.Body)
		h.permits = string(body)
		h.tokens++
		h.token = fmt.Sprintf("ghs_secret%d", h.tokens)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"token": h.token, "expires_at": h.now().Add(h.good).UTC().Format(time.RFC3339), "permissions": map[string]string{"contents": "read"}})
	}
}

// check checks a JSON web token by the rules of GitHub's documents.
func (h *github) check(jwt string) error {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return errors.New("A JSON web token could not be decoded")
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return errors.New("A JSON web token could not be decoded")
		}
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		Iat, Exp int64
		Iss      string
	}
	if err := errors.Join(json.Unmarshal(decoded[0], &header), json.Unmarshal(decoded[1], &claims)); err != nil || header.Alg != "RS256" {
		return errors.New("A JSON web token could not be decoded")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := h.now().Unix()
	switch {
	case rsa.VerifyPKCS1v15(h.key, crypto.SHA256, sum[:], decoded[2]) != nil:
		return errors.New("A JSON web token could not be decoded")
	case claims.Iss != "1234":
		return errors.New("Integration not found")
	case claims.Iat > now:
		return errors.New("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	case claims.Exp <= now, claims.Exp > now+600:
		return errors.New("'Expiration time' claim ('exp') is too far in the future")
	}
	return nil
}

func TestGitHubApp(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	keyFile := func(kind string, der []byte) string {
		return writeFile(t, "app.pem", string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	}
	file := keyFile("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	web := r.startWeb(true)
	hub := &github{key: &key.PublicKey, good: time.Hour}
	web.instead(hub.serve)
	ca := web.authority(t)
	config := GitConfig{URL: web.url, CAFile: ca, GitHubApp: gitremote.GitHubApp{ID: "1234", InstallationID: "42", KeyFile: file, APIURL: web.URL + "/api/v3/"}}

	t.Run("one token for many polls", func(t *testing.T) {
		g := r.open(config)
		for range 3 {
			wantSaid(t, poll(t, g), "a v1 a.yaml")
		}
		if hub.tokens != 1 || hub.permits != `{"permissions":{"contents":"read"}}` {
			t.Errorf("it took %d tokens, and asked for %s", hub.tokens, hub.permits)
		}
		hub.token = "" // GitHub has taken it back
		wantError(t, g, gitremote.ErrAuth, "")
		poll(t, g)
		if hub.tokens != 2 {
			t.Errorf("it took %d tokens", hub.tokens)
		}
	})
	t.Run("one that ends soon is renewed", func(t *testing.T) {
		defer func() { hub.good = time.Hour }()
		g := r.open(config)
		hub.good, hub.tokens = 10*time.Minute/2, 0
		poll(t, g)
		poll(t, g)
		if hub.tokens != 2 {
			t.Errorf("it took %d tokens", hub.tokens)
		}
	})
	for _, ahead := range []time.Duration{-time.Hour, -2 * time.Minute, 40 * time.Second, time.Hour} {
		t.Run(fmt.Sprintf("a clock that is %v ahead of ours", ahead), func(t *testing.T) {
			defer func() { hub.ahead = 0 }()
			hub.ahead, hub.tokens = ahead, 0
			g := r.open(config)
			poll(t, g)
			poll(t, g)
			if hub.tokens != 1 {
				t.Errorf("it took %d tokens", hub.tokens)
			}
		})
	}
	t.Run("a key in PKCS #8, read again", func(t *testing.T) {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		must(t, err)
		c := config
		c.GitHubApp.KeyFile = keyFile("PRIVATE KEY", der)
		wantSaid(t, poll(t, r.open(c)), "a v1 a.yaml")
	})

	says := func(status int, text string) refusal {
		return func(w http.ResponseWriter, jwt string) bool {
			w.WriteHeader(status)
			fmt.Fprint(w, strings.ReplaceAll(text, "JWT", jwt))
			return true
		}
	}
	hang := make(chan struct{})
	defer close(hang)
	refusals := []struct {
		name   string
		change func(*GitConfig)
		refuse refusal
		kind   error
		say    string
	}{
		{"another key", func(c *GitConfig) {
			c.GitHubApp.KeyFile = keyFile("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(stranger))
		}, nil, gitremote.ErrAuth, "could not be decoded: check the App's id, its private key"},
		{"another App", func(c *GitConfig) { c.GitHubApp.ID = "99" }, nil, gitremote.ErrAuth, "Integration not found"},
		{"another installation", func(c *GitConfig) { c.GitHubApp.InstallationID = "43" }, nil, gitremote.ErrAuth, "has the installation 43"},
		{"no key", func(c *GitConfig) { c.GitHubApp.KeyFile = filepath.Join(t.TempDir(), "none") }, nil, gitremote.ErrAuth, "no such file"},
		{"what is no key", func(c *GitConfig) { c.GitHubApp.KeyFile = ca }, nil, gitremote.ErrAuth, "no private RSA key"},
		{"what is not PEM", func(c *GitConfig) { c.GitHubApp.KeyFile = writeFile(t, "key", "hello") }, nil, gitremote.ErrAuth, "nothing in PEM"},
		{"suspended", nil, says(403, `{"message":"This installation has been suspended"}`), gitremote.ErrAuth, "suspended: the App needs"},
		{"no permission", nil, says(422, `{"message":"The permissions requested are not granted"}`), gitremote.ErrAuth, "not granted"},
		{"an answer that repeats what was asked", nil, says(401, `{"message":"not with JWT"}`), gitremote.ErrAuth, "[redacted]"},
		{"500", nil, says(500, "<html>oops</html>"), gitremote.ErrBadAnswer, "the API answers 500"},
		{"a web page", nil, says(201, "<html>please log in</html>"), gitremote.ErrBadAnswer, "gave no token"},
		{"no token", nil, says(201, `{"expires_at":"2030-01-01T00:00:00Z"}`), gitremote.ErrBadAnswer, "gave no token"},
		{"no end", nil, says(201, `{"token":"ghs_secret"}`), gitremote.ErrBadAnswer, "gave no token"},
		{"a token with a line end", nil, says(201, `{"token":"ghs_secret\r\nX: y","expires_at":"2030-01-01T00:00:00Z"}`), gitremote.ErrBadAnswer, "gave no token"},
		{"an endless answer", nil, says(201, `{"token":"`+strings.Repeat("x", 1<<20)), gitremote.ErrBadAnswer, "gave no token"},
		{"a redirect", nil, func(w http.ResponseWriter, _ string) bool {
			w.Header().Set("Location", "https://example.com/")
			w.WriteHeader(302)
			return true
		}, gitremote.ErrBadAnswer, "the API answers 302"},
		{"a reset", nil, func(http.ResponseWriter, string) bool { panic(http.ErrAbortHandler) }, gitremote.ErrUnreachable, "GitHub App"},
		{"a hang", nil, func(http.ResponseWriter, string) bool { <-hang; return true }, gitremote.ErrUnreachable, "GitHub App"},
	}
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			if test.refuse != nil {
				hub.refuse.Store(&test.refuse)
				defer hub.refuse.Store(nil)
			}
			c := config
			if test.change != nil {
				test.change(&c)
			}
			g := r.open(c)
			if test.name == "a hang" {
				g.config.CloneTimeout = 300 * time.Millisecond
			}
			_, err := g.Poll(t.Context())
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.say) {
				t.Errorf("the error is %v, want %v with %q", err, test.kind, test.say)
			}
			if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, "eyJ") || strings.Contains(text, "ghs_secret") {
				t.Errorf("the error shows a secret: %s", text)
			}
		})
	}

	mistakes := map[string]GitConfig{
		"file of its private key": {URL: web.url, GitHubApp: gitremote.GitHubApp{ID: "1234", InstallationID: "42"}},
		"not the id of an inst":   {URL: web.url, GitHubApp: gitremote.GitHubApp{ID: "1234", InstallationID: "4/2", KeyFile: file}},
		"leave over plain http":   {URL: web.url, GitHubApp: gitremote.GitHubApp{ID: "1234", InstallationID: "42", KeyFile: file, APIURL: "http://github.example.com"}},
		"a secret would leave":    {URL: "http://github.example.com/x.git", GitHubApp: config.GitHubApp},
		"without a user":          {URL: web.url, GitHubApp: gitremote.GitHubApp{ID: "1234", InstallationID: "42", KeyFile: file, APIURL: "https://a:hunter2@b"}},
		"is for https":            {URL: "git@github.com:x/y.git", GitHubApp: config.GitHubApp},
		"no password file":        {URL: web.url, PasswordFile: file, GitHubApp: config.GitHubApp},
	}
	for say, c := range mistakes {
		g, err := OpenGit(c)
		if err == nil || !strings.Contains(err.Error(), say) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error is %v, want %q in it", err, say)
		}
		if err == nil {
			must(t, g.Close())
		}
	}
}
