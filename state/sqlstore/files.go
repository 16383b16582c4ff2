package sqlstore

import (
	"bufio"
	"context"
	"crypto/rand"
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

// fileMode lets the group of the owner read a state; umask can take that away.
const fileMode = 0o640

// files names what a state consists of.
type files struct {
	db   string // the database
	wal  string // its write-ahead log, there while it is in use
	head string // the newest serial, beside the database
	lock string // who holds the state
}

// locate names the files of the state at path. Links are followed, so that one
// state has one lock.
func locate(path string) (files, error) {
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
		return files{}, fmt.Errorf("find state %s: %w: %w: check --state, and that its volume is mounted", path, state.ErrMissing, err)
	}
	if err != nil {
		return files{}, fmt.Errorf("find state %s: %w", path, err)
	}
	return files{db: db, wal: db + "-wal", head: db + ".head", lock: db + ".lock"}, nil
}

// exists reports whether there is a file of that name. A file that cannot be
// looked at exists: it must not be taken for a missing one.
func exists(name string) bool {
	_, err := os.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// replaceFile makes data the durable content of the file, as a whole or not at all.
func replaceFile(name string, data []byte) error {
	tmp := name + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return renameFile(tmp, name)
}

// renameFile renames durably.
func renameFile(from, to string) error {
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
	fl, err := locate(path)
	if err != nil {
		return false, err
	}
	return fl.fresh()
}

// newMeta returns the meta row of a state that begins now.
func newMeta(id state.Identity) meta {
	return meta{lineage: rand.Text(), identity: id, created: time.Now()}
}

// fresh reports whether there is nothing of a state: nothing at all, or what is
// left of a creation that did not finish.
func (fl files) fresh() (bool, error) {
	if exists(fl.db) {
		return false, nil
	}
	if exists(fl.wal) {
		return false, fmt.Errorf("open state %s: %w: its log %s exists and the database is missing: restore the database", fl.db, state.ErrMissing, fl.wal)
	}
	if !exists(fl.head) {
		return true, nil
	}
	h, err := fl.readHead()
	if err != nil {
		return false, err
	}
	if h.serial > 0 {
		return false, fmt.Errorf("open state %s: %w: it was at serial %d: restore the database, or, to begin a new state in which nothing is applied, remove %s",
			fl.db, state.ErrMissing, h.serial, fl.head)
	}
	return true, nil
}

// filler adds to a new state, in the transaction that creates it.
type filler func(ctx context.Context, w *writer, m *meta) error

// begun is the filler of a state that begins with nothing.
func begun(opt Options) filler {
	return func(ctx context.Context, w *writer, m *meta) error {
		c, err := newChange(state.Transition{Events: []state.Event{{At: time.Now(), Kind: state.EventState, Actor: opt.Actor, Note: "created"}}})
		if err != nil {
			return err
		}
		return w.apply(ctx, m, &c)
	}
}

// create makes the state on the side and puts it in place when it is durable. The
// head comes first, with the serial 0: from it on, a database of that lineage is
// expected, and none has been in use.
func create(ctx context.Context, fl files, m meta, fill filler, fault func(string) error) error {
	if err := replaceFile(fl.head, head{m.lineage, 0}.line()); err != nil {
		return err
	}
	tmp := fl.db + ".new"
	if err := remove(tmp, tmp+"-journal"); err != nil {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	m, err = fillNew(ctx, tmp, m, fill, fault)
	if err != nil {
		return errors.Join(dbError(err), remove(tmp, tmp+"-journal", fl.head))
	}
	if err := renameFile(tmp, fl.db); err != nil {
		return err
	}
	return replaceFile(fl.head, head{m.lineage, m.serial}.line())
}

// fillNew makes the tables and the first rows in an empty file, and returns the
// meta row as it then is.
func fillNew(ctx context.Context, path string, m meta, fill filler, fault func(string) error) (_ meta, err error) {
	w, err := openWriter(ctx, path, creating, m, fault)
	if err != nil {
		return meta{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	err = w.transact(ctx, func(next *meta) error {
		if err := makeTables(ctx, w); err != nil {
			return err
		}
		return fill(ctx, w, next)
	})
	return w.meta, err
}

// makeTables makes what every state has.
func makeTables(ctx context.Context, w *writer) error {
	if err := makeSchema(ctx, w.conn, 0); err != nil {
		return err
	}
	columns, err := w.metaColumns(&w.meta)
	if err != nil {
		return err
	}
	if err := w.exec(ctx, insertMeta, append(columns, checksum("meta", columns...))...); err != nil {
		return err
	}
	const nothing = "{}"
	return w.exec(ctx, upsertControl, nothing, checksum("control", nothing))
}

// remove removes the files that are there.
func remove(names ...string) error {
	for _, name := range names {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// maxHolder bounds what is read of a lock file, in bytes.
const maxHolder = 4 << 10

// takeLock makes this process the only one that holds the state. The kernel lets
// go of the lock when the process ends, however it ends; the file stays.
func takeLock(fl files, version string) (*flock.Flock, error) {
	lock := flock.New(fl.lock, flock.SetPermissions(fileMode))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock state %s: %w", fl.db, err)
	}
	if !held {
		return nil, &state.LockedError{Path: fl.db, Holder: readHolder(fl.lock)}
	}
	if err := writeHolder(fl.lock, version); err != nil {
		_ = lock.Unlock()
		return nil, fmt.Errorf("lock state %s: %w", fl.db, err)
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
	return os.WriteFile(name, append(data, '\n'), fileMode)
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
