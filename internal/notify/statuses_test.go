package notify_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path"
	"testing"
	"testing/synctest"

	"github.com/wedatasync/wedatasync/internal/apiclient/apitest"
	"github.com/wedatasync/wedatasync/internal/forge"
	"github.com/wedatasync/wedatasync/internal/notify"
	"github.com/wedatasync/wedatasync/internal/secret"
)

// statusForge is a forge that takes commit statuses and nothing else.
type statusForge struct {
	kind     forge.Kind
	statuses []map[string]string
}

func (f *statusForge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var s map[string]string
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&s) != nil {
		http.NotFound(w, r)
		return
	}
	s["sha"] = path.Base(r.URL.Path)
	f.statuses = append(f.statuses, s)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "{}")
}

// config is how the forge is reached.
func (f *statusForge) config(t *testing.T) forge.Config {
	return forge.Config{
		Kind: f.kind, BaseURL: "https://forge.example.com/api", Repository: "acme/tasks", Token: secret.Text("s3cr3t-token"),
		Logger:    slog.New(slog.NewTextHandler(apitest.Leaks{T: t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Transport: apitest.Insecure{Transport: apitest.Serve(t, f)},
	}
}

// statusForges runs one story against each forge, in a bubble whose time is not real.
func statusForges(t *testing.T, story func(t *testing.T, f *statusForge)) {
	for _, kind := range []forge.Kind{forge.GitHub, forge.GitLab, forge.Gitea} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { story(t, &statusForge{kind: kind}) })
		})
	}
}

// start runs a notifier that sets statuses on the forge.
func (f *statusForge) start(t *testing.T) *notify.Notifier {
	t.Helper()
	config := f.config(t)
	return run(t, notify.Settings{Forge: &config, Link: "https://status.example.com/", NewID: func() string { return "1" }, Logger: config.Logger})
}
