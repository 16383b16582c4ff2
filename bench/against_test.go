// Package bench_test measures the program as a whole, beside the tool that people
// compare it with.
package bench_test

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// changed is how many specs of a repository differ, or are pushed at once.
const changed = 10

// BenchmarkAgainst measures what a pull request waits for: a plan against a
// revision, in a repository of 100,000 specs, 10 of which differ. It runs the plan
// and `git diff --stat` in turn, each as a process, and reports their medians and
// x-git-diff, the one by the other. Most of the plan is the start of a process that is
// five times as large as git: where starts are slow, so is the ratio.
func BenchmarkAgainst(b *testing.B) {
	binary, err := program()
	must(b, err)
	files := 100_000
	if testing.Short() {
		files = 1_000
	}
	repo := repository(b, files)
	plan := func(format string) *exec.Cmd {
		return exec.CommandContext(b.Context(), binary, "plan", "--source", repo, "--against", "main", "-o", format)
	}
	diff := func() *exec.Cmd {
		return exec.CommandContext(b.Context(), "git", "-C", repo, "diff", "--stat", "main", "release")
	}
	// Both do the work, and what they read is cached.
	expect(b, plan("text"), fmt.Sprintf("%d commits will be sent", changed))
	expect(b, diff(), fmt.Sprintf("%d files changed", changed))

	var ours, gits sample
	for b.Loop() {
		ours = append(ours, measure(b, plan("markdown")))
		gits = append(gits, measure(b, diff()))
	}
	our, git := ours.median(), gits.median()
	b.ReportMetric(0, "ns/op") // the sum of both says nothing
	b.ReportMetric(float64(our), "plan-ns")
	b.ReportMetric(float64(git), "git-diff-ns")
	b.ReportMetric(float64(our)/float64(git), "x-git-diff")
}

// repository makes a clone of a repository with the branches main and release.
func repository(b *testing.B, files int) string {
	b.Helper()
	dir := b.TempDir()
	git := func(stdin io.Reader, args ...string) {
		cmd := exec.CommandContext(b.Context(), "git", append([]string{"-C", dir}, args...)...)
		cmd.Env = gitEnv()
		cmd.Stdin = stdin
		run(b, cmd)
	}
	git(nil, "init", "-q", "-b", "main")
	git(history(files), "fast-import", "--quiet")
	git(nil, "symbolic-ref", "HEAD", "refs/heads/release")
	git(nil, "repack", "-adq") // as a clone is packed
	return dir
}

// history is two commits for git fast-import: all specs, and a change of some.
func history(n int) io.Reader {
	var b bytes.Buffer
	commit := func(branch, from string, every, version int) {
		fmt.Fprintf(&b, "commit refs/heads/%s\ncommitter Ana <ana@example.com> %d +0000\ndata 7\nRelease\n%s", branch, 1_790_000_000+version, from)
		for i := 0; i < n; i += every {
			writeFile(&b, layout{files: n, each: 1}, i, version)
		}
	}
	commit("main", "", 1, 1)
	commit("release", "from refs/heads/main\n", n/changed+1, 2)
	return &b
}

func measure(b testing.TB, cmd *exec.Cmd) time.Duration {
	b.Helper()
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s: %v", cmd, err)
	}
	return time.Since(start)
}

func expect(b testing.TB, cmd *exec.Cmd, want string) {
	b.Helper()
	if out := run(b, cmd); !strings.Contains(out, want) {
		b.Fatalf("%s: no %q in\n%s", cmd, want, out)
	}
}

func run(b testing.TB, cmd *exec.Cmd) string {
	b.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}
