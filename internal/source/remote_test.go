package source

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
	"github.com/wedatasync/wedatasync/internal/gitstore"
)

func TestHTTP(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	web := r.startWeb(false)
	g := r.open(GitConfig{URL: web.url})

	wantSaid(t, poll(t, g), "a v1 a.yaml")
	if got := web.asked(); got != "greeting, refs, pack" {
		t.Errorf("the first poll asked %s", got)
	}
	for range 3 {
		poll(t, g)
		if got := web.asked(); got != askRefs {
			t.Errorf("a poll without news asked %s", got)
		}
	}
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	wantSaid(t, poll(t, g), "a v2 a.yaml")
	if got := web.asked(); got != "refs, pack" {
		t.Errorf("a poll with news asked %s", got)
	}
	if web.conns != 1 {
		t.Errorf("it took %d connections, want 1", web.conns)
	}
}

func TestHTTPCredentials(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	web := r.startWeb(true)
	password := "first-secret"
	web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
		user, pass, _ := req.BasicAuth()
		if user != "ann" || pass != password {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, "not with %s or %s", pass, req.Header.Get("Authorization"))
			return
		}
		git.ServeHTTP(w, req)
	})
	ca := web.authority(t)
	passwords := writeFile(t, "password", "first-secret\n")
	config := GitConfig{URL: web.url, Username: "ann", PasswordFile: passwords, CAFile: ca}
	g := r.open(config)
	rev := poll(t, g)
	wantSaid(t, rev, "a v1 a.yaml")

	password = "second-secret"
	_, err := g.Poll(t.Context())
	if !errors.Is(err, gitremote.ErrAuth) {
		t.Errorf("with an old password the error is %v", err)
	}
	for _, secret := range []string{"first-secret", "YW5uOmZpcnN0LXNlY3JldA"} {
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
	must(t, os.WriteFile(passwords, []byte("second-secret"), 0o600))
	if again := poll(t, g); again != rev {
		t.Errorf("after a new password the revision is %v", again)
	}

	other := config
	other.PasswordFile = filepath.Join(t.TempDir(), "none")
	if _, err := g.Reload(other); !errors.Is(err, gitremote.ErrAuth) {
		t.Errorf("a file that is not there: %v", err)
	}
	other.PasswordFile = writeFile(t, "other", "third-secret")
	swap, err := g.Reload(other)
	must(t, err)
	swap()
	password = "third-secret"
	if again := poll(t, g); again != rev {
		t.Errorf("with another file the revision is %v", again)
	}

	t.Run("an unknown authority", func(t *testing.T) {
		config.CAFile = ""
		_, err := r.open(config).Poll(t.Context())
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok || !errors.Is(err, gitremote.ErrUnreachable) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("no password file", func(t *testing.T) {
		config.CAFile, config.PasswordFile = ca, filepath.Join(t.TempDir(), "none")
		wantError(t, r.open(config), gitremote.ErrAuth, "none: no such file")
	})
	t.Run("an empty one", func(t *testing.T) {
		config.PasswordFile = writeFile(t, "empty", "\n")
		wantError(t, r.open(config), gitremote.ErrAuth, "it is empty")
	})
}

// Whatever a server does in place of answering, the poll ends with an error that
// fits, nothing changes, and the next poll is as good as any.
func TestFaultyServer(t *testing.T) {
	t.Run("version 0", func(t *testing.T) { testFaulty(t, true) })
	t.Run("version 2", func(t *testing.T) { testFaulty(t, false) })
}

func testFaulty(t *testing.T, version0 bool) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	web := r.startWeb(false)
	web.version0 = version0
	before := map[bool]string{true: "0008NAK\n", false: "000dpackfile\n"}[version0]
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()

	g := r.open(GitConfig{URL: web.url, MaxPack: 1 << 20})
	rev := poll(t, g)
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})

	onPack := func(f func(w http.ResponseWriter, answer *httptest.ResponseRecorder)) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, req *http.Request, git http.Handler) {
			if asks(req) != askPack {
				git.ServeHTTP(w, req)
				return
			}
			answer := httptest.NewRecorder()
			git.ServeHTTP(answer, req)
			f(w, answer)
		}
	}
	hang := make(chan struct{})
	tests := []struct {
		name  string
		kind  error
		serve func(w http.ResponseWriter, req *http.Request, git http.Handler)
	}{
		{"500", gitremote.ErrUnreachable, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(500) }},
		{"404", gitremote.ErrNoRepository, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(404) }},
		{"403", gitremote.ErrAuth, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(403) }},
		{"a web page", gitremote.ErrBadAnswer, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			fmt.Fprint(w, "<html>please log in</html>")
		}},
		{"nothing", gitremote.ErrBadAnswer, func(http.ResponseWriter, *http.Request, http.Handler) {}},
		{"a reset", gitremote.ErrUnreachable, func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }},
		{"an endless error", gitremote.ErrNoRepository, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(404)
			for range 1 << 10 {
				_, _ = io.WriteString(w, strings.Repeat("x", 64<<10))
			}
		}},
		{"endless refs", gitstore.ErrTooLarge, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			fmt.Fprint(w, "001e# service=git-upload-pack\n0000")
			fmt.Fprintf(w, "%04x%s refs/heads/x\x00\n", 40+1+12+2+4, strings.Repeat("1", 40))
			for i := range 1 << 20 {
				if _, err := fmt.Fprintf(w, "%04x%s refs/heads/%08d\n", 40+1+11+8+1+4, strings.Repeat("1", 40), i); err != nil {
					return
				}
			}
		}},
		{"a hang", gitremote.ErrUnreachable, func(http.ResponseWriter, *http.Request, http.Handler) { <-hang }},
		{"another host", gitremote.ErrBadAnswer, func(w http.ResponseWriter, req *http.Request, _ http.Handler) {
			http.Redirect(w, req, elsewhere.URL+req.URL.Path, http.StatusFound)
		}},
		{"a pack: 500", gitremote.ErrUnreachable, onPack(func(w http.ResponseWriter, _ *httptest.ResponseRecorder) { w.WriteHeader(500) })},
		{"a pack: nothing", gitremote.ErrBadAnswer, onPack(func(http.ResponseWriter, *httptest.ResponseRecorder) {})},
		{"a pack: cut off", gitremote.ErrBadAnswer, onPack(func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
			_, _ = w.Write(a.Body.Bytes()[:a.Body.Len()-60])
		})},
		{"a pack: cut off by a reset", gitremote.ErrBadAnswer, onPack(func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
			w.Header().Set("Content-Length", fmt.Sprint(a.Body.Len()))
			_, _ = w.Write(a.Body.Bytes()[:a.Body.Len()-60])
		})},
		{"a pack: flipped", gitremote.ErrBadAnswer, onPack(func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
			a.Body.Bytes()[a.Body.Len()-40] ^= 1
			_, _ = w.Write(a.Body.Bytes())
		})},
		{"a pack: a hang", gitremote.ErrUnreachable, onPack(func(w http.ResponseWriter, a *httptest.ResponseRecorder) {
			_, _ = w.Write(a.Body.Bytes()[:a.Body.Len()/2])
			w.(http.Flusher).Flush()
			<-hang
		})},
		{"a pack: too large", gitstore.ErrTooLarge, onPack(func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
			fmt.Fprint(w, before)
			for range 2 << 10 {
				fmt.Fprintf(w, "%04x\x01%s", 5+1<<10, strings.Repeat("x", 1<<10))
			}
		})},
		{"a pack: an error", gitremote.ErrBadAnswer, onPack(func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
			fmt.Fprint(w, before+"000c\x03go away")
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "endless refs" && !*long {
				t.Skip("go-git takes seconds to read them")
			}
			web.instead(test.serve)
			if g.config.Timeout = time.Minute; strings.HasSuffix(test.name, "a hang") {
				g.config.Timeout = 300 * time.Millisecond
			}
			wantError(t, g, test.kind, "")
			wantSaid(t, rev, "a v1 a.yaml")
			if left, _ := filepath.Glob(filepath.Join(g.config.Mirror, "objects", "pack", "tmp_*")); left != nil {
				t.Errorf("it left %v", left)
			}
		})
	}
	close(hang)
	web.instead(nil)
	g.config.Timeout = time.Minute
	wantSaid(t, poll(t, g), "a v2 a.yaml")
}

