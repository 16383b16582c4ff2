package forge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wedatasync/wedatasync/internal/apiclient"
	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/secret"
)

func TestOpen_Fails(t *testing.T) {
	tests := []struct {
		name   string
		change func(*forge.Config)
		want   error
	}{
		{"unknown forge", func(c *forge.Config) { c.Kind = "sourcehut" }, apiclient.ErrConfig},
		{"no address", func(c *forge.Config) { c.Kind = forge.Gitea }, apiclient.ErrConfig},
		{"address of another kind", func(c *forge.Config) { c.BaseURL = "ssh://git@example.com" }, apiclient.ErrConfig},
		{"address with a password", func(c *forge.Config) { c.BaseURL = "https://ada:s3cr3t@example.com" }, apiclient.ErrConfig},
		{"no repository", func(c *forge.Config) { c.Repository = "" }, apiclient.ErrConfig},
		{"repository without an owner", func(c *forge.Config) { c.Repository = "tasks" }, apiclient.ErrConfig},
		{"repository that climbs", func(c *forge.Config) { c.Repository = "../user" }, apiclient.ErrConfig},
		{"repository with a query", func(c *forge.Config) { c.Repository = "acme/tasks?x=1" }, apiclient.ErrConfig},
		{"no token", func(c *forge.Config) { c.Token = secret.Value{} }, apiclient.ErrToken},
		{"no authority", func(c *forge.Config) { c.CAFile = os.DevNull }, apiclient.ErrConfig},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := forge.Config{Kind: forge.GitHub, Repository: "acme/tasks", PullRequest: 7, Token: secret.Text(token)}
			test.change(&c)
			_, err := forge.Open(c)
			if !errors.Is(err, test.want) {
				t.Fatalf("error = %v, want %v", err, test.want)
			}
			apitest.Hides(t, err.Error())
		})
	}
}

// TestOpen_Plain refuses to send a token where everyone on the way can read it.
func TestOpen_Plain(t *testing.T) {
	for base, want := range map[string]error{
		"http://gitea.internal/api/v1": secret.ErrPlain, "http://gitea.named:3000/api/v1": nil,
		"http://127.0.0.1:3000/api/v1": nil, "https://gitea.example.com/api/v1": nil,
	} {
		forge, err := forge.Open(forge.Config{Kind: forge.Gitea, BaseURL: base, Repository: "acme/tasks", Token: secret.Text(token), PlainHosts: "gitea.named"})
		if !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", base, err, want)
		}
		if err == nil {
			forge.Close()
		}
	}
}

// TestSecret prints as nothing in every way there is.
func TestSecret(t *testing.T) {
	config := forge.Config{Token: secret.Text(token)}
	text := fmt.Sprintf("%v %+v %#v %s %q %x %d", config.Token, config.Token, config.Token, config.Token, config.Token, config.Token, config.Token)
	text += fmt.Sprintf("%v %+v %#v", config, config, &config)
	data, err := json.Marshal(config.Token)
	if err != nil {
		t.Fatal(err)
	}
	text += string(data)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("open", "token", config.Token, "config", config)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("open", "token", config.Token)
	apitest.Hides(t, text+log.String())
}

// TestSecretFile reads the file for each request: a token is exchanged without a
// restart, and one that is gone is an error.
func TestSecretFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "token")
		write := func(text string) {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("old")
		f := &fakeForge{kind: forge.GitHub}
		forge := f.open(t, func(c *forge.Config) { c.Token = secret.File(path) })
		if _, err := forge.Upsert(t.Context(), body("1 commit"), create); !errors.Is(err, apiclient.ErrToken) {
			t.Errorf("with the old token: %v", err)
		}
		write(token + "\r\n")
		mustUpsert(t, forge, body("1 commit"), create)
		for _, text := range []string{"", " \n", strings.Repeat("s3cr3t", 2000), "s3cr3t\ntoken"} {
			write(text)
			_, err := forge.Upsert(t.Context(), body("1 commit"), create)
			if err == nil {
				t.Errorf("a token of %d bytes was used", len(text))
				continue
			}
			apitest.Hides(t, err.Error())
		}
	})
}

// FuzzUpsert takes any answer of any forge for what it is: the call ends, without
// a panic, and its error is one short line that shows no secret.
func FuzzUpsert(f *testing.F) {
	f.Add(uint8(0), 200, "Link", `<https://x/?page=2>; rel="next"`, `[{"id":1,"body":"x"}]`)
	f.Add(uint8(1), 403, "Retry-After", "x", `{"message":{"note":["s3cr3t-token-of-the-job"]}}`)
	f.Add(uint8(2), 301, "Location", "://", "<html>")
	f.Fuzz(func(t *testing.T, kind uint8, status int, header, value, answer string) {
		transport := func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: 200 + status%400, Request: r,
				Header: http.Header{http.CanonicalHeaderKey(header): {value}},
				Body:   io.NopCloser(strings.NewReader(answer)),
			}, nil
		}
		synctest.Test(t, func(t *testing.T) {
			fake := &fakeForge{kind: kinds[int(kind)%len(kinds)]}
			forge := fake.open(t, func(c *forge.Config) { c.Transport, c.Logger = apitest.RoundTripper(transport), nil })
			if _, err := forge.Upsert(t.Context(), body("1 commit"), create); err != nil {
				if strings.Contains(err.Error(), token) {
					t.Errorf("the token is shown: %v", err)
				}
				if strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 1500 {
					t.Errorf("not one short line: %q", err)
				}
			}
		})
	})
}

// TestOpen_Address takes the address of the forge for that of its API.
func TestOpen_Address(t *testing.T) {
	for _, test := range []struct {
		kind       forge.Kind
		base, want string
	}{
		{forge.Gitea, "https://gitea.example.com", "https://gitea.example.com/api/v1/"},
		{forge.Gitea, "https://example.com/git/", "https://example.com/git/api/v1/"},
		{forge.Gitea, "https://gitea.example.com/api/v1/", "https://gitea.example.com/api/v1/"},
		{forge.GitLab, "https://gitlab.example.com", "https://gitlab.example.com/api/v4/"},
		{forge.GitLab, "https://gitlab.example.com/api/v4", "https://gitlab.example.com/api/v4/"},
		{forge.GitHub, "https://github.com", "https://api.github.com/"},
		{forge.GitHub, "https://api.acme.ghe.com", "https://api.acme.ghe.com/"},
		{forge.GitHub, "http://127.0.0.1:8080", "http://127.0.0.1:8080/"},
		{forge.GitHub, "https://ghe.example.com/api/v3", "https://ghe.example.com/api/v3/"},
	} {
		asked := ""
		way := apitest.RoundTripper(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.String()
			return &http.Response{StatusCode: 201, Request: r, Body: io.NopCloser(strings.NewReader("{}"))}, nil
		})
		target, err := forge.Open(forge.Config{Kind: test.kind, BaseURL: test.base, Repository: "acme/tasks", Token: secret.Text(token), Transport: way})
		if err != nil {
			t.Fatal(err)
		}
		if err := target.SetStatus(t.Context(), revision, forge.Status{State: forge.StateSuccess}); err != nil || !strings.HasPrefix(asked, test.want) {
			t.Errorf("%s at %s was asked at %s, %v", test.kind, test.base, asked, err)
		}
	}
}
