package source

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
	"github.com/wedatasync/wedatasync/reconcile"
)

// TestServerSaysWhy: whatever a git server says in place of an answer stays in the error, on
// one line, with the time that it asks for, and without what is secret.
func TestServerSaysWhy(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	web := r.startWeb(true)
	g := r.open(GitConfig{URL: web.url, PasswordFile: writeFile(t, "token", "s3cr3t-token"), CAFile: web.authority(t)})
	wantSaid(t, poll(t, g), "a v1 a.yaml")
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})

	status := func(code int, contentType, body string, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", contentType)
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	line := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { fmt.Fprintf(w, "%04x%s", len(text)+4, text) }
	}
	const plain, page, json = "text/plain", "text/html; charset=utf-8", "application/json"
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter)
		kind   error
		says   string
		wait   time.Duration
	}{
		{"400", status(400, plain, "TF401041: The request is not supported by this server."), gitremote.ErrUnreachable, "TF401041: The request is not supported by this server. (HTTP 400)", 0},
		{"429", status(429, json, `{"message":"API rate limit exceeded"}`, "Retry-After", "90"), gitremote.ErrUnreachable, `{"message":"API rate limit exceeded"}`, 90 * time.Second},
		{"403 for a limit", status(403, plain, "slow down", "Retry-After", "7"), gitremote.ErrUnreachable, "slow down", 7 * time.Second},
		{"503 in HTML", status(503, page, "<html><head><title>GitLab</title><style>b{}</style></head><body><h1>Deploy in progress</h1>\n<script>x()</script><p>Please\ncome&nbsp;back.</body>", "Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"), gitremote.ErrUnreachable, "GitLab: Deploy in progress: Please come back.", time.Second},
		{"401", status(401, plain, "HTTP Basic: Access denied for s3cr3t-token"), gitremote.ErrAuth, "HTTP Basic: Access denied for [redacted]", 0},
		{"403", status(403, plain, "Your IP address is not on the allow list"), gitremote.ErrAuth, "allow list", 0},
		{"404", status(404, json, `{"error":"project was moved to acme/tasks"}`), gitremote.ErrNoRepository, "moved to acme/tasks", 0},
		{"418", status(418, plain, "a teapot"), gitremote.ErrBadAnswer, "a teapot", 0},
		{"no words", status(500, plain, ""), gitremote.ErrUnreachable, "(HTTP 500)", 0},
		{"many words, and a secret at the end of what is shown", status(500, plain, strings.Repeat("x", 295)+"s3cr3t-token"), gitremote.ErrUnreachable, "xxx", 0},
		{"a line of the protocol", line("ERR access denied or repository not exported"), gitremote.ErrRefused, "access denied or repository not exported", 0},
	} {
		for _, of := range []string{askGreeting, askRefs, askPack} {
			t.Run(tt.name+" to "+of, func(t *testing.T) {
				web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
					switch asked := asks(req); {
					case asked == of:
						tt.answer(w)
					case of == askGreeting: // what is remembered of it does not hold
						w.WriteHeader(http.StatusBadRequest)
					default:
						git.ServeHTTP(w, req)
					}
				})
				err := wantError(t, g, tt.kind, "")
				said := strings.ReplaceAll(err.Error(), " (HTTP 400): TF401041: The request is not supported by this server.", ": TF401041: The request is not supported by this server. (HTTP 400)")
				if !strings.Contains(said, tt.says) || strings.Contains(said, "s3cr3t") || strings.Contains(said, "\n") {
					t.Errorf("the error is %v", err)
				}
				if got := err.RetryAfter; got != tt.wait {
					t.Errorf("it asks to wait %v, want %v", got, tt.wait)
				}
			})
		}
	}
	t.Run("beside a pack that ends", func(t *testing.T) {
		web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
			if asks(req) != askPack {
				git.ServeHTTP(w, req)
				return
			}
			const why = "\x02remote: the disk of this replica is full\n"
			fmt.Fprintf(w, "%s%04x%s", beforePack(req), len(why)+4, why)
		})
		wantError(t, g, gitremote.ErrBadAnswer, "the disk of this replica is full")
	})
	web.instead(nil)
	wantSaid(t, poll(t, g), "a v2 a.yaml")
}

