package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// TestPages types what the pages show, block after block, in an empty folder. The hosts
// that they name are on this machine: GitHub with this tree, a git server, and a simulated
// WeData. A comment before a block says what to do with it, if it is not run:
//
//	<!-- file: NAME -->        it is the content of the file
//	<!-- background -->        it is one command, which runs until the page ends
//	<!-- not run: REASON -->   it is not run; their number is asserted
func TestPages(t *testing.T) {
	for _, tt := range []struct {
		page   string
		notRun int
		setup  string   // sh
		live   []string // what WeData has: a path under /_sim/ and its JSON
		after  string   // sh: what holds in the end
	}{
		{page: "README.md", after: `wedatasync status --simulate | grep '2 in sync'`},
		{
			page: "docs/getting-started.md", live: liveTasks, setup: `export GIT_TOKEN=t`,
			after: `wedatasync status | grep ' 2 in sync'; wedatasync explain orders | grep 'version 4'`,
		},
		{
			page: "docs/adopting.md", live: liveTasks, setup: `echo t > token`,
			after: `test -z "$(git -C tasks status --porcelain)"`,
		},
		{page: "docs/simulator.md", notRun: 1, setup: `mkdir tasks; printf 'apiVersion: wedatasync/v1\ncommits:\n' > tasks/a.yaml`},
		{page: "docs/releases.md", after: `wedatasync status | grep '2 in sync'`},
		{
			page:  "docs/ci.md",
			setup: `git clone -q https://git.example.com/data/tasks.git . && mkdir tasks && git checkout -q -b release && printf 'apiVersion: wedatasync/v1\ncommits: [{taskId: orders, projectId: "1", commitType: start, instanceVersion: 1}]\n' > tasks/a.yaml && git add tasks && git commit -qm Release`,
		},
	} {
		t.Run(filepath.Base(tt.page), func(t *testing.T) {
			t.Parallel()
			steps, notRun := stepsOf(t, filepath.Join(top, tt.page))
			if notRun != tt.notRun {
				t.Errorf("%d blocks are not run, want %d", notRun, tt.notRun)
			}
			if len(steps) == 0 {
				t.Fatal("no block is run: is the test looking at them?")
			}
			p := newPageWorld(t)
			for i := 0; i < len(tt.live); i += 2 {
				p.order(t, tt.live[i], tt.live[i+1])
			}
			p.run(t, tt.setup, steps, tt.after)
		})
	}
}

var liveTasks = []string{
	"tasks/1486804694126882816/orders", `{"submitted":true,"status":3,"instance_version":3,"name":"orders to the warehouse"}`,
	"tasks/1486804694126882816/nightly", `{"submitted":true,"status":1,"task_type":202,"instance_version":7}`,
}

// step is one block of a page.
type step struct {
	text       string
	file       string // the block is its content
	background bool
}

var directive = regexp.MustCompile(`^<!-- (file|background|not run)(?:: (.+))? -->$`)

// stepsOf reads the blocks of sh, and of files, that a page wants typed.
func stepsOf(t *testing.T, path string) (steps []step, notRun int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var said []string // by the last comment
	var open *step
	var skip bool
	indent := ""
	for line := range strings.Lines(string(data)) {
		bare := strings.TrimSpace(line)
		switch fence, isFence := strings.CutPrefix(bare, "```"); {
		case isFence && open == nil && !skip:
			kind, reason := "", ""
			if said != nil {
				kind, reason = said[1], said[2]
			}
			indent = line[:strings.Index(line, "`")]
			switch {
			case kind == "not run":
				if reason == "" {
					t.Errorf("%s: a block is not run without a reason", path)
				}
				notRun++
				skip = true
			case kind == "file":
				open = &step{file: reason}
			case fence == "sh":
				open = &step{background: kind == "background"}
			default:
				skip = true
			}
			said = nil
		case isFence:
			if open != nil {
				steps = append(steps, *open)
			}
			open, skip = nil, false
		case open != nil:
			open.text += strings.TrimPrefix(line, indent)
		case !skip && bare != "":
			said = directive.FindStringSubmatch(bare)
		}
	}
	return steps, notRun
}

// pageWorld is the hosts that the pages name, and an empty folder.
type pageWorld struct {
	dir, bin, srv string
	sim           *httptest.Server
	env           []string
}

