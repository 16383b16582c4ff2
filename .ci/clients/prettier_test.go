package clients

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// prettier returns a command that runs it.
func prettier(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	script := need(t, filepath.Join(modules(t), "prettier", "bin", "prettier.cjs"))
	return exec.CommandContext(t.Context(), need(t, "node"), append([]string{script}, args...)...)
}

// TestPrettier_Files: the files that people edit stay as their editors write them.
func TestPrettier_Files(t *testing.T) {
	t.Parallel()
	cmd := prettier(t, "--check", ".")
	cmd.Dir = top
	output(t, cmd, "")
}

// TestPrettier_Specs: a spec that an editor formats asks for the same calls.
func TestPrettier_Specs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	specs := map[string]string{"hostile": `apiVersion:   wedatasync/v1
defaults: {projectId:   "1486804694126882816",commitType: "4"}
commits:
-   taskId: 007   # as it is written
    versionDesc: 'it''s "1.10"'
    instanceVersion:     3
    extConfig: {  a: "yes", 'b c': 0x1F , d:   "~"}
-   taskId: "任务"
    eventDesc: >-
       folded text

       of two paragraphs
    extConfig:
       -    name: sql
            value: |
              select *
                from t

-   {taskId: "1e3", versionDesc: 1_000, rerun: 2026-11-30}
`}
	for _, name := range []string{"examples/commits.yaml", "spec/testdata/corpus/every-field.yaml"} {
		data, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		specs[filepath.Base(name)] = string(data)
	}
	for name, text := range specs {
		before := changes(t, filepath.Join(dir, name, "before"), text)
		formatted := output(t, prettier(t, "--stdin-filepath", "a.yaml"), text)
		after := changes(t, filepath.Join(dir, name, "after"), formatted)
		if before != after {
			t.Errorf("%s is planned as\n%s\nand formatted as\n%s", name, before, after)
		}
		if name == "hostile" && formatted == text {
			t.Error("nothing was formatted")
		}
	}
}

// changes is what a plan has for the spec, but for where that is.
func changes(t *testing.T, dir, text string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), wedatasync(t), "plan", "--source", dir, "--state", filepath.Join(dir, "no.db"), "--show-values", "-o", "json")
	var plan struct{ Changes []map[string]any }
	if err := json.Unmarshal([]byte(output(t, cmd, "")), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Changes) == 0 {
		t.Fatalf("nothing is planned for\n%s", text)
	}
	for _, c := range plan.Changes {
		delete(c, "line")
	}
	out, err := json.Marshal(plan.Changes)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(out), "},{", "},\n{")
}