// TestMultiAck: a server that gives nothing to who does not understand several
// acknowledgements is cloned, fetched from and followed over a rewrite, as by git.
func TestMultiAck(t *testing.T) {
	for _, can := range []string{"multi_ack", "multi_ack_detailed"} {
		t.Run(can, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
			web := r.startWeb(false)
			web.instead(insists(can))
			g := r.open(GitConfig{URL: web.url})
			wantSaid(t, poll(t, g), "a v1 a.yaml")
			var commits strings.Builder // more than what a client names at once
			for version := 2; version <= 71; version++ {
				text := specOf("a", version)
				fmt.Fprintf(&commits, "commit refs/heads/main\ncommitter Bob <bob@example.com> %d +0000\ndata 0\n", r.Now.Unix()+int64(version))
				if version == 2 {
					fmt.Fprintf(&commits, "from %s\n", r.Bare("rev-parse", "main"))
				}
				fmt.Fprintf(&commits, "M 100644 inline a.yaml\ndata %d\n%s\n", len(text), text)
			}
			r.Feed(r.Dir, commits.String(), "fast-import", "--quiet")
			wantSaid(t, poll(t, g), "a v71 a.yaml")
			r.Git("fetch", "-q", "origin")
			r.Git("reset", "-q", "--hard", "origin/main~40")
			r.Commit(map[string]string{"a.yaml": specOf("a", 99)})
			wantSaid(t, poll(t, g), "a v99 a.yaml")
		})
	}
}

// insists is a server as Azure DevOps is: it can do no more than can, refuses who does not
// ask for that, and says why with 400.
func insists(can string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, req *http.Request, git http.Handler) {
		if req.Method == http.MethodGet {
			req.Header.Del("Git-Protocol")
			answer := httptest.NewRecorder()
			git.ServeHTTP(answer, req)
			w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
			_, _ = w.Write(withCapabilities(answer.Body.Bytes(), can+" side-band-64k no-progress shallow"))
			return
		}
		body, _ := io.ReadAll(req.Body)
		if first, _, _ := bytes.Cut(body, []byte("\n")); !bytes.Contains(first, []byte(" "+can)) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "TF401041: The client does not support "+can+", which is required.")
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		git.ServeHTTP(w, req)
	}
}

// withCapabilities makes the first line of a list of refs say what else the server can do.
func withCapabilities(list []byte, can string) []byte {
	service, rest := list[:len("001e# service=git-upload-pack\n0000")], list[len("001e# service=git-upload-pack\n0000"):]
	size, _ := strconv.ParseUint(string(rest[:4]), 16, 16)
	name, _, _ := bytes.Cut(rest[4:size], []byte{0})
	first := fmt.Sprintf("%s\x00%s\n", name, can)
	return fmt.Appendf(bytes.Clone(service), "%04x%s%s", len(first)+4, first, rest[size:])
}

// TestSHA256: a repository with names of SHA-256 is one sentence, over each protocol.
func TestSHA256(t *testing.T) {
	r := newRepo(t)
	must(t, os.RemoveAll(r.Dir))
	must(t, os.RemoveAll(filepath.Join(r.Work, ".git")))
	r.Feed(r.Work, "", "init", "-q", "--bare", "-b", "main", "--object-format=sha256", r.Dir)
	keyFile, key := newKey(t)
	ssh := r.startSSH(key.PublicKey())
	web := r.startWeb(false)
	sources := []*Git{
		r.open(GitConfig{URL: web.url}),
		r.open(GitConfig{URL: ssh.url, SSHKeyFile: keyFile, KnownHostsFile: ssh.trust(ssh.hostKey.PublicKey())}),
		r.open(GitConfig{}),
	}
	r.Git("init", "-q", "--object-format=sha256", "-b", "main", ".")
	r.Git("remote", "add", "origin", r.Dir)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	for _, g := range sources {
		wantError(t, g, gitstore.ErrSHA256, "repository uses SHA-256 names, which are not supported: use a repository")
	}
}

