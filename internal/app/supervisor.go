package app

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wedatasync/wedatasync/internal/serve/snapshot"
	"github.com/wedatasync/wedatasync/reconcile"
)

// The variables in which systemd passes its socket and the time of its watchdog.
const (
	envNotifySocket = "NOTIFY_SOCKET"
	envWatchdog     = "WATCHDOG_USEC"
	envWatchdogPID  = "WATCHDOG_PID"
)

// statusEvery is the time between two updates of the line that systemctl status shows.
const statusEvery = 5 * time.Second

// supervisor sends systemd the daemon's condition (sd_notify(3)), in datagrams with a line
// for each thing. A daemon that systemd did not start has none: the nil supervisor sends
// nothing.
type supervisor struct {
	conn     net.Conn
	log      *slog.Logger
	watchdog time.Duration // within which a ping is awaited; 0: none is
	status   string        // the line that was sent last
	mute     atomic.Bool   // nobody listens any more
}

// openSupervisor connects to the socket that systemd has passed to this process, if any.
// A socket that does not work is logged, and the daemon runs without it.
func openSupervisor(getenv func(string) string, log *slog.Logger) *supervisor {
	address := getenv(envNotifySocket)
	if address == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		log.Warn("systemd cannot be notified", "error", err)
		return nil
	}
	return &supervisor{conn: conn, log: log, watchdog: watchdogOf(getenv)}
}

// watchdogOf returns within which time pings are awaited of this process.
func watchdogOf(getenv func(string) string) time.Duration {
	if pid := getenv(envWatchdogPID); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	usec, err := strconv.ParseInt(getenv(envWatchdog), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond
}

func (s *supervisor) close() error {
	if s == nil {
		return nil
	}
	return s.conn.Close()
}

// ready reports that the daemon has started.
func (s *supervisor) ready() { s.send("READY=1") }

func (s *supervisor) stopping() {
	s.send("STOPPING=1", "STATUS=stopping: what is under way gets its answer")
}

func (s *supervisor) ping() { s.send("WATCHDOG=1") }

// setStatus sets the line that systemctl status shows.
func (s *supervisor) setStatus(status string) {
	if s != nil && s.status != status {
		s.status = status
		s.send("STATUS=" + status)
	}
}

func (s *supervisor) send(lines ...string) {
	if s == nil || s.mute.Load() {
		return
	}
	if _, err := s.conn.Write([]byte(strings.Join(lines, "\n"))); err != nil && !s.mute.Swap(true) {
		s.log.Warn("systemd cannot be notified", "error", err)
	}
}

// period is the time between two datagrams.
func (s *supervisor) period() time.Duration {
	if s.watchdog == 0 {
		return statusEvery
	}
	return min(statusEvery, s.watchdog/3)
}

// run reports when the daemon is ready. From then on it sends pings for as long as the loop
// of the reconciler goes on, which can be shorter than this goroutine does. stop is done
// when the daemon begins to stop.
func (s *supervisor) run(ctx, stop context.Context, r *reconcile.Reconciler, take func() *snapshot.Snapshot) {
	if s == nil {
		return
	}
	s.setStatus("reading the source for the first time")
	select {
	case <-r.Polled():
		s.ready()
	case <-stop.Done():
	}
	tick := time.NewTicker(s.period())
	defer tick.Stop()
	stopping, hangs := stop.Done(), false
	for {
		now := time.Now()
		switch alive := r.Alive(now); {
		case alive:
			s.ping()
			hangs = false
		case !hangs:
			hangs = true
			s.log.ErrorContext(ctx, "the daemon hangs: the watchdog is no longer notified, and systemd restarts the daemon")
		}
		if stopping != nil {
			s.setStatus(statusLine(take()))
		}
		select {
		case <-tick.C:
		case <-stopping:
			s.stopping()
			stopping = nil
		case <-ctx.Done():
			if stopping != nil && stop.Err() != nil { // it ended at once
				s.stopping()
			}
			return
		}
	}
}

// statusLine is the condition of the daemon in a line.
func statusLine(s *snapshot.Snapshot) string {
	if reasons := s.Reasons(); len(reasons) > 0 {
		return "action required: " + reasons[0].Message
	}
	if s.Status.Plan == nil {
		return "the source could not be read yet; it is tried again"
	}
	return "revision " + snapshot.Short(s.Plan().Source.Revision) + ": " + s.Digest.Counts()
}
