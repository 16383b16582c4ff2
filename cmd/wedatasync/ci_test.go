package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestCI_Commands holds every command line in the files for CI to the commands and
// flags that there are, and the files themselves to YAML.
func TestCI_Commands(t *testing.T) {
	for _, name := range []string{"action.yml", "examples/ci/github.yml", "examples/ci/gitlab.yml", "examples/ci/azure-pipelines.yml", "examples/ci/bitbucket-pipelines.yml"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			var doc yaml.Node
			if err := yaml.Unmarshal(data, &doc); err != nil {
				t.Fatal(err)
			}
			commands := commandLines(&doc)
			if len(commands) == 0 {
				t.Errorf("%d command lines were found: is the test looking at them?", len(commands))
			}
			for _, line := range commands {
				if err := parses(line); err != nil {
					t.Errorf("wedatasync %s: %v", line, err)
				}
			}
		})
	}
}

// TestCI_Pinned holds what others wrote to one commit each.
func TestCI_Pinned(t *testing.T) {
	pinned := regexp.MustCompile(`^\s*- uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	names, err := filepath.Glob(filepath.Join(top, ".github", "workflows", "*.yml"))
	if err != nil || len(names) < 2 {
		t.Fatalf("the workflows are %v, %v", names, err)
	}
	for _, name := range append(names, filepath.Join(top, "action.yml"), filepath.Join(top, "examples", "ci", "github.yml")) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSuffix(line, "\n"); strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: %q is not pinned to a commit, with its version beside it", name, line)
			}
		}
	}
}

// commandLines lists the arguments of wedatasync in all scripts of a document.
func commandLines(n *yaml.Node) []string {
	var lines []string
	if n.Kind == yaml.ScalarNode {
		for line := range strings.Lines(n.Value) {
			if args, ok := strings.CutPrefix(strings.TrimSpace(line), "wedatasync "); ok {
				lines = append(lines, args)
			}
		}
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 || n.Kind == yaml.MappingNode && n.Content[i-1].Value == "description" {
			continue
		}
		lines = append(lines, commandLines(child)...)
	}
	return lines
}

// parses reports whether the program takes a command line, whatever the variables
// in it stand for.
func parses(line string) error {
	line, _, _ = strings.Cut(line, " ||")
	line, _, _ = strings.Cut(line, " >")
	line = strings.NewReplacer(`"${more[@]}"`, "", `"`, "").Replace(line)
	root := newRoot(&stdio{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}, "")
	cmd, rest, err := root.Find(strings.Fields(line))
	if err != nil {
		return err
	}
	if cmd == root {
		return fmt.Errorf("there is no such command")
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// scriptsOf lists the scripts of a file for CI whose text has the words, in order.
func scriptsOf(t *testing.T, name, words string) (scripts []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i, child := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 {
				lines := []string{child.Value}
				for _, line := range child.Content {
					lines = append(lines, line.Value)
				}
				text := strings.Join(lines, "\n")
				if key := n.Content[i-1].Value; (key == "run" || key == "script") && strings.Contains(text, words) {
					scripts = append(scripts, text)
				}
			}
			walk(child)
		}
	}
	walk(&doc)
	if len(scripts) == 0 {
		t.Fatalf("%s has no script with %q", name, words)
	}
	return scripts
}

// bash runs a script as the runners do, and returns what it prints and its exit code.
func bash(t *testing.T, dir, script string, env []string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

// TestCI_Comment posts to a forge on this machine, and finds its comment again by
// the marker that package report writes. A plan that cannot be made is one, too.
func TestCI_Comment(t *testing.T) {
	var bodies []string
	forge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /repos/acme/tasks/issues/7/comments":
			comments := []map[string]any{}
			for _, body := range bodies {
				comments = append(comments, map[string]any{"id": 1, "body": body, "user": map[string]any{"id": 7, "type": "Bot"}})
			}
			_ = json.NewEncoder(w).Encode(comments)
		case "POST /repos/acme/tasks/issues/7/comments":
			var in struct{ Body string }
			_ = json.NewDecoder(r.Body).Decode(&in)
			bodies = append(bodies, in.Body)
			_, _ = io.WriteString(w, "{}")
		default: // whose the token is, it may not ask
			http.Error(w, `{"message":"Resource not accessible by integration"}`, http.StatusForbidden)
		}
	}))
	defer forge.Close()
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_API_URL": forge.URL, "GITHUB_REPOSITORY": "acme/tasks", "GITHUB_TOKEN": "token"}
	gone := filepath.Join(t.TempDir(), "gone")
	for _, want := range []string{"comment created", "comment unchanged"} {
		var out, log strings.Builder
		streams := stdio{out: &out, err: &log, getenv: func(name string) string { return env[name] }}
		args := []string{"comment", "--pull-request", "7", "--source", gone, "--key", "prod"}
		if code := execute(t.Context(), args, streams); code != exitError {
			t.Errorf("exit code %d, want %d", code, exitError)
		}
		if !strings.Contains(log.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, log.String())
		}
	}
	if len(bodies) != 1 || !strings.Contains(bodies[0], "key=prod") {
		t.Errorf("comments: %q", bodies)
	}
}
