package serve_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/state"
)

// commanded returns a server that takes commands, and the commands that it has passed on.
func commanded(t testing.TB) (s *serve.Server, commands *[]state.Command, token string) {
	t.Helper()
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	commands, token = new([]state.Command), servetest.SecretFile(t, newSecret)
	d.Config.Tokens = []access.Token{actionToken(token)}
	d.Config.Submit = func(_ context.Context, w state.Command) (state.CommandResult, error) {
		*commands = append(*commands, w)
		return state.CommandResult{OK: true, Message: "done"}, nil
	}
	return d.Serve(t), commands, token
}

// actionToken is the token in the file, which is good for everything and says no name.
func actionToken(file string) access.Token { return access.Token{File: file, Verbs: access.Verbs()} }

// post posts a command.
func post(s *serve.Server, body string, header ...string) *httptest.ResponseRecorder {
	all := append([]string{"Authorization", "Bearer " + newSecret, "Content-Type", "application/json"}, header...)
	return hook(s, "/api/v1/commands", strings.NewReader(body), all...)
}

// TestCommandsArePassedOn as they were meant.
func TestCommandsArePassedOn(t *testing.T) {
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for body, want := range map[string]state.Command{
		`{"verb":"approve","target":"` + servetest.PlanHash + `"}`: {Verb: state.VerbApprove, Target: servetest.PlanHash, Actor: "api"},
		`{"verb":"retry","target":"1/a","actor":"grace"}`:          {Verb: state.VerbRetry, Target: "1/a", Actor: "grace (api)"},
		`{"verb":"retry"}`: {Verb: state.VerbRetry, Actor: "api"},
		`{"verb":"resolve","target":"1/a","arg":"applied"}`:                           {Verb: state.VerbResolve, Target: "1/a", Arg: "applied", Actor: "api"},
		`{"verb":"resolve","target":"1/a","arg":"not-applied"}`:                       {Verb: state.VerbResolve, Target: "1/a", Arg: "not-applied", Actor: "api"},
		`{"verb":"suspend","arg":"why","until":"` + until.Format(time.RFC3339) + `"}`: {Verb: state.VerbSuspend, Arg: "why", Until: until, Actor: "api"},
		`{"verb":"unsuspend","target":"1/a"}`:                                         {Verb: state.VerbUnsuspend, Target: "1/a", Actor: "api"},
	} {
		s, commands, _ := commanded(t)
		w := post(s, body)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
			continue
		}
		if diff := cmp.Diff([]state.Command{want}, *commands, cmpopts.IgnoreFields(state.Command{}, "At")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
		var answer state.CommandResult
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || !answer.OK || answer.Message != "done" {
			t.Errorf("%s: answer %s", body, w.Body)
		}
	}
}

// TestCommandsThatAreRefused: nothing of them reaches the daemon.
func TestCommandsThatAreRefused(t *testing.T) {
	t.Parallel()
	const body = `{"verb":"retry","target":"1/a"}`
	long := strings.Repeat("任", 513)
	for _, tt := range []struct {
		name   string
		body   string
		header []string
		want   int
	}{
		{"no token", body, []string{"Authorization", ""}, http.StatusUnauthorized},
		{"another token", body, []string{"Authorization", "Bearer " + oldSecret}, http.StatusUnauthorized},
		{"half the token", body, []string{"Authorization", "Bearer " + newSecret[:10]}, http.StatusUnauthorized},
		{"another scheme", body, []string{"Authorization", "Basic " + newSecret}, http.StatusUnauthorized},
		{"the token alone", body, []string{"Authorization", newSecret}, http.StatusUnauthorized},
		{"a form", body, []string{"Content-Type", "application/x-www-form-urlencoded"}, http.StatusUnsupportedMediaType},
		{"no content type", body, []string{"Content-Type", ""}, http.StatusUnsupportedMediaType},
		{"another site", body, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"another origin", body, []string{"Origin", "https://evil.example"}, http.StatusForbidden},
		{"nothing", ``, nil, http.StatusBadRequest},
		{"not JSON", `retry`, nil, http.StatusBadRequest},
		{"two commands", body + body, nil, http.StatusBadRequest},
		{"no verb", `{}`, nil, http.StatusBadRequest},
		{"another verb", `{"verb":"delete"}`, nil, http.StatusBadRequest},
		{"another member", `{"verb":"retry","targets":[]}`, nil, http.StatusBadRequest},
		{"approve nothing", `{"verb":"approve"}`, nil, http.StatusBadRequest},
		{"resolve nothing", `{"verb":"resolve","arg":"applied"}`, nil, http.StatusBadRequest},
		{"resolve somehow", `{"verb":"resolve","target":"1/a","arg":"perhaps"}`, nil, http.StatusBadRequest},
		{"suspend without a reason", `{"verb":"suspend"}`, nil, http.StatusBadRequest},
		{"suspend until yesterday", `{"verb":"suspend","arg":"x","until":"2001-01-01T00:00:00Z"}`, nil, http.StatusBadRequest},
		{"a long target", `{"verb":"retry","target":"` + long + `"}`, nil, http.StatusBadRequest},
		{"a long actor", `{"verb":"retry","actor":"` + long + `"}`, nil, http.StatusBadRequest},
		{"a huge body", `{"verb":"retry","target":"` + strings.Repeat("x", 1<<20) + `"}`, nil, http.StatusRequestEntityTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, commands, _ := commanded(t)
			if w := post(s, tt.body, tt.header...); w.Code != tt.want || len(*commands) > 0 {
				t.Errorf("%d %s after %d commands, want %d", w.Code, w.Body, len(*commands), tt.want)
			}
		})
	}
}

