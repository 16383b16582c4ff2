package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// flood is a crowd of hostile connections. Each comes again at once when it is closed.
type flood struct {
	addr    string
	stopped chan struct{} // has one for each attacker whose first connection has ended
}

// run keeps n connections of one kind until ctx is done.
func (f *flood) run(ctx context.Context, all *sync.WaitGroup, n int, attack func(context.Context, net.Conn)) {
	for range n {
		all.Go(func() {
			for first := true; ctx.Err() == nil; first = false {
				c, err := net.Dial("tcp", f.addr)
				if err != nil {
					continue
				}
				stop := context.AfterFunc(ctx, func() { _ = c.Close() })
				attack(ctx, c)
				stop()
				_ = c.Close()
				if first {
					f.stopped <- struct{}{}
				}
			}
		})
	}
}

// neverRead asks for pages, one after the other, and reads no answer.
func neverRead(_ context.Context, c net.Conn) {
	ask := []byte(strings.Repeat("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 100))
	for {
		if _, err := c.Write(ask); err != nil {
			return
		}
	}
}

// neverSendBody begins a webhook with a well-formed wrong signature.
func neverSendBody(_ context.Context, c net.Conn) {
	fmt.Fprintf(c, "POST /webhook/github HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\nX-Hub-Signature-256: sha256=%s\r\n\r\n{", strings.Repeat("0", 64))
	_, _ = io.Copy(io.Discard, c)
}

// sayNothing opens a connection and says nothing.
func sayNothing(_ context.Context, c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// startFlood begins 100 slow readers, 50 slow bodies and 150 silent connections, and
// waits until there are as many as the server has places for.
func startFlood(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
	f := &flood{addr: addr, stopped: make(chan struct{}, 300)}
	f.run(ctx, &all, 100, neverRead)
	f.run(ctx, &all, 50, neverSendBody)
	f.run(ctx, &all, 150, sayNothing)
	// Who is closed for a newcomer, or has had its time, shows that all places are taken.
	patience := time.After(time.Minute)
	for n := range 100 {
		select {
		case <-f.stopped:
		case <-patience:
			t.Fatalf("%d attackers were stopped within a minute: the flood is none", n)
		}
	}
}

// TestFlood_NobodyIsKeptOut: of 200 probes and 200 rightly signed webhooks under a
// flood from connections that never read, never send or say nothing, none fails.
func TestFlood_NobodyIsKeptOut(t *testing.T) {
	t.Parallel()
	addr := startDaemon(t)
	startFlood(t, addr)

	// The time is for a busy machine; what is counted is answers.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	body := []byte(`{"ref":"refs/heads/main"}`)
	mac := hmac.New(sha256.New, []byte(daemonSecret))
	mac.Write(body)
	signature := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	ask := func(i int) error {
		method, path, want := http.MethodGet, [...]string{"/healthz", "/readyz"}[i/16%2], http.StatusOK
		if i/8%2 == 1 {
			method, path, want = http.MethodPost, "/webhook/github", http.StatusAccepted
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, nil)
		if err != nil {
			return err
		}
		if method == http.MethodPost {
			req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		}
		req.Header.Set("X-Hub-Signature-256", signature)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != want {
			err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
		}
		return err
	}
	var asking sync.WaitGroup
	begun := time.Now()
	for first := range 8 {
		asking.Go(func() {
			for i := first; i < 400; i += 8 {
				if err := ask(i); err != nil {
					t.Errorf("request %d: %v", i, err)
				}
			}
		})
	}
	asking.Wait()
	t.Logf("400 answers in %v", time.Since(begun))
}
