package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wedatasync/wedatasync/internal/config"
	"github.com/wedatasync/wedatasync/spec"
)

const top = "../.."

// fence is a block of code in a document.
type fence struct{ language, text string }

// fences returns the blocks of code in a document.
func fences(t *testing.T, path string) []fence {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []fence
	var open *fence
	for line := range strings.Lines(string(data)) {
		line, indent := strings.TrimLeft(line, " "), line
		switch {
		case !strings.HasPrefix(line, "```") && open != nil:
			open.text += indent
		case open != nil:
			all = append(all, *open)
			open = nil
		case strings.HasPrefix(line, "```"):
			open = &fence{language: strings.TrimSpace(strings.TrimPrefix(line, "```"))}
		}
	}
	return all
}

func documents(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob(filepath.Join(top, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	return append(docs, filepath.Join(top, "README.md"), filepath.Join(top, "CONTRIBUTING.md"))
}

// TestDocs_Commands holds every command line in the documents to the commands and
// flags that there are.
func TestDocs_Commands(t *testing.T) {
	commands := 0
	for _, path := range documents(t) {
		for _, f := range fences(t, path) {
			if f.language != "sh" && f.language != "bash" {
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(f.text, "\\\n", " ")) {
				args, ok := strings.CutPrefix(strings.TrimSpace(line), "wedatasync ")
				if !ok {
					args, ok = strings.CutPrefix(strings.TrimSpace(line), "go run ./cmd/wedatasync ")
				}
				if !ok {
					continue
				}
				args, _, _ = strings.Cut(args, " #")
				args, _, _ = strings.Cut(args, " | ")
				args, _, _ = strings.Cut(args, " > ")
				commands++
				root := newRoot(&stdio{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}, "")
				cmd, rest, err := root.Find(strings.Fields(args))
				if err == nil {
					err = cmd.ParseFlags(rest)
				}
				if err == nil && cmd == root {
					err = os.ErrNotExist
				}
				if err != nil {
					t.Errorf("%s: wedatasync %s: %v", path, args, err)
				}
			}
		}
	}
	if commands < 10 {
		t.Errorf("only %d command lines were found: is the test looking at them?", commands)
	}
}

// TestDocs_YAML holds every spec and every configuration in the documents to what
// the program takes.
func TestDocs_YAML(t *testing.T) {
	found := 0
	for _, path := range documents(t) {
		for _, f := range fences(t, path) {
			if f.language != "yaml" || filepath.Base(path) == "specs.md" || strings.Contains(f.text, "kind:") {
				continue
			}
			found++
			if strings.HasPrefix(f.text, "apiVersion: wedatasync/v1") {
				if parsed := spec.Parse("example.yaml", []byte(f.text)); parsed.Problems.Errors() > 0 {
					t.Errorf("%s: %v", path, parsed.Problems)
				}
				continue
			}
			file := filepath.Join(t.TempDir(), "wedatasync.yaml")
			if err := os.WriteFile(file, []byte(f.text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := config.NewFlags()
			if err := s.Set.Set("config", file); err != nil {
				t.Fatal(err)
			}
			if err := s.Load(func(string) string { return "" }); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if found < 3 {
		t.Errorf("only %d examples were found: is the test looking at them?", found)
	}
}

// TestReadme_Plan runs the README's first command, and holds the picture of a plan
// there to what it prints.
func TestReadme_Plan(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "wedatasync")
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "run", "--simulate", "--source", "examples", "--once")
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	var picture string
	for _, f := range fences(t, filepath.Join(top, "README.md")) {
		if f.language == "" && strings.Contains(f.text, "Plan ") {
			picture = f.text
		}
	}
	if picture == "" || !strings.HasPrefix(out.String(), picture) {
		t.Errorf("the README shows\n%s\nand the command prints\n%s", picture, out.String())
	}
	if !strings.Contains(out.String(), "Applied 2 commits") {
		t.Errorf("the command does not say what happened:\n%s", out.String())
	}
}
