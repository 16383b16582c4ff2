package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPrometheus has a real Prometheus scrape a real daemon. Every alert rule and every
// query of the dashboard is evaluated on what it has then.
func TestPrometheus(t *testing.T) {
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("prometheus is not installed: .ci/run installs it")
	}
	daemon := strings.TrimPrefix(startDaemon(t), "http://")
	server := "http://" + startPrometheus(t, strings.TrimSuffix(daemon, "/"))
	p := prometheus{t, server}
	p.until(`count_over_time(wedatasync_calls_total{class="applied"}[1m]) > 3`)

	for _, expr := range dashboardQueries(t) {
		got := p.query(expr)
		if len(got) == 0 && !strings.Contains(expr, "> 0") {
			t.Errorf("the dashboard's %s finds nothing", expr)
		}
	}
	for _, rule := range p.rules() {
		if rule.Health != "ok" || rule.State != "inactive" {
			t.Errorf("alert %s of a daemon that is well is %s, %s: %s", rule.Name, rule.State, rule.Health, rule.LastError)
		}
	}
}

// daemonSecret is what webhooks to the daemon of startDaemon are signed with.
const daemonSecret = "ssssssssssssssssssssssssssssssss"

// startDaemon starts a daemon with a simulated endpoint, and returns its address.
func startDaemon(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, secret := filepath.Join(dir, "wedatasync"), filepath.Join(dir, "secret")
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, []byte(daemonSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "run", "--simulate", "--source", filepath.Join(top, "examples"), "--listen", "127.0.0.1:0", "--interval", "1s", "--github-secret-file", secret)
	return started(t, cmd, `url=http://([0-9.:]+)/`)
}

// startPrometheus starts one that scrapes the daemon, and returns its address.
func startPrometheus(t *testing.T, daemon string) string {
	t.Helper()
	dir := t.TempDir()
	rules, err := filepath.Abs(filepath.Join(top, "deploy", "prometheus", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}
rule_files: [%q]
scrape_configs:
  - job_name: wedatasync
    static_configs: [{targets: [%q]}]
`, rules, daemon)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	return started(t, cmd, `msg="Listening on" address=([0-9.:]+)`)
}

// started runs a server until the test is over, and returns what its log says of its
// address.
func started(t *testing.T, cmd *exec.Cmd, says string) string {
	t.Helper()
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, ended := make(chan string, 1), make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		_ = cmd.Wait() // however it ends, its answers were what counts
	})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if m := regexp.MustCompile(says).FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
	}()
	select {
	case a := <-address:
		return a
	case <-ended:
		t.Fatalf("%s ended before it listened", cmd.Path)
	case <-time.After(30 * time.Second):
		t.Fatalf("%s does not say where it listens", cmd.Path)
	}
	return ""
}

// dashboardQueries lists the queries of the dashboard, with its variables filled in.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(top, "deploy", "grafana", "wedatasync.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard any
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	var queries []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			if expr, ok := v["expr"].(string); ok {
				queries = append(queries, strings.NewReplacer("$instance", ".*", "$__rate_interval", "1m").Replace(expr))
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(dashboard)
	if len(queries) < 20 {
		t.Errorf("only %d queries were found: is the test looking at them?", len(queries))
	}
	return queries
}

// prometheus asks one over its API.
type prometheus struct {
	t      *testing.T
	server string
}

func (p prometheus) get(path string, into any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusServiceUnavailable {
		return // it is still starting: who asked asks again
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: into}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Status != "success" {
		p.t.Fatalf("%s: %s %v", path, answer.Error, err)
	}
}

func (p prometheus) query(expr string) []json.RawMessage {
	p.t.Helper()
	var data struct{ Result []json.RawMessage }
	p.get("/api/v1/query?query="+url.QueryEscape(expr), &data)
	return data.Result
}

// until waits until the query finds something.
func (p prometheus) until(expr string) {
	p.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(p.query(expr)) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("after 30 s still nothing: %s", expr)
		}
	}
}

type rule struct{ Name, Health, State, LastError string }

func (p prometheus) rules() []rule {
	p.t.Helper()
	var data struct{ Groups []struct{ Rules []rule } }
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		p.get("/api/v1/rules", &data)
		if len(data.Groups) != 1 || len(data.Groups[0].Rules) < 10 {
			p.t.Fatalf("the rules are %+v", data)
		}
		if rules := data.Groups[0].Rules; rules[len(rules)-1].Health != "unknown" || time.Now().After(deadline) {
			return rules
		}
	}
}
