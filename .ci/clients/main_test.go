package clients

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// top is the folder of the repository.
const top = "../.."

var required = flag.Bool("required", false, "fail, instead of skipping, without a client")

// program builds the program, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	return build(filepath.Join(shared, "wedatasync"), "-C", top, "./cmd/wedatasync")
})

// shared is a folder for all tests, removed after them.
var shared string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if shared, err = os.MkdirTemp("", "clients-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(shared)
	os.Exit(code)
}

// build builds a Go program, and returns its path.
func build(path string, flags ...string) (string, error) {
	args := append([]string{"build"}, flags[:len(flags)-1]...)
	out, err := exec.Command("go", append(args, "-o", path, flags[len(flags)-1])...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", flags[len(flags)-1], err, out)
	}
	return path, nil
}

// wedatasync returns the path of the program.
func wedatasync(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// modules is where .ci/run installs what comes from npm.
func modules(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(top, "dist", "clients", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// need skips the test without the client, or fails it where all clients are required.
func need(t *testing.T, path string) string {
	t.Helper()
	found, err := exec.LookPath(path)
	if err == nil {
		return found
	}
	if _, err = os.Stat(path); err == nil {
		return path
	}
	if *required {
		t.Fatalf("%v: .ci/run clients installs it", err)
	}
	t.Skipf("%v: .ci/run clients installs it", err)
	return ""
}

// node returns a command that runs JavaScript, which finds the modules of dist/clients.
func node(t *testing.T, module, script string) *exec.Cmd {
	t.Helper()
	need(t, filepath.Join(modules(t), module))
	cmd := exec.CommandContext(t.Context(), need(t, "node"), "-e", script)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules(t))
	return cmd
}

// output runs a client that must succeed, and returns what it prints.
func output(t *testing.T, cmd *exec.Cmd, stdin string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd, err, out, &stderr)
	}
	return string(out)
}
