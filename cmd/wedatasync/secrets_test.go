package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/wedatasync/wedatasync/internal/secret"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// TestP32_Secrets plants a secret of its own wherever there can be one, and leads the
// real program through its life: with servers that repeat all they are sent, in every
// form, with configurations that have a secret on the line that is wrong, and with all
// that can fail failing. Nothing that leaves the program, and nothing that it keeps,
// has any of them in any form.
func TestP32_Secrets(t *testing.T) {
	t.Parallel()
	p := plant(t)
	p.wrongSources()
	p.wrongConfigurations()
	p.wrongCredentials()
	p.live()
	p.look()
	p.search()
}

// planted is a world full of secrets, and all that came out of it.
type planted struct {
	t       *testing.T
	dir     string
	env     []string
	secrets map[string]string // by what they are for
	sim     *wedatasim.Server
	git     *httptest.Server
	chats   *httptest.Server
	forge   *httptest.Server

	mu   sync.Mutex
	out  map[string]*bytes.Buffer // what left the program, by where
	kind string                   // how the git server answers
	deaf bool                     // the chats and the forge refuse
}

// canary makes a secret that is like no other text, and differs in every form.
func (p *planted) canary(name, form string) string {
	p.t.Helper()
	text := fmt.Sprintf(form, strings.ReplaceAll(name, " ", "")+"7fQ")
	if _, taken := p.secrets[name]; taken || len(text) < 16 {
		p.t.Fatalf("%s is no canary", name)
	}
	p.secrets[name] = text
	return text
}

func plant(t *testing.T) *planted {
	p := &planted{t: t, dir: t.TempDir(), secrets: map[string]string{}, out: map[string]*bytes.Buffer{}}
	account := wedatasim.Account{
		SecretID: p.canary("secret id", "AKID+%s=&x"), SecretKey: p.canary("secret key", "k3y+%s/=&<y>"), Token: p.canary("token", "t0k3n/+%s=&\"z"),
		UIN: "100000000001",
	}
	p.sim = wedatasim.New(wedatasim.Options{Accounts: []wedatasim.Account{account}})
	endpoint := httptest.NewServer(http.HandlerFunc(p.endpoint))
	t.Cleanup(endpoint.Close)
	git, err := gitServer(p.path("srv"))
	p.must(err)
	t.Cleanup(git.Close)
	p.git = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serveGit(git, w, r) }))
	t.Cleanup(p.git.Close)
	p.chats = httptest.NewServer(http.HandlerFunc(p.serveChat))
	t.Cleanup(p.chats.Close)
	p.forge = httptest.NewServer(http.HandlerFunc(p.serveForge))
	t.Cleanup(p.forge.Close)

	p.write("git-token", p.canary("git token", "g1t/+%s=&:<t>"))
	p.write("git-token-wrong", p.canary("old git token", "0ld/+%s=&:<t>"))
	p.write("hook-secret", p.canary("webhook secret", "h00k+%s/=&<s>")+"\n"+p.canary("old webhook secret", "0ldh00k+%s/=&<s>"))
	p.write("action-token", p.canary("action token", "act10n+%s/=&<s>"))
	p.write("forge-token", p.canary("forge token", "f0rge+%s/=&<s>"))
	var channels []string
	for _, kind := range []string{"wecom", "feishu", "dingtalk", "slack", "webhook"} {
		address := p.chats.URL + "/" + p.canary(kind+" path", "p4th-%s_x") + "?key=" + url.QueryEscape(p.canary(kind+" query", "qu3ry+%s/=&<q>"))
		p.write(kind+"-url", address)
		channel := fmt.Sprintf("{name: %s, kind: %[1]s, urlFile: %[1]s-url", kind)
		if kind != "wecom" && kind != "slack" {
			p.write(kind+"-key", p.canary(kind+" key", "s1gn+%s/=&<of-24-bytes>"))
			channel += fmt.Sprintf(", keyFile: %s-key", kind)
		}
		channels = append(channels, "    - "+channel+"}")
	}
	p.write("wedatasync.yaml", fmt.Sprintf(`source: %s/tasks.git
interval: 200ms
logLevel: debug
gitUsername: ada
gitTokenFile: git-token
githubSecretFile: hook-secret
gitlabSecretFile: hook-secret
giteaSecretFile: hook-secret
actionTokenFile: action-token
guards: {maxChangePercent: 0}
notify:
  link: https://status.example.com/
  forge: {kind: gitea, url: "%s/api/v1", repository: acme/tasks, tokenFile: forge-token}
  channels:
%s
`, p.git.URL, p.forge.URL, strings.Join(channels, "\n")))
	p.write("credentials", fmt.Sprintf("[default]\nsecret_id=%s\nsecret_key=%s\ntoken=%s\n", account.SecretID, account.SecretKey, account.Token))
	p.env = append(os.Environ(),
		"HOME="+p.dir, "TENCENTCLOUD_SECRET_ID=", "TENCENTCLOUD_SECRET_KEY=", "TENCENTCLOUD_TOKEN=", "TENCENTCLOUD_CREDENTIALS_FILE=credentials",
		"WEDATASYNC_ENDPOINT="+endpoint.URL, "WEDATASYNC_ACCEPT_HORIZON=1s", "WEDATASYNC_LISTEN=127.0.0.1:0",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	self, err := os.Executable()
	p.must(err)
	p.must(os.Symlink(self, p.path("wedatasync")))
	p.setUp("git", "init", "-q", "--bare", "-b", "main", "srv/tasks.git")
	p.setUp("git", "init", "-q", "-b", "main", "work")
	return p
}