func newPageWorld(t *testing.T) *pageWorld {
	t.Helper()
	home := t.TempDir()
	p := &pageWorld{dir: filepath.Join(home, "page"), bin: filepath.Join(home, "bin"), srv: filepath.Join(home, "srv")}
	for _, dir := range []string{p.dir, p.bin, filepath.Join(p.srv, "data"), filepath.Join(p.srv, "wedatasync")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(p.bin, "wedatasync")); err != nil {
		t.Fatal(err)
	}
	p.sim = httptest.NewServer(wedatasim.New(wedatasim.Options{}))
	t.Cleanup(p.sim.Close)
	git, err := gitServer(p.srv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(git.Close)
	proxy, ca := serveHosts(t, home, git.Config.Handler, p.sim.Config.Handler)
	account := wedatasim.DefaultAccount()
	p.env = append(goEnv(t),
		"HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, ".cache"), "GOBIN="+p.bin, "PATH="+p.bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"HTTPS_PROXY="+proxy, "https_proxy="+proxy, "SSL_CERT_FILE="+ca, "GIT_SSL_CAINFO="+ca, "GIT_TERMINAL_PROMPT=0",
		"TENCENTCLOUD_SECRET_ID="+account.SecretID, "TENCENTCLOUD_SECRET_KEY="+account.SecretKey,
		"WEDATASYNC_INTERVAL=200ms", "WEDATASYNC_LISTEN="+config.ListenOff,
		"GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
	)
	p.shell(t, p.srv, `git config --global init.defaultBranch main
git config --global advice.detachedHead false
git init -q --bare data/tasks.git && git -C data/tasks.git config http.receivepack true
git clone -q data/tasks.git first 2>/dev/null && git -C first commit -q --allow-empty -m First && git -C first push -q origin HEAD:main`)
	return p
}

// goEnv is what go needs to build this tree once more, without a network.
func goEnv(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	v := strings.Fields(string(out))
	return []string{"GOCACHE=" + v[0], "GOMODCACHE=" + v[1], "GOROOT=" + v[2], "GOPROXY=off", "GOFLAGS=-p=2 -buildvcs=false -trimpath", "GOTOOLCHAIN=local"}
}

// serveHosts answers for every host over https by way of a proxy: for WeData's with api, for
// all others with git. It returns the proxy's address, and the file of the authority.
func serveHosts(t *testing.T, home string, git, api http.Handler) (proxy, ca string) {
	t.Helper()
	hosts := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Host, "tencentcloudapi.com") {
			api.ServeHTTP(w, r)
			return
		}
		git.ServeHTTP(w, r)
	}))
	certificate := hostCertificate(t)
	hosts.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	hosts.StartTLS()
	t.Cleanup(hosts.Close)
	connect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server, err := new(net.Dialer).DialContext(r.Context(), "tcp", hosts.Listener.Addr().String())
		if err != nil || r.Method != http.MethodConnect {
			http.Error(w, "CONNECT alone", http.StatusBadGateway)
			return
		}
		client, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(server, client); server.Close() }()
		go func() { _, _ = io.Copy(client, server); client.Close() }()
	}))
	t.Cleanup(connect.Close)
	ca = filepath.Join(home, "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return connect.URL, ca
}

// hostCertificate is for the hosts of the pages, and signs itself.
func hostCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"github.com", "git.example.com", "wedata.tencentcloudapi.com"},
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// order has the simulated WeData do something.
func (p *pageWorld) order(t *testing.T, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, p.sim.URL+"/_sim/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s: %s %s", path, resp.Status, text)
	}
}

// publish puts this tree where the pages clone it from.
func (p *pageWorld) publish(t *testing.T) {
	t.Helper()
	root, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	p.shell(t, p.srv, fmt.Sprintf(`mkdir tree
git -C %[1]q ls-files -z --cached --others --exclude-standard | (cd %[1]q && xargs -0 ls -d 2>/dev/null | tar c --no-recursion -T -) | tar x -C tree
git -C tree init -q && git -C tree add -A && git -C tree commit -qm Tree && git clone -q --bare tree wedatasync/wedatasync && rm -r tree`, root))
}

// run types the steps in one shell, as somebody would.
func (p *pageWorld) run(t *testing.T, setup string, steps []step, after string) {
	t.Helper()
	var script strings.Builder
	script.WriteString("trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + setup + "\n")
	ports := map[string]string{}
	for i, s := range steps {
		if strings.Contains(s.text, "//github.com/") && len(ports) == 0 {
			p.publish(t)
		}
		text := regexp.MustCompile(`\b97\d\d\b`).ReplaceAllStringFunc(s.text, func(port string) string {
			if ports[port] == "" {
				ports[port] = freePort(t)
			}
			return ports[port]
		})
		script.WriteString(fmt.Sprintf("echo '== block %d' >&2\n", i+1))
		switch {
		case s.file != "":
			script.WriteString(fmt.Sprintf("mkdir -p \"$(dirname %[1]s)\"\ncat > %[1]s <<'END OF FILE'\n%[2]sEND OF FILE\n", s.file, text))
		case s.background:
			// One simple command, so that the job's process is the program itself: a shell around
			// it would be killed in its place, and the program go on writing into the folder.
			command := strings.TrimSpace(text)
			if strings.ContainsAny(command, "\n;&|") {
				t.Fatalf("a block in the background is one command, not\n%s", text)
			}
			script.WriteString(fmt.Sprintf("%s > ../block%[2]d.log 2>&1 &\nfor i in $(seq 300); do [ -s ../block%[2]d.log ] && break; sleep 0.1; done; sleep 0.2\n", command, i))
		default:
			script.WriteString(text)
		}
	}
	t.Logf("%s", p.shell(t, p.dir, script.String()+"echo '== after' >&2\n"+after+"\n"))
}

// freePort is one that nothing listens at.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// shell runs a script, which ends with the first command that fails.
func (p *pageWorld) shell(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = dir, p.env
	cmd.WaitDelay = time.Second // what runs in the background may hold its output
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v:\n%s\nof\n%s", err, out.String(), script)
	}
	return out.String()
}