// A server that leaves something out is found out, and does not make us fetch
// everything at each poll.
func TestIncompletePack(t *testing.T) {
	r := newRepo(t)
	head := r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	commit := []byte(r.Git("cat-file", "commit", head) + "\n")
	var incomplete packWriter
	incomplete.put(plumbing.CommitObject, commit)
	pack := incomplete.bytes()
	web := r.startWeb(false)
	web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
		if asks(req) != askPack {
			git.ServeHTTP(w, req)
			return
		}
		fmt.Fprintf(w, "%s%04x\x01%s0000", beforePack(req), len(pack)+5, pack)
	})
	g := r.open(GitConfig{URL: web.url})
	wantError(t, g, gitremote.ErrBadAnswer, "damaged")
	if got, want := web.asked(), "greeting, refs, pack, refs, pack"; got != want {
		t.Errorf("it asked %s, want %s", got, want)
	}
	wantError(t, g, gitremote.ErrBadAnswer, "run git fsck")
	if got := web.asked(); got != askRefs {
		t.Errorf("the next time it asked %s", got)
	}

	web.instead(nil)
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	wantSaid(t, poll(t, g), "a v2 a.yaml")
}

// Polls that fail, in whatever way, leave nothing behind.
func TestNothingIsLeaked(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	keyFile, key := newKey(t)
	server := r.startSSH(key.PublicKey())
	hosts := server.trust(server.hostKey.PublicKey())
	web := r.startWeb(false)
	web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
		if asks(req) == askPack {
			fmt.Fprint(w, beforePack(req), "000c\x03go away")
			return
		}
		git.ServeHTTP(w, req)
	})
	sources := []*Git{
		r.open(GitConfig{Branch: "none"}),
		r.open(GitConfig{MaxPack: 10}),
		r.open(GitConfig{URL: web.url}),
		r.open(GitConfig{URL: server.url, SSHKeyFile: keyFile, KnownHostsFile: hosts, Branch: "none"}),
		r.open(GitConfig{URL: server.url, SSHKeyFile: keyFile, KnownHostsFile: hosts, MaxPack: 10}),
	}
	used := func() (goroutines, files int) {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("there is no /proc here")
		}
		return runtime.NumGoroutine(), len(entries)
	}
	var goroutines, files int
	for round := range 30 {
		for i, g := range sources {
			if _, err := g.Poll(t.Context()); err == nil {
				t.Fatalf("source %d is read", i)
			}
		}
		if round == 1 {
			goroutines, files = used()
		}
	}
	const slack = 20 // of connections that are just ending; one source would leak 28
	if g, f := used(); g > goroutines+slack || f > files+slack {
		t.Errorf("after 28 rounds more there are %d goroutines and %d files open, before there were %d and %d", g, f, goroutines, files)
	}
}