func (p *planted) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *planted) path(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }

func (p *planted) write(name, text string) {
	p.t.Helper()
	p.must(os.MkdirAll(filepath.Dir(p.path(name)), 0o700))
	p.must(os.WriteFile(p.path(name), []byte(text), 0o600))
}

func (p *planted) setUp(name string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// left notes what left the program.
func (p *planted) left(where string, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out[where] == nil {
		p.out[where] = new(bytes.Buffer)
	}
	p.out[where].Write(data)
}

// try runs a command to its end, however that is.
func (p *planted) try(env []string, args ...string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path("wedatasync"), args...)
	cmd.Dir, cmd.Env = p.dir, append(p.env, env...)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		p.t.Fatalf("%q does not end: %s", args, out)
	}
	p.left(fmt.Sprintf("%.200q", args), fmt.Appendf(out, "\n%v\n", err))
}

// forms is a text as a server can give it back.
func forms(text string) string {
	quoted, _ := json.Marshal(text)
	return strings.Join(append(secret.Forms(text), string(quoted), base64.StdEncoding.EncodeToString([]byte("a:"+text+":b"))), " ")
}

// wrongSources are locations with a password in them, and servers that repeat one.
func (p *planted) wrongSources() {
	password := p.canary("password in a URL", "pa55-%s_x")
	host := strings.TrimPrefix(p.git.URL, "http://")
	for _, source := range []string{
		"https://ada:" + password + "@" + host + "/tasks.git", "http://" + password + "@" + host + "/tasks.git",
		"https://ada:" + password + "@[broken/tasks.git", "ssh://git:" + password + "@" + host + "/tasks.git",
		"git:" + password + "@" + host + ":tasks.git", "https://" + host + "/tasks.git?token=" + password, "ftp://ada:" + password + "@" + host + "/x",
	} {
		p.try([]string{"WEDATASYNC_SOURCE=" + source}, "run", "--state", "wrong.db")
		p.try([]string{"WEDATASYNC_SOURCE=" + source}, append(p.comment(), "--state", "wrong.db")...)
		if *long {
			p.try([]string{"WEDATASYNC_SOURCE=" + source}, "plan", "-o", "json", "--state", "wrong.db")
			p.try([]string{"WEDATASYNC_SOURCE=" + source}, "state", "import", "--from-source", "--state", "wrong.db")
		}
	}
	p.try(nil, "plan", "--git-token-file", "git-token-wrong")
	for _, kind := range []string{"broken", "elsewhere"} {
		p.answerGit(kind)
		p.try(nil, "plan")
	}
	p.answerGit("")
	p.try(nil, "plan", "--endpoint", "https://ada:"+password+"@wedata.example.com")
	p.try(nil, "plan", "--endpoint", "https://wedata.example.com/?token="+password)
	p.try(nil, "plan", "--against", "http://ada:"+password+"@127.0.0.1:9/api/v1/state")
	p.try(nil, "plan", "--against", "http://127.0.0.1:9/api/v1/state?token="+password)
	p.try(nil, "plan", "--against", p.git.URL+"/api/v1/state?token="+password)

	// ssh: a key that needs a passphrase, one that is none, and nobody who listens.
	_, private, err := ed25519.GenerateKey(nil)
	p.must(err)
	passphrase := p.canary("passphrase", "pass+%s/=&<phrase>")
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	p.must(err)
	p.write("key", string(pem.EncodeToMemory(block)))
	p.write("key-broken", "-----BEGIN OPENSSH PRIVATE KEY-----\n"+p.canary("private key", "pr1vate%s0000")+"\n-----END OPENSSH PRIVATE KEY-----\n")
	p.write("passphrase", passphrase)
	p.write("passphrase-wrong", p.canary("wrong passphrase", "wr0ng+%s/=&<phrase>"))
	p.write("known-hosts", p.canary("known hosts", "127.0.0.1 ssh-ed25519 %s/broken")+"\n")
	for _, key := range []string{"key", "key-broken"} {
		for _, phrase := range []string{"passphrase", "passphrase-wrong"} {
			p.try(nil, "plan", "--source", "ssh://git@"+host+"/tasks.git", "--ssh-key-file", key, "--ssh-passphrase-file", phrase, "--known-hosts-file", "known-hosts")
		}
	}
}

