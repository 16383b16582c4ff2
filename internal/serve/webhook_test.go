package serve_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve"
	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/servetest"
)

const (
	oldSecret = "old-secret-0123456789"
	newSecret = "new-secret-9876543210"
)

// hooked returns a server with all webhooks, and how often it asked for a poll.
func hooked(t testing.TB) (s *serve.Server, polls *atomic.Int64, file string) {
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	polls, file = new(atomic.Int64), servetest.SecretFile(t, oldSecret, newSecret)
	d.Config.Trigger = func() { polls.Add(1) }
	d.Config.Webhooks = serve.Webhooks{GitHub: file, GitLab: file, Gitea: file}
	return d.Serve(t), polls, file
}

func sign(secret string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// hook sends a webhook.
func hook(s *serve.Server, path string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// TestWebhookSignatures: what asks for a poll, and what does not. Every failure has
// the same answer.
func TestWebhookSignatures(t *testing.T) {
	body := []byte(`{"ref":"refs/heads/main"}`)
	for _, tt := range []struct {
		name   string
		path   string
		header []string
		ok     bool
	}{
		{"github, the old secret", "/webhook/github", []string{"X-Hub-Signature-256", "sha256=" + sign(oldSecret, body)}, true},
		{"github, the new secret", "/webhook/github", []string{"X-Hub-Signature-256", "sha256=" + sign(newSecret, body)}, true},
		{"github, in capitals", "/webhook/github", []string{"X-Hub-Signature-256", "sha256=" + strings.ToUpper(sign(newSecret, body))}, true},
		{"github, another secret", "/webhook/github", []string{"X-Hub-Signature-256", "sha256=" + sign("another-secret-000000", body)}, false},
		{"github, another body", "/webhook/github", []string{"X-Hub-Signature-256", "sha256=" + sign(newSecret, []byte("{}"))}, false},
		{"github, no signature", "/webhook/github", nil, false},
		{"github, an empty one", "/webhook/github", []string{"X-Hub-Signature-256", "sha256="}, false},
		{"github, half of one", "/webhook/github", []string{"X-Hub-Signature-256", "sha256=" + sign(newSecret, body)[:32]}, false},
		{"github, without its prefix", "/webhook/github", []string{"X-Hub-Signature-256", sign(newSecret, body)}, false},
		{"github, not hexadecimal", "/webhook/github", []string{"X-Hub-Signature-256", "sha256=" + strings.Repeat("z", 64)}, false},
		{"github, SHA-1 alone", "/webhook/github", []string{"X-Hub-Signature", "sha1=" + sign(newSecret, body)[:40]}, false},
		{"github, gitea's header", "/webhook/github", []string{"X-Gitea-Signature", sign(newSecret, body)}, false},
		{"gitea, the new secret", "/webhook/gitea", []string{"X-Gitea-Signature", sign(newSecret, body)}, true},
		{"gitea, another secret", "/webhook/gitea", []string{"X-Gitea-Signature", sign("another-secret-000000", body)}, false},
		{"gitea, no signature", "/webhook/gitea", nil, false},
		{"gitlab, the old secret", "/webhook/gitlab", []string{"X-Gitlab-Token", oldSecret}, true},
		{"gitlab, the new secret", "/webhook/gitlab", []string{"X-Gitlab-Token", newSecret}, true},
		{"gitlab, both", "/webhook/gitlab", []string{"X-Gitlab-Token", oldSecret + "\n" + newSecret}, false},
		{"gitlab, half of one", "/webhook/gitlab", []string{"X-Gitlab-Token", newSecret[:10]}, false},
		{"gitlab, no token", "/webhook/gitlab", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, polls, _ := hooked(t)
			w := hook(s, tt.path, bytes.NewReader(body), tt.header...)
			status, answer, want := http.StatusUnauthorized, `{"title":"Unauthorized","status":401,"detail":"not accepted"}`+"\n", int64(0)
			if tt.ok {
				status, answer, want = http.StatusAccepted, "accepted\n", 1
			}
			if w.Code != status || w.Body.String() != answer || polls.Load() != want {
				t.Errorf("%d %q after %d polls, want %d %q after %d", w.Code, w.Body, polls.Load(), status, answer, want)
			}
		})
	}
}

// TestWebhooksAreThereOnlyWithASecret: a forge without a file has no endpoint, and
// none takes another method.
func TestWebhooksAreThereOnlyWithASecret(t *testing.T) {
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	d.Config.Trigger = func() { t.Error("asked for a poll") }
	d.Config.Webhooks.GitHub = servetest.SecretFile(t, newSecret)
	s := d.Serve(t)
	for path, want := range map[string]int{
		"/webhook/github": http.StatusUnauthorized, "/webhook/gitlab": http.StatusNotFound,
		"/webhook/gitea": http.StatusNotFound, "/webhook/": http.StatusNotFound, "/webhook/github/x": http.StatusNotFound,
	} {
		if got := hook(s, path, strings.NewReader("{}"), "X-Gitlab-Token", newSecret).Code; got != want {
			t.Errorf("POST %s = %d, want %d", path, got, want)
		}
	}
	if got := servetest.Get(t, s, "/webhook/github").Code; got != http.StatusMethodNotAllowed {
		t.Errorf("GET is %d, want 405", got)
	}
	if got := hook(s, "/webhook/gitea", nil).Body.String(); !strings.Contains(got, "--gitea-secret-file") {
		t.Errorf("a webhook without a secret says %s", got)
	}
}

// TestSecretsAreReadAgain: a secret can be changed while the daemon runs, and a file
// that is gone lets nobody in.
func TestSecretsAreReadAgain(t *testing.T) {
	s, _, file := hooked(t)
	try := func(secret string) int { return hook(s, "/webhook/gitlab", nil, "X-Gitlab-Token", secret).Code }
	if try(newSecret) != http.StatusAccepted {
		t.Fatal("the secret is not taken")
	}
	if err := os.WriteFile(file, []byte("yet-another-secret-1\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if try(newSecret) != http.StatusUnauthorized || try("yet-another-secret-1") != http.StatusAccepted {
		t.Error("the file was not read again")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if try("yet-another-secret-1") != http.StatusUnauthorized || try("") != http.StatusUnauthorized {
		t.Error("without a file somebody is let in")
	}
}

// TestSecretFilesThatCannotBeUsed are found at the start, and errors have none of
// their text.
func TestSecretFilesThatCannotBeUsed(t *testing.T) {
	for name, lines := range map[string][]string{
		"empty": {""}, "blank": {" ", "\t"}, "short": {"canary"}, "one of two short": {newSecret, "canary"},
		"three": {newSecret, oldSecret, "canary-canary-canary"}, "large": {"canary" + strings.Repeat("x", 8<<10)},
	} {
		d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
		d.Config.Trigger = func() {}
		d.Config.Webhooks.GitLab = servetest.SecretFile(t, lines...)
		if _, err := serve.New(d.Config); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %v", name, err)
		}
		d.Config.Tokens, d.Config.Webhooks.GitLab = []access.Token{actionToken(d.Config.Webhooks.GitLab)}, ""
		if _, err := serve.New(d.Config); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s, as a token: error %v", name, err)
		}
	}
}

// TestReplaysCostAPollAGap: the same webhook ten thousand times is two polls, each with the
// two looks that follow one that finds nothing.
func TestReplaysCostAPollAGap(t *testing.T) {
	s, polls, _ := hooked(t)
	body := []byte(`{"ref":"refs/heads/main"}`)
	signature := "sha256=" + sign(newSecret, body)
	synctest.Test(t, func(t *testing.T) {
		for range 10_000 {
			if w := hook(s, "/webhook/github", bytes.NewReader(body), "X-Hub-Signature-256", signature); w.Code != http.StatusAccepted {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
		time.Sleep(time.Minute)
		if got := polls.Load(); got != 2*3 {
			t.Errorf("%d polls, want 6", got)
		}
	})
}

// endless is a body that never ends.
type endless struct{ read atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read.Add(int64(len(p)))
	return len(p), nil
}

// TestHugeBodies are read up to the bound and kept nowhere.
func TestHugeBodies(t *testing.T) {
	s, polls, _ := hooked(t)
	body := new(endless)
	signature := "sha256=" + strings.Repeat("0", 64)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := hook(s, "/webhook/github", body, "X-Hub-Signature-256", signature)
	runtime.ReadMemStats(&after)
	if w.Code != http.StatusRequestEntityTooLarge || polls.Load() != 0 {
		t.Errorf("%d after %d polls", w.Code, polls.Load())
	}
	if read := body.read.Load(); read > 25<<20+64<<10 {
		t.Errorf("%d bytes were read, and 25 MiB is the bound", read)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
	// The largest body that GitHub sends is taken.
	most := bytes.Repeat([]byte("x"), 25<<20)
	if w := hook(s, "/webhook/github", bytes.NewReader(most), "X-Hub-Signature-256", "sha256="+sign(newSecret, most)); w.Code != http.StatusAccepted {
		t.Errorf("25 MiB: %d %s", w.Code, w.Body)
	}
	most = append(most, 'x')
	if w := hook(s, "/webhook/github", bytes.NewReader(most), "X-Hub-Signature-256", "sha256="+sign(newSecret, most)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("25 MiB and a byte: %d %s", w.Code, w.Body)
	}
}

// TestUnsignedBodiesAreNotRead: who shows no signature costs no hashing.
func TestUnsignedBodiesAreNotRead(t *testing.T) {
	s, _, _ := hooked(t)
	for _, path := range []string{"/webhook/github", "/webhook/gitea", "/webhook/gitlab"} {
		body := new(endless)
		if w := hook(s, path, body); w.Code != http.StatusUnauthorized || body.read.Load() > 0 {
			t.Errorf("%s: %d after %d bytes", path, w.Code, body.read.Load())
		}
	}
}

// BenchmarkWebhook is what a flood costs: a webhook with a wrong signature.
func BenchmarkWebhook(b *testing.B) {
	s, _, _ := hooked(b)
	body := bytes.Repeat([]byte("x"), 8<<10)
	signature := "sha256=" + strings.Repeat("0", 64)
	b.ReportAllocs()
	for b.Loop() {
		if w := hook(s, "/webhook/github", bytes.NewReader(body), "X-Hub-Signature-256", signature); w.Code != http.StatusUnauthorized {
			b.Fatal(w.Code)
		}
	}
}

// TestPushToPoll measures the way from a push to the asking for a poll, over a socket.
func TestPushToPoll(t *testing.T) {
	d := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now()))
	asked := make(chan time.Time, 1)
	d.Config.Trigger = func() { asked <- time.Now() }
	d.Config.Interval = time.Microsecond // so that each push is a poll
	d.Config.Webhooks.GitHub = servetest.SecretFile(t, newSecret)
	addr := start(t, d.Serve(t))
	body := []byte(`{"ref":"refs/heads/main"}`)
	best := time.Hour
	for range 20 { // the machine may be busy now and then
		sent := time.Now()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /webhook/github HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nX-Hub-Signature-256: sha256=%s\r\n\r\n%s", len(body), sign(newSecret, body), body)
		best = min(best, (<-asked).Sub(sent))
		_ = c.Close()
	}
	t.Logf("a poll was asked for after %v", best)
	if best > 50*time.Millisecond {
		t.Errorf("a poll was asked for after %v, want 50 ms at the most", best)
	}
}
