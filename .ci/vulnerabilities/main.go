// Vulnerabilities holds the program, its modules and the Go that builds it to the Go
// vulnerability database:
//
//	go run -C .ci/vulnerabilities .
//
// The database is made from the newest data of the module golang.org/x/vulndb, so that
// nothing but a module proxy has to be reached. What can be mended, or is reached by the
// program, is an error; the rest is printed. It is a module of its own, so that the
// program does not depend on it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
)

// top is the folder of the product's go.mod, from that of this program.
const top = "../.."

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "vulnerabilities:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	db, err := database(ctx)
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	report, err := command(ctx, "go", "tool", "govulncheck", "-C", top, "-db", "file://"+db, "-format", "json", "./...")
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	findings, err := read(bytes.NewReader(report))
	if err != nil {
		return fmt.Errorf("read what govulncheck found: %w", err)
	}
	failed := 0
	for _, f := range findings {
		if f.fails(func(version string) bool { return served(ctx, version) }) {
			failed++
			fmt.Println("error:", f)
			continue
		}
		fmt.Println("known:", f)
	}
	fmt.Printf("%d findings, %d of them errors, by %s\n", len(findings), failed, filepath.Base(db))
	if failed > 0 {
		return errors.New("update the modules named above (go get), and the toolchain line of go.mod for the standard library")
	}
	return nil
}

// database returns the folder of the newest database. It stays below dist for the next run.
func database(ctx context.Context) (string, error) {
	out, err := command(ctx, "go", "mod", "download", "-json", "golang.org/x/vulndb@latest")
	if err != nil {
		return "", err
	}
	var data struct{ Dir, Version string }
	if err := json.Unmarshal(out, &data); err != nil {
		return "", err
	}
	dist, err := filepath.Abs(filepath.Join(top, "dist"))
	if err != nil {
		return "", err
	}
	db := filepath.Join(dist, "vulndb-"+data.Version)
	if _, err := os.Stat(db); !errors.Is(err, fs.ErrNotExist) {
		return db, err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return "", err
	}
	// One that was not made to its end never gets the name.
	unfinished, err := os.MkdirTemp(dist, "vulndb-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(unfinished)
	if _, err := command(ctx, "go", "tool", "indexdb", "-vulns", filepath.Join(data.Dir, "data", "osv"), "-out", unfinished); err != nil {
		return "", err
	}
	return db, os.Rename(unfinished, db)
}

// served reports whether the module proxy has the version of Go, such as v1.26.10, for
// this machine.
func served(ctx context.Context, version string) bool {
	toolchain := fmt.Sprintf("golang.org/toolchain@v0.0.1-go%s.%s-%s", strings.TrimPrefix(version, "v"), runtime.GOOS, runtime.GOARCH)
	_, err := command(ctx, "go", "list", "-m", toolchain)
	return err == nil
}

// command returns what a command wrote. Its error has what it complained about.
func command(ctx context.Context, name string, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out, err
}
