package gitea

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// server is a Gitea on loopback, with one user and a token of hers.
type server struct {
	t       *testing.T
	program string // wedatasync
	dir     string
	url     string
	token   string
}

// start builds Gitea and wedatasync, and starts the one.
func start(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	gitea := os.Getenv("GITEA") // one that is built already
	if gitea == "" {
		gitea = filepath.Join(s.dir, "gitea")
		s.run(".", "go", "build", "-tags", "sqlite sqlite_unlock_notify", "-o", gitea, "code.gitea.io/gitea")
	}
	s.program = filepath.Join(s.dir, "wedatasync")
	s.run("../..", "go", "build", "-o", s.program, "./cmd/wedatasync")
	static := strings.TrimSpace(s.run(".", "go", "list", "-m", "-f", "{{.Dir}}", "code.gitea.io/gitea"))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.url = "http://" + l.Addr().String()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	must(t, l.Close())
	home := filepath.Join(s.dir, "home")
	config := s.write("app.ini", fmt.Sprintf(`I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = %[1]s
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[2]s
ROOT_URL = %[3]s/
STATIC_ROOT_PATH = %[4]s
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
[security]
INSTALL_LOCK = true
SECRET_KEY = a-key-of-this-test
[webhook]
ALLOWED_HOST_LIST = loopback
[log]
LEVEL = Error
`, home, port, s.url, static))
	must(t, os.MkdirAll(home, 0o755))
	s.run(".", gitea, "-c", config, "migrate")
	s.run(".", gitea, "-c", config, "admin", "user", "create", "--username", "ann", "--random-password", "--email", "ann@example.com", "--admin", "--must-change-password=false")
	said := strings.Fields(s.run(".", gitea, "-c", config, "admin", "user", "generate-access-token", "--username", "ann", "--token-name", "test", "--raw", "--scopes", "all"))
	s.token = said[len(said)-1]

	cmd := exec.CommandContext(t.Context(), gitea, "-c", config, "web")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() })
	s.until("Gitea answers", func() bool {
		resp, err := http.Get(s.url + "/api/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write writes a file that only its owner reads.
func (s *server) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	must(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(s.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// run runs a program that has to work, and returns what it prints.
func (s *server) run(dir, name string, args ...string) string {
	s.t.Helper()
	out, errs, err := s.try(dir, name, args...)
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, errs)
	}
	return out
}

func (s *server) try(dir, name string, args ...string) (out, errs string, err error) {
	cmd := exec.CommandContext(s.t.Context(), name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// until waits.
func (s *server) until(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not after a minute: %s", what)
		}
	}
}

// api asks Gitea for something, and returns its answer.
func (s *server) api(method, path string, body any) string {
	s.t.Helper()
	data, err := json.Marshal(body)
	must(s.t, err)
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+"/api/v1"+path, bytes.NewReader(data))
	must(s.t, err)
	req.Header.Set("Authorization", "token "+s.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	must(s.t, err)
	if resp.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	return string(answer)
}

// push puts a spec of a version on a branch.
func (s *server) push(work, branch string, version int) string {
	s.t.Helper()
	s.write(filepath.Join("work", "tasks.yaml"), fmt.Sprintf("apiVersion: wedatasync/v1\ncommits:\n  - {taskId: orders, projectId: \"1\", commitType: start, instanceVersion: %d}\n", version))
	git := func(args ...string) string {
		return s.run(work, "git", append([]string{"-c", "user.name=Ann", "-c", "user.email=ann@example.com"}, args...)...)
	}
	git("checkout", "-q", "-B", branch)
	git("add", "-A")
	git("commit", "-q", "-m", fmt.Sprintf("orders at version %d", version))
	git("push", "-q", "-f", "origin", branch)
	return strings.TrimSpace(git("rev-parse", "HEAD"))
}

// TestGitea: the program reads a private repository of a real Gitea by its token, is told of
// pushes by its webhooks, and comments on its pull requests.
func TestGitea(t *testing.T) {
	s := start(t)
	s.api("POST", "/user/repos", map[string]any{"name": "tasks", "private": true, "default_branch": "main"})
	work := filepath.Join(s.dir, "work")
	s.run(s.dir, "git", "init", "-q", "-b", "main", work)
	s.run(work, "git", "remote", "add", "origin", strings.Replace(s.url, "http://", "http://ann:"+s.token+"@", 1)+"/ann/tasks.git")
	s.push(work, "main", first)
	token := s.write("token", s.token)
	source := []string{"--source", s.url + "/ann/tasks.git", "--git-token-file", token, "--simulate"}
	once := func(args ...string) (string, error) {
		out, errs, err := s.try(s.dir, s.program, append(append([]string{"run", "--once", "--state", filepath.Join(t.TempDir(), "state.db")}, source...), args...)...)
		return out + errs, err
	}

	if out, err := once(); err != nil {
		t.Errorf("with a token: %v\n%s", err, out)
	}
	out, err := once("--git-token-file", s.write("wrong", "0123456789012345678901234567890123456789"))
	if err == nil || !strings.Contains(out, "access denied") || strings.Contains(out, s.token) {
		t.Errorf("with a wrong token: %v\n%s", err, out)
	}
	t.Logf("a wrong token is told: %s", out)

	t.Run("webhook", func(t *testing.T) { s.webhook(t, work, source) })
	t.Run("pull request", func(t *testing.T) { s.pullRequest(t, work, token) })

	s.api("PATCH", "/repos/ann/tasks", map[string]any{"name": "jobs"})
	if out, err := once(); err != nil {
		t.Errorf("by the name that it had: %v\n%s", err, out)
	}
}

// The versions are numbers that are nothing else.
const first, second, third = 10777, 20777, 30777

// webhook: a push is applied long before the next poll.
func (s *server) webhook(t *testing.T, work string, source []string) {
	const secret = "a-secret-of-this-webhook"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	listen := l.Addr().String()
	must(t, l.Close())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	state := filepath.Join(t.TempDir(), "state.db")
	daemon := exec.CommandContext(ctx, s.program, append([]string{
		"run", "--state", state, "--interval", "1h", "--listen", listen, "--gitea-secret-file", s.write("secret", secret),
	}, source...)...)
	daemon.Cancel = func() error { return daemon.Process.Signal(os.Interrupt) }
	daemon.WaitDelay = 20 * time.Second
	must(t, daemon.Start())
	defer func() { cancel(); _ = daemon.Wait() }()
	applied := func(version int) func() bool {
		return func() bool {
			out, _, err := s.try(s.dir, s.program, append([]string{"history", "orders", "--state", state}, source...)...)
			return err == nil && strings.Contains(out, fmt.Sprint(version))
		}
	}
	s.until("the daemon has applied the first version", applied(first))
	s.api("POST", "/repos/ann/tasks/hooks", map[string]any{
		"type": "gitea", "active": true, "events": []string{"push"},
		"config": map[string]string{"url": "http://" + listen + "/webhook/gitea", "content_type": "json", "secret": secret},
	})
	begin := time.Now()
	s.push(work, "main", second)
	s.until("a push was applied", applied(second))
	t.Logf("a push was applied after %v", time.Since(begin).Round(time.Millisecond))
}

// pullRequest: the plan is a comment, and one that is brought up to date.
func (s *server) pullRequest(t *testing.T, work, token string) {
	s.push(work, "change", third)
	s.api("POST", "/repos/ann/tasks/pulls", map[string]any{"title": "orders", "head": "change", "base": "main"})
	for range 2 {
		s.run(work, s.program, "comment", "--source", work, "--against", "origin/main", "--forge", "gitea", "--forge-url", s.url+"/api/v1",
			"--forge-token-file", token, "--repository", "ann/tasks", "--pull-request", "1")
	}
	comments := s.api("GET", "/repos/ann/tasks/issues/1/comments", nil)
	if n := strings.Count(comments, "wedatasync:plan"); n != 1 || !strings.Contains(comments, fmt.Sprint(third)) {
		t.Errorf("%d comments: %s", n, comments)
	}
}
