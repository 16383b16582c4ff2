package clients

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/oapi-codegen/runtime" // what oapi-codegen generates needs it
)

const openAPI = top + "/internal/serve/openapi.yaml"

// npm returns a command that runs a program of dist/clients.
func npm(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), need(t, filepath.Join(modules(t), ".bin", program)), args...)
}

// TestSpectral: the description of the API passes every rule for OpenAPI.
func TestSpectral(t *testing.T) {
	t.Parallel()
	said := output(t, npm(t, "spectral", "lint", "--ruleset", "testdata/spectral.yaml", "--fail-severity", "hint", openAPI), "")
	if !strings.Contains(said, "No results") {
		t.Error(said)
	}
}

// TestRedocly: the description of the API passes the strict rules.
func TestRedocly(t *testing.T) {
	t.Parallel()
	cmd := npm(t, "redocly", "lint", "--config", "testdata/redocly.yaml", "--format", "json", openAPI)
	cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	said := output(t, cmd, "")
	var result struct {
		Totals struct{ Errors, Warnings, Ignored int }
	}
	if err := json.Unmarshal([]byte(said[strings.Index(said, "{"):]), &result); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if n := result.Totals; n.Errors+n.Warnings+n.Ignored > 0 {
		t.Error(said)
	}
}

// listening is what the daemon logs once it listens.
var listening = regexp.MustCompile(`the status page is open" url=(http://[^/]+)/`)

// daemon starts the program with a simulated WeData, waits until it has released the
// examples, and returns its address and a token that may act.
func daemon(t *testing.T) (url, token string) {
	t.Helper()
	dir := t.TempDir()
	token = "a token that the clients have"
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(wedatasync(t), "run", "--simulate", "--source", filepath.Join(top, "examples"), "--state", filepath.Join(dir, "wedatasync.db"), "--listen", "127.0.0.1:0", "--action-token-file", file)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	urls := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var open string
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if m := listening.FindSubmatch(lines.Bytes()); m != nil {
				open = string(m[1])
			}
			if strings.Contains(lines.Text(), `msg="pass finished"`) { // it has a release to wait for
				select {
				case urls <- open:
				default:
				}
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		_ = cmd.Wait()
	})
	select {
	case url = <-urls:
	case <-ended:
		t.Fatal("the daemon has ended")
	}
	output(t, exec.CommandContext(t.Context(), wedatasync(t), "wait", "--server", url), "")
	return url, token
}

// TestGoClient: what oapi-codegen makes of the description compiles, has a type for each
// enum, and reads what a daemon answers.
func TestGoClient(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	generated := filepath.Join(dir, "api.go")
	output(t, exec.CommandContext(t.Context(), "go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "api", "-o", generated, openAPI), "")
	code, err := os.ReadFile(generated)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range regexp.MustCompile(`(?m)^.*\binterface\{\}.*$|^.*\bany\b.*$`).FindAllString(string(code), -1) {
		if !strings.Contains(line, "map[string]interface{}") && !strings.Contains(line, "//") {
			t.Errorf("something without a type: %s", line)
		}
	}

	place, err := filepath.Abs("testdata/goclient/api/api.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {place: generated}})
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := build(filepath.Join(dir, "client"), "-overlay", overlayFile, "./testdata/goclient")
	if err != nil {
		t.Fatal(err)
	}
	url, token := daemon(t)
	want := `outcome true tasks 2 in sync 2
call true true
call true true
plan 1.2 0 2
release true 2 2
releases 1
no release Not Found
history 1 true
state 2 true
without a token 401
with one true
webhook 404
`
	if got := output(t, exec.CommandContext(t.Context(), program, url, token), ""); got != want {
		t.Errorf("the client says:\n%s\nwant:\n%s", got, want)
	}
}

// TestTypeScriptClient: what openapi-typescript makes of the description compiles in strict
// mode, knows every word, and reads what a daemon answers.
func TestTypeScriptClient(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(modules(t), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("testdata/tsclient/main.ts")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"main.ts": string(program), "package.json": `{"type": "module"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output(t, npm(t, "openapi-typescript", openAPI, "-o", filepath.Join(dir, "api.d.ts")), "")
	compile := npm(t, "tsc", "--strict", "--module", "nodenext", "--target", "es2022", "main.ts")
	compile.Dir = dir
	output(t, compile, "")
	url, token := daemon(t)
	want := `outcome true tasks 2 in sync 2
plan 1.2 0
no release true 404
command true
`
	if got := output(t, exec.CommandContext(t.Context(), need(t, "node"), filepath.Join(dir, "main.js"), url, token), ""); got != want {
		t.Errorf("the client says:\n%s\nwant:\n%s", got, want)
	}
}
