package serve_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

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
	s := newDaemon(t, healthy(emptyPlan(), time.Now())).serve(t)
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
	p := emptyPlan()
	calls(p, 100)
	o := s.Observer()
	o.Planned(p)
	next("change")
	for i := range p.Changes {
		o.Called(&p.Changes[i], &state.Record{Key: key(i), Status: state.StatusApplied}, state.Outcome{Class: state.ClassApplied})
	}
	o.Passed(&reconcile.Result{Plan: p, Left: p})
	next("change") // all of them as one
	if len(events) > 0 {
		t.Errorf("%d more events", len(events))
	}
}

// TestViewersAreBounded, and a place is free when one leaves.
func TestViewersAreBounded(t *testing.T) {
	s := newDaemon(t, healthy(emptyPlan(), time.Now())).serve(t)
	addr := start(t, s)
	var open []*http.Response
	for range 16 {
		resp, events := watch(t, addr)
		<-events
		open = append(open, resp)
	}
	if got := get(t, s, "/events"); got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
		t.Errorf("one too many is %d, want 503 with a Retry-After", got.Code)
	}
	_ = open[0].Body.Close()
	for begun := time.Now(); time.Since(begun) < 5*time.Second; {
		s.Observer().Planned(emptyPlan()) // so that it is noticed who has left
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
	s := newDaemon(t, healthy(emptyPlan(), time.Now())).serve(t)
	addr := start(t, s)
	for range 4 {
		resp, err := http.Get("http://" + addr + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
	}
	p := emptyPlan()
	calls(p, 1)
	o := s.Observer()
	o.Planned(p)
	begun := time.Now()
	for range 10_000 {
		o.Called(&p.Changes[0], &state.Record{Key: key(0), Status: state.StatusApplied}, state.Outcome{Class: state.ClassApplied})
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("10,000 calls took %v", took)
	}
}

// TestObserverBesideReaders is for the race detector: pages, metrics and the JSON are
// read while a pass goes on.
func TestObserverBesideReaders(t *testing.T) {
	now := time.Now()
	p := troubled(now)
	calls(p, 200)
	d := newDaemon(t, healthy(p, now))
	s := d.serve(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		o := s.Observer()
		for range 5 {
			o.Planned(p)
			for i := range p.Changes {
				c := &p.Changes[i]
				rec := record(c.Key, state.StatusWaiting, state.Outcome{Class: state.ClassWaiting, Locker: fmt.Sprint(i)}, now)
				o.Called(c, rec, rec.Attempt.Outcome)
			}
			o.Passed(&reconcile.Result{Plan: p, Left: p})
		}
	}()
	for {
		for _, path := range []string{"/", "/tasks?standing=locked", "/metrics", "/api/v1/status"} {
			page(t, s, path)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
