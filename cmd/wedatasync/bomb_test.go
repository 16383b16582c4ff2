package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	bombMemory = 256 << 20 // that a small repository may make the program take, in bytes
	bombStop   = time.Second
)

// bomb is a small repository that is much to read, and what is said of it.
type bomb struct {
	name  string
	build func(*importer)
	says  []string
}

// TestBombs: a repository of a few kilobytes that unfolds to a thousand times that ends as
// too large, with what to do about it, in bounded memory, and at once when it is told to.
// By default a bomb is met by one of the two commands, and is stopped once; -long tries all.
func TestBombs(t *testing.T) {
	t.Parallel()
	same := func(names, specs int) func(*importer) {
		return func(i *importer) {
			mark := i.blob(manySpecs(specs, ""))
			for n := range names {
				i.file(fmt.Sprintf("%03d.yaml", n), mark)
			}
		}
	}
	tests := []bomb{
		{"20 names for one file of 24,000 tasks", same(20, 24_000), []string{"too large", "mistakes", "wedatasync validate"}},
		{"40 names for one file of 24,000 tasks", same(40, 24_000), []string{"too large", "mistakes", "wedatasync validate"}},
		{"150 names for one file of 80,000 tasks", same(150, 80_000), []string{"too large", "256 MiB", "divide the specs between several sources"}},
		{"40 files of the same 24,000 tasks", func(i *importer) {
			for n := range 40 {
				i.file(fmt.Sprintf("%03d.yaml", n), i.blob(manySpecs(24_000, fmt.Sprintf("# %d\n", n))))
			}
		}, []string{"too large", "mistakes"}},
		{"one file of mistakes under 2,000 names", func(i *importer) {
			mark := i.blob(manySpecs(0, "") + strings.Repeat("- {taskId: a b}\n", 200))
			for n := range 2000 {
				i.file(fmt.Sprintf("%04d.yaml", n), mark)
			}
		}, []string{"too large", "mistakes"}},
		{"files of the same dependencies", func(i *importer) {
			for n := range 60 {
				var b strings.Builder
				b.WriteString("apiVersion: wedatasync/v1\ncommits:\n")
				for task := range 150 {
					fmt.Fprintf(&b, "- {taskId: a%d-%d, projectId: p, commitType: 0, dependsOn: [%s]}\n", n, task, numbered(200))
				}
				i.file(fmt.Sprintf("%03d.yaml", n), i.blob(b.String()))
			}
		}, []string{"too large", "dependencies"}},
		{"patterns that take long to match", func(i *importer) {
			i.file(".wedatasyncignore", i.blob(strings.Repeat("*aaaaaaaaaaaaaaab*l\n", 64<<10/20)))
			longNames(i)
		}, []string{"too large", ".wedatasyncignore", "simpler patterns"}},
	}
	tests = append(tests, bomb{"patterns with many stars", func(i *importer) {
		i.file(".wedatasyncignore", i.blob(strings.Repeat("*a*a*a*a*b\n", 64<<10/11)))
		longNames(i)
	}, []string{"2000 times in all"}})
	if raced {
		tests = tests[:1] // its figures do not count there
	}
	binary := selfAs(t)
	for n, test := range tests {
		commands, stops := [][]string{{"run", "--once"}, {"plan"}}, []time.Duration{300 * time.Millisecond, 900 * time.Millisecond}
		if !*long {
			commands, stops = commands[n%2:n%2+1], stops[n/2%2:n/2%2+1]
		}
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			i := newImporter(t, filepath.Join(dir, "srv.git"))
			test.build(i)
			i.done()
			run := func(args ...string) *exec.Cmd {
				cmd := exec.CommandContext(t.Context(), binary, args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "WEDATASYNC_SOURCE="+i.dir, "WEDATASYNC_SIMULATE=true", "WEDATASYNC_LISTEN=off")
				return cmd
			}
			for _, args := range commands {
				cmd := run(args...)
				start := time.Now()
				out, err := cmd.CombinedOutput()
				took := time.Since(start)
				peak := peakOf(cmd.ProcessState)
				t.Logf("%v: %v, %d MiB, %d bytes: %s", args, took.Round(time.Millisecond), peak>>20, len(out), clip(out))
				if cmd.ProcessState.ExitCode() != exitError {
					t.Errorf("%v ended with %v", args, err)
				}
				if peak > bombMemory && !raced {
					t.Errorf("%v took %d MiB of memory", args, peak>>20)
				}
				for _, say := range test.says {
					if !bytes.Contains(out, []byte(say)) {
						t.Errorf("%v says %q, without %q", args, clip(out), say)
					}
				}
			}
			for _, after := range stops {
				// A neighbor can keep the machine busy for a while.
				took := stopAfter(t, run("run"), after)
				for try := 1; took > bombStop && try < 3; try++ {
					took = stopAfter(t, run("run"), after)
				}
				if took > bombStop && !raced {
					t.Errorf("it ended %v after SIGTERM", took)
				}
			}
		})
	}
}

// stopAfter starts the program, stops it after a time, and returns how long that takes.
func stopAfter(t *testing.T, cmd *exec.Cmd, after time.Duration) time.Duration {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after) // to catch it at work
	told := time.Now()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	return time.Since(told)
}

// longNames are 2,000 files whose names have 200 letters.
func longNames(i *importer) {
	mark := i.blob(manySpecs(1, ""))
	for n := range 2000 {
		i.file(strings.Repeat("a", 196)+fmt.Sprintf("%04d.yaml", n), mark)
	}
}

func clip(out []byte) string { return string(out[:min(len(out), 700)]) }

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "x%d,", i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// manySpecs is a file of so many tasks, as small as can be.
func manySpecs(n int, head string) string {
	var b strings.Builder
	b.WriteString(head + "apiVersion: wedatasync/v1\ndefaults: {projectId: p}\ncommits:\n")
	for i := range n {
		fmt.Fprintf(&b, "- {taskId: t%d, commitType: 0}\n", i)
	}
	return b.String()
}

// selfAs returns a path at which this test is the program.
func selfAs(t *testing.T) string {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "wedatasync")
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	return binary
}

// importer writes a bare repository of one commit. It holds nothing in memory: the peak of
// a process counts for the next that it starts.
type importer struct {
	t     *testing.T
	dir   string
	git   *exec.Cmd
	blobs io.WriteCloser
	files bytes.Buffer
	marks int
}

func newImporter(t *testing.T, dir string) *importer {
	i := &importer{t: t, dir: dir}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(exec.CommandContext(t.Context(), "git", "init", "-q", "--bare", "-b", "main", dir).Run())
	i.git = exec.CommandContext(t.Context(), "git", "-C", dir, "fast-import", "--quiet")
	var err error
	i.blobs, err = i.git.StdinPipe()
	must(err)
	must(i.git.Start())
	return i
}

func (i *importer) blob(text string) (mark int) {
	i.marks++
	fmt.Fprintf(i.blobs, "blob\nmark :%d\ndata %d\n%s\n", i.marks, len(text), text)
	return i.marks
}

func (i *importer) file(name string, mark int) {
	fmt.Fprintf(&i.files, "M 100644 :%d %s\n", mark, name)
}

func (i *importer) done() {
	fmt.Fprintf(i.blobs, "commit refs/heads/main\ncommitter Eve <eve@example.com> 1700000000 +0000\ndata 0\n%s", &i.files)
	if err := errors.Join(i.blobs.Close(), i.git.Wait()); err != nil {
		i.t.Fatal(err)
	}
}
