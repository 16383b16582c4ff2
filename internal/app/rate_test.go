package app_test

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/app"
	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/internal/parts"
	"github.com/wedatasync/wedatasync/internal/wedatasim"
)

// holdPace also holds TestTwoHundredSpecs to its times: a machine that is busy with other
// tests can be too slow for it, and lets requests that were sent in time arrive together.
var holdPace = flag.Bool("pace", false, "hold the commits to 10.8 s, and to 20 in any second")

// TestTwoHundredSpecs is the promise about the limit, through every room and over
// a real connection: 200 new tasks in 10 to 10.8 s, never more than 20 requests in
// any second of the server, fixed or sliding, and nothing throttled. TestPace_Stalls
// holds the limit under a virtual clock.
func TestTwoHundredSpecs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s by its nature")
	}
	took := commitTwoHundred(t)
	t.Logf("the commits took %v", took)
	if *holdPace && took > 10800*time.Millisecond {
		t.Errorf("the commits took %v, want at most 10.8 s", took)
	}
}

// commitTwoHundred returns how long the commits took, as the server saw it.
func commitTwoHundred(t *testing.T) time.Duration {
	t.Helper()
	const specs = 200
	sim, settings, env := simulated(t, specs)
	a, err := app.New(t.Context(), settings, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	result, err := a.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.Applied != specs || len(result.Left.Changes) != 0 {
		t.Errorf("%d applied, %d left, want %d and none", result.Applied, len(result.Left.Changes), specs)
	}
	var first, last time.Time
	for _, e := range sim.Ledger() {
		if e.Action != "CommitIntegrationTask" {
			continue
		}
		if e.Code != "" && (*holdPace || e.Code != "RequestLimitExceeded") {
			t.Errorf("request %d was answered with %s", e.N, e.Code)
		}
		if first.IsZero() {
			first = e.At
		}
		last = e.At
	}
	took := last.Sub(first)
	if took < 10*time.Second-50*time.Millisecond {
		t.Errorf("the commits took %v: less than 20 a second allow", took)
	}
	most := 20
	if !*holdPace {
		most = 22
	}
	if w := sim.Windows("CommitIntegrationTask"); w.All.Fixed > most || w.All.Sliding > most {
		t.Errorf("the busiest second had %d requests (fixed), %d (sliding), want at most %d", w.All.Fixed, w.All.Sliding, most)
	}
	return took
}

// simulated starts an endpoint, and writes n specs for it in one file; none for 0.
func simulated(t *testing.T, n int) (*wedatasim.Server, config.Settings, parts.Env) {
	t.Helper()
	sim := wedatasim.New(wedatasim.Options{})
	endpoint := httptest.NewServer(sim)
	t.Cleanup(endpoint.Close)
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {taskId: task-%03d, projectId: \"1\", commitType: start, instanceVersion: 1}\n", i)
	}
	source := filepath.Join(dir, "specs")
	if err := os.Mkdir(source, 0o755); err != nil {
		t.Fatal(err)
	}
	if n > 0 {
		if err := os.WriteFile(filepath.Join(source, "tasks.yaml"), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := config.Defaults()
	s.Source, s.State, s.Endpoint = source, filepath.Join(dir, "wedatasync.db"), endpoint.URL
	account := wedatasim.DefaultAccount()
	vars := map[string]string{"TENCENTCLOUD_SECRET_ID": account.SecretID, "TENCENTCLOUD_SECRET_KEY": account.SecretKey}
	env := parts.Env{Getenv: func(name string) string { return vars[name] }, Log: t.Output(), Quiet: true, Version: "test"}
	return sim, s, env
}