// comment is the command line of comment.
func (p *planted) comment() []string {
	return []string{
		"comment", "--forge", "gitea", "--forge-url", p.forge.URL + "/api/v1", "--repository", "acme/tasks", "--pull-request", "7",
		"--forge-token-file", "forge-token",
	}
}

func (p *planted) answerGit(kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kind = kind
}

// wrongConfigurations have a secret on the line that is wrong.
func (p *planted) wrongConfigurations() {
	s := p.canary("secret in a configuration", "c0nf1g%sx0000")
	for _, text := range []string{
		s, s + ": 1", "interval: " + s, "rate: " + s, "simulate: " + s, "logLevel: " + s, "logFormat: " + s, "acceptHorizon: [" + s + "]",
		"endpoint: https://wedata.example.com/" + s, "endpoint: " + s + "://x", "region: '" + s + "!'", "source: 'https://ada:" + s + "@git.example.com/x.git'",
		"rate: *" + s, "rate: &" + s + " *" + s + "x", "rate: !" + s + " 1", "rate: \"" + s + "\\q\"", "rate: '" + s, "a: " + s + ": b", "\t" + s + ": 1", "? " + s, "- " + s,
		"interval: 1s\ninterval: " + s, "guards: " + s, "guards: {" + s + ": 1}", "guards: {maxChanges: " + s + "}", "guards: {allowProjects: " + s + "}",
		"guards: {allowCommitTypes: [" + s + "]}", "guards: {windows: [{name: a, from: " + s + "}]}", "guards: {windows: [{name: a, timezone: " + s + "}]}",
		"guards: {windows: [{name: a, days: [" + s + "]}]}", "guards: {windows: [{name: a, start: " + s + ", end: " + s + "}]}",
		"notify: {link: 'https://ada:" + s + "@example.com'}", "notify: {link: ':" + s + "'}", "notify: {forge: {kind: gitea, url: 'https://ada:" + s + "@example.com', repository: a/b, tokenFile: forge-token}}",
		"notify: {forge: {kind: gitea, url: 'https://example.com/?token=" + s + "', repository: a/b, tokenFile: forge-token}}", "notify: {channels: [{name: ops, kind: slack, url: 'https://hooks.slack.com/" + s + "'}]}",
		"notify: {channels: [{name: ops, kind: slack, urlFile: 'https://hooks.slack.com/" + s + "'}]}", "notify: {channels: " + s + "}", "notify: {channels: [" + s + "]}",
		"notify: {channels: [{name: ops, kind: " + s + ", urlFile: slack-url}]}", "notify: {channels: [{name: ops, kind: slack, urlFile: slack-url, topics: [" + s + "]}]}",
		"notify: {channels: [{name: ops, kind: slack, urlFile: slack-url, template: '{{" + s + "'}]}", "notify: {forge: {kind: " + s + "}}", "notify: {forge: {kind: github, repository: " + s + ", tokenFile: forge-token}}",
	} {
		p.write("wrong.yaml", text)
		p.try(nil, "run", "--once", "--config", "wrong.yaml", "--source", "work", "--state", "wrong.db")
	}
	// A file of secrets that is none.
	p.write("short", "sh0rt")
	p.write("many", strings.Repeat(p.canary("one of many", "m4ny%sx0000")+"\n", 3))
	p.write("noturl", p.canary("no URL", "n0url%s:x0000 ://"))
	for _, flag := range []string{"--github-secret-file", "--action-token-file"} {
		p.try(nil, "run", "--config", "none.yaml", "--source", "work", "--state", "wrong.db", flag, "many")
		p.try(nil, "run", "--config", "none.yaml", "--source", "work", "--state", "wrong.db", flag, "short")
	}
	p.write("wrong.yaml", "notify: {channels: [{name: ops, kind: slack, urlFile: noturl}]}")
	p.try(nil, "run", "--once", "--config", "wrong.yaml", "--source", "work", "--state", "wrong.db")
}

