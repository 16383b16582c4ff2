package main

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

var long = flag.Bool("long", false, "live the whole life of the daemon in full size, and hold it to its times")

// size is how much a life has of everything.
type size struct {
	rotations int // of the configuration and of the credentials
	webhooks  int // that are bad, and as many that are good and come again
	slow      int // connections that only hold on
	tasks     int // of one push
	backlog   int // tasks of the first
}

const (
	// mostGrowth is how much memory the daemon may take beyond what it has under load
	// before anybody attacks, in bytes.
	mostGrowth = 20 << 20
	// window is the second of the API's limit: what nobody may delay commits by.
	window = time.Second
)

// TestLife is the daemon's whole life: under load, while its configuration and its
// credentials are rotated, half-written ones among them, while webhooks flood it and
// slow clients hold on to it. The endpoint's ledger is the judge: no commit is lost,
// doubled or, in full size, delayed.
func TestLife(t *testing.T) {
	t.Parallel()
	s := size{rotations: 4, webhooks: 300, slow: 80, tasks: 10, backlog: 20}
	if *long {
		s = size{rotations: 100, webhooks: 10_000, slow: 200, tasks: 18, backlog: 100}
	}
	l := newLife(t, s)
	l.push(s.backlog)
	l.start()
	l.waitFor("the first commits", func() bool { return l.commits.Load() > 0 || l.count() > s.backlog/2 })
	before := l.memory()

	stop := make(chan struct{})
	var attackers sync.WaitGroup
	attackers.Go(func() { l.keepPushing(stop) })
	attackers.Go(func() { l.watchMemory(stop) })
	attackers.Go(func() { l.probe(stop) })
	for range s.slow {
		attackers.Go(func() { l.holdOn(stop) })
	}
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		l.flood()
	}()
	for n := range s.rotations {
		l.rotate(n + 1)
	}
	<-flooded
	close(stop)
	attackers.Wait()
	l.waitFor("all commits", func() bool { return l.count() >= int(l.pushed.Load()) })
	l.waitFor("all messages", func() bool { return l.told() >= int(l.pushed.Load()) })
	l.stop()
	l.judge(before)
	if t.Failed() {
		l.must(os.WriteFile(filepath.Join(t.ArtifactDir(), "daemon.log"), []byte(l.log()), 0o644))
	}
}

// life is a daemon, and the world around it.
type life struct {
	t    *testing.T
	size size
	sim  *wedatasim.Server
	dir  string
	env  []string
	git  string // of the source
	chat string

	daemon *exec.Cmd
	url    string

	pushed  atomic.Int64 // tasks
	commits atomic.Int64
	revoked atomic.Int64 // credentials that were taken back as soon as there were new ones
	peak    atomic.Int64 // memory, in bytes
	slowest atomic.Int64 // answer to a probe, in nanoseconds
	probes  atomic.Int64
	missed  atomic.Int64      // probes that got no answer
	answers [600]atomic.Int64 // to webhooks, by status

	mu       sync.Mutex
	messages map[string]int // by task
}

const lifeSecret = "a-secret-of-the-webhooks-0123456789"

