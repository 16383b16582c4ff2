package serve_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/state"
)

// doAs asks for a path with a header.
func doAs(t testing.TB, s *serve.Server, path, header, value string) *httptest.ResponseRecorder {
	t.Helper()
	method := http.MethodGet
	if path == "/events" {
		method = http.MethodHead // what comes after has no end
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Header.Set(header, value)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// TestHosts: a page of another site that has its own name resolved to this server reads
// nothing of it.
func TestHosts(t *testing.T) {
	t.Parallel()
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	d.Config.Trigger = func() {}
	d.Config.Webhooks.GitLab = servetest.SecretFile(t, newSecret)
	d.Config.Hosts = []string{"status.example.com"}
	s := d.Serve(t)
	for host, known := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:9740": true, "[::1]:9740": true, "[::1]": true, "10.1.2.3:80": true,
		"localhost": true, "localhost:9740": true, "LOCALHOST.": true,
		"status.example.com": true, "status.example.com:443": true, "Status.Example.COM": true, "status.example.com.": true,
		"evil.example.com": false, "evil.example.com:9740": false, "127.0.0.1.evil.example": false, "localhost.evil.example": false,
		"status.example.com.evil.example": false, "xstatus.example.com": false, "example.com": false, "": false, ":9740": false, "[]": false,
		"status.example.com@evil.example": false, "127.0.0.1:80:80": false,
	} {
		ask := func(method, path string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			return w
		}
		for _, path := range []string{"/", "/tasks", "/history", "/metrics", "/api/v1/status", "/api/v1/state?history=true", "/api/v1/openapi.yaml", "/nowhere"} {
			w := ask(http.MethodGet, path)
			if got := w.Code != http.StatusMisdirectedRequest; got != known {
				t.Errorf("Host %q: GET %s = %d", host, path, w.Code)
			}
			if !known && (w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), "allowedHosts") || w.Body.Len() > 300) {
				t.Errorf("Host %q: GET %s says %s", host, path, w.Body)
			}
		}
		if w := ask(http.MethodPost, "/webhook/gitlab"); (w.Code != http.StatusMisdirectedRequest) != known {
			t.Errorf("Host %q: a webhook is %d", host, w.Code)
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if w := ask(http.MethodGet, path); w.Code != http.StatusOK {
				t.Errorf("Host %q: GET %s = %d, want 200", host, path, w.Code)
			}
		}
	}
}

// TestReading needs a token where one is set: as a bearer's, or as the password that a
// browser asks for. Probes and webhooks need none.
func TestReading(t *testing.T) {
	t.Parallel()
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	d.Config.Trigger = func() {}
	d.Config.Webhooks.GitLab = servetest.SecretFile(t, newSecret)
	d.Config.Tokens = []access.Token{
		{Name: "lin", File: servetest.SecretFile(t, oldSecret), Verbs: []state.Verb{access.VerbRead}},
		{Name: "bo", File: servetest.SecretFile(t, boSecret), Verbs: []state.Verb{state.VerbRetry}},
	}
	paths := []string{
		"/", "/tasks", "/task/1/a", "/history", "/metrics", "/events", "/assets/x/y", "/nowhere",
		"/api/v1/status", "/api/v1/plan", "/api/v1/state", "/api/v1/history", "/api/v1/openapi.yaml", "/api/nowhere",
	}
	for _, path := range paths {
		if w := doAs(t, d.Serve(t), path, "X", "y"); w.Code == http.StatusUnauthorized {
			t.Errorf("GET %s needs a token, and none is asked for", path)
		}
	}
	d.Config.Private = true
	s := d.Serve(t)
	basic := func(user, password string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	for _, path := range paths {
		for given, want := range map[string]int{
			"": http.StatusUnauthorized, "Bearer wrong": http.StatusUnauthorized, "Bearer ": http.StatusUnauthorized,
			"Bearer " + newSecret: http.StatusUnauthorized, "Basic " + oldSecret: http.StatusUnauthorized, basic(oldSecret, ""): http.StatusUnauthorized,
			"Bearer " + boSecret: http.StatusForbidden, basic("lin", boSecret): http.StatusForbidden,
			"Bearer " + oldSecret: 0, "bearer " + oldSecret: 0, basic("whoever", oldSecret): 0, basic("", oldSecret): 0,
		} {
			w := doAs(t, s, path, "Authorization", given)
			if want != 0 && w.Code != want || want == 0 && (w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden) {
				t.Errorf("GET %s with %q = %d, want %d", path, given, w.Code, want)
			}
			if asked := w.Header()["Www-Authenticate"]; (w.Code == http.StatusUnauthorized) != (len(asked) == 2) {
				t.Errorf("GET %s = %d asks with %q", path, w.Code, asked)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := servetest.Get(t, s, path); w.Code != http.StatusOK {
			t.Errorf("GET %s = %d, want 200", path, w.Code)
		}
	}
	if w := hook(s, "/webhook/gitlab", nil, "X-Gitlab-Token", newSecret); w.Code != http.StatusAccepted {
		t.Errorf("a webhook is %d, want 202", w.Code)
	}
}
