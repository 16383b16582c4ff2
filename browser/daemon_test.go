package browser_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

const (
	project = "1486804694126882816"
	source  = "http://git.example.com/data/streams.git"
	locker  = "100028625403"
)

// taskID is the id of the nth task, as WeData makes them.
func taskID(n int) string {
	sum := sha256.Sum256(fmt.Append(nil, "task ", n))
	return fmt.Sprintf("k%x-%x-4%x-9%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])[:37]
}

// taskName is what people call the nth task.
func taskName(n int) string {
	names := []string{
		"orders to warehouse", "payments to ledger", "clicks to lake", "users snapshot", "refunds to ledger", "sessions to lake", "daily revenue", "inventory to warehouse",
		"shipments to warehouse", "revenue report", "prices to cache", "currency rates", "returns to warehouse", "searches to lake", "carts to lake", "coupons to ledger",
	}
	if n < len(names) {
		return names[n]
	}
	return fmt.Sprintf("%s %d", names[n%len(names)], n/len(names)+1)
}

// world is a daemon with all that is around it: a repository on a git server, WeData,
// and a person at the command line.
type world struct {
	testing.TB
	dir string
	sim *wedatasim.Server
	env []string
	url string // of the status page
	log *journal

	cloning chan struct{} // closed: the git server answers
	commits int
}

// newWorld makes a world without a daemon. The git server is reached as a proxy, so
// that the source has the same address each time.
func newWorld(t testing.TB, settings ...string) *world {
	t.Helper()
	needsChromium(t)
	program, err := shared.program()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, dir: t.TempDir(), sim: wedatasim.New(wedatasim.Options{Seed: 7}), cloning: make(chan struct{})}
	endpoint, account := httptest.NewServer(w.sim), wedatasim.DefaultAccount()
	t.Cleanup(endpoint.Close)
	git := httptest.NewServer(w.gitServer())
	t.Cleanup(git.Close)
	w.env = append(os.Environ(),
		"PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"), "USER=grace",
		"TENCENTCLOUD_SECRET_ID="+account.SecretID, "TENCENTCLOUD_SECRET_KEY="+account.SecretKey,
		"HTTP_PROXY="+git.URL, "NO_PROXY=",
		"WEDATASYNC_ENDPOINT="+endpoint.URL, "WEDATASYNC_SOURCE="+source,
		"WEDATASYNC_STATE="+filepath.Join(w.dir, "wedatasync.db"), "WEDATASYNC_LISTEN=127.0.0.1:0",
		"WEDATASYNC_INTERVAL=200ms", "WEDATASYNC_ACCEPT_HORIZON=1s",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_COMMITTER_NAME=Ada Lovelace", "GIT_COMMITTER_EMAIL=ada@example.com",
	)
	w.env = append(w.env, settings...)
	w.sh("git init -q --bare -b main srv/data/streams.git && git clone -q srv/data/streams.git streams 2>&1")
	return w
}

// gitServer serves the repositories with git's own server, once cloning is closed.
func (w *world) gitServer() http.Handler {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		w.Fatalf("find git: %v", err)
	}
	git := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(w.dir, "srv"), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=" + os.DevNull},
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		select {
		case <-w.cloning:
			git.ServeHTTP(rw, r)
		case <-r.Context().Done():
		}
	})
}

// sh runs what a person types, and returns what it prints.
func (w *world) sh(line string) string {
	w.Helper()
	cmd := w.command("sh", "-c", line)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

func (w *world) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	return cmd
}

// spec writes a file of specs: a version for each of the tasks from first on.
func (w *world) spec(file string, first int, versions ...int) {
	w.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: wedatasync/v1\ndefaults: {projectId: %q, taskType: realtime}\ncommits:\n", project)
	for i, v := range versions {
		fmt.Fprintf(&b, "  - {taskId: %s, name: %s, commitType: resume, instanceVersion: %d}\n", taskID(first+i), taskName(first+i), v)
	}
	w.write(file, b.String())
}

func (w *world) write(file, text string) {
	w.Helper()
	path := filepath.Join(w.dir, "streams", file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
}

// push commits what was written, at a fixed time, and pushes it.
func (w *world) push(subject string) {
	w.Helper()
	w.commits++
	date := fmt.Sprintf("2026-11-23T13:%02d:00+08:00", w.commits)
	w.sh("cd streams && git add -A && GIT_AUTHOR_NAME='Ada Lovelace' GIT_AUTHOR_EMAIL=ada@example.com GIT_AUTHOR_DATE=" + date +
		" GIT_COMMITTER_DATE=" + date + " git commit -q -m '" + subject + "' && git push -q origin HEAD:main 2>&1")
}

// head is the newest commit.
func (w *world) head() string { return strings.TrimSpace(w.sh("git -C streams rev-parse HEAD")) }

// answerGit lets the git server answer from now on.
func (w *world) answerGit() { close(w.cloning) }

// start starts the daemon, and waits until it says where its page is.
func (w *world) start() {
	w.Helper()
	w.log = &journal{grown: make(chan struct{}, 1)}
	program, err := shared.program()
	if err != nil {
		w.Fatal(err)
	}
	cmd := w.command(program, "run")
	cmd.Stderr = w.log
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	w.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			w.Error("the daemon does not end")
		}
		if w.Failed() {
			w.Logf("the daemon's log:\n%s", w.log)
		}
	})
	for {
		if _, rest, ok := strings.Cut(w.log.String(), "url="); ok && strings.Contains(rest, "\n") {
			w.url, _, _ = strings.Cut(rest, "\n")
			w.url = strings.TrimSuffix(w.url, "/")
			return
		}
		select {
		case <-w.log.grown:
		case err := <-ended:
			ended <- err
			w.Fatalf("the daemon has ended: %v", err)
		}
	}
}

// settled starts the daemon with n tasks at version 1, and waits until all are
// committed.
func (w *world) settled(n int) {
	w.Helper()
	versions := make([]int, n)
	for i := range versions {
		versions[i] = 1
	}
	w.spec("tasks/orders.yaml", 0, versions...)
	w.push("Add the streams")
	w.answerGit()
	w.start()
	w.eventually("all are in sync", func() bool { return strings.Contains(w.get("/api/v1/status"), `"in_sync":true`) })
}

// get gets a path of the daemon.
func (w *world) get(path string) string {
	w.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.url+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return string(body)
}

// patience is how long anything is waited for.
const patience = 60 * time.Second

// eventually waits until ok.
func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("after %v still not: %s\n%s", patience, what, w.get("/api/v1/status"))
		}
	}
}

// journal is what the daemon logs.
type journal struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case j.grown <- struct{}{}:
	default:
	}
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
