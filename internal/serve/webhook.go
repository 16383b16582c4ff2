package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/access"
	"github.com/wedatasync/wedatasync/internal/serve/metrics"
	"github.com/wedatasync/wedatasync/internal/serve/problem"
)

const (
	// maxWebhookBody is the most that GitHub sends, in bytes.
	maxWebhookBody = 25 << 20
	// webhookTimeout bounds how long a body may take to come.
	webhookTimeout = 5 * time.Second
)

// forge is a sender of webhooks, and how it proves that it knows the secret.
type forge struct {
	name   string
	file   string // of the secrets
	verify func(r *http.Request, body io.Reader, s access.Secrets) error
}

// flag names the file.
func (f forge) flag() string { return "--" + f.name + "-secret-file" }

// all lists every forge, whether it is configured or not.
func (w Webhooks) all() []forge {
	return []forge{
		{"github", w.GitHub, signedBy("X-Hub-Signature-256", "sha256=")},
		{"gitlab", w.GitLab, tokenIn("X-Gitlab-Token")},
		{"gitea", w.Gitea, signedBy("X-Gitea-Signature", "")},
	}
}

// forges lists those that are configured.
func (w Webhooks) forges() []forge {
	return slices.DeleteFunc(w.all(), func(f forge) bool { return f.file == "" })
}

// webhook asks for a poll if the sender knows the secret. All that it believes of the body is
// which branch was pushed, to leave the others alone. Whatever is wrong with a signature
// has the same answer. A body that is on its way holds nothing but its connection.
func webhook(f forge, cfg *Config, poll *trigger, m *metrics.Metrics) http.HandlerFunc {
	log, ours := cfg.Logger, "refs/heads/"+strings.TrimPrefix(cfg.Source.Branch, "refs/heads/")
	return func(w http.ResponseWriter, r *http.Request) {
		var begin head
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(webhookTimeout))
		known, err := access.ReadSecrets(f.flag(), f.file, log)
		if err == nil {
			err = f.verify(r, io.TeeReader(http.MaxBytesReader(w, r.Body, maxWebhookBody), &begin), known)
		}
		m.Webhook(f.name, err == nil)
		_, cut := errors.AsType[*http.MaxBytesError](err)
		if err != nil {
			// Anybody can send webhooks and fill a log: the metric counts, and debug logs.
			log.DebugContext(r.Context(), "webhook refused", "forge", f.name, "error", err)
		}
		switch {
		case cut || errors.Is(err, errTooLarge):
			problem.Write(w, http.StatusRequestEntityTooLarge, "the body is over 25 MiB")
		case err != nil:
			problem.Write(w, http.StatusUnauthorized, "not accepted")
		default:
			switch p := pushIn(begin.Bytes()); {
			case p == push{} || cfg.Source.Branch == "":
				poll.fire()
			case p.branch == ours:
				poll.pushed(p.after)
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "accepted\n")
		}
	}
}

// missing says why the forge has no webhook here, or returns "" if it has.
func (f forge) missing(poll *trigger) string {
	switch {
	case poll == nil:
		return "the source of this daemon is not polled"
	case f.file == "":
		return "this daemon has no secret of " + f.name + ": give it one with " + f.flag()
	default:
		return ""
	}
}

// The faults of a webhook.
var (
	errNoSignature = errors.New("it has no signature of the right form")
	errWrongSecret = errors.New("it was not signed with a known secret")
	errTooLarge    = errors.New("its body is over the bound")
)

// signedBy verifies the HMAC-SHA256 of the body, in hexadecimal after prefix, in a
// header.
func signedBy(header, prefix string) func(*http.Request, io.Reader, access.Secrets) error {
	return func(r *http.Request, body io.Reader, s access.Secrets) error {
		text, ok := strings.CutPrefix(r.Header.Get(header), prefix)
		given, err := hex.DecodeString(text)
		if !ok || err != nil || len(given) != sha256.Size {
			return errNoSignature
		}
		if r.ContentLength > maxWebhookBody {
			return errTooLarge
		}
		switch fits, err := s.Signed(body, given); {
		case err != nil:
			return err
		case !fits:
			return errWrongSecret
		default:
			return nil
		}
	}
}

// tokenIn verifies the secret itself in a header, which is all that GitLab sends. Of the
// body, its beginning is read.
func tokenIn(header string) func(*http.Request, io.Reader, access.Secrets) error {
	return func(r *http.Request, body io.Reader, s access.Secrets) error {
		if !s.Match(r.Header.Get(header)) {
			return errWrongSecret
		}
		_, _ = io.CopyN(io.Discard, body, maxPush) // what is not there says nothing
		return nil
	}
}
