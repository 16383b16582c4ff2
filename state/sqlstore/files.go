package sqlstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
		return files{}, fmt.Errorf("find state %s: %w: %w: is its volume mounted?", path, state.ErrMissing, err)
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
