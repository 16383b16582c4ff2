package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/wedatasync/wedatasync/internal/gitstore"
)

// openFolder opens a folder, but not through a symbolic link.
func openFolder(root *os.Root, name string) (*os.Root, error) {
	sub, err := root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	link, err := root.Lstat(name)
	if err == nil {
		var info fs.FileInfo
		if info, err = sub.Stat("."); err == nil && !os.SameFile(link, info) {
			err = fmt.Errorf("open %s: %w: it is a symbolic link", name, fs.ErrInvalid)
		}
	}
	if err != nil {
		sub.Close()
		return nil, err
	}
	return sub, nil
}

// readDir lists a folder in order of name.
func readDir(root *os.Root) ([]fs.DirEntry, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// readRegular reads a file that is still the one that info tells of: no symbolic
// link or pipe has taken its place.
func readRegular(root *os.Root, name string, info fs.FileInfo, most int64) ([]byte, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	now, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !now.Mode().IsRegular(), !os.SameFile(now, info) && isLink(root, name):
		return nil, fmt.Errorf("read %s: %w: it is no regular file", name, fs.ErrInvalid)
	}
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, gitstore.TooLarge{Size: max(now.Size(), int64(len(data))), Limit: most}
	}
	return data, err
}

func isLink(root *os.Root, name string) bool {
	info, err := root.Lstat(name)
	return err != nil || info.Mode()&fs.ModeSymlink != 0
}

// readRules reads the folder's ignore file, if it has one.
func readRules(root *os.Root) (rules, error) {
	info, err := root.Lstat(IgnoreFile)
	if errors.Is(err, fs.ErrNotExist) {
		return rules{}, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		return rules{}, fmt.Errorf("%w: %s is no regular file", ErrIgnoreFile, IgnoreFile)
	}
	if err == nil && info.Size() > maxIgnore {
		return rules{}, fmt.Errorf("%w: %s: %w", ErrIgnoreFile, IgnoreFile, gitstore.TooLarge{Size: info.Size(), Limit: maxIgnore})
	}
	if err != nil {
		return rules{}, fmt.Errorf("%w: %w", ErrIgnoreFile, err)
	}
	data, err := readRegular(root, IgnoreFile, info, maxIgnore)
	if err != nil {
		return rules{}, fmt.Errorf("%w: %w", ErrIgnoreFile, err)
	}
	return parseRules(data)
}
