package bench_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

var long = flag.Bool("long", false, "measure a million specs, too, and idle for a whole day")

// scratch is where fixtures are kept for one run.
var scratch string

// roleVar makes the test binary play another part: what is measured, and what it is
// measured against, must not share a process with the one that measures.
const roleVar = "WEDATASYNC_BENCH_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "git-server":
		os.Exit(serveGit(os.Args[1]))
	case "naive":
		os.Exit(syncNaively(os.Args[1], os.Args[2]))
	}
	var err error
	if scratch, err = os.MkdirTemp("", "wedatasync-bench-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

// self returns the test binary in another role.
func self(b testing.TB, role string, args ...string) *exec.Cmd {
	b.Helper()
	exe, err := os.Executable()
	must(b, err)
	cmd := exec.CommandContext(b.Context(), exe, args...)
	cmd.Env = append(gitEnv(), roleVar+"="+role)
	return cmd
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
