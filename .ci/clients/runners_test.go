package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestGitLab runs the job of the example in gitlab-ci-local, which checks the file with the
// schema of GitLab, too. Where the runner installs the program, it finds the one of this
// revision.
func TestGitLab(t *testing.T) {
	runner := need(t, filepath.Join(modules(t), ".bin", "gitlab-ci-local"))
	example, err := os.ReadFile(filepath.Join(top, "examples", "ci", "gitlab.yml"))
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(wedatasync(t), filepath.Join(bin, "wedatasync")); err != nil {
		t.Fatal(err)
	}
	for _, valid := range []bool{true, false} {
		dir := pullRequest(t, valid, map[string]string{".gitlab-ci.yml": string(example)})
		args := []string{"--force-shell-executor", "--no-artifacts-to-source", "wedatasync plan"}
		for _, variable := range []string{"GITLAB_CI=true", "CI_PIPELINE_SOURCE=merge_request_event", "CI_MERGE_REQUEST_IID=7", "CI_MERGE_REQUEST_PROJECT_ID=1", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main"} {
			args = append(args, "--variable", variable)
		}
		cmd := exec.CommandContext(t.Context(), runner, args...)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		if (err == nil) != valid {
			t.Errorf("valid %v: %v", valid, err)
		}
		want := []string{"orders  1 -> 2", ", base: origin/main"}
		if !valid {
			want = append(want, "tasks/b.yaml:3:")
		}
		for _, want := range want {
			if !strings.Contains(string(out), want) {
				t.Errorf("the log does not have %q:\n%s", want, out)
			}
		}
	}
}

// TestPreCommit builds and runs the hook of this revision with pre-commit.
func TestPreCommit(t *testing.T) {
	preCommit := need(t, "pre-commit")
	dir := pullRequest(t, false, nil)
	repository, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	try := func(file string) (string, error) {
		cmd := exec.CommandContext(t.Context(), preCommit, "try-repo", repository, "wedatasync-validate", "--files", file)
		cmd.Dir = dir
		// It builds in a place of its own, with what is downloaded and built already.
		cmd.Env = append(os.Environ(), "PATH="+systemPath(), "GOFLAGS=-buildvcs=false", "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOCACHE="+goEnv(t, "GOCACHE"), "GOTOOLCHAIN="+goEnv(t, "GOTOOLCHAIN"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := try("tasks/a.yaml"); err != nil || !strings.Contains(out, "Passed") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := try("tasks/b.yaml"); err == nil || !strings.Contains(out, "tasks/b.yaml:3:") {
		t.Errorf("%v\n%s", err, out)
	}
}

// systemPath is PATH without a Go that go itself has downloaded: pre-commit believes no
// program in a home.
func systemPath() string {
	dirs := slices.DeleteFunc(filepath.SplitList(os.Getenv("PATH")), func(dir string) bool { return strings.Contains(dir, "toolchain@") })
	return strings.Join(dirs, string(os.PathListSeparator))
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestManualPages: two formatters have no complaint about a page, and each is found by its
// name.
func TestManualPages(t *testing.T) {
	man, mandoc, lexgrog := need(t, "man"), need(t, "mandoc"), need(t, "lexgrog")
	dir := t.TempDir()
	output(t, exec.CommandContext(t.Context(), wedatasync(t), "man", dir), "")
	pages, err := filepath.Glob(filepath.Join(dir, "wedatasync*.1"))
	if err != nil || len(pages) < 25 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	cmd := exec.CommandContext(t.Context(), man, append([]string{"--warnings", "-E", "UTF-8", "-l"}, pages...)...)
	cmd.Env = append(os.Environ(), "MANWIDTH=80", "LC_ALL=C.UTF-8", "PAGER=cat")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Errorf("man: %v\n%s", err, &complaints)
	}
	for _, want := range []string{"--drift-policy", "EXIT STATUS", "wedatasync plan --source . --path tasks --against origin/main -o markdown"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the pages do not have %q", want)
		}
	}
	if out, err := exec.CommandContext(t.Context(), mandoc, append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput(); err != nil {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".1")
		if out := output(t, exec.CommandContext(t.Context(), lexgrog, page), ""); !strings.Contains(out, `"`+name+` - `) {
			t.Errorf("lexgrog does not find %s: %s", name, out)
		}
	}
}