// TestWithoutATokenThereAreNoActions: not even a way to ask for one.
func TestWithoutATokenThereAreNoActions(t *testing.T) {
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	d.Config.Submit = func(context.Context, state.Command) (state.CommandResult, error) {
		t.Error("a command was passed on")
		return state.CommandResult{}, nil
	}
	if w := post(d.Serve(t), `{"verb":"retry"}`); w.Code != http.StatusNotFound || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("%d %s, want 404", w.Code, w.Body)
	}
}

// TestTokenIsReadAgain: it can be changed while the daemon runs.
func TestTokenIsReadAgain(t *testing.T) {
	s, _, token := commanded(t)
	if err := os.WriteFile(token, []byte(oldSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := post(s, `{"verb":"retry"}`); w.Code != http.StatusUnauthorized {
		t.Errorf("the old token is %d, want 401", w.Code)
	}
	if w := post(s, `{"verb":"retry"}`, "Authorization", "Bearer "+oldSecret); w.Code != http.StatusOK {
		t.Errorf("the new token is %d, want 200", w.Code)
	}
	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	if w := post(s, `{"verb":"retry"}`, "Authorization", "Bearer "+oldSecret); w.Code != http.StatusUnauthorized {
		t.Errorf("without the file: %d, want 401", w.Code)
	}
}

// TestSecretsAreNeverShown asks for everything, rightly and wrongly, and looks for
// the secrets in every answer and in the log.
func TestSecretsAreNeverShown(t *testing.T) {
	now := time.Now()
	const hookSecret, token = "canary-hook-0123456789", "canary-token-0123456789"
	d := servetest.NewDaemon(t, servetest.TroubledStatus(now))
	d.Config.Trigger = func() {}
	file := servetest.SecretFile(t, hookSecret)
	d.Config.Webhooks = serve.Webhooks{GitHub: file, GitLab: file, Gitea: file}
	tokenFile := servetest.SecretFile(t, token)
	d.Config.Tokens = []access.Token{actionToken(tokenFile)}
	d.Config.Submit = func(context.Context, state.Command) (state.CommandResult, error) {
		return state.CommandResult{Message: "no"}, nil
	}
	s := d.Serve(t)
	var shown strings.Builder
	note := func(w *httptest.ResponseRecorder) {
		_ = w.Header().Write(&shown)
		shown.WriteString(w.Body.String())
	}
	for _, path := range []string{"/", "/tasks", "/history", "/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/plan", "/api/v1/state?history=true", "/api/v1/history"} {
		note(servetest.Get(t, s, path))
	}
	for _, given := range []string{hookSecret, token, "wrong", hookSecret + "x"} {
		note(hook(s, "/webhook/gitlab", nil, "X-Gitlab-Token", given))
		note(hook(s, "/webhook/github", nil, "X-Hub-Signature-256", "sha256="+sign(given, nil)))
		note(post(s, `{"verb":"retry"}`, "Authorization", "Bearer "+given))
	}
	for _, name := range []string{file, tokenFile} {
		if err := os.WriteFile(name, []byte(token+"\n"+hookSecret+"\n"+token), 0o600); err != nil { // three: an error
			t.Fatal(err)
		}
	}
	note(hook(s, "/webhook/gitlab", nil, "X-Gitlab-Token", token))
	note(post(s, `{"verb":"retry"}`, "Authorization", "Bearer "+token))
	if strings.Contains(shown.String(), "canary") {
		t.Error("a secret is in an answer")
	}
	if strings.Contains(d.Log.String(), "canary") {
		t.Errorf("a secret is in the log: %s", d.Log.String())
	}
}

// boSecret is the token of bo, who may retry.
const boSecret = "bo-secret-55555555555"

// TestNamedTokens: a token is good for its verbs, and says who gives a command, whatever
// the request says.
func TestNamedTokens(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		body   string
		secret string
		want   int
		actor  string // empty: nothing is passed on
	}{
		{"its verb", `{"verb":"approve","target":"` + servetest.PlanHash + `"}`, oldSecret, http.StatusOK, "lin"},
		{"its own name", `{"verb":"approve","target":"` + servetest.PlanHash + `","actor":"lin"}`, oldSecret, http.StatusOK, "lin"},
		{"another name", `{"verb":"approve","target":"` + servetest.PlanHash + `","actor":"ada"}`, oldSecret, http.StatusBadRequest, ""},
		{"another verb", `{"verb":"retry"}`, oldSecret, http.StatusForbidden, ""},
		{"the verb of a suspension does not end one", `{"verb":"unsuspend"}`, boSecret, http.StatusForbidden, ""},
		{"another one's verb", `{"verb":"approve","target":"` + servetest.PlanHash + `"}`, boSecret, http.StatusForbidden, ""},
		{"bo's verb", `{"verb":"retry"}`, boSecret, http.StatusOK, "bo"},
		{"the token without a name", `{"verb":"retry","actor":"lin"}`, newSecret, http.StatusOK, "lin (api)"},
		{"no verb of commands is read", `{"verb":"read"}`, oldSecret, http.StatusBadRequest, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
			var actors []string
			d.Config.Submit = func(_ context.Context, w state.Command) (state.CommandResult, error) {
				actors = append(actors, w.Actor)
				return state.CommandResult{OK: true}, nil
			}
			d.Config.Tokens = []access.Token{
				actionToken(servetest.SecretFile(t, newSecret)),
				{Name: "lin", File: servetest.SecretFile(t, oldSecret), Verbs: []state.Verb{state.VerbApprove, access.VerbRead}},
				{Name: "bo", File: servetest.SecretFile(t, boSecret), Verbs: []state.Verb{state.VerbRetry, state.VerbSuspend}},
			}
			w := post(d.Serve(t), tt.body, "Authorization", "Bearer "+tt.secret)
			if w.Code != tt.want || strings.Join(actors, " ") != tt.actor {
				t.Errorf("%d %s with the actors %q, want %d and %q", w.Code, w.Body, actors, tt.want, tt.actor)
			}
		})
	}
}

