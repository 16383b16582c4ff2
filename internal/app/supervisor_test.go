package app

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/reconcile/plan"
	"github.com/wedatasync/wedatasync/spec"
	"github.com/wedatasync/wedatasync/state"
)

// TestSupervisor_Socket: a daemon that systemd starts says over its socket when it is
// ready, that it lives, how it stands, and when it is about to end.
func TestSupervisor_Socket(t *testing.T) {
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	specs := "apiVersion: wedatasync/v1\ncommits:\n  - {taskId: orders, projectId: \"1\", commitType: start, instanceVersion: 1}\n"
	if err := os.WriteFile(filepath.Join(dir, "tasks.yaml"), []byte(specs), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{
		envNotifySocket: filepath.Join(dir, "notify"), envWatchdog: "30000", envWatchdogPID: strconv.Itoa(os.Getpid()),
	}
	s := config.Defaults()
	s.Source, s.Simulate, s.Listen, s.Interval = dir, true, config.ListenOff, 100*time.Millisecond
	a, err := New(t.Context(), s, parts.Env{Getenv: func(name string) string { return vars[name] }, Log: t.Output(), Quiet: true, Daemon: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()

	told := listen(t, socket)
	// Each is awaited, and what comes in between is not: pings come all the time.
	for _, want := range []string{"STATUS=reading the source for the first time", "READY=1", "WATCHDOG=1", ": 1 in sync", "WATCHDOG=1"} {
		await(t, told, want)
	}
	cancel()
	await(t, told, "STOPPING=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// listen returns what comes in at the socket, line by line.
func listen(t *testing.T, socket *net.UnixConn) <-chan string {
	told := make(chan string)
	go func() {
		for datagram := make([]byte, 4096); ; {
			n, err := socket.Read(datagram)
			if err != nil {
				return
			}
			for line := range strings.SplitSeq(string(datagram[:n]), "\n") {
				select {
				case told <- line:
				case <-t.Context().Done():
					return
				}
			}
		}
	}()
	return told
}

func await(t *testing.T, told <-chan string, want string) {
	t.Helper()
	for timeout := time.After(10 * time.Second); ; {
		select {
		case line := <-told:
			if strings.Contains(line, want) {
				return
			}
		case <-timeout:
			t.Fatalf("nothing says %q", want)
		}
	}
}

// TestSupervisor_Hang: a loop that hangs ends the pings, though all else goes on; one
// that does not hang has them for as long as it runs.
func TestSupervisor_Hang(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hangs bool
	}{{"a daemon that goes on", false}, {"a daemon that hangs", true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer ours.Close()
				log := slog.New(slog.DiscardHandler)
				src := &specless{release: make(chan struct{})}
				if !tt.hangs {
					close(src.release)
				}
				s := &supervisor{conn: ours, log: log, watchdog: time.Minute}
				interval := func() time.Duration { return time.Minute }
				r := reconcile.New(reconcile.Config{
					Source: src, Store: src, Logger: log, Guards: func() *plan.Guards { return new(plan.Guards) },
					Interval: interval, Random: func() float64 { return 0 },
				}, nil, state.Control{})
				ctx, cancel := context.WithCancel(t.Context())
				told := make(chan []string, 1)
				go func() { told <- pings(theirs, time.Now()) }()
				ended := make(chan error, 1)
				go func() { ended <- r.Run(ctx, nil) }()
				shown := &snapshot.Daemon{Status: r.Status, Interval: interval, Tracker: snapshot.NewTracker()}
				go s.run(ctx, ctx, r, shown.Snapshot)

				time.Sleep(2 * time.Hour)
				cancel()
				if tt.hangs {
					close(src.release)
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
				ours.Close()
				all := <-told
				late := slices.Contains(all, "1h59m0s")
				if len(all) == 0 || late == tt.hangs {
					t.Errorf("%d pings, the last after %v", len(all), all[max(0, len(all)-1):])
				}
			})
		})
	}
}

// pings returns the minutes in which there was a ping, since start.
func pings(conn net.Conn, start time.Time) []string {
	var minutes []string
	for lines := bufio.NewReader(conn); ; {
		datagram := make([]byte, 4096)
		n, err := lines.Read(datagram)
		if err != nil {
			return slices.Compact(minutes)
		}
		if string(datagram[:n]) == "WATCHDOG=1" {
			minutes = append(minutes, time.Since(start).Truncate(time.Minute).String())
		}
	}
}

// specless is a source without specs, whose second poll does not come back until it is
// let go, and a ledger that keeps nothing.
type specless struct {
	polls   int
	release chan struct{}
}

func (s *specless) Poll(context.Context) (*reconcile.Revision, error) {
	if s.polls++; s.polls > 1 {
		<-s.release
	}
	return &reconcile.Revision{ID: strings.Repeat("5", 40), Specs: spec.NewSet()}, nil
}

func (*specless) Descends(context.Context, string, string) (bool, error)   { return true, nil }
func (*specless) SameSpecs(context.Context, string, string) (bool, error)  { return true, nil }
func (*specless) Close() error                                             { return nil }
func (*specless) Save(context.Context, state.Transition) error             { return nil }
func (*specless) PendingCommands(context.Context) ([]state.Command, error) { return nil, nil }

func (*specless) HasPendingCommands(context.Context) (bool, error) { return false, nil }
func (*specless) CommandsArrive() <-chan struct{}                  { return nil }

// TestSupervisor_Absent: without systemd, with one that cannot be reached, and with a
// watchdog that is another process's, the daemon is started all the same.
func TestSupervisor_Absent(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for name, vars := range map[string]map[string]string{
		"none":           {},
		"not reachable":  {envNotifySocket: "/nowhere/notify"},
		"another scheme": {envNotifySocket: "vsock:2:1234"},
	} {
		s := openSupervisor(func(name string) string { return vars[name] }, log)
		if s != nil {
			t.Errorf("%s: there is a supervisor", name)
		}
		s.ready()
		s.setStatus("nobody hears it")
		s.stopping()
		if err := s.close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, tt := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0},
		{"60000000", "", time.Minute},
		{"60000000", strconv.Itoa(os.Getpid()), time.Minute},
		{"60000000", "1", 0},
		{"-1", "", 0},
		{"soon", "", 0},
	} {
		vars := map[string]string{envWatchdog: tt.usec, envWatchdogPID: tt.pid}
		if got := watchdogOf(func(name string) string { return vars[name] }); got != tt.want {
			t.Errorf("WATCHDOG_USEC=%q WATCHDOG_PID=%q: %v, want %v", tt.usec, tt.pid, got, tt.want)
		}
	}
}
