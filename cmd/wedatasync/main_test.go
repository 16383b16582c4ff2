package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

var update = flag.Bool("update", false, "write the golden parts of the scripts anew")

// storiesAtOnce is how many tests run at once by default: a story mostly waits.
const storiesAtOnce = 6

// TestMain makes this binary the command itself when a script calls it.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(max(storiesAtOnce, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err) // the flag has another name now
	}
	testscript.Main(m, map[string]func(){"wedatasync": main})
}

// TestScripts runs every story in testdata/script. Each has, on loopback, a
// simulated endpoint of its own (SIM), a real git server (GIT) for the bare
// repositories under $WORK/srv, and the credentials in its environment.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sim":     cmdSim,
			"commits": cmdCommits,
			"asked":   cmdAsked,
			"inert":   cmdInert,
			"exits":   cmdExits,
			"until":   cmdUntil,
			"edit":    cmdEdit,
			"get":     cmdGet,
			"ask":     cmdAsk,
			"hash":    cmdHash,
			"heard":   cmdHeard,
			"base":    func(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(args[0], baseOf(ts, args[1])) },
		},
	})
}

type simKey struct{}

func setupScript(env *testscript.Env) error {
	sim := wedatasim.New(wedatasim.Options{})
	endpoint := httptest.NewServer(sim)
	env.Defer(endpoint.Close)
	git, err := gitServer(filepath.Join(env.WorkDir, "srv"))
	if err != nil {
		return err
	}
	env.Defer(git.Close)
	env.Values[simKey{}] = sim
	setupSink(env)
	account := wedatasim.DefaultAccount()
	env.Setenv("SIM", endpoint.URL)
	env.Setenv("GIT", git.URL)
	env.Setenv("TENCENTCLOUD_SECRET_ID", account.SecretID)
	env.Setenv("TENCENTCLOUD_SECRET_KEY", account.SecretKey)
	env.Setenv("WEDATASYNC_ENDPOINT", endpoint.URL)
	env.Setenv("WEDATASYNC_ACCEPT_HORIZON", "1s")
	env.Setenv("WEDATASYNC_INTERVAL", "100ms")
	env.Setenv("WEDATASYNC_LISTEN", config.ListenOff)
	env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
	env.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	env.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	env.Setenv("GIT_AUTHOR_NAME", "Ada")
	env.Setenv("GIT_AUTHOR_EMAIL", "ada@example.com")
	env.Setenv("GIT_COMMITTER_NAME", "Ada")
	env.Setenv("GIT_COMMITTER_EMAIL", "ada@example.com")
	return nil
}

// gitServer serves the repositories under root with git's own HTTP server.
func gitServer(root string) (*httptest.Server, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("find git: %w", err)
	}
	return httptest.NewServer(&cgi.Handler{
		Path:   filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Stderr: io.Discard,
		Env:    []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ada", "GIT_CONFIG_GLOBAL=" + os.DevNull},
	}), nil
}

func simOf(ts *testscript.TestScript) *wedatasim.Server {
	return ts.Value(simKey{}).(*wedatasim.Server)
}

// cmdSim orders the simulated endpoint: sim METHOD PATH [JSON], as under /_sim/.
func cmdSim(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: sim METHOD PATH [JSON]")
	}
	var body bytes.Buffer
	if len(args) == 3 {
		body.WriteString(args[2])
	}
	req, err := http.NewRequestWithContext(context.Background(), args[0], ts.Getenv("SIM")+"/_sim/"+args[1], &body)
	ts.Check(err)
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		ts.Fatalf("sim %s: %s", strings.Join(args, " "), res.Status)
	}
}

// commitsOf lists the commits that took effect, in order, as "task version".
func commitsOf(sim *wedatasim.Server) []string {
	var commits []string
	for _, e := range sim.Ledger() {
		if e.Action == "CommitIntegrationTask" && e.Applied {
			commits = append(commits, e.TaskID)
		}
	}
	return commits
}

// cmdCommits asserts how many commits have taken effect so far: commits N.
func cmdCommits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: commits N")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := commitsOf(simOf(ts)); len(got) != want {
		ts.Fatalf("%d commits took effect, want %d: %s", len(got), want, strings.Join(got, ", "))
	}
}

// cmdAsked asserts how many requests the simulated endpoint has heard: asked N.
func cmdAsked(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] asked N")
	}
	if got := strconv.Itoa(len(simOf(ts).Ledger())); (got == args[0]) == neg {
		ts.Fatalf("the endpoint was asked %s times", got)
	}
}

