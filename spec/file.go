package spec

import (
	"path"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
)

// The bounds of a spec file. A hostile or broken file costs little and is told
// which bound it met.
const (
	MaxFileSize = 4 << 20 // bytes
	MaxID       = 128     // bytes of a task id, a project id or a rerun token
	MaxText     = 4 << 10 // bytes of any other text

	maxNesting  = 16      // containers inside one another, the document included
	maxKeys     = 200     // keys of a mapping, entries of extConfig and dependsOn
	minValues   = 1000    // values of any document, plus one for 3 bytes of the file
	maxValues   = 250_000 // values of any document
	maxProblems = 100     // complaints of one severity that a file keeps
)

// File is what one spec file says.
type File struct {
	Name     string
	Mark     string    // what the source made it from; here it means nothing
	Size     int       // of its text, in bytes
	Commits  []*Commit // the usable ones, in the file's order; not to be changed
	Broken   []Named   // tasks named by commits that are not usable, in the file's order
	Unread   bool      // some of the file could not be read: it may name any task
	Problems Problems
}

// Named is a place that names a task.
type Named struct {
	Key
	Pos Pos
}

// BadFile is a file that could not even be parsed, such as a symbolic link.
func BadFile(name, code, message string) *File {
	at := Pos{File: name, Line: 1, Column: 1}
	return &File{Name: name, Unread: true, Problems: Problems{problemf(at, code, "%s", text.Printable(message))}}
}

// IsSpec reports whether the file of that slash-separated path, below the
// source's path, holds specs: *.yaml and *.yml, except dot-files and what lies in
// dot-folders.
func IsSpec(name string) bool {
	if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
		return false
	}
	return !strings.HasPrefix(name, ".") && !strings.Contains(name, "/.")
}
