package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/servetest"
	"github.com/wedatasync/wedatasync/reconcile"
	"github.com/wedatasync/wedatasync/state"
)

// watch opens the stream of events, and returns its lines.
func watch(t *testing.T, addr string) (*http.Response, <-chan string) {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
			if event, ok := strings.CutPrefix(scan.Text(), "event: "); ok {
				lines <- event
			}
		}
	}()
	return resp, lines
}

// TestEventsTellOfEachStep: a page hears of a plan, of calls and of the end of a pass,
// and not more than once a second.
func TestEventsTellOfEachStep(t *testing.T) {
	t.Parallel()
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
	addr := start(t, s)
	resp, events := watch(t, addr)
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type %q", got)
	}
	next := func(want string) {
		t.Helper()
		select {
		case got := <-events:
			if got != want {
				t.Errorf("event %q, want %q", got, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("no event %q", want)
		}
	}
	next("hello")
	p := servetest.EmptyPlan()
	servetest.Calls(p, 100)
	o := s.Observer()
	o.Planned(p)
	next("change")
	for i := range p.Changes {
		o.Called(&p.Changes[i], &state.Record{Key: servetest.Key(i), Status: state.StatusApplied}, state.Outcome{Class: state.ClassApplied})
	}
	o.Passed(&reconcile.Result{Plan: p, Left: p})
	next("change") // all of them as one
	if len(events) > 0 {
		t.Errorf("%d more events", len(events))
	}
}

// pipeListener accepts connections within the process, where time can be a test's.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (l *pipeListener) dial() net.Conn {
	here, there := net.Pipe()
	l.conns <- there
	return here
}

// TestWatchingGoesOnForHours: no bound of a usual request ends a stream, and who does
// not read any more is let go.
func TestWatchingGoesOnForHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
		l := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, l) }()
		c := l.dial()
		go func() { _, _ = io.WriteString(c, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n") }()
		lines := bufio.NewScanner(c)
		read := func(want string) {
			t.Helper()
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), want) {
					return
				}
			}
			t.Fatalf("the stream ended before %q: %v", want, lines.Err())
		}
		read("event: hello")
		for range 4 * 60 * 3 { // three hours of beats
			read(": still here")
		}
		s.Observer().Planned(servetest.EmptyPlan())
		read("event: change")
		// Nobody reads any more: the next beat cannot be written.
		time.Sleep(time.Minute)
		for range 16 {
			other := l.dial()
			go func() { _, _ = io.WriteString(other, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n") }()
			if answer := bufio.NewScanner(other); !answer.Scan() || !strings.Contains(answer.Text(), "200 OK") {
				t.Errorf("no place is free: %q", answer.Text())
			}
			defer other.Close()
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = c.Close()
	})
}

// TestViewersAreBounded, and a place is free when one leaves.
func TestViewersAreBounded(t *testing.T) {
	t.Parallel()
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
	addr := start(t, s)
	var open []*http.Response
	for range 16 {
		resp, events := watch(t, addr)
		<-events
		open = append(open, resp)
	}
	if got := servetest.Get(t, s, "/events"); got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
		t.Errorf("one too many is %d, want 503 with a Retry-After", got.Code)
	}
	_ = open[0].Body.Close()
	for begun := time.Now(); time.Since(begun) < 5*time.Second; {
		s.Observer().Planned(servetest.EmptyPlan()) // so that it is noticed who has left
		if resp, err := http.Get("http://" + addr + "/events"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	t.Error("the place of who left is not free again")
}

// TestObserverNeverBlocks, whoever watches and does not read.
func TestObserverNeverBlocks(t *testing.T) {
	t.Parallel()
	s := servetest.NewDaemon(t, servetest.Healthy(servetest.EmptyPlan(), time.Now())).Serve(t)
	addr := start(t, s)
	for range 4 {
		resp, err := http.Get("http://" + addr + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
	}
	p := servetest.EmptyPlan()
	servetest.Calls(p, 1)
	o := s.Observer()
	o.Planned(p)
	begun := time.Now()
	for range 10_000 {
		o.Called(&p.Changes[0], &state.Record{Key: servetest.Key(0), Status: state.StatusApplied}, state.Outcome{Class: state.ClassApplied})
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("10,000 calls took %v", took)
	}
}

// TestObserverBesideReaders is for the race detector: pages, metrics and the JSON are
// read while a pass goes on.
func TestObserverBesideReaders(t *testing.T) {
	now := time.Now()
	p := servetest.Troubled(now)
	servetest.Calls(p, 200)
	d := servetest.NewDaemon(t, servetest.Healthy(p, now))
	s := d.Serve(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		o := s.Observer()
		for range 5 {
			o.Planned(p)
			for i := range p.Changes {
				c := &p.Changes[i]
				rec := servetest.Record(c.Key, state.StatusWaiting, state.Outcome{Class: state.ClassWaiting, Locker: fmt.Sprint(i)}, now)
				o.Called(c, rec, rec.Attempt.Outcome)
			}
			o.Passed(&reconcile.Result{Plan: p, Left: p})
		}
	}()
	for {
		for _, path := range []string{"/", "/tasks?standing=locked", "/metrics", "/api/v1/status"} {
			servetest.Page(t, s, path)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
