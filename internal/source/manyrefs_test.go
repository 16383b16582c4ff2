package source

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
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

// A poll of a server with many refs asks for the branch alone.
func TestManyRefs(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	r.withRefs(1000)
	web := r.startWeb(false)
	var got atomic.Int64
	version2 := true
	web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
		if !version2 {
			req.Header.Del("Git-Protocol")
		}
		git.ServeHTTP(counted{w, &got}, req)
	})
	g := r.open(GitConfig{URL: web.url})
	wantSaid(t, poll(t, g), "a v1 a.yaml")
	if got.Load() < 50_000 {
		t.Fatalf("the first poll takes %d bytes: are there many refs?", got.Load())
	}
	quiet := func(requests string, most int64) {
		t.Helper()
		got.Store(0)
		web.asked()
		poll(t, g)
		if asked := web.asked(); asked != requests || got.Load() > most {
			t.Errorf("with nothing new it asks %s, which takes %d bytes, want %s and at most %d", asked, got.Load(), requests, most)
		}
	}
	quiet("POST /git-upload-pack", 300)
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	wantSaid(t, poll(t, g), "a v2 a.yaml")
	quiet("POST /git-upload-pack", 300)

	t.Run("the branch is gone", func(t *testing.T) {
		head := r.Git("rev-parse", "HEAD")
		r.Feed(r.Dir, "", "update-ref", "-d", "refs/heads/main")
		wantError(t, g, gitremote.ErrNoBranch, "main-2")
		r.Feed(r.Dir, "", "update-ref", "refs/heads/main", head)
		wantSaid(t, poll(t, g), "a v2 a.yaml")
	})
	t.Run("the server is away for a while", func(t *testing.T) {
		web.instead(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			http.Error(w, "back soon", http.StatusServiceUnavailable)
		})
		wantError(t, g, gitremote.ErrUnreachable, "back soon")
		web.instead(nil)
		if _, ok := gitremote.Peek(t.Context(), g.remote, g.branch); !ok {
			t.Error("version 2 is not tried again")
		}
	})
	t.Run("the server does not know version 2", func(t *testing.T) {
		version2 = false
		web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
			req.Header.Del("Git-Protocol")
			git.ServeHTTP(w, req)
		})
		poll(t, g) // finds out
		quiet("GET /info/refs", 1<<20)
		r.Commit(map[string]string{"a.yaml": specOf("a", 3)})
		wantSaid(t, poll(t, g), "a v3 a.yaml")
	})
}

func TestManyRefs_local(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	g := r.open(GitConfig{URL: r.Dir})
	poll(t, g)
	if _, ok := gitremote.Peek(t.Context(), g.remote, g.branch); ok {
		t.Error("it peeks where there are few refs")
	}
	r.withRefs(1000)
	poll(t, g)
	head := r.Git("rev-parse", "HEAD")
	if got, ok := gitremote.Peek(t.Context(), g.remote, g.branch); !ok || got.String() != head {
		t.Errorf("it sees %v, %s, want %s", ok, got, head)
	}
	r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
	wantSaid(t, poll(t, g), "a v2 a.yaml")
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
			if accepts {
				config, err := os.ReadFile(server.file("config"))
				must(t, err)
				must(t, os.WriteFile(server.file("config"), append(config, "AcceptEnv GIT_PROTOCOL\n"...), 0o600))
			}
			g := r.open(GitConfig{URL: server.url, SSHKeyFile: userKey, KnownHostsFile: server.knows("ed25519")})
			poll(t, g)
			said := 0
			server.through(func(c net.Conn) net.Conn { return counting{c, &said} })
			_, ok := gitremote.Peek(t.Context(), g.remote, g.branch)
			if ok != accepts {
				t.Errorf("version 2 is spoken: %v", ok)
			}
			poll(t, g)
			if accepts && said > 20_000 {
				t.Errorf("two looks take %d bytes", said)
			}
			r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
			wantSaid(t, poll(t, g), "a v2 a.yaml")
		})
	}
}
