package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/internal/explain"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// TestOneTruth lives situations with a real daemon, a simulated WeData and a forge, and asks
// everything that tells of it: the command status, /readyz, the log, the metrics, the API, the
// status page and the commit status. They agree, and nothing in the log repeats.
func TestOneTruth(t *testing.T) {
	all := slices.Concat(releases(), holds(), guarded(), broken(), consoles())
	if len(all) < 30 {
		t.Fatalf("%d situations, and 30 were promised", len(all))
	}
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.play(t)
		})
	}
}

// situation is something that happens to a daemon with three tasks in sync.
type situation struct {
	name   string
	config string       // lines of its configuration
	live   bool         // the tasks are live before, and imported
	then   func(*lived) // once all three are in sync; nil: nothing happens
	want   truth
}

// truth is what everything has to say.
type truth struct {
	states map[explain.State]int
	action bool   // is required
	guard  string // that holds the plan
	file   string // of the first error in specs, with its line
	exit   int    // of status
	away   bool   // what requires action is not about the revision: no commit status tells it
}

// play brings the situation about, and waits until everything tells it.
func (s *situation) play(t *testing.T) {
	l := newLived(t, s.config)
	l.commit("tasks.yaml", tasks(1, 1, 1))
	if s.live {
		for i := range 3 {
			l.goLive(fmt.Sprintf("task-%d", i))
		}
		l.act("import")
	}
	l.run()
	if s.then != nil {
		l.until(truth{states: count(explain.InSync, 3)})
		s.then(l)
	}
	l.until(s.want)
	lines := strings.Count(l.log.String(), "\n")
	time.Sleep(4 * pollEvery)
	if text := l.log.String(); strings.Count(text, "\n") != lines && !s.restless() {
		t.Errorf("the log says more while nothing happens:\n%s", text)
	}
}

// restless reports whether calls and reads go on in the situation, each with a line of its own.
func (s *situation) restless() bool {
	for _, of := range []explain.State{explain.Unknown, explain.Waiting, explain.Paused} {
		if s.want.states[of] > 0 {
			return true
		}
	}
	return false
}

// count pairs states with numbers of tasks.
func count(pairs ...any) map[explain.State]int {
	counts := map[explain.State]int{}
	for i := 0; i < len(pairs); i += 2 {
		counts[pairs[i].(explain.State)] = pairs[i+1].(int)
	}
	return counts
}

// tasks are specs of tasks at these versions.
func tasks(versions ...int) string {
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	for i, v := range versions {
		fmt.Fprintf(&b, "  - {taskId: task-%d, projectId: \"1\", commitType: resume, instanceVersion: %d}\n", i, v)
	}
	return b.String()
}

const pollEvery = 200 * time.Millisecond

// lived is a daemon and what is around it.
type lived struct {
	*testing.T
	sim    *wedatasim.Server
	dir    string
	end    *httptest.Server // the endpoint
	log    shared
	url    string
	mu     sync.Mutex
	status map[string]map[string]string // of commits, the newest
}

// shared is text that one goroutine writes and others read.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func newLived(t *testing.T, config string) *lived {
	t.Helper()
	l := &lived{T: t, dir: t.TempDir(), status: map[string]map[string]string{}}
	l.sim = wedatasim.New(wedatasim.Options{})
	l.end = httptest.NewServer(l.sim)
	t.Cleanup(l.end.Close)
	forge := httptest.NewServer(http.HandlerFunc(l.forge))
	t.Cleanup(forge.Close)
	if err := os.Mkdir(l.work(), 0o755); err != nil {
		t.Fatal(err)
	}
	l.git("init", "-q", "-b", "main")
	l.write("token", "s3cr3t-token-of-the-forge")
	l.write("wedatasync.yaml", fmt.Sprintf(`source: file://%s
state: %s
endpoint: %s
interval: %v
acceptHorizon: 1s
listen: 127.0.0.1:0
notify:
  forge: {kind: github, url: %s, repository: acme/tasks, tokenFile: %s}
%s`, l.work(), filepath.Join(l.dir, "state", "wedatasync.db"), l.end.URL, pollEvery, forge.URL, filepath.Join(l.dir, "token"), config))
	if err := os.Mkdir(filepath.Join(l.dir, "state"), 0o755); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lived) work() string { return filepath.Join(l.dir, "work") }

