package gitstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxAlternates bounds the object directories that one repository reads.
const maxAlternates = 64

// Alternates returns the object directories, each followed by those that it takes objects
// from. A directory is in the list once, and may be missing on disk.
func Alternates(dirs ...string) ([]string, error) {
	var all []string
	for _, dir := range dirs {
		var err error
		if all, err = addAlternates(dir, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func addAlternates(dir string, dirs []string) ([]string, error) {
	dir = filepath.Clean(dir)
	if slices.Contains(dirs, dir) {
		return dirs, nil
	}
	if len(dirs) == maxAlternates {
		return nil, fmt.Errorf("the repository borrows objects from more than %d others", maxAlternates)
	}
	dirs = append(dirs, dir)
	list, err := os.ReadFile(filepath.Join(dir, "info", "alternates"))
	if errors.Is(err, fs.ErrNotExist) {
		return dirs, nil
	}
	for line := range bytes.Lines(list) {
		other := Unquote(strings.TrimRight(string(line), "\r\n"))
		if other == "" || strings.HasPrefix(other, "#") {
			continue
		}
		if !filepath.IsAbs(other) {
			other = filepath.Join(dir, other)
		}
		if dirs, err = addAlternates(other, dirs); err != nil {
			break
		}
	}
	return dirs, err
}

// Unquote returns the path that git has written, which it quotes as C does where it has
// odd characters. What is not well quoted is a path as it is.
func Unquote(path string) string {
	if unquoted, err := strconv.Unquote(path); err == nil && strings.HasPrefix(path, `"`) {
		return unquoted
	}
	return path
}
