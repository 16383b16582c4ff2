package statefile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/wedatasync/wedatasync/internal/file"
	"github.com/wedatasync/wedatasync/state"
)

// mode lets the group of the owner read a state; umask can take that away.
const mode = 0o640

// Files names what a state consists of.
type Files struct {
	DB   string // the database
	WAL  string // its write-ahead log, there while it is in use
	Head string // the newest serial, beside the database
	Lock string // who holds the state
}

// Locate names the files of the state at path. Links are followed, so that one
// state has one lock.
func Locate(path string) (Files, error) {
	db, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		var dir string
		dir, err = filepath.EvalSymlinks(filepath.Dir(path))
		db = filepath.Join(dir, filepath.Base(path))
	}
	if err == nil {
		db, err = filepath.Abs(db)
	}
	if err == nil {
		err = file.Regular("--state", db)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Files{}, fmt.Errorf("find state %s: %w: %w: check --state, and that its volume is mounted", path, state.ErrMissing, err)
	}
	if err != nil {
		return Files{}, fmt.Errorf("find state %s: %w", path, err)
	}
	return Files{DB: db, WAL: db + "-wal", Head: db + ".head", Lock: db + ".lock"}, nil
}

// Exists reports whether there is a file of that name. A file that cannot be
// looked at exists: it must not be taken for a missing one.
func Exists(name string) bool {
	_, err := os.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// Replace makes data the durable content of the file, as a whole or not at all.
func Replace(name string, data []byte) error {
	tmp := name + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return Rename(tmp, name)
}

// Create makes an empty file, which must not be there.
func Create(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	return f.Close()
}

// Rename renames durably.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Fresh reports whether there is nothing of a state at path, so that Open would
// make one. What is left of a state is not nothing.
func Fresh(path string) (bool, error) {
	fl, err := Locate(path)
	if err != nil {
		return false, err
	}
	return fl.Fresh()
}

// Fresh reports whether there is nothing of a state: nothing at all, or what is
// left of a creation that did not finish.
func (fl Files) Fresh() (bool, error) {
	if Exists(fl.DB) {
		return false, nil
	}
	if Exists(fl.WAL) {
		return false, fmt.Errorf("open state %s: %w: its log %s exists and the database is missing: restore the database", fl.DB, state.ErrMissing, fl.WAL)
	}
	if !Exists(fl.Head) {
		return true, nil
	}
	h, err := fl.ReadHead()
	if err != nil {
		return false, err
	}
	if h.Serial > 0 {
		return false, fmt.Errorf("open state %s: %w: it was at serial %d: restore the database, or, to begin a new state in which nothing is applied, remove %s",
			fl.DB, state.ErrMissing, h.Serial, fl.Head)
	}
	return true, nil
}

// Remove removes the files that are there.
func Remove(names ...string) error {
	for _, name := range names {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// maxHolder bounds what is read of a lock file, in bytes.
const maxHolder = 4 << 10

// TakeLock makes this process the only one that holds the state. The kernel lets
// go of the lock when the process ends, however it ends; the file stays.
func (fl Files) TakeLock(version string) (*flock.Flock, error) {
	lock := flock.New(fl.Lock, flock.SetPermissions(mode))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock state %s: %w", fl.DB, err)
	}
	if !held {
		return nil, &state.LockedError{Path: fl.DB, Holder: readHolder(fl.Lock)}
	}
	if err := writeHolder(fl.Lock, version); err != nil {
		_ = lock.Unlock()
		return nil, fmt.Errorf("lock state %s: %w", fl.DB, err)
	}
	return lock, nil
}

// writeHolder says in the lock file that this process holds the state. It is for
// people to read: the lock is the kernel's.
func writeHolder(name, version string) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	data, err := json.Marshal(state.Holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second), Version: version})
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(data, '\n'), mode)
}

// readHolder returns what the lock file says, or nothing if it says nothing.
func readHolder(name string) state.Holder {
	f, err := os.Open(name)
	if err != nil {
		return state.Holder{}
	}
	defer f.Close()
	var h state.Holder
	if json.NewDecoder(io.LimitReader(f, maxHolder)).Decode(&h) != nil {
		return state.Holder{}
	}
	return h
}

// locksFile is where Linux lists the locks there are.
const locksFile = "/proc/locks"

// LockHolder reports whether a process holds the state at path, and which one its lock file
// names. It does not try the lock: who does could keep a daemon from its start. Where
// the system does not list its locks, the error is errors.ErrUnsupported.
func LockHolder(path string) (state.Holder, bool, error) {
	fl, err := Locate(path)
	if err != nil {
		return state.Holder{}, false, err
	}
	info, err := os.Stat(fl.Lock)
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
	return readHolder(fl.Lock), true, nil
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

// inodeOf returns the number of the file, where the system has such numbers.
func inodeOf(info fs.FileInfo) (uint64, bool) {
	sys := reflect.Indirect(reflect.ValueOf(info.Sys()))
	if sys.Kind() != reflect.Struct {
		return 0, false
	}
	ino := sys.FieldByName("Ino")
	if !ino.IsValid() || !ino.CanUint() {
		return 0, false
	}
	return ino.Uint(), true
}