// forge keeps the newest status of each commit.
func (l *lived) forge(w http.ResponseWriter, r *http.Request) {
	var s map[string]string
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&s) != nil {
		http.NotFound(w, r)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status[path.Base(r.URL.Path)] = s
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, "{}")
}

func (l *lived) write(name, text string) {
	l.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		l.Fatal(err)
	}
}

func (l *lived) git(args ...string) string {
	l.Helper()
	cmd := exec.CommandContext(l.Context(), "git", append([]string{"-C", l.work()}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit commits a file; empty text removes it.
func (l *lived) commit(name, text string) {
	l.Helper()
	if text == "" {
		l.git("rm", "-q", name)
	} else {
		l.write(filepath.Join("work", name), text)
		l.git("add", "-A")
	}
	l.git("commit", "-q", "-m", "Change "+name)
}

// fault has the endpoint meet commits with it.
func (l *lived) fault(f wedatasim.Fault) {
	if f.Action == "" {
		f.Action = "CommitIntegrationTask"
	}
	l.sim.Inject(f)
}

// command runs the program, and returns what it prints, and its exit code.
func (l *lived) command(args ...string) (string, int) {
	var out bytes.Buffer
	code := execute(context.Background(), append(args, "--config", filepath.Join(l.dir, "wedatasync.yaml")), l.io(&out, &out))
	return out.String(), code
}

func (l *lived) io(out, log io.Writer) stdio {
	account := wedatasim.DefaultAccount()
	vars := map[string]string{"TENCENTCLOUD_SECRET_ID": account.SecretID, "TENCENTCLOUD_SECRET_KEY": account.SecretKey, "USER": "ada"}
	return stdio{
		in: strings.NewReader(""), out: out, err: log, getenv: func(name string) string { return vars[name] },
		hangup: func() <-chan os.Signal { return nil },
	}
}

// run runs the daemon until the test ends.
func (l *lived) run() {
	l.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{"run", "--config", filepath.Join(l.dir, "wedatasync.yaml")}, l.io(io.Discard, &l.log))
	}()
	l.Cleanup(func() {
		cancel()
		<-ended
	})
	address := regexp.MustCompile(`url=(http://[0-9.:]+)/`)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if found := address.FindStringSubmatch(l.log.String()); found != nil {
			l.url = found[1]
			return
		}
		if time.Now().After(deadline) {
			l.Fatalf("the daemon does not start:\n%s", l.log.String())
		}
	}
}

// logs waits until the daemon logs a message.
func (l *lived) logs(message string) {
	l.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(l.log.String(), message); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			l.Fatalf("the log never says %q:\n%s", message, l.log.String())
		}
	}
}

// until waits until everything tells the truth.
func (l *lived) until(want truth) {
	l.Helper()
	var told []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if told = l.lies(want); len(told) == 0 {
			return
		}
	}
	l.Fatalf("not everything agrees:\n%s\nthe log:\n%s", strings.Join(told, "\n"), l.log.String())
}

