package serve_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/state"
)

// FuzzRequests asks for paths and queries of all sorts: nothing is an error of the
// server, and whatever was asked for is not markup.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		"/", "/tasks?q=a&standing=locked&page=2", "/tasks?page=-1", "/tasks?page=9999999999999999999", "/task/1/a?before=7",
		"/task/%2e%2e/a", "/history?before=x", "/api/v1/history?task=1/a&limit=3", "/api/v1/state?history=1", "/assets/x/style.css", "/webhook/github", "//", "/%00", "/<fuzz>",
	} {
		f.Add(seed)
	}
	s := servetest.NewDaemon(f, servetest.TroubledStatus(time.Now())).Serve(f)
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Path == "/events" {
			return
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: u, Host: "x", Header: http.Header{}, Body: http.NoBody})
		if w.Code >= 500 && u.Path != "/readyz" {
			t.Errorf("GET %q = %d: %s", path, w.Code, w.Body)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && strings.Contains(w.Body.String(), "<fuzz") {
			t.Errorf("GET %q: what was asked for is markup", path)
		}
	})
}

// FuzzCommands posts bodies of all sorts: what is passed on is a command that the daemon
// knows, and what is not is refused.
func FuzzCommands(f *testing.F) {
	for _, seed := range []string{
		`{"verb":"approve","target":"sha256:5a3c"}`, `{"verb":"resolve","target":"1/a","arg":"applied"}`, `{"verb":"suspend","arg":"x","until":"2030-01-01T00:00:00Z"}`,
		`{"verb":1}`, `[]`, `null`, `{"verb":"retry"}{}`, `{"verb":"retry","verb":"approve"}`, "{\"verb\":\"retry\",\"actor\":\"\x00\"}",
	} {
		f.Add(seed)
	}
	s, commands, _ := commanded(f)
	f.Fuzz(func(t *testing.T, body string) {
		*commands = (*commands)[:0]
		w := post(s, body)
		switch {
		case w.Code == http.StatusBadRequest && len(*commands) == 0:
		case w.Code == http.StatusOK && len(*commands) == 1:
			switch (*commands)[0].Verb {
			case state.VerbApprove, state.VerbRetry, state.VerbResolve, state.VerbSuspend, state.VerbUnsuspend:
			default:
				t.Errorf("%q: passed on %+v", body, (*commands)[0])
			}
		default:
			t.Errorf("%q: %d after %d commands", body, w.Code, len(*commands))
		}
	})
}

// FuzzPush makes sure that what is read of a webhook's body is a branch and a commit, or
// nothing.
func FuzzPush(f *testing.F) {
	f.Add([]byte(`{"ref": "refs/heads/main", "before": "0", "after": "0123456789abcdef0123456789abcdef01234567"}`))
	f.Add([]byte(`{"after": 1, "ref": null}`))
	f.Add([]byte(`[{"ref": "refs/heads/main"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		branch, commit := serve.PushIn(body)
		if (branch == "") != (commit == "") {
			t.Errorf("%q: branch %q and commit %q", body, branch, commit)
		}
		if branch != "" && (!strings.HasPrefix(branch, "refs/heads/") || len(commit) != 40) {
			t.Errorf("%q: branch %q and commit %q", body, branch, commit)
		}
	})
}
