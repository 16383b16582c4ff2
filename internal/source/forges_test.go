package source

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/gitremote"
)

// A forgeKind is a git server, as its documents describe what differs from git's own. What is
// served is served by git. docs/forges.md has the table of them.
type forgeKind struct {
	name string
	path string // of the repository
	user string // that is asked for
	// serve does what differs, and reports whether that was all.
	serve func(w http.ResponseWriter, req *http.Request, git http.Handler) bool
	kind  error  // what a wrong token is told
	says  string // and in which words
}

// forges are those that are emulated.
var forges = []forgeKind{
	{"GitHub", "/acme/tasks.git", "x-access-token", func(w http.ResponseWriter, req *http.Request, _ http.Handler) bool {
		return say(w, !strings.HasPrefix(req.UserAgent(), "git/"), 400, "", "this is not git")
	}, gitremote.ErrAuth, "Invalid username or token. Password authentication is not supported for Git operations."},
	{"GitHub, of a repository that was renamed", "/acme/jobs.git", "x-access-token", func(w http.ResponseWriter, req *http.Request, _ http.Handler) bool {
		return moved(w, req, "/acme/jobs.git", "/acme/tasks.git")
	}, gitremote.ErrAuth, "Invalid username or token"},
	{"GitLab", "/acme/tasks", "oauth2", func(w http.ResponseWriter, req *http.Request, _ http.Handler) bool {
		return moved(w, req, "/acme/tasks/", "/acme/tasks.git/")
	}, gitremote.ErrAuth, "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect"},
	{"Gitea", "/acme/tasks.git", "git", nil, gitremote.ErrAuth, "Unauthorized"},
	{"Forgejo, of a repository that was renamed", "/acme/jobs.git", "git", func(w http.ResponseWriter, req *http.Request, _ http.Handler) bool {
		return moved(w, req, "/acme/jobs.git", "/acme/tasks.git")
	}, gitremote.ErrAuth, "Unauthorized"},
	{"Bitbucket Cloud", "/acme/tasks.git", "x-token-auth", nil, gitremote.ErrAuth, "The requested repository either does not exist or you do not have access."},
	{"Bitbucket Data Center", "/scm/acme/tasks.git", "ann", nil, gitremote.ErrAuth, "Authentication failed"},
	{"Azure DevOps", "/acme/data/_git/tasks", "any", func(w http.ResponseWriter, req *http.Request, git http.Handler) bool {
		insists("multi_ack")(w, req, git)
		return true
	}, gitremote.ErrAuth, "TF401019: The Git repository with name or identifier tasks does not exist or you do not have permissions"},
	{"AWS CodeCommit", "/v1/repos/tasks", "ann-at-123456789012", nil, gitremote.ErrAuth, "403 Forbidden"},
	{"Gerrit", "/a/tasks", "ann", nil, gitremote.ErrAuth, "Unauthorized"},
}

func say(w http.ResponseWriter, when bool, status int, contentType, text string) bool {
	if when {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
	return when
}

func moved(w http.ResponseWriter, req *http.Request, from, to string) bool {
	rest, ok := strings.CutPrefix(req.URL.Path, from)
	if ok {
		http.Redirect(w, req, to+rest+"?"+req.URL.RawQuery, http.StatusMovedPermanently)
	}
	return ok
}

// TestForges reads a repository of each forge, follows it, and says what a wrong token is
// told.
func TestForges(t *testing.T) {
	for _, f := range forges {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
			if f.name == "Gerrit" { // which keeps a ref for each patch set
				for i := range 300 {
					r.Bare("update-ref", fmt.Sprintf("refs/changes/%02d/%d/1", i%100, i), "main")
				}
				r.Bare("update-ref", "refs/meta/config", "main")
			}
			web := r.startWeb(true)
			web.instead(func(w http.ResponseWriter, req *http.Request, git http.Handler) {
				if _, password, _ := req.BasicAuth(); say(w, password != "right", 401, "text/plain", f.says) {
					return
				}
				if user, _, _ := req.BasicAuth(); say(w, user != f.user, 401, "text/plain", "another user: "+user) {
					return
				}
				served := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					i := strings.LastIndex(req.URL.Path, "/git-upload-pack")
					if i < 0 {
						i = strings.LastIndex(req.URL.Path, "/info/refs")
					}
					req.URL.Path = "/origin.git" + req.URL.Path[i:]
					git.ServeHTTP(w, req)
				})
				if f.serve == nil || !f.serve(w, req, served) {
					served.ServeHTTP(w, req)
				}
			})
			config := GitConfig{URL: web.URL + f.path, Username: f.user, PasswordFile: writeFile(t, "token", "right\n"), CAFile: web.authority(t)}
			g := r.open(config)
			wantSaid(t, poll(t, g), "a v1 a.yaml")
			r.Commit(map[string]string{"a.yaml": specOf("a", 2)})
			wantSaid(t, poll(t, g), "a v2 a.yaml")
			config.PasswordFile = writeFile(t, "token", "wrong\n")
			wantError(t, r.open(config), f.kind, f.says)
		})
	}
}

// TestForges_SignIn: a forge that shows a page to who is not signed in, as Azure DevOps does
// with 203, is quoted.
func TestForges_SignIn(t *testing.T) {
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	web := r.startWeb(false)
	g := r.open(GitConfig{URL: web.url})
	web.instead(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		say(w, true, http.StatusNonAuthoritativeInfo, "text/html; charset=utf-8", "<html><title>Azure DevOps Services | Sign In</title></html>")
	})
	wantError(t, g, gitremote.ErrBadAnswer, "Azure DevOps Services | Sign In: check that --source is the URL of a git repository")
}

// TestForges_Cgit: cgit serves files alone, which is said; git beside it serves what is read.
func TestForges_Cgit(t *testing.T) {
	const program = "/usr/lib/cgit/cgit.cgi"
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed (Debian: cgit)", program)
	}
	r := newRepo(t)
	r.Commit(map[string]string{"a.yaml": specOf("a", 1)})
	r.Bare("update-server-info")
	dir := t.TempDir()
	config := filepath.Join(dir, "cgitrc")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "enable-http-clone=1\ncache-size=0\nvirtual-root=/\nrepo.url=tasks\nrepo.path=%s\n", r.Dir), 0o600))
	server := httptest.NewServer(&cgi.Handler{Path: program, Env: []string{"CGIT_CONFIG=" + config}, Stderr: os.Stderr})
	defer server.Close()
	wantError(t, r.open(GitConfig{URL: server.URL + "/tasks"}), gitremote.ErrBadAnswer,
		"the server gives files alone (git's dumb protocol), and no packs: serve the repository by git http-backend, or over ssh")
	wantSaid(t, poll(t, r.open(GitConfig{URL: r.startWeb(false).url})), "a v1 a.yaml")
}
