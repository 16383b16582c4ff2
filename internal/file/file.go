// Package file reads the files that people name, in a flag, a variable or a key of
// the configuration. A name can lead to anything: a device that never ends, a pipe
// that nobody writes to, a file without a bound. So a file has to be regular, behind
// whatever links; it is opened without waiting, and looked at before it is read; and
// it is never read beyond its bound.
//
// What may enter: how a named file is opened and read, and who else can read it. Not
// what is in it.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"syscall"
)

// MaxCertificates bounds a file of certificates in bytes. The bundle of a system has
// a quarter of a megabyte.
const MaxCertificates = 4 << 20

// ErrNotRegular says that a name leads to something that is not a regular file, and
// ErrTooLarge that a file has more bytes than are read of it.
var (
	ErrNotRegular = errors.New("not a regular file")
	ErrTooLarge   = errors.New("too large")
)

// Open opens a regular file of at most so many bytes for reading. An error names by,
// which is the flag, the variable or the key that named the file, if it is not empty.
func Open(by, path string, most int64) (*os.File, error) {
	f, _, err := open(by, path, most)
	return f, err
}

// Read returns what is in a regular file of at most so many bytes. Errors are as
// those of Open.
func Read(by, path string, most int64) ([]byte, error) {
	data, _, err := read(by, path, most)
	return data, err
}

// Regular returns an error if there is something at path that is no regular file. It is
// for files that a library opens by their names.
func Regular(by, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = check(path, info, math.MaxInt64)
	}
	if err != nil {
		return named(by, err)
	}
	return nil
}

func read(by, path string, most int64) (_ []byte, _ fs.FileInfo, err error) {
	f, info, err := open(by, path, most)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()                                    // it was only read
	data, err := io.ReadAll(io.LimitReader(f, most+1)) // it can grow meanwhile
	if err == nil && int64(len(data)) > most {
		err = tooLarge(path, most)
	}
	if err != nil {
		return nil, nil, named(by, err)
	}
	// What is being written must not be taken for a whole: half a key looks like one.
	after, err := f.Stat()
	if err == nil && (after.Size() != info.Size() || !after.ModTime().Equal(info.ModTime())) {
		err = fmt.Errorf("read %s: it was written while it was read", path)
	}
	if err != nil {
		return nil, nil, named(by, err)
	}
	return data, info, nil
}

// open looks before it opens, because to open some devices does something, and again
// after that, because only then it is the same file.
func open(by, path string, most int64) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = check(path, info, most)
	}
	if err != nil {
		return nil, nil, named(by, err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, named(by, err)
	}
	if info, err = f.Stat(); err == nil {
		err = check(path, info, most)
	}
	if err != nil {
		return nil, nil, named(by, errors.Join(err, f.Close()))
	}
	return f, info, nil
}

func check(path string, info fs.FileInfo, most int64) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is a %s, %w", path, kind(info.Mode()), ErrNotRegular)
	case info.Size() > most:
		return tooLarge(path, most)
	default:
		return nil
	}
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	default:
		return "device"
	}
}

func tooLarge(path string, most int64) error {
	return fmt.Errorf("%s is %w: it may have at most %d bytes", path, ErrTooLarge, most)
}

func named(by string, err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok && at.Op == "stat" {
		at.Op = "open" // which is what was meant
	}
	if by == "" {
		return err
	}
	return fmt.Errorf("%s: %w", by, err)
}
