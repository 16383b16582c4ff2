package sqlstore

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/wedatasync/wedatasync/state"
)

// locksFile is where Linux lists the locks there are.
const locksFile = "/proc/locks"

// LockHolder reports whether a process holds the state at path, and which one its lock file
// names. It does not try the lock: who does could keep a daemon from its start. Where
// the system does not list its locks, the error is errors.ErrUnsupported.
func LockHolder(path string) (state.Holder, bool, error) {
	fl, err := locate(path)
	if err != nil {
		return state.Holder{}, false, err
	}
	info, err := os.Stat(fl.lock)
	if errors.Is(err, fs.ErrNotExist) {
		return state.Holder{}, false, nil
	}
	if err != nil {
		return state.Holder{}, false, fmt.Errorf("find lock of state: %w", err)
	}
	inode, ok := inodeOf(info)
	if !ok {
		return state.Holder{}, false, fmt.Errorf("find lock of state: %w", errors.ErrUnsupported)
	}
	held, err := isLocked(inode)
	if err != nil || !held {
		return state.Holder{}, false, err
	}
	return readHolder(fl.lock), true, nil
}

// isLocked looks for a lock on the inode, such as
//
//	1: FLOCK  ADVISORY  WRITE 4711 08:01:131092 0 EOF
//
// The device is not compared: some file systems show another one there than in stat.
func isLocked(inode uint64) (bool, error) {
	f, err := os.Open(locksFile)
	if err != nil {
		return false, fmt.Errorf("list locks: %w: %w", errors.ErrUnsupported, err)
	}
	defer f.Close()
	suffix := fmt.Sprintf(":%d", inode)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 6 && fields[1] == "FLOCK" && fields[3] == "WRITE" && strings.HasSuffix(fields[5], suffix) {
			return true, nil
		}
	}
	return false, lines.Err()
}