// wrongCredentials cannot be used, or are not accepted.
func (p *planted) wrongCredentials() {
	p.write("work/tasks.yaml", "apiVersion: wedatasync/v1\ncommits:\n  - {taskId: a, projectId: \"1\", commitType: start, instanceVersion: 1}\n")
	s := p.canary("wrong credentials", "wr0ngcred+%s/=x")
	for _, text := range []string{s, "[default]\nsecret_id=" + s, "[default]\nsecret_id=" + s + "\nsecret_key=a b " + s, "[default]\nsecret_id=" + s + "\nsecret_key=" + s + "\ntoken=" + s} {
		p.write("wrong-credentials", text)
		p.try([]string{"TENCENTCLOUD_CREDENTIALS_FILE=wrong-credentials"}, "run", "--once", "--source", "work", "--state", "wrong.db", "--log-level", "debug")
	}
	p.try([]string{"TENCENTCLOUD_SECRET_ID=" + s, "TENCENTCLOUD_SECRET_KEY=" + s + "\u00e9"}, "run", "--once", "--source", "work", "--state", "wrong.db")
	p.try([]string{"WEDATASYNC_ENDPOINT=http://127.0.0.1:9"}, "run", "--once", "--source", "work", "--state", "unreachable.db", "--log-level", "debug")
}

// push publishes specs whose extConfig has secrets, and files that are wrong on the
// line of one.
func (p *planted) push(version int) {
	p.t.Helper()
	value := p.secrets["extConfig value"]
	quoted, err := json.Marshal(value)
	p.must(err)
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	for _, task := range []string{"applied", "refused", "locked", "unknown", "redirected", "odd"} {
		fmt.Fprintf(&b, "  - {taskId: %s, projectId: \"1\", commitType: start, instanceVersion: %d, extConfig: {password: %s}}\n", task, version, quoted)
	}
	p.write("work/tasks.yaml", b.String())
	const head = "apiVersion: wedatasync/v1\ncommits:\n  - {taskId: %s, projectId: \"1\", commitType: start, instanceVersion: 1, extConfig: %s}\n"
	for name, config := range map[string]string{
		"twice": "{p: %[1]s, p: %[1]s}", "list": "[{name: p, value: %[1]s, oops: 1}]", "scalar": "%[1]s", "nested": "{p: {q: %[1]s}}", "sequence": "{p: [%[1]s]}",
		"tag": "{p: !!str %[1]s}", "open": "{p: %[1]s", "quote": "{p: '%[1]s}", "escape": "{p: \"\\q\" %[1]s}", "colon": "{p: %[1]s: %[1]s}", "long": "{p: %[2]s%[1]s}",
		"alias": "{p: *%[3]s}", "anchor": "{p: &%[3]s x}", "tagged": "{p: !%[3]s x}", "item": "[%[3]s]", "null": "[{name: p, value: , x: %[3]s}]", "key": "{p: {%[3]s}}", "block": "{p: |%[3]s}", "control": "{p: \"%[3]s\\x07\"}",
	} {
		p.write("work/"+name+".yaml", fmt.Sprintf(head, name, fmt.Sprintf(config, quoted, strings.Repeat("x", 4096), p.secrets["plain extConfig value"])))
	}
	p.setUp("git", "-C", "work", "add", ".")
	p.setUp("git", "-C", "work", "commit", "-q", "-m", fmt.Sprint("Version ", version))
	p.setUp("git", "-C", "work", "push", "-q", "../srv/tasks.git", "main")
}

