//go:build unix

package file

import (
	"io/fs"
	"os"
	"syscall"
)

// own reports whether the file belongs to the user of this process.
func own(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
