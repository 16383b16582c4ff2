package source

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
)

// withRefs gives the repository so many more refs, as a forge keeps for pull requests.
func (r *repo) withRefs(n int) {
	r.T.Helper()
	head := r.Git("rev-parse", "HEAD")
	var packed strings.Builder
	packed.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	fmt.Fprintf(&packed, "%s refs/heads/main-2\n", head)
	for i := range n {
		fmt.Fprintf(&packed, "%s refs/pull/%06d/head\n", head, i+1)
	}
	must(r.T, os.WriteFile(filepath.Join(r.Dir, "packed-refs"), []byte(packed.String()), 0o644))
}

// counted counts the bytes of a server's answers.
type counted struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

// TestManyRefs: a poll with nothing new takes one request and a few bytes, however many refs
// a server has.
func TestManyRefs(t *testing.T) {
	for _, refs := range []int{0, 1000} {
		t.Run(fmt.Sprintf("%d more refs", refs), func(t *testing.T) {
			r := newRepo(t)
			r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
			r.withRefs(refs)
			web := r.startWeb(false)
			var got atomic.Int64
			web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) { git.ServeHTTP(counted{w, &got}, req) })
			g := r.open(GitConfig{URL: web.url})
			wantSaid(t, poll(t, g), "a v1 a.yaml")
			for version := 2; version < 4; version++ {
				got.Store(0)
				web.asked()
				poll(t, g)
				if asked := web.asked(); asked != askRefs || got.Load() > 300 {
					t.Errorf("with nothing new it asks for %s, which takes %d bytes", asked, got.Load())
				}
				r.Commit(map[string]string{"a.yaml": specOf("a", version)})
				wantSaid(t, poll(t, g), fmt.Sprintf("a v%d a.yaml", version))
				if asked := web.asked(); asked != "refs, pack" {
					t.Errorf("with news it asks for %s", asked)
				}
			}
		})
	}
}

// TestVersions: how a server speaks may change at any time, and what is known of it does
// not outlive that.
func TestVersions(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	r.withRefs(1000)
	web := r.startWeb(false)
	g := r.open(GitConfig{URL: web.url})
	wantSaid(t, poll(t, g), "a v1 a.yaml")
	asked := func(want string) {
		t.Helper()
		web.asked()
		poll(t, g)
		if got := web.asked(); got != want {
			t.Errorf("it asks for %s, want %s", got, want)
		}
	}
	asked("refs")

	t.Run("the branch is gone", func(t *testing.T) {
		head := r.Git("rev-parse", "HEAD")
		r.Feed(r.Dir, "", "update-ref", "-d", "refs/heads/main")
		wantError(t, g, gitremote.ErrNoBranch, "main-2")
		r.Feed(r.Dir, "", "update-ref", "refs/heads/main", head)
		wantSaid(t, poll(t, g), "a v1 a.yaml")
	})
	t.Run("the server is away for a while", func(t *testing.T) {
		web.instead(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			http.Error(w, "back soon", http.StatusServiceUnavailable)
		})
		wantError(t, g, gitremote.ErrUnreachable, "back soon")
		web.instead(nil)
		asked("greeting, refs")
		asked("refs")
	})
	t.Run("the server asks to be left alone", func(t *testing.T) {
		web.instead(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Retry-After", "60")
			http.Error(w, "slow down", http.StatusServiceUnavailable)
		})
		web.asked()
		wantError(t, g, gitremote.ErrUnreachable, "slow down")
		if got := web.asked(); got != askRefs {
			t.Errorf("it asks for %s", got)
		}
		web.instead(nil)
		poll(t, g)
	})
	t.Run("another server takes its place", func(t *testing.T) {
		asked("refs")
		web.version0 = true
		asked("refs, greeting")
		asked("greeting")
		r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
		wantSaid(t, poll(t, g), "a v2 a.yaml")
		web.version0 = false
		asked("greeting, refs")
		asked("refs")
	})
	t.Run("the repository moves", func(t *testing.T) {
		web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
			if !moved(w, req, "/origin.git", "/moved.git") {
				req.URL.Path = strings.Replace(req.URL.Path, "/moved.git", "/origin.git", 1)
				git.ServeHTTP(w, req)
			}
		})
		asked("refs, greeting, greeting, refs")
		asked("refs")
	})
	t.Run("the server speaks version 1", func(t *testing.T) {
		web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
			if req.Header.Get("Git-Protocol") != "" {
				req.Header.Set("Git-Protocol", "version=1")
			}
			git.ServeHTTP(w, req)
		})
		r.Commit(map[string]string{"a.yaml": specOf("a", 3)})
		wantSaid(t, poll(t, g), "a v3 a.yaml")
		asked("greeting")
	})
}

// Over ssh, whether version 2 is spoken is for the server's configuration to say.
func TestManyRefs_sshd(t *testing.T) {
	for _, accepts := range []bool{true, false} {
		t.Run(fmt.Sprintf("accepts %v", accepts), func(t *testing.T) {
			r := newRepo(t)
			r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
			r.withRefs(1000)
			userKey, key := newKey(t)
			server := r.startSSHD(string(marshalKey(key)))
			plain, err := os.ReadFile(server.file("config"))
			must(t, err)
			accept := func(yes bool) {
				config := plain
				if yes {
					config = append(slices.Clone(plain), "AcceptEnv GIT_PROTOCOL\n"...)
				}
				must(t, os.WriteFile(server.file("config"), config, 0o600))
			}
			accept(accepts)
			g := r.open(GitConfig{URL: server.url, SSHKeyFile: userKey, KnownHostsFile: server.knows("ed25519")})
			poll(t, g)
			said := 0
			server.through(func(c net.Conn) net.Conn { return counting{c, &said} })
			poll(t, g)
			if few := said < 10_000; few != accepts {
				t.Errorf("a look takes %d bytes", said)
			}
			for version := 2; version < 4; version++ {
				r.Commit(map[string]string{"a.yaml": specOf("a", version)})
				wantSaid(t, poll(t, g), fmt.Sprintf("a v%d a.yaml", version))
				accept(!accepts) // what is known does not hold any more
			}
		})
	}
}

func TestManyRefs_local(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	r.withRefs(1000)
	g := r.open(GitConfig{URL: r.Dir})
	for version := 2; version < 5; version++ {
		poll(t, g)
		if c, err := gitremote.Talk(t.Context(), g.remote, g.branch); err != nil || c.Filters() {
			t.Errorf("it filters, or %v", err)
		} else {
			must(t, c.Close())
		}
		r.Commit(map[string]string{"a.yaml": specOf("a", version)})
		wantSaid(t, poll(t, g), fmt.Sprintf("a v%d a.yaml", version))
	}
}
