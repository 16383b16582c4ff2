package serve

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// maxHookBody is the most that GitHub sends, in bytes.
	maxHookBody = 25 << 20
	// hookBuffer is how much of a body is in memory at once.
	hookBuffer = 32 << 10
)

// forge is who sends a webhook, and how it shows that it knows the secret.
type forge struct {
	name   string
	file   string // of the secrets
	verify func(r *http.Request, body io.Reader, s secrets) error
}

// flag names the file.
func (f forge) flag() string { return "--" + f.name + "-secret-file" }

// forges lists those that are configured.
func (w Webhooks) forges() []forge {
	all := []forge{
		{"github", w.GitHub, signedBy("X-Hub-Signature-256", "sha256=")},
		{"gitlab", w.GitLab, tokenIn("X-Gitlab-Token")},
		{"gitea", w.Gitea, signedBy("X-Gitea-Signature", "")},
	}
	var configured []forge
	for _, f := range all {
		if f.file != "" {
			configured = append(configured, f)
		}
	}
	return configured
}

// What became of a webhook; labels of a metric.
const (
	hookAccepted = "accepted"
	hookRefused  = "refused"
)

func hookResults() []string { return []string{hookAccepted, hookRefused} }

// serveWebhook asks for a poll if the sender knows the secret. What the body says is
// not read: that something may be new is all that a sender can say. Every failure
// has the same answer. A body that is on its way holds nothing but its connection.
func (s *Server) serveWebhook(f forge) http.HandlerFunc {
	answer := func(w http.ResponseWriter, status int, text, result string) {
		s.metrics.hooks.WithLabelValues(f.name, result).Inc()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(hookTimeout))
		known, err := readSecrets(f.flag(), f.file, s.cfg.Logger)
		if err == nil {
			err = f.verify(r, http.MaxBytesReader(w, r.Body, maxHookBody), known)
		}
		if err != nil {
			// Who sends anything can fill a log: the metric counts, debug tells.
			s.cfg.Logger.DebugContext(r.Context(), "webhook refused", "forge", f.name, "error", err)
			answer(w, http.StatusUnauthorized, "not accepted\n", hookRefused)
			return
		}
		s.poker.ask()
		answer(w, http.StatusAccepted, "accepted\n", hookAccepted)
	}
}

// What is wrong with a webhook.
var (
	errNoSignature = errors.New("it has no signature of the right form")
	errWrongSecret = errors.New("it was not signed with a known secret")
	errTooLarge    = errors.New("its body is over the bound")
)

// signedBy verifies the HMAC-SHA256 of the body, in hexadecimal after prefix, in a
// header. The body goes through the hash and is not kept.
func signedBy(header, prefix string) func(*http.Request, io.Reader, secrets) error {
	return func(r *http.Request, body io.Reader, s secrets) error {
		text, ok := strings.CutPrefix(r.Header.Get(header), prefix)
		given, err := hex.DecodeString(text)
		if !ok || err != nil || len(given) != sha256.Size {
			return errNoSignature
		}
		if r.ContentLength > maxHookBody {
			return errTooLarge
		}
		macs := make([]hash.Hash, len(s.values))
		sinks := make([]io.Writer, len(s.values))
		for i, v := range s.values {
			macs[i] = hmac.New(sha256.New, v)
			sinks[i] = macs[i]
		}
		// Without WriterTo and ReaderFrom, so that the buffer is the one given.
		_, err = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(sinks...)}, struct{ io.Reader }{body}, make([]byte, hookBuffer))
		if err != nil {
			return err
		}
		fits := false
		for _, m := range macs {
			fits = hmac.Equal(m.Sum(nil), given) || fits
		}
		if !fits {
			return errWrongSecret
		}
		return nil
	}
}

// tokenIn verifies the secret itself in a header, which is all that GitLab sends.
func tokenIn(header string) func(*http.Request, io.Reader, secrets) error {
	return func(r *http.Request, _ io.Reader, s secrets) error {
		if !s.match(r.Header.Get(header)) {
			return errWrongSecret
		}
		return nil
	}
}
