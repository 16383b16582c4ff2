package serve_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// TestReloads_Show: what is on disk and not in use shows everywhere until it is, and
// nothing else does.
func TestReloads_Show(t *testing.T) {
	now := time.Now()
	good := reconcile.Health{At: now, OK: now}
	bad := reconcile.Health{At: now, OK: now.Add(-time.Hour), Err: errors.Join(errors.New("c.yaml:3: no"), errors.New("c.yaml:7: nor this"))}
	for name, tt := range map[string]struct {
		reloads snapshot.Reloads
		ready   int
		says    []string // on /readyz, the page and the API
		metrics []string
	}{
		"all is well": {
			snapshot.Reloads{Configuration: good, Credentials: good},
			http.StatusOK, nil,
			[]string{"wedatasync_config_last_reload_successful 1", "wedatasync_credentials_last_reload_successful 1", "wedatasync_ready 1"},
		},
		"a configuration": {
			snapshot.Reloads{Configuration: bad, Credentials: good},
			http.StatusServiceUnavailable,
			[]string{"the configuration on disk is not used, but the one before: c.yaml:3: no; c.yaml:7: nor this"},
			[]string{"wedatasync_config_last_reload_successful 0", "wedatasync_credentials_last_reload_successful 1", `wedatasync_not_ready{reason="configuration"} 1`},
		},
		"credentials": {
			snapshot.Reloads{Configuration: good, Credentials: bad},
			http.StatusServiceUnavailable,
			[]string{"the credentials on disk are not used, but those before"},
			[]string{"wedatasync_credentials_last_reload_successful 0", `wedatasync_not_ready{reason="credentials"} 1`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), now))
			d.Config.Daemon.Reloads = func() snapshot.Reloads { return tt.reloads }
			s := d.Serve(t)
			if w := servetest.Get(t, s, "/readyz"); w.Code != tt.ready {
				t.Errorf("/readyz is %d", w.Code)
			}
			for _, path := range []string{"/readyz", "/", "/api/v1/status"} {
				body := servetest.Get(t, s, path).Body.String()
				for _, text := range tt.says {
					if !strings.Contains(body, text) {
						t.Errorf("%s does not say %q", path, text)
					}
				}
			}
			body := servetest.Page(t, s, "/metrics")
			for _, line := range tt.metrics {
				if !strings.Contains(body, line+"\n") {
					t.Errorf("/metrics has no %s", line)
				}
			}
		})
	}
}

// TestReload exchanges the webhooks and the token while the window is open; what
// cannot be used leaves all as it is.
func TestReload(t *testing.T) {
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	polls := 0
	d.Config.Trigger = func() { polls++ }
	d.Config.Submit = func(_ context.Context, w state.Command) (state.CommandResult, error) {
		return state.CommandResult{OK: true}, nil
	}
	d.Config.Webhooks.GitLab = servetest.SecretFile(t, oldSecret)
	s := d.Serve(t)
	gitlab := func(secret string) int {
		return hook(s, "/webhook/gitlab", nil, "X-Gitlab-Token", secret).Code
	}
	want := func(when string, hook, command int) {
		t.Helper()
		if got := gitlab(newSecret); got != hook {
			t.Errorf("%s the webhook is %d, want %d", when, got, hook)
		}
		if got := post(s, `{"verb":"retry"}`).Code; got != command {
			t.Errorf("%s the command is %d, want %d", when, got, command)
		}
	}
	want("before,", http.StatusUnauthorized, http.StatusNotFound)
	next := d.Config
	next.Tokens, next.Webhooks.GitLab = []access.Token{actionToken(servetest.SecretFile(t, newSecret))}, t.TempDir()
	if _, err := s.Reload(next); err == nil {
		t.Error("a folder was taken for a file of secrets")
	}
	want("after a refusal", http.StatusUnauthorized, http.StatusNotFound)
	next.Webhooks.GitLab, next.Webhooks.Gitea, next.Interval = servetest.SecretFile(t, newSecret), servetest.SecretFile(t, newSecret), time.Nanosecond
	swap, err := s.Reload(next)
	if err != nil {
		t.Fatal(err)
	}
	want("before the exchange", http.StatusUnauthorized, http.StatusNotFound)
	swap()
	want("after it", http.StatusAccepted, http.StatusOK)
	if gitlab(newSecret); polls != 2 {
		t.Errorf("%d polls for two webhooks: the gap is not the new one", polls)
	}
	if body := servetest.Page(t, s, "/metrics"); !strings.Contains(body, `wedatasync_webhooks_total{forge="gitea",result="accepted"} 0`) {
		t.Error("the count of a new forge does not begin at 0")
	}
}