// live runs the daemon through trouble of every kind.
func (p *planted) live() {
	p.canary("extConfig value", "3xt/+%s=&\"<v>")
	p.canary("plain extConfig value", "3xt%s0000")
	p.push(1)
	p.deaf = true
	log, err := os.Create(p.path("log"))
	p.must(err)
	defer log.Close()
	cmd := exec.Command(p.path("wedatasync"), "run")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, log, log
	p.must(cmd.Start())
	defer func() { _ = cmd.Process.Kill() }()
	var base string
	p.until("url=", 1)
	_, rest, _ := strings.Cut(p.log(), "url=")
	base, _, _ = strings.Cut(rest, "/\n")
	p.until("could not notify", 6) // five chats and the forge
	p.visit(base)

	p.mu.Lock()
	p.deaf = false
	p.mu.Unlock()
	p.push(2)
	p.until("task=1/applied commit_type=start instance_version=2 outcome=applied", 1)
	for _, kind := range []string{"broken", "elsewhere"} {
		p.answerGit(kind)
		p.until("msg=poll error", strings.Count(p.log(), "msg=poll error")+1)
		p.visit(base)
	}
	p.answerGit("")

	good, err := os.ReadFile(p.path("wedatasync.yaml"))
	p.must(err)
	for _, line := range []string{"interval: ", "source: https://ada:", "gitTokenFile: '", "notify: {link: "} {
		p.reload("wedatasync.yaml", line+p.secrets["secret in a configuration"]+"\n", "the configuration is refused")
		p.visit(base)
	}
	p.reload("wedatasync.yaml", string(good), "the configuration is as before")
	credentials, err := os.ReadFile(p.path("credentials"))
	p.must(err)
	p.reload("credentials", "[default]\nsecret_id="+p.secrets["wrong credentials"]+"\n", "the credentials are refused")
	p.visit(base)
	wrong := p.secrets["wrong credentials"]
	p.reload("credentials", fmt.Sprintf("[default]\nsecret_id=%s\nsecret_key=%[1]s\ntoken=%[1]s\n", wrong), "the credentials are reloaded")
	p.push(3)
	p.until("sending paused", 1)
	p.visit(base)
	p.reload("credentials", string(credentials), "the credentials are reloaded")
	p.until("task=1/applied commit_type=start instance_version=3 outcome=applied", 1)
	p.visit(base)
	p.commands()

	// What a crash would show.
	p.must(cmd.Process.Signal(syscall.SIGQUIT))
	_ = cmd.Wait()
	if !strings.Contains(p.log(), "goroutine ") {
		p.t.Error("SIGQUIT shows no goroutines")
	}
	p.left("the log", []byte(p.log()))
}

func (p *planted) log() string {
	data, err := os.ReadFile(p.path("log"))
	p.must(err)
	return string(data)
}

// until waits until the log says something so often.
func (p *planted) until(text string, times int) {
	p.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for strings.Count(p.log(), text) < times {
		if time.Now().After(deadline) {
			p.t.Fatalf("the log does not say %q %d times:\n%s", text, times, lastLines(p.log(), 40))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// reload writes a file, and waits for what the daemon says of it.
func (p *planted) reload(name, text, says string) {
	p.t.Helper()
	before := strings.Count(p.log(), says)
	p.write(name+"~", text)
	p.must(os.Rename(p.path(name+"~"), p.path(name)))
	p.until(says, before+1)
}

// visit asks the window for everything it has, and gives it secrets, right and wrong.
func (p *planted) visit(base string) {
	ask := func(method, path, body string, header ...string) {
		req, err := http.NewRequestWithContext(p.t.Context(), method, base+path, strings.NewReader(body))
		p.must(err)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		p.must(err)
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		p.must(err)
		p.left(method+" "+path, fmt.Appendf(data, "\n%v\n", res.Header))
	}
	for _, path := range []string{
		"/", "/tasks", "/task/1/refused", "/task/1/unknown", "/task/1/applied", "/task/1/odd", "/history", "/readyz", "/healthz", "/metrics",
		"/api/v1/status", "/api/v1/plan", "/api/v1/state", "/api/v1/history", "/nothing",
	} {
		ask(http.MethodGet, path, "")
	}
	for _, name := range []string{"action token", "webhook secret", "git token"} {
		ask(http.MethodPost, "/api/v1/words", `{"verb":"retry","target":"nothing"}`, "Authorization", "Bearer "+p.secrets[name], "Content-Type", "application/json")
		ask(http.MethodPost, "/webhook/gitlab", "{}", "X-Gitlab-Token", p.secrets[name])
		ask(http.MethodPost, "/webhook/github", "{}", "X-Hub-Signature-256", p.secrets[name])
	}
}

// commands says what people say beside a daemon.
func (p *planted) commands() {
	for _, args := range [][]string{
		{"status"},
		{"status", "--json"},
		{"history"},
		{"explain", "refused"},
		{"explain", "unknown"},
		{"explain", "odd"},
		{"state", "export"},
		{"state", "check"},
		{"plan"},
		{"plan", "-o", "json"},
		{"plan", "-o", "markdown"},
		{"plan", "-o", "github"},
		{"plan", "-o", "gitlab"},
		{"plan", "--against", "live", "--log-level", "debug"},
		{"plan", "--state", "none.db"},
		{"plan", "--state", "none.db", "-o", "markdown"},
		{"plan", "--state", "none.db", "-o", "json"},
		{"validate", "work"},
		{"validate", "work", "-o", "json"},
		{"validate", "work", "-o", "markdown"},
		{"validate", "work", "-o", "github"},
		{"validate", "work", "-o", "gitlab"},
		append(p.comment(), "--state", "none.db"),
		{"retry", "refused"},
		{"resolve", "odd", "not-applied"},
		{"approve", "0123456789"},
	} {
		p.try(nil, args...)
	}
}
