package wedata_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/transport/transporttest"
	"github.com/wedatasync/wedatasync/internal/wedata"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
	"github.com/wedatasync/wedatasync/state"
)

// TestBlackHole: a connection that dies without a word costs one read the time that a request
// may take, and no commit anything: that has a connection of its own.
func TestBlackHole(t *testing.T) {
	sim, _ := newSim(t, wedatasim.Options{})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	proxy := transporttest.NewProxy(t, server.Listener.Addr().String())
	c := newClient(t, "http://"+proxy.Addr, func(cfg *wedata.Config) { cfg.Timeout = 2 * time.Second })
	want := commitOf("a")
	if out, _ := c.Commit(t.Context(), want, nil); out.Class != state.ClassApplied {
		t.Fatalf("got %+v", out)
	}
	read := func() error {
		_, err := c.Read(t.Context(), want.Key, want.TaskType, nil)
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	proxy.Swallow()
	want.InstanceVersion++
	if out, _ := c.Commit(t.Context(), want, nil); out.Class != state.ClassApplied {
		t.Errorf("a commit over a black hole: %+v", out)
	}
	start := time.Now()
	err := read()
	t.Logf("after %v: %v", time.Since(start).Round(time.Millisecond), err)
	if err == nil {
		t.Error("there is an answer from a black hole: this test cannot fail")
	}
	if err := read(); err != nil {
		t.Errorf("the read after that: %v", err)
	}
	if took := time.Since(start); took > wedata.MaxTimeout {
		t.Errorf("it took %v", took)
	}
}
