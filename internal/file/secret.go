package file

import (
	"io/fs"
	"log/slog"
	"sync"
)

// warned remembers the files that were warned of, and with which mode: a secret is
// read again at each use.
var warned sync.Map

// ReadSecret returns what is in a file that nobody else should read, as Read does. It
// warns once if others can. No error has anything of what is in it.
func ReadSecret(by, path string, most int64, log *slog.Logger) ([]byte, error) {
	data, info, err := read(by, path, most)
	if err != nil {
		return nil, err
	}
	if who := Exposed(info); who != "" && log != nil {
		if mode, _ := warned.Swap(path, info.Mode()); mode != info.Mode() {
			log.Warn("a file of secrets can be read by others: make it 0600", "setting", by, "path", path, "mode", info.Mode().Perm().String(), "by", who)
		}
	}
	return data, nil
}

// Exposed says who else can read a file: "everybody", "its group", or "" for nobody. A
// group does not count if the file is somebody else's: then the group is how this
// process reads it, as with the volumes of Kubernetes and the credentials of systemd.
func Exposed(info fs.FileInfo) string {
	switch mode := info.Mode().Perm(); {
	case mode&0o004 != 0:
		return "everybody"
	case mode&0o040 != 0 && own(info):
		return "its group"
	default:
		return ""
	}
}
