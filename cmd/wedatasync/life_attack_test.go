package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// flood sends webhooks, as fast as they are answered: bad ones, and a good one that
// is sent again and again. It takes no shorter than the rotations do.
func (l *life) flood() {
	body := []byte(`{"ref":"refs/heads/main"}`)
	mac := hmac.New(sha256.New, []byte(lifeSecret))
	mac.Write(body)
	good := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	bad := "sha256=" + strings.Repeat("0", 2*sha256.Size)
	work := make(chan string)
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for signature := range work {
				l.hook(body, signature)
			}
		})
	}
	for range l.size.webhooks {
		work <- bad
		work <- good
	}
	close(work)
	senders.Wait()
}

func (l *life) hook(body []byte, signature string) {
	for range 100 {
		req, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.url+"/webhook/github", bytes.NewReader(body))
		l.must(err)
		req.Header.Set("X-Hub-Signature-256", signature)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // somebody else had to have the place
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		l.answers[res.StatusCode].Add(1)
		return
	}
}

// holdOn keeps a connection open and says nothing, or hardly anything, on it.
func (l *life) holdOn(stop chan struct{}) {
	for n := 0; ; n++ {
		conn, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
		if err == nil && n%2 == 1 {
			_, _ = io.WriteString(conn, "POST /webhook/github HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		}
		for held := err == nil; held; {
			select {
			case <-stop:
				_ = conn.Close()
				return
			case <-time.After(time.Second):
				_, err := io.WriteString(conn, "a")
				held = err == nil
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// probe asks for the daemon's health, as an orchestrator does.
func (l *life) probe(stop chan struct{}) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
		start := time.Now()
		res, err := client.Get(l.url + "/healthz")
		l.probes.Add(1)
		if err != nil {
			l.missed.Add(1)
			continue
		}
		res.Body.Close()
		l.slowest.Store(max(l.slowest.Load(), int64(time.Since(start))))
	}
}

// memory returns what the daemon's process has of its own, in bytes.
func (l *life) memory() int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.daemon.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "RssAnon:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10
}

func (l *life) watchMemory(stop chan struct{}) {
	for {
		l.peak.Store(max(l.peak.Load(), l.memory()))
		select {
		case <-stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}