// runnerCommands is what the runners of GitHub, Azure Pipelines, TeamCity, GitLab and
// Jenkins take for commands; package report has the grammars.
var runnerCommands = regexp.MustCompile(`(?m)^[\s\p{Z}]*::|(?i)##(vso|teamcity)?\[|\x1b\[0Ksection_|\x1b\[8mha:`)

// cmdInert asserts that what the last command has printed has no command for a runner of
// CI, and that it does repeat the text: inert TEXT.
func cmdInert(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: inert TEXT")
	}
	printed := ts.ReadFile("stdout") + "\n" + ts.ReadFile("stderr")
	if found := runnerCommands.FindString(printed); found != "" {
		ts.Fatalf("the output has a command: %q", found)
	}
	if !strings.Contains(printed, args[0]) {
		ts.Fatalf("the output does not have %q", args[0])
	}
}

// cmdExits runs a command and asserts its exit code: exits CODE COMMAND ARG...
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	if code := exitOf(ts, args[1:]); strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s exits with %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// cmdUntil waits for another process: until commits N, until TEXT FILE, or until
// exits CODE COMMAND ARG...
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until commits N, until TEXT FILE, or until exits CODE COMMAND [ARG...]")
	}
	eventually(ts, strings.Join(args, " "), func() (seen string, ok bool) {
		switch args[0] {
		case "commits":
			seen = strconv.Itoa(len(commitsOf(simOf(ts))))
			return seen, seen == args[1]
		case "exits":
			seen = strconv.Itoa(exitOf(ts, args[2:]))
			return seen, seen == args[1]
		default:
			data, _ := os.ReadFile(ts.MkAbs(args[1]))
			return string(data), strings.Contains(string(data), args[0])
		}
	})
}

// eventually fails the script if cond does not hold within 30 s.
func eventually(ts *testscript.TestScript, what string, cond func() (seen string, ok bool)) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		seen, ok := cond()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("after 30 s still not %s, but %s", what, seen)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// exitOf runs a command and returns its exit code.
func exitOf(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// cmdEdit replaces a text in a file, by rename as editors do: edit FILE OLD NEW.
func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	data := ts.ReadFile(args[0])
	if !strings.Contains(data, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(path+"~", []byte(strings.ReplaceAll(data, args[1], args[2])), 0o644))
	ts.Check(os.Rename(path+"~", path))
}

// cmdGet gets a page of the daemon whose log is in a file, until its status is what
// is asked for, and it has the text: get STATUS PATH LOG [TEXT].
func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: get STATUS PATH LOG [TEXT]")
	}
	text := strings.Join(args[3:], "")
	base := baseOf(ts, args[2])
	eventually(ts, strings.Join(args, " "), func() (seen string, ok bool) {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, base+args[1], nil)
		ts.Check(err)
		status, body := answerTo(ts, req)
		return status + ": " + body, strings.HasPrefix(status, args[0]) && strings.Contains(body, text)
	})
}

// cmdHash keeps the hash of the plan in a file in a variable: hash NAME FILE.
func cmdHash(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: hash NAME FILE")
	}
	var plan struct {
		Hash string `json:"plan_hash"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &plan))
	ts.Setenv(args[0], plan.Hash)
}

// cmdAsk makes one request of the daemon whose log is in a file, and asserts its answer:
// ask STATUS METHOD PATH LOG [token=FILE] [host=NAME] [body=JSON] [says=TEXT].
func cmdAsk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: ask STATUS METHOD PATH LOG [token=FILE] [host=NAME] [body=JSON] [says=TEXT]")
	}
	with := map[string]string{}
	for _, arg := range args[4:] {
		name, value, _ := strings.Cut(arg, "=")
		with[name] = value
	}
	req, err := http.NewRequestWithContext(context.Background(), args[1], baseOf(ts, args[3])+args[2], strings.NewReader(with["body"]))
	ts.Check(err)
	req.Host = with["host"]
	req.Header.Set("Content-Type", "application/json")
	if with["token"] != "" {
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(with["token"])))
	}
	if status, body := answerTo(ts, req); !strings.HasPrefix(status, args[0]) || !strings.Contains(body, with["says"]) {
		ts.Fatalf("%s: %s", status, body)
	}
}

// baseOf returns the address of the daemon whose log is in a file.
func baseOf(ts *testscript.TestScript, log string) string {
	_, rest, ok := strings.Cut(ts.ReadFile(log), "url=")
	if !ok {
		ts.Fatalf("%s does not say where the daemon listens", log)
	}
	base, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSuffix(base, "/")
}

// answerTo makes a request.
func answerTo(ts *testscript.TestScript, req *http.Request) (status, body string) {
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	return res.Status, string(data)
}