// lies lists what does not tell the truth.
func (l *lived) lies(want truth) (lies []string) {
	phrase := explain.Counts(func(s explain.State) int { return want.states[s] })
	says := func(who, text string, whats ...string) {
		for _, what := range whats {
			if what != "" && !strings.Contains(text, what) {
				lies = append(lies, fmt.Sprintf("%s does not say %q: %s", who, what, text))
			}
		}
	}
	differs := func(who string, got, want any) {
		if diff := cmp.Diff(want, got); diff != "" {
			lies = append(lies, fmt.Sprintf("%s (-want +got):\n%s", who, diff))
		}
	}

	states, ready := l.api()
	differs("the API's states", states, want.states)
	differs("the API's readiness", ready, !want.action)

	metrics := l.get("/metrics")
	differs("the metrics' states", statesOf(metrics), want.states)
	says("the metrics", metrics, fmt.Sprintf("\nwedatasync_ready %d\n", map[bool]int{true: 0, false: 1}[want.action]))
	if want.guard != "" {
		says("the metrics", metrics, fmt.Sprintf("wedatasync_guard_holds{guard=%q} 1", want.guard))
	}

	probe := l.get("/readyz")
	differs("the probe", strings.HasPrefix(probe, "ready\n"), !want.action)
	says("the probe", probe, want.guard, want.file)

	text, exit := l.command("status")
	differs("the exit code of status", exit, want.exit)
	says("status", text, "Daemon    running, pid ", "\nTasks     "+phrase+"\n", want.guard, want.file)
	differs("the action that status requires", !strings.Contains(text, "\nAction    none required\n"), want.action)

	page := l.get("/")
	differs("the headline of the page", strings.Contains(page, "<h1>Action required</h1>"), want.action)
	says("the page", page, want.guard, want.file)
	for st, n := range want.states {
		says("the page", page, fmt.Sprintf("<strong>%d</strong> %s", n, st.Info().Label))
	}

	l.lieOfLog(want, phrase, says, differs)
	if !want.away {
		l.lieOfForge(want, phrase, says, differs)
	}
	return lies
}

// lieOfLog checks the story that the log tells.
func (l *lived) lieOfLog(want truth, phrase string, says func(who, text string, whats ...string), differs func(who string, got, want any)) {
	open, pass := map[string]string{}, ""
	for line := range strings.Lines(l.log.String()) {
		reason := regexp.MustCompile(` reason=(\S+)`).FindStringSubmatch(line)
		switch {
		case strings.Contains(line, `msg="pass finished"`):
			pass = line
		case strings.Contains(line, `msg="action required"`):
			open[reason[1]] = line
		case strings.Contains(line, `msg="action no longer required"`):
			delete(open, reason[1])
		}
	}
	says("the last pass in the log", pass, fmt.Sprintf("tasks=%q", phrase))
	differs("the action that the log requires", len(open) > 0, want.action)
	if want.guard != "" {
		says("the log", open[string(explain.ReasonGuard)], want.guard, "wedatasync approve sha256:")
	}
	if want.file != "" {
		says("the log", open[string(explain.ReasonSpecs)], want.file)
	}
}

// lieOfForge checks the status of the newest commit.
func (l *lived) lieOfForge(want truth, phrase string, says func(who, text string, whats ...string), differs func(who string, got, want any)) {
	l.mu.Lock()
	s := l.status[l.git("rev-parse", "HEAD")]
	l.mu.Unlock()
	says("the commit status", s["description"], phrase, want.guard, want.file)
	differs("the action that the commit status requires", strings.HasPrefix(s["description"], "action required: "), want.action)
	if !want.action {
		differs("the state of the commit status", s["state"] != "failure", true)
	}
}

func (l *lived) get(path string) string {
	l.Helper()
	resp, err := http.Get(l.url + path)
	if err != nil {
		l.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		l.Fatal(err)
	}
	return string(body)
}

// api returns how many tasks are in which state, and whether the daemon is ready.
func (l *lived) api() (map[explain.State]int, bool) {
	l.Helper()
	var s struct {
		Ready bool `json:"ready"`
		Plan  *struct {
			States map[explain.State]int `json:"states"`
		} `json:"plan"`
	}
	if err := json.Unmarshal([]byte(l.get("/api/v1/status")), &s); err != nil {
		l.Fatal(err)
	}
	if s.Plan == nil {
		return nil, s.Ready
	}
	maps.DeleteFunc(s.Plan.States, func(_ explain.State, n int) bool { return n == 0 })
	return s.Plan.States, s.Ready
}

// statesOf returns how many tasks the metrics count in each state.
func statesOf(metrics string) map[explain.State]int {
	states := map[explain.State]int{}
	for _, m := range regexp.MustCompile(`wedatasync_tasks\{[^}]*state="([a-z-]+)"\} (\d+)`).FindAllStringSubmatch(metrics, -1) {
		if n, _ := strconv.Atoi(m[2]); n > 0 {
			states[explain.State(m[1])] = n
		}
	}
	return states
}
