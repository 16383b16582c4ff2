package gitstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxAlternates bounds the object directories that one repository reads.
const maxAlternates = 16

// Alternates returns the object directory, and those that it takes objects from.
func Alternates(dir string) ([]string, error) { return addAlternates(dir, nil) }

func addAlternates(dir string, dirs []string) ([]string, error) {
	if len(dirs) == maxAlternates {
		return nil, fmt.Errorf("the repository borrows objects from more than %d others", maxAlternates)
	}
	dirs = append(dirs, dir)
	list, err := os.ReadFile(filepath.Join(dir, "info", "alternates"))
	if errors.Is(err, fs.ErrNotExist) {
		return dirs, nil
	}
	for line := range bytes.Lines(list) {
		other := strings.TrimRight(string(line), "\r\n")
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
