package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

var kills = flag.Int("kills", 25, "how often TestP01_Kill kills the daemon")

const killTasks = 40

// TestP01_Kill kills the real binary with SIGKILL, again and again, while it
// commits to the simulated endpoint and the specs change under it. The endpoint's
// own ledger is the judge: no commit twice, none lost, and none whose outcome is
// hidden.
func TestP01_Kill(t *testing.T) {
	t.Parallel()
	k := newKilling(t)
	for i := range *kills {
		k.bump(1 + k.rand.IntN(6))
		k.runAndKill(time.Duration(20+k.rand.IntN(180)) * time.Millisecond)
		if i%50 == 49 {
			t.Logf("%d kills, %d commits", i+1, len(commitsOf(k.sim)))
		}
	}
	k.sim.Clear()
	k.settle()
	k.judge()
}

// killing is a daemon's hard life.
type killing struct {
	t        *testing.T
	sim      *wedatasim.Server
	dir      string
	binary   string
	env      []string
	rand     *rand.Rand
	versions [killTasks]int64
}

func newKilling(t *testing.T) *killing {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	sim := wedatasim.New(wedatasim.Options{Limit: -1, Seed: seed})
	endpoint := httptest.NewServer(sim)
	t.Cleanup(endpoint.Close)
	// Some answers take their time, so that kills fall between a request and its
	// answer as well, and some are lost without a kill.
	sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", Probability: 0.3, Hold: 40 * time.Millisecond})
	sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", Probability: 0.05, Answer: wedatasim.ReplyDrop})
	sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", Probability: 0.05, Effect: wedatasim.EffectNever, Answer: wedatasim.ReplyReset})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "wedatasync")
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "specs"), 0o755); err != nil {
		t.Fatal(err)
	}
	account := wedatasim.DefaultAccount()
	k := &killing{
		t: t, sim: sim, dir: dir, binary: binary,
		rand: rand.New(rand.NewPCG(seed, 0)),
		env: append(os.Environ(),
			"TENCENTCLOUD_SECRET_ID="+account.SecretID, "TENCENTCLOUD_SECRET_KEY="+account.SecretKey,
			"WEDATASYNC_ENDPOINT="+endpoint.URL, "WEDATASYNC_SOURCE=specs", "WEDATASYNC_ACCEPT_HORIZON=200ms", "WEDATASYNC_INTERVAL=100ms", "WEDATASYNC_LISTEN=off",
			"WEDATASYNC_CONFIG="+filepath.Join(dir, "wedatasync.yaml")),
	}
	if err := os.WriteFile(filepath.Join(dir, "wedatasync.yaml"), []byte("guards: {maxChangePercent: 0}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	k.bump(killTasks)
	return k
}

// bump asks for the next version of n tasks, as a merge would: by a rename.
func (k *killing) bump(n int) {
	for _, i := range k.rand.Perm(killTasks)[:n] {
		k.versions[i]++
	}
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	for i, version := range k.versions {
		// One in ten discards its state: that is never repeated without a person.
		commitType, extra := [...]string{"submit", "start", "pause-resume", "resume"}[i%4], ""
		if i%10 == 9 {
			commitType, extra = "restart-discard-state", fmt.Sprintf(", discardState: %d", max(version, 1))
		}
		fmt.Fprintf(&b, "  - {taskId: task-%02d, projectId: \"1\", commitType: %s, instanceVersion: %d%s}\n", i, commitType, max(version, 1), extra)
	}
	path := filepath.Join(k.dir, "specs", "tasks.yaml")
	if err := os.WriteFile(path+"~", []byte(b.String()), 0o644); err != nil {
		k.t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		k.t.Fatal(err)
	}
}

func (k *killing) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, k.binary, args...)
	cmd.Dir, cmd.Env = k.dir, k.env
	return cmd
}

// runAndKill lets the daemon live for a while.
func (k *killing) runAndKill(life time.Duration) {
	ctx, cancel := context.WithTimeout(k.t.Context(), life)
	defer cancel()
	var log strings.Builder
	cmd := k.command(ctx, "run", "--log-level", "error")
	cmd.Stderr = &log
	err := cmd.Run()
	if ctx.Err() == nil {
		k.t.Fatalf("the daemon ended by itself: %v\n%s", err, log.String())
	}
}

// settle runs passes until nothing is left, without faults. What by design waits
// for a person gets the word that the endpoint's ledger proves true.
func (k *killing) settle() {
	for range 3 {
		out, err := k.command(k.t.Context(), "run", "--once", "--log-level", "error").CombinedOutput()
		if err == nil {
			return
		}
		k.t.Logf("pass: %v\n%s", err, lastLines(string(out), 12))
		k.speak()
	}
	out, err := k.command(k.t.Context(), "run", "--once").CombinedOutput()
	if err != nil {
		k.t.Fatalf("the tasks are not in sync after 3 passes without faults: %v\n%s", err, out)
	}
}

// speak is the person who is asked about commits that discard state.
func (k *killing) speak() {
	out, _ := k.command(k.t.Context(), "status", "--json").Output()
	var status statusReport
	if err := json.Unmarshal(out, &status); err != nil {
		k.t.Fatalf("status: %v: %s", err, out)
	}
	for _, o := range status.Open {
		if o.Status == "refused" && o.Code == "NotApplied" {
			if out, err := k.command(k.t.Context(), "retry", o.ProjectID+"/"+o.TaskID).CombinedOutput(); err != nil {
				k.t.Fatalf("retry: %v: %s", err, out)
			}
		}
	}
}

// judge compares the endpoint's ledger with what was asked for.
func (k *killing) judge() {
	applied := map[string]int{}
	for _, e := range k.sim.Ledger() {
		if e.Action == "CommitIntegrationTask" && e.Applied {
			applied[fmt.Sprintf("%s@%d", e.TaskID, e.InstanceVersion)]++
		}
	}
	for commit, n := range applied {
		if n > 1 {
			k.t.Errorf("%s was committed %d times", commit, n)
		}
	}
	for i, version := range k.versions {
		if commit := fmt.Sprintf("task-%02d@%d", i, max(version, 1)); applied[commit] != 1 {
			k.t.Errorf("%s was committed %d times, want once", commit, applied[commit])
		}
	}
	k.t.Logf("%d kills, %d commits, none doubled", *kills, len(applied))
	if out, err := k.command(k.t.Context(), "state", "check").CombinedOutput(); err != nil {
		k.t.Errorf("state check: %v: %s", err, out)
	}
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}
