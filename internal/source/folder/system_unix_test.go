//go:build unix

package folder

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/wedatasync/wedatasync/internal/source/sourcetest"
	"github.com/wedatasync/wedatasync/internal/specfiles"
	"github.com/wedatasync/wedatasync/spec"
)

func TestFolderOddEntries(t *testing.T) {
	f := newFolder(t, map[string]string{"in/a.yaml": sourcetest.Spec("a", 1), "out/b.yaml": sourcetest.Spec("b", 1)})
	outside := newFolder(t, map[string]string{"c.yaml": sourcetest.Spec("c", 1)})
	sourcetest.Must(t, os.Symlink(outside.path("c.yaml"), f.path("in/c.yaml")))
	sourcetest.Must(t, os.Symlink(outside.dir, f.path("in/folder")))
	sourcetest.Must(t, os.Symlink("../out", f.path("in/inner")))
	sourcetest.Must(t, os.Symlink("none", f.path("in/none.yaml")))
	sourcetest.Must(t, os.Symlink("..", f.path("in/loop")))
	sourcetest.Must(t, os.Symlink("README", f.path("in/link.md")))
	sourcetest.Must(t, syscall.Mkfifo(f.path("in/pipe.yaml"), 0o600))
	f.write(map[string]string{
		"in/new\nline.yaml": sourcetest.Spec("d", 1), "in/huge.yaml": strings.Repeat("# nothing\n", spec.MaxFileSize/10+1),
		"in/" + strings.Repeat("d/", 32) + "ok.yaml": sourcetest.Spec("ok", 1), "in/" + strings.Repeat("e/", specfiles.MaxDepth+1) + "deep.yaml": sourcetest.Spec("deep", 1),
	})
	want := []string{
		"a v1 in/a.yaml", "ok v1 in/" + strings.Repeat("d/", 32) + "ok.yaml",
		`error file-name in/"new\nline.yaml"`, "error symlink in/c.yaml", "error too-deep in/" + strings.Repeat("e/", 32) + "e", "warning symlink in/folder",
		"error too-large in/huge.yaml", "warning symlink in/inner", "warning symlink in/loop", "error symlink in/none.yaml", "error special-file in/pipe.yaml",
	}
	sourcetest.WantSaid(t, sourcetest.Poll(t, f.open(Config{Path: "in"})), want...)
}
