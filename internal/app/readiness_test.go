package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/app"
	"github.com/wedatasync/wedatasync/internal/command"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/reconcile/calendar"
	"github.com/wedatasync/wedatasync/state"
)

// TestReadinessOfFaults brings faults about under a daemon that runs, and reads what
// /readyz makes of each: the reason why action is required, or that nobody is. It may
// take two intervals, which are an hour each here, but for a repository, which nobody
// watches. Faults that cannot be brought about so are in the table of package serve.
func TestReadinessOfFaults(t *testing.T) {
	commits := func(code string) func(*trial) {
		return func(d *trial) {
			d.sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", Code: code, Message: "it is so"})
			d.write("tasks.yaml", specs(2, 1, 1))
		}
	}
	for _, tt := range []struct {
		name string
		set  func(*trial) // before the start; nil: nothing
		then func(*trial) // once the tasks are in sync; nil: nothing, and they need not be
		seen string       // in /api/v1/status, when the fault has had its effect
		want string       // in /readyz
	}{
		{name: "the credentials are revoked", then: commits("AuthFailure.SecretIdNotFound"), want: "credentials: "},
		{name: "the clock is off", then: commits("AuthFailure.SignatureExpire"), want: "credentials: "},
		{name: "a permission is taken away", then: commits("UnauthorizedOperation"), want: "credentials: "},
		{name: "the certificate is not trusted", set: func(d *trial) {
			tls := httptest.NewUnstartedServer(d.sim)
			tls.Config.ErrorLog = log.New(io.Discard, "", 0)
			tls.StartTLS()
			d.Cleanup(tls.Close)
			d.settings.Endpoint = tls.URL
		}, want: "credentials: "},
		{name: "the task was deleted in the console", then: commits("ResourceNotFound"), want: "refused: "},
		{name: "the version does not exist", then: commits("InvalidParameterValue"), want: "refused: "},
		{name: "the operation is denied", then: commits("OperationDenied"), want: "refused: "},
		{name: "an answer is lost, and reading is not permitted", then: func(d *trial) {
			d.sim.Inject(wedatasim.Fault{Action: "DescribeIntegrationTask", Code: "UnauthorizedOperation"})
			d.sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", Times: 1, Answer: wedatasim.ReplyDrop})
			d.write("tasks.yaml", specs(2, 1, 1))
		}, want: "unknown: "},
		{name: "more changes than a guard allows", set: func(d *trial) { d.settings.Guards.MaxChanges = 3 }, then: func(d *trial) {
			d.write("tasks.yaml", specs(2, 2, 2, 1))
		}, want: "wedatasync approve sha256:"},
		{name: "all specs are gone", then: func(d *trial) { d.remove("tasks.yaml") }, want: "guard: empty"},
		{name: "the history was rewritten", set: func(d *trial) { d.useGit() }, then: func(d *trial) {
			d.write("tasks.yaml", specs(2, 1, 1))
			d.git("commit -q -a --amend -m 'Something else'")
		}, want: "guard: rewritten"},
		{name: "a file is no YAML", then: func(d *trial) { d.write("broken.yaml", "apiVersion: [\n") }, want: "specs: 1 error: broken.yaml:"},
		{name: "a task is named twice", then: func(d *trial) { d.write("twice.yaml", specs(1)) }, want: "specs: "},
		{name: "a spec is a link", then: func(d *trial) {
			if err := os.Symlink("/etc/passwd", filepath.Join(d.source, "link.yaml")); err != nil {
				d.Fatal(err)
			}
		}, want: "specs: 1 error: link.yaml"},
		{name: "the source is gone", set: func(d *trial) { d.useGit() }, then: func(d *trial) { d.removeAll(".git") }, want: "source: "},

		{name: "a lock", then: func(d *trial) {
			d.sim.Lock("1", "task-0", "100028625403")
			d.write("tasks.yaml", specs(2, 1, 1))
		}, seen: `"locked":1`},
		{name: "a resource in use", then: commits("ResourceInUse"), seen: `"waiting":1`},
		{name: "another program uses up the limit", then: commits("RequestLimitExceeded"), seen: `"RequestLimitExceeded"`},
		{name: "the endpoint is gone", then: func(d *trial) {
			d.endpoint.Close()
			d.write("tasks.yaml", specs(2, 1, 1))
		}, seen: `"code":"NoConnection"`},
		{name: "an answer is lost, and the service cannot be read for a while", then: func(d *trial) {
			d.sim.Inject(wedatasim.Fault{Action: "DescribeIntegrationTask", Skip: 1, Code: "InternalError"})
			d.sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", Times: 1, Answer: wedatasim.ReplyDrop})
			d.write("tasks.yaml", specs(2, 1, 1))
		}, seen: `"unknown":1`},
		{name: "a freeze window", set: func(d *trial) {
			now := time.Now()
			d.settings.Guards.Windows = []calendar.Window{{Name: "now", Start: now.Add(-time.Hour), End: now.Add(time.Hour), Location: time.UTC}}
		}, seen: `"window":3`},
		{name: "everything is suspended", then: func(d *trial) {
			if _, err := command.Enqueue(d.Context(), d.settings, state.Command{At: time.Now(), Actor: "grace", Verb: state.VerbSuspend, Arg: "an incident"}); err != nil {
				d.Fatal(err)
			}
		}, seen: `"reason":"an incident"`},
		{name: "a long first pass", set: func(d *trial) {
			d.sim.Inject(wedatasim.Fault{Action: "CommitIntegrationTask", Hold: 5 * time.Second})
		}, seen: `"calls":3,"done":0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newTrial(t)
			if tt.set != nil {
				tt.set(d)
			}
			d.start()
			if tt.then != nil {
				d.until("/api/v1/status", `"in_sync":true`)
				if got := d.get("/readyz"); got != "ready\n" {
					t.Fatalf("before the fault: %s", got)
				}
				tt.then(d)
			}
			if tt.want != "" {
				d.until("/readyz", tt.want)
				return
			}
			d.until("/api/v1/status", tt.seen)
			if got := d.get("/readyz"); got != "ready\n" {
				t.Errorf("somebody is needed: %s", got)
			}
		})
	}
}

// trial is a daemon with three tasks, and what is around it.
type trial struct {
	*testing.T
	sim      *wedatasim.Server
	endpoint *httptest.Server
	source   string // its folder
	settings config.Settings
	env      parts.Env
	log      *journal
	url      string
}

func newTrial(t *testing.T) *trial {
	t.Helper()
	d := &trial{T: t, log: &journal{grown: make(chan struct{}, 1)}}
	d.sim, d.settings, d.env = simulated(t, 0)
	d.endpoint = httptest.NewServer(d.sim)
	t.Cleanup(d.endpoint.Close)
	d.source = d.settings.Source
	d.settings.Endpoint, d.settings.Listen = d.endpoint.URL, "127.0.0.1:0"
	d.settings.Interval, d.settings.AcceptHorizon = time.Hour, time.Second
	d.env.Daemon, d.env.Quiet, d.env.Log = true, false, d.log
	d.write("tasks.yaml", specs(1, 1, 1))
	return d
}

// specs are tasks at these versions.
func specs(versions ...int) string {
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	for i, v := range versions {
		fmt.Fprintf(&b, "  - {taskId: task-%d, projectId: \"1\", commitType: resume, instanceVersion: %d}\n", i, v)
	}
	return b.String()
}

// write writes a file of the source, as a whole or not at all.
func (d *trial) write(name, text string) {
	d.Helper()
	path := filepath.Join(d.source, name)
	if err := os.WriteFile(path+"~", []byte(text), 0o644); err != nil {
		d.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		d.Fatal(err)
	}
}

func (d *trial) remove(name string) {
	d.Helper()
	if err := os.Remove(filepath.Join(d.source, name)); err != nil {
		d.Fatal(err)
	}
}

func (d *trial) removeAll(name string) {
	d.Helper()
	if err := os.RemoveAll(filepath.Join(d.source, name)); err != nil {
		d.Fatal(err)
	}
}

// useGit makes the folder a repository, and the daemon read that.
func (d *trial) useGit() {
	d.Helper()
	d.git("init -q -b main && git add -A && git commit -q -m 'Add the streams'")
	d.settings.Source, d.settings.Interval = "file://"+d.source, 200*time.Millisecond
}

func (d *trial) git(line string) {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), "sh", "-c", "git "+line)
	cmd.Dir = d.source
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		d.Fatalf("git %s: %v\n%s", line, err, out)
	}
}

// start runs the daemon until the test ends.
func (d *trial) start() {
	d.Helper()
	a, err := app.New(d.Context(), d.settings, d.env, nil)
	if err != nil {
		d.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	d.Cleanup(func() {
		cancel()
		<-ended // its last calls may be held up
		if err := a.Close(); err != nil {
			d.Error(err)
		}
		if d.Failed() {
			d.Logf("the log:\n%s", d.log)
		}
	})
	for {
		if _, rest, ok := strings.Cut(d.log.String(), "url="); ok && strings.Contains(rest, "\n") {
			d.url, _, _ = strings.Cut(rest, "/\n")
			return
		}
		<-d.log.grown
	}
}

func (d *trial) get(path string) string {
	d.Helper()
	resp, err := http.Get(d.url + path)
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	return string(body)
}

// until waits until a path says it.
func (d *trial) until(path, want string) {
	d.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(d.get(path), want); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.Fatalf("%s does not say %q:\n%s\n%s", path, want, d.get(path), d.get("/api/v1/status"))
		}
	}
}

// journal is what a daemon logs.
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
