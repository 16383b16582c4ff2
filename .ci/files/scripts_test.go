package files

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestScripts asks shellcheck about the scripts in the GitHub Action and in the examples
// for CI.
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed: .ci/run installs it")
	}
	for _, name := range []string{"action.yml", "examples/ci/github.yml", "examples/ci/gitlab.yml", "examples/ci/azure-pipelines.yml", "examples/ci/bitbucket-pipelines.yml"} {
		data, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := yaml.Unmarshal(data, &doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := scripts(doc)
		if len(all) == 0 {
			t.Errorf("%s: no script was found: is the test looking at it?", name)
		}
		for _, script := range all {
			cmd := exec.CommandContext(t.Context(), "shellcheck", "--shell=bash", "-")
			cmd.Stdin = strings.NewReader(script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		}
	}
}

// scripts lists what stands under run, script and before_script.
func scripts(v any) []string {
	var all []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			all = append(all, scripts(item)...)
		}
	case map[string]any:
		for key, item := range v {
			if key == "run" || key == "script" || key == "before_script" {
				all = append(all, lines(item))
			}
			all = append(all, scripts(item)...)
		}
	}
	return all
}

// lines is a script that is written as one text or as a list of lines.
func lines(v any) string {
	list, ok := v.([]any)
	if !ok {
		return fmt.Sprintln(v)
	}
	var b strings.Builder
	for _, line := range list {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}
