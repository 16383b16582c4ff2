package command

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/spec"
)

// Split is how specs are spread over files.
type Split string

// The splits.
const (
	SplitProject Split = "project" // one file a project; a large one gets several
	SplitTask    Split = "task"    // one file a task, in a folder for each project
)

// SpecFile is a file of specs that was written, or was there as it would have been.
type SpecFile struct {
	Name  string // below the folder, with slashes
	Specs int
	Kept  bool // it was there already
}

const (
	// fileSpecs bounds the specs of one file, so that spec.MaxFileSize is not met.
	fileSpecs = 5000
	// maxFileName bounds what a file name has of an id, in bytes.
	maxFileName = 150
	schemaFile  = "schema.json"
)

// specWriter writes specs into a folder, and never leaves it, whatever the ids are.
// A file that is there is never replaced.
type specWriter struct {
	dir   string
	root  *os.Root
	split Split
}

func newSpecWriter(dir string, split Split) (*specWriter, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("write specs: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("write specs: %w", err)
	}
	return &specWriter{dir: dir, root: root, split: split}, nil
}

func (w *specWriter) close() error { return w.root.Close() }

// write writes the commits, which are in order of key. Nothing is written if any file
// exists with other content.
func (w *specWriter) write(commits []spec.Commit) ([]SpecFile, error) {
	type file struct {
		SpecFile
		data []byte
	}
	var files []file
	var errs []error
	for name, part := range w.files(commits) {
		f := file{SpecFile{Name: name, Specs: len(part)}, spec.Format(part, schemaPath(name))}
		if err := readsBack(name, f.data, part); err != nil {
			return nil, err
		}
		have, err := w.root.ReadFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, err)
		case bytes.Equal(have, f.data):
			f.Kept = true
		default:
			errs = append(errs, fmt.Errorf("%s exists with other content: move it away, or write to another folder", path.Join(w.dir, name)))
		}
		files = append(files, f)
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("write specs: nothing was written: %w", errors.Join(errs...))
	}
	written := make([]SpecFile, 0, len(files))
	for _, f := range files {
		if !f.Kept {
			if err := w.create(f.Name, f.data); err != nil {
				return nil, fmt.Errorf("write specs: %w", err)
			}
		}
		written = append(written, f.SpecFile)
	}
	if len(files) == 0 {
		return nil, nil
	}
	if err := w.create(schemaFile, spec.Schema()); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return written, nil
}

// files yields the files that the commits belong in, in order of name or nearly so.
func (w *specWriter) files(commits []spec.Commit) iter.Seq2[string, []spec.Commit] {
	return func(yield func(string, []spec.Commit) bool) {
		for len(commits) > 0 {
			n := slices.IndexFunc(commits, func(c spec.Commit) bool { return c.ProjectID != commits[0].ProjectID })
			if n < 0 {
				n = len(commits)
			}
			project, base := commits[:n], fileName(commits[0].ProjectID)
			commits = commits[n:]
			size := fileSpecs
			if w.split == SplitTask {
				size = 1
			}
			number := 0
			for part := range slices.Chunk(project, size) {
				number++
				name := base
				switch {
				case w.split == SplitTask:
					name = base + "/" + fileName(part[0].TaskID)
				case number > 1:
					name = fmt.Sprintf("%s+%d", base, number)
				}
				if !yield(name+".yaml", part) {
					return
				}
			}
		}
	}
}

// schemaPath leads from a file to the schema in the folder of the specs.
func schemaPath(name string) string {
	return strings.Repeat("../", strings.Count(name, "/")) + schemaFile
}

// fileName is an id as the name of a file, the same on every file system: what is not
// a small letter, a digit, "-", "_" or a dot inside is written as %XX, and what is too
// long ends with a digest. Different ids have different names.
func fileName(id string) string {
	var b strings.Builder
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', i > 0 && (c == '-' || c == '.'):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	name := b.String()
	if len(name) <= maxFileName {
		return name
	}
	sum := sha256.Sum256([]byte(id))
	return name[:maxFileName-33] + "+" + hex.EncodeToString(sum[:16])
}

// create writes a file that must not be there: as a whole, or not at all.
func (w *specWriter) create(name string, data []byte) (err error) {
	dir, base := path.Split(name)
	if dir != "" {
		if err := w.root.MkdirAll(path.Clean(dir), 0o755); err != nil {
			return err
		}
	}
	if _, err := w.root.Lstat(name); err == nil {
		return &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	// The dot keeps a source that watches the folder from taking half a file for one.
	tmp := dir + "." + base + "." + rand.Text()
	if err := w.root.WriteFile(tmp, data, 0o644); err != nil {
		return errors.Join(err, w.root.Remove(tmp))
	}
	// A link, unlike a rename, never replaces; not every file system has them.
	if err := w.root.Link(tmp, name); err == nil || errors.Is(err, fs.ErrExist) {
		return errors.Join(err, w.root.Remove(tmp))
	}
	return w.root.Rename(tmp, name)
}

// readsBack checks that the text of a file is parsed as the commits that it is written for.
func readsBack(name string, data []byte, commits []spec.Commit) error {
	f := spec.Parse(name, data)
	if f.Problems.Errors() > 0 {
		return fmt.Errorf("write specs: %w", f.Problems)
	}
	same := slices.EqualFunc(commits, f.Commits, func(a spec.Commit, b *spec.Commit) bool {
		return a.Request() == b.Request() && a.Wanted() == b.Wanted()
	})
	if !same {
		return fmt.Errorf("write specs: %s would not say what was applied", name)
	}
	return nil
}