func TestSSH(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	keyFile, key := newKey(t)
	server := r.startSSH(key.PublicKey())
	config := GitConfig{URL: server.url, SSHKeyFile: keyFile, KnownHostsFile: server.trust(server.hostKey.PublicKey())}

	g := r.open(config)
	wantSaid(t, poll(t, g), "a v1 a.yaml")
	poll(t, g)
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	wantSaid(t, poll(t, g), "a v2 a.yaml")

	strangerFile, stranger := newKey(t)
	tests := []struct {
		name   string
		change func(c *GitConfig)
		kind   error
		say    string
	}{
		{"another host key", func(c *GitConfig) { c.KnownHostsFile = server.trust(stranger.PublicKey()) }, gitremote.ErrHostKey, "someone is in between"},
		{"an unknown host", func(c *GitConfig) { c.KnownHostsFile = writeFile(t, "known_hosts", "") }, gitremote.ErrHostKey, "ssh-keyscan"},
		{"no known_hosts", func(c *GitConfig) { c.KnownHostsFile = filepath.Join(t.TempDir(), "none") }, gitremote.ErrHostKey, "ssh-keyscan"},
		{"another user key", func(c *GitConfig) { c.SSHKeyFile = strangerFile }, gitremote.ErrAuth, `the user "git"`},
		{"another user", func(c *GitConfig) { c.URL = strings.Replace(c.URL, "git@", "ann@", 1) }, gitremote.ErrAuth, `the user "ann"`},
		{"no key", func(c *GitConfig) { c.SSHKeyFile = filepath.Join(t.TempDir(), "none") }, gitremote.ErrAuth, "no such file"},
		{"what is no key", func(c *GitConfig) { c.SSHKeyFile = writeFile(t, "key", "hello") }, gitremote.ErrAuth, "private key"},
		{"no repository", func(c *GitConfig) { c.URL += "'; echo x #" }, gitremote.ErrNoRepository, "does not appear to be a git repository"},
		{"nobody there", func(c *GitConfig) { c.URL = "ssh://git@127.0.0.1:1/x" }, gitremote.ErrUnreachable, "connection refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config
			test.change(&c)
			wantError(t, r.open(c), test.kind, test.say)
		})
	}
}

// A server that accepts connections and then says nothing costs no more than the
// timeout, in each protocol.
func TestSilentServer(t *testing.T) {
	r := newRepo(t)
	addr := silentServer(t)
	keyFile, key := newKey(t)
	hosts := writeFile(t, "known_hosts", "["+strings.Replace(addr, ":", "]:", 1)+" "+string(marshalKey(key))+"\n")
	for _, scheme := range []string{"ssh", "http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			g := r.open(GitConfig{URL: scheme + "://" + addr + "/x.git", SSHKeyFile: keyFile, KnownHostsFile: hosts, CloneTimeout: 300 * time.Millisecond})
			start := time.Now()
			_, err := g.Poll(t.Context())
			if !errors.Is(err, gitremote.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 300ms") {
				t.Errorf("the error is %v", err)
			}
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
	t.Run("a poll that is given up", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := r.open(GitConfig{URL: "ssh://git@" + addr + "/x.git", SSHKeyFile: keyFile, KnownHostsFile: hosts}).Poll(ctx)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestWithoutGit(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	g := r.open(GitConfig{})
	t.Setenv("PATH", t.TempDir())
	wantError(t, g, gitremote.ErrNoGit, "install git")
}
