package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// program is the binary that is measured, built once a run, and upgraded the same as another
// build: all that a binary tells of itself differs.
var (
	program  = sync.OnceValues(func() (string, error) { return build("wedatasync", "") })
	upgraded = sync.OnceValues(func() (string, error) { return build("wedatasync-upgraded", " -buildid=upgraded") })
)

// build builds the program as a release has it, with more flags of the linker.
func build(name, flags string) (string, error) {
	path := filepath.Join(scratch, name)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w"+flags, "-o", path+"-built", "../cmd/wedatasync")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	// Copied as it is installed: what the linker has written is spread over the page
	// cache in so small pieces that a start takes half a millisecond longer.
	data, err := os.ReadFile(path + "-built")
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, data, 0o755)
}

// endpoint is the simulated endpoint, which tells when commits arrive.
type endpoint struct {
	*wedatasim.Server
	url     string
	arrived chan time.Time
}

func startEndpoint(b testing.TB) *endpoint {
	b.Helper()
	e := &endpoint{Server: wedatasim.New(wedatasim.Options{Seed: 1}), arrived: make(chan time.Time, 1<<16)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-TC-Action") == "CommitIntegrationTask" {
			e.arrived <- time.Now()
		}
		e.ServeHTTP(w, r)
	}))
	b.Cleanup(server.Close)
	e.url = server.URL
	return e
}

// home is where a daemon keeps its state and its mirror.
type home struct {
	dir     string
	origin  *origin
	env     []string
	program func() (string, error)
}

// newHome makes an empty home for the repository, whose daemon takes plans that call
// for as many tasks as changed says, and holds others.
func newHome(b testing.TB, o *origin, endpointURL string) *home {
	b.Helper()
	dir, err := os.MkdirTemp(scratch, "home-")
	must(b, err)
	must(b, os.WriteFile(filepath.Join(dir, "wedatasync.yaml"), fmt.Appendf(nil, "guards: {maxChanges: %d, maxChangePercent: 0}\n", changed), 0o600))
	account := wedatasim.DefaultAccount()
	return &home{dir: dir, origin: o, program: program, env: append(gitEnv(),
		"TENCENTCLOUD_SECRET_ID="+account.SecretID, "TENCENTCLOUD_SECRET_KEY="+account.SecretKey,
		"WEDATASYNC_SOURCE="+o.url, "WEDATASYNC_ENDPOINT="+endpointURL, "WEDATASYNC_ACCEPT_HORIZON=5s",
		"WEDATASYNC_INTERVAL=100ms",
		"WEDATASYNC_CONFIG="+filepath.Join(dir, "wedatasync.yaml"), "WEDATASYNC_STATE="+filepath.Join(dir, "wedatasync.db"), "WEDATASYNC_LOG_LEVEL=warn",
	)}
}

func (h *home) command(b testing.TB, args ...string) *exec.Cmd {
	b.Helper()
	binary, err := h.program()
	must(b, err)
	cmd := exec.CommandContext(b.Context(), binary, args...)
	cmd.Dir, cmd.Env = h.dir, h.env
	return cmd
}

// adopt takes the repository's specs as applied.
func (h *home) adopt(b testing.TB) {
	b.Helper()
	run(b, h.command(b, "state", "import", "--from-source"))
}

// daemon is a running program.
type daemon struct {
	cmd   *exec.Cmd
	url   string
	log   bytes.Buffer
	ready time.Duration // from its start to its first plan
}

// start starts a daemon and waits for its first plan, of the repository's newest
// commit.
func (h *home) start(b testing.TB) *daemon {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	addr := l.Addr().String()
	must(b, l.Close())
	d := &daemon{url: "http://" + addr, cmd: h.command(b, "run", "--listen", addr)}
	d.cmd.Stderr = &d.log
	begun := time.Now()
	must(b, d.cmd.Start())
	for d.revision() != h.origin.head {
		if time.Since(begun) > 5*time.Minute {
			d.kill()
			b.Fatalf("the daemon made no plan:\n%s", d.log.String())
		}
		time.Sleep(2 * time.Millisecond)
	}
	d.ready = time.Since(begun)
	return d
}

// revision returns the revision of the daemon's plan, or nothing.
func (d *daemon) revision() string {
	resp, err := http.Get(d.url + "/api/v1/status")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var status struct {
		Revision struct {
			ID string `json:"id"`
		} `json:"revision"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return ""
	}
	return status.Revision.ID
}

// memory returns what the daemon has in memory, and the most it had, in bytes.
func (d *daemon) memory(b testing.TB) (now, peak float64) {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	must(b, err)
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "VmRSS":
			now = kib * 1024
		case "VmHWM":
			peak = kib * 1024
		}
	}
	return now, peak
}

// stop ends the daemon as an upgrade does.
func (d *daemon) stop(b testing.TB) {
	b.Helper()
	must(b, d.cmd.Process.Signal(syscall.SIGTERM))
	if err := d.cmd.Wait(); err != nil {
		b.Fatalf("the daemon ended with %v:\n%s", err, d.log.String())
	}
}

func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
}