// TestUncomparedHistory: a commit on the way that cannot be read, by its size or by its
// parents, is said to be that, and the newest revision is read.
func TestUncomparedHistory(t *testing.T) {
	for name, odd := range map[string]func(r *repo) string{
		"a message of over 1 MiB": func(r *repo) string {
			return r.Feed(r.Work, strings.Repeat("word ", 300_000), "commit-tree", "HEAD^{tree}", "-p", "HEAD")
		},
		"over 100 parents": func(r *repo) string {
			args := []string{"commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "all"}
			for i := range 101 {
				args = append(args, "-p", r.Git("commit-tree", "HEAD^{tree}", "-m", fmt.Sprint(i)))
			}
			return r.Git(args...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
			g := r.open(GitConfig{})
			before := poll(t, g).ID
			r.Git("reset", "-q", "--hard", odd(r))
			r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
			rev := poll(t, g)
			wantSaid(t, rev, "a v2 a.yaml")
			is, err := reconcile.RewriteOf(t.Context(), g, before, rev.ID)
			if is != reconcile.RewriteUnknown || err != nil {
				t.Errorf("it is %v, %v", is, err)
			}
			_, err = g.Descends(t.Context(), before, rev.ID)
			if err == nil || !strings.Contains(err.Error(), "history cannot be compared") || strings.Contains(err.Error(), "too large: too large") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestMirrorWithoutMarker: what is left of a mirror beside the state is ours by its place,
// and is made anew. What has more in it is not touched.
func TestMirrorWithoutMarker(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	dir := filepath.Join(t.TempDir(), "mirror.git")
	for _, lost := range [][]string{{markerFile}, {markerFile, "HEAD"}, {markerFile, "config", "refs"}} {
		g, err := OpenGit(GitConfig{URL: r.Dir, Mirror: dir})
		must(t, err)
		wantSaid(t, poll(t, g), "a v1 a.yaml")
		must(t, g.Close())
		for _, name := range lost {
			must(t, os.RemoveAll(filepath.Join(dir, name)))
		}
	}
	wantSaid(t, poll(t, r.open(GitConfig{Mirror: dir})), "a v1 a.yaml")

	theirs := filepath.Join(t.TempDir(), "theirs.git")
	r.Feed(r.Work, "", "init", "-q", "--bare", theirs)
	wantError(t, r.open(GitConfig{Mirror: theirs}), ErrMirror, "it holds something else")
}

// TestThinPack: a server that leaves out of a pack what we said that we have, unasked, is
// asked for everything.
func TestThinPack(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": sourcetest.Many(0, 200)})
	web := r.startWeb(false)
	g := r.open(GitConfig{URL: web.url})
	poll(t, g)
	web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
		if asks(req) == askPack {
			body, _ := io.ReadAll(req.Body)
			body = bytes.Replace(body, []byte("000eofs-delta\n"), []byte("000eofs-delta\n000ethin-pack\n"), 1)
			req.Body = io.NopCloser(bytes.NewReader(body))
			req.ContentLength = -1
		}
		git.ServeHTTP(w, req)
	})
	r.Commit(map[string]string{"a.yaml": sourcetest.Many(0, 201)})
	web.asked()
	if n := poll(t, g).Specs.Len(); n != 201 {
		t.Errorf("%d specs", n)
	}
	if got := strings.Count(web.asked(), askPack); got != 2 {
		t.Errorf("it asked for %d packs: the first was not thin, and this test cannot fail", got)
	}
}
