//go:build unix

package source

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/spec"
)

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestFolderOddEntries(t *testing.T) {
	f := newFolder(t, map[string]string{"in/a.yaml": specOf("a", 1), "out/b.yaml": specOf("b", 1)})
	outside := newFolder(t, map[string]string{"c.yaml": specOf("c", 1)})
	must(t, os.Symlink(outside.path("c.yaml"), f.path("in/c.yaml")))
	must(t, os.Symlink(outside.dir, f.path("in/folder")))
	must(t, os.Symlink("../out", f.path("in/inner")))
	must(t, os.Symlink("none", f.path("in/none.yaml")))
	must(t, os.Symlink("..", f.path("in/loop")))
	must(t, os.Symlink("README", f.path("in/link.md")))
	must(t, syscall.Mkfifo(f.path("in/pipe.yaml"), 0o600))
	f.write(map[string]string{
		"in/new\nline.yaml": specOf("d", 1), "in/huge.yaml": strings.Repeat("# nothing\n", spec.MaxFileSize/10+1),
		"in/" + strings.Repeat("d/", 32) + "ok.yaml": specOf("ok", 1), "in/" + strings.Repeat("e/", specfiles.MaxDepth+1) + "deep.yaml": specOf("deep", 1),
	})
	want := []string{
		"a v1 in/a.yaml", "ok v1 in/" + strings.Repeat("d/", 32) + "ok.yaml",
		`error file-name in/"new\nline.yaml"`, "error symlink in/c.yaml", "error too-deep in/" + strings.Repeat("e/", 32) + "e", "warning symlink in/folder",
		"error too-large in/huge.yaml", "warning symlink in/inner", "warning symlink in/loop", "error symlink in/none.yaml", "error special-file in/pipe.yaml",
	}
	wantSaid(t, poll(t, f.open(FolderConfig{Path: "in"})), want...)
}
