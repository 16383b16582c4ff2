package spec_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wedatasync/wedatasync/spec"
)

var (
	update = flag.Bool("update", false, "write the golden files anew")
	long   = flag.Bool("long", false, "run the tests at full size")
)

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// head begins every document of the tests.
const head = "apiVersion: wedatasync/v1\n"

// parseGood parses a document that must be without fault.
func parseGood(t *testing.T, lines ...string) []*spec.Commit {
	t.Helper()
	f := spec.Parse("tasks.yaml", []byte(head+strings.Join(lines, "\n")+"\n"))
	if len(f.Problems) > 0 || len(f.Broken) > 0 || f.Unread {
		t.Fatalf("broken %v, unread %v, problems:\n%v", f.Broken, f.Unread, f.Problems)
	}
	return f.Commits
}

// parseUsable parses what may be doubtful.
func parseUsable(t *testing.T, lines ...string) []*spec.Commit {
	t.Helper()
	f := spec.Parse("tasks.yaml", []byte(head+strings.Join(lines, "\n")+"\n"))
	if f.Problems.Errors() > 0 {
		t.Fatal(f.Problems)
	}
	return f.Commits
}

func key(project, task string) spec.Key { return spec.Key{ProjectID: project, TaskID: task} }