// TestTokensThatTwoHave are refused: they would not say who gives a command.
func TestTokensThatTwoHave(t *testing.T) {
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	d.Config.Submit = func(context.Context, state.Command) (state.CommandResult, error) {
		return state.CommandResult{OK: true}, nil
	}
	lin, bo := servetest.SecretFile(t, oldSecret), servetest.SecretFile(t, boSecret)
	d.Config.Tokens = []access.Token{
		{Name: "lin", File: lin, Verbs: []state.Verb{state.VerbRetry}}, {Name: "bo", File: bo, Verbs: []state.Verb{state.VerbRetry}},
	}
	s := d.Serve(t)
	if err := os.WriteFile(bo, []byte(newSecret+"\n"+oldSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := post(s, `{"verb":"retry"}`, "Authorization", "Bearer "+oldSecret); w.Code != http.StatusUnauthorized {
		t.Errorf("a token that two have is %d, want 401", w.Code)
	}
	if w := post(s, `{"verb":"retry"}`); w.Code != http.StatusOK {
		t.Errorf("bo's other token is %d, want 200", w.Code)
	}
	if _, err := serve.New(d.Config); err == nil || !strings.Contains(err.Error(), lin) || strings.Contains(err.Error(), oldSecret) {
		t.Errorf("the same token in two files: %v", err)
	}
}