func newLife(t *testing.T, s size) *life {
	l := &life{t: t, size: s, dir: t.TempDir(), messages: map[string]int{}}
	l.sim = wedatasim.New(wedatasim.Options{Accounts: []wedatasim.Account{lifeAccount(0)}})
	endpoint := httptest.NewServer(l.sim)
	t.Cleanup(endpoint.Close)
	chat := httptest.NewServer(http.HandlerFunc(l.hear))
	t.Cleanup(chat.Close)
	git, err := gitServer(filepath.Join(l.dir, "srv"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(git.Close)
	l.git, l.chat = git.URL+"/tasks.git", chat.URL
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l.must(os.Symlink(self, filepath.Join(l.dir, "wedatasync")))
	l.env = append(os.Environ(),
		"TENCENTCLOUD_SECRET_ID=", "TENCENTCLOUD_SECRET_KEY=", "TENCENTCLOUD_TOKEN=", "TENCENTCLOUD_CREDENTIALS_FILE=credentials",
		"WEDATASYNC_ENDPOINT="+endpoint.URL, "WEDATASYNC_ACCEPT_HORIZON=5s", "WEDATASYNC_LISTEN=127.0.0.1:0", "WEDATASYNC_CONFIG=wedatasync.yaml",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	l.run("git", "init", "-q", "--bare", "-b", "main", "srv/tasks.git")
	l.run("git", "init", "-q", "-b", "main", "work")
	l.write("hook-secret", lifeSecret)
	l.write("chat-url", l.chat)
	l.write("chat-key", "a-key-of-the-chat-0123456789")
	l.write("wedatasync.yaml", l.config(0))
	l.write("credentials", lifeProfile(0))
	return l
}

// config is the n-th configuration. Each is another one in what counts while commits
// are made.
func (l *life) config(n int) string {
	topics, level := "task.applied", "info"
	if n%2 == 1 {
		topics, level = "task.applied, task.refused", "debug"
	}
	return fmt.Sprintf(`source: %s
interval: %dms
logLevel: %s
githubSecretFile: hook-secret
guards: {maxChangePercent: 0, maxChanges: %d}
notify:
  channels:
    - {name: audit, kind: webhook, urlFile: chat-url, keyFile: chat-key, topics: [%s]}
`, l.git, 500+n, level, 100_000+n, topics)
}

func lifeAccount(n int) wedatasim.Account {
	return wedatasim.Account{
		SecretID: fmt.Sprintf("AKIDlife%028d", n), SecretKey: fmt.Sprintf("key%029d", n), Token: fmt.Sprintf("token%0100d", n), UIN: "100000000001",
	}
}

func lifeProfile(n int) string {
	a := lifeAccount(n)
	return fmt.Sprintf("[default]\nsecret_id=%s\nsecret_key=%s\ntoken=%s\n", a.SecretID, a.SecretKey, a.Token)
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) path(name string) string { return filepath.Join(l.dir, name) }

// write writes a file in place.
func (l *life) write(name, text string) {
	l.t.Helper()
	l.must(os.WriteFile(l.path(name), []byte(text), 0o600))
}

func (l *life) run(name string, args ...string) {
	l.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = l.dir, l.env
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// push publishes the first version of so many tasks more.
func (l *life) push(tasks int) {
	l.t.Helper()
	first := int(l.pushed.Load())
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	for i := range tasks {
		fmt.Fprintf(&b, "  - {taskId: %s, projectId: \"1\", commitType: start, instanceVersion: 1}\n", lifeTask(first+i))
	}
	l.write(fmt.Sprintf("work/%06d.yaml", first), b.String())
	l.run("git", "-C", "work", "add", ".")
	l.run("git", "-C", "work", "commit", "-q", "-m", "More tasks")
	l.run("git", "-C", "work", "push", "-q", "../srv/tasks.git", "main")
	l.pushed.Add(int64(tasks))
}

func lifeTask(n int) string { return fmt.Sprintf("task-%06d", n) }

// keepPushing keeps the queue of commits from running dry.
func (l *life) keepPushing(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
			if int(l.pushed.Load())-l.count() < l.size.backlog {
				l.push(l.size.tasks)
			}
		}
	}
}

// start starts the daemon.
func (l *life) start() {
	log, err := os.Create(l.path("log"))
	l.must(err)
	defer log.Close()
	l.daemon = exec.Command(l.path("wedatasync"), "run")
	l.daemon.Dir, l.daemon.Env, l.daemon.Stderr = l.dir, l.env, log
	l.must(l.daemon.Start())
	l.t.Cleanup(func() { _ = l.daemon.Process.Kill() })
	l.waitFor("the window", func() bool {
		_, rest, ok := strings.Cut(l.log(), "url=")
		l.url, _, _ = strings.Cut(rest, "/\n")
		return ok && strings.Contains(rest, "\n")
	})
}

// stop ends the daemon as an orchestrator does.
func (l *life) stop() {
	l.must(l.daemon.Process.Signal(syscall.SIGTERM))
	if err := l.daemon.Wait(); err != nil {
		l.t.Errorf("the daemon ends with %v", err)
	}
}

func (l *life) log() string {
	data, err := os.ReadFile(l.path("log"))
	l.must(err)
	return string(data)
}

func (l *life) waitFor(what string, cond func() bool) {
	l.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !cond() {
		if time.Now().After(deadline) {
			l.t.Fatalf("waited for %s; the log ends with\n%s", what, lastLines(l.log(), 20))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// count counts the commits that took effect.
func (l *life) count() int { return len(commitsOf(l.sim)) }

// rotate exchanges the configuration and the credentials. Every second time the daemon
// meets half a file first, and every second time the old credentials are revoked at
// once.
func (l *life) rotate(n int) {
	l.t.Helper()
	config := l.config(n)
	if n%2 == 0 {
		l.refused("the configuration is refused", func() { l.write("wedatasync.yaml", config[:strings.Index(config, "maxChanges:")]) })
	}
	l.exchange("wedatasync.yaml", config, n)

	old, next := lifeAccount(n-1), lifeAccount(n)
	l.sim.SetAccounts(old, next)
	profile := lifeProfile(n)
	if n%2 == 0 {
		l.refused("the credentials are refused", func() { l.write("credentials", profile[:strings.Index(profile, "secret_key")]) })
	}
	before := l.renewals()
	l.exchange("credentials", profile, n)
	renewed := func() bool { return l.renewals() > before }
	if n/2%2 == 0 {
		l.waitFor("the new credentials", renewed)
		l.sim.SetAccounts(next)
	} else {
		l.revoked.Add(1)
		l.sim.SetAccounts(next)
		l.waitFor("the new credentials after the old ones are revoked", renewed)
	}
	l.waitFor("the configuration", func() bool {
		return strings.Contains(l.log(), fmt.Sprintf("name=guards.maxChanges old=%d new=%d", 100_000+n-1, 100_000+n))
	})
}

// renewals counts how often the daemon took over credentials: because their file
// changed, or because those it had were not accepted, whichever is first.
func (l *life) renewals() int {
	log := l.log()
	return strings.Count(log, "the credentials are reloaded") + strings.Count(log, "the credentials were not accepted, and are new now")
}

// refused does what the daemon has to refuse, and waits until it does.
func (l *life) refused(says string, do func()) {
	l.t.Helper()
	before := strings.Count(l.log(), says)
	do()
	l.waitFor("half a file to be refused", func() bool { return strings.Count(l.log(), says) > before })
}

// exchange writes a file, in place or by a rename.
func (l *life) exchange(name, text string, n int) {
	l.t.Helper()
	if n%3 == 0 {
		l.write(name, text)
		return
	}
	l.write(name+"~", text)
	l.must(os.Rename(l.path(name+"~"), l.path(name)))
}
