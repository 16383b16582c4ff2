// Package bench_test measures the program as a whole, beside the tool that people
// compare it with.
package bench_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	folders = 1_000
	files   = 100_000
	changed = 10
	// most is how many times what `git diff --stat` takes a plan may take.
	most = 3
)

// BenchmarkAgainst measures what a pull request waits for: a plan against a
// revision, in a repository of 100,000 specs, 10 of which differ. It runs the plan
// and `git diff --stat` in turn, each as a process, and reports their medians and
// x-git-diff, the one by the other, which does not depend on the machine.
func BenchmarkAgainst(b *testing.B) {
	binary := build(b)
	repo := repository(b)
	plan := func(format string) *exec.Cmd {
		return exec.CommandContext(b.Context(), binary, "plan", "--source", repo, "--against", "main", "-o", format)
	}
	diff := func() *exec.Cmd {
		return exec.CommandContext(b.Context(), "git", "-C", repo, "diff", "--stat", "main", "release")
	}
	// Both do the work, and what they read is cached.
	expect(b, plan("text"), fmt.Sprintf("%d commits will be sent", changed))
	expect(b, diff(), fmt.Sprintf("%d files changed", changed))

	var ours, gits []time.Duration
	for b.Loop() {
		ours = append(ours, measure(b, plan("markdown")))
		gits = append(gits, measure(b, diff()))
	}
	our, git := median(ours), median(gits)
	ratio := float64(our) / float64(git)
	b.ReportMetric(0, "ns/op") // the sum of both says nothing
	b.ReportMetric(float64(our), "plan-ns")
	b.ReportMetric(float64(git), "git-diff-ns")
	b.ReportMetric(ratio, "x-git-diff")
	if len(ours) > 1 && ratio > most { // one round is chance
		b.Errorf("a plan takes %v and git diff --stat %v: %.2f times as long, and may take %d", our, git, ratio, most)
	}
}

// build builds the program as its releases are built, and copies it as they are
// installed: what the linker has written is spread over the page cache in so small
// pieces that a start takes half a millisecond longer.
func build(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	built, installed := filepath.Join(dir, "built"), filepath.Join(dir, "wedatasync")
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", built, "../cmd/wedatasync")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	run(b, cmd)
	data, err := os.ReadFile(built)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(installed, data, 0o755); err != nil {
		b.Fatal(err)
	}
	return installed
}

// repository makes a clone of a repository with the branches main and release.
func repository(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	git := func(stdin io.Reader, args ...string) {
		cmd := exec.CommandContext(b.Context(), "git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		cmd.Stdin = stdin
		run(b, cmd)
	}
	git(nil, "init", "-q", "-b", "main")
	git(history(), "fast-import", "--quiet")
	git(nil, "symbolic-ref", "HEAD", "refs/heads/release")
	git(nil, "repack", "-adq") // as a clone is packed
	return dir
}

// history is two commits for git fast-import: all specs, and a change of some.
func history() io.Reader {
	var b bytes.Buffer
	commit := func(branch, from string, every, version int) {
		fmt.Fprintf(&b, "commit refs/heads/%s\ncommitter Ana <ana@example.com> %d +0000\ndata 7\nRelease\n%s", branch, 1_790_000_000+version, from)
		for i := 0; i < files; i += every {
			spec := specOf(i, version)
			fmt.Fprintf(&b, "M 100644 inline %03d/%06d.yaml\ndata %d\n%s\n", i%folders, i, len(spec), spec)
		}
	}
	commit("main", "", 1, 1)
	commit("release", "from refs/heads/main\n", files/changed+1, 2)
	return &b
}

func specOf(i, version int) string {
	return fmt.Sprintf(`apiVersion: wedatasync/v1
commits:
  - taskId: kb947c997-4f91-4a1f-913d-%012d
    projectId: "1486804694126882816"
    commitType: pause-resume
    taskType: realtime
    instanceVersion: %d
    versionDesc: release %d of task %d
    extConfig:
      - {name: parallelism, value: "%d"}
`, i, version, version, i, i%7)
}

func measure(b *testing.B, cmd *exec.Cmd) time.Duration {
	b.Helper()
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s: %v", cmd, err)
	}
	return time.Since(start)
}

func expect(b *testing.B, cmd *exec.Cmd, want string) {
	b.Helper()
	if out := run(b, cmd); !strings.Contains(out, want) {
		b.Fatalf("%s: no %q in\n%s", cmd, want, out)
	}
}

func run(b *testing.B, cmd *exec.Cmd) string {
	b.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
