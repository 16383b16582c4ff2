package serve_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wedatasync/wedatasync/internal/servetest"
)

// TestExports_StalledReaders: who asks for exports and does not read them has no place for
// long.
func TestExports_StalledReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := servetest.EmptyPlan()
		servetest.Calls(p, 1000)
		s := servetest.NewDaemon(t, servetest.Healthy(p, time.Now())).Serve(t)
		l := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, l) }()
		ask := func() *bufio.Reader {
			c := l.dial()
			go func() { _, _ = io.WriteString(c, "GET /api/v1/plan HTTP/1.1\r\nHost: x\r\n\r\n") }()
			return bufio.NewReaderSize(c, 16)
		}
		for range 2 { // all the places
			if _, err := ask().ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(6 * time.Second)
		resp, err := http.ReadResponse(ask(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("the next export is %s", resp.Status)
		}
		if n, err := io.Copy(io.Discard, resp.Body); err != nil || n < 10_000 {
			t.Errorf("%d bytes, %v", n, err)
		}
		_ = resp.Body.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestExports_SlowReadersGiveWay: who reads an export a little at a time keeps its place
// for as long as nobody else wants it, and for 30 s.
func TestExports_SlowReadersGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := servetest.EmptyPlan()
		servetest.Calls(p, 5000)
		s := servetest.NewDaemon(t, servetest.Healthy(p, time.Now())).Serve(t)
		l := newPipeListener()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, l) }()
		read := make(chan int64, 2)
		for range 2 {
			c := l.dial()
			go func() { _, _ = io.WriteString(c, "GET /api/v1/plan HTTP/1.1\r\nHost: x\r\n\r\n") }()
			go func() {
				n := int64(0)
				for {
					got, err := c.Read(make([]byte, 8<<10))
					n += int64(got)
					if err != nil {
						read <- n
						return
					}
					time.Sleep(time.Second)
				}
			}()
		}
		time.Sleep(28 * time.Second)
		c := l.dial()
		go func() { _, _ = io.WriteString(c, "GET /api/v1/plan HTTP/1.1\r\nHost: x\r\n\r\n") }()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := io.Copy(io.Discard, resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("the next export is %s: %v", resp.Status, err)
		}
		if n := <-read; n == 0 || n >= whole {
			t.Errorf("the oldest has read %d of %d bytes when it gives way", n, whole)
		}
		_ = resp.Body.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		<-read
	})
}
