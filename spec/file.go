package spec

import (
	"iter"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/wedatasync/wedatasync/internal/text"
)

// The bounds of a spec file. A hostile or broken file costs little and is told
// which bound it met.
const (
	MaxFileSize = 4 << 20 // bytes
	MaxID       = 128     // characters of a task id, a project id or a rerun token
	MaxText     = 4 << 10 // characters of any other text

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

// As returns a copy of the file under another name, as Parse makes it of the same text.
func (f *File) As(name string) *File {
	next := *f
	next.Commits = make([]*Commit, len(f.Commits))
	for i, c := range f.Commits {
		next.Commits[i] = new(*c)
	}
	next.Broken = slices.Clone(f.Broken)
	next.Problems = slices.Clone(f.Problems)
	next.Rename(name)
	return &next
}

// Rename gives the file another name, before anybody else knows it.
func (f *File) Rename(name string) {
	f.Name = name
	for _, c := range f.Commits {
		c.Pos.File = name
	}
	for i := range f.Broken {
		f.Broken[i].Pos.File = name
	}
	for i := range f.Problems {
		f.Problems[i].File = name
	}
}

// ShareTexts lets the file's commits keep those of their texts that others are likely to
// have, too, in common with all for which it is called with the same texts.
func (f *File) ShareTexts(texts map[string]string) {
	for _, c := range f.Commits {
		c.shareTexts(func(s string) string {
			if shared, ok := texts[s]; ok {
				return shared
			}
			texts[s] = s
			return s
		})
	}
}

// shareTexts has those texts of the commit that others are likely to have, too, replaced by
// their shared equals.
func (c *Commit) shareTexts(shared func(string) string) {
	for _, s := range []*string{&c.ProjectID, &c.VersionDesc, &c.EventDesc, &c.Rerun} {
		if *s != "" && len(*s) <= MaxID {
			*s = shared(*s)
		}
	}
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

// mention is a place where a file names a task: a commit, or one that is not usable.
type mention struct {
	commit *Commit
	broken *Named
}

// mentions are the places where one task is named.
type mentions map[mention]struct{}

// usable reports whether the place is a commit that can be used.
func (m mention) usable() bool { return m.commit != nil }

func (m mention) key() Key {
	if m.commit != nil {
		return m.commit.Key
	}
	return m.broken.Key
}

func (m mention) pos() Pos {
	if m.commit != nil {
		return m.commit.Pos
	}
	return m.broken.Pos
}

// mentions yields each place where the file names a task.
func (f *File) mentions() iter.Seq[mention] {
	return func(yield func(mention) bool) {
		for _, c := range f.Commits {
			if !yield(mention{commit: c}) {
				return
			}
		}
		for i := range f.Broken {
			if !yield(mention{broken: &f.Broken[i]}) {
				return
			}
		}
	}
}

// firstError returns the file's first error, of those about the commit at the place if there
// are any.
func (f *File) firstError(at Pos) (first Problem, ok bool) {
	end := Pos{File: f.Name, Line: math.MaxInt}
	for m := range f.mentions() {
		if p := m.pos(); p.compare(at) > 0 && p.compare(end) < 0 {
			end = p
		}
	}
	about := func(p Problem) bool { return p.Pos.compare(at) >= 0 && p.Pos.compare(end) < 0 }
	for _, p := range f.Problems {
		switch {
		case p.Severity != SeverityError:
		case !ok, about(p) && !about(first), about(p) == about(first) && p.Pos.compare(first.Pos) < 0:
			first, ok = p, true
		}
	}
	return first, ok
}

// Keys yields the task of each place where the file names one.
func (f *File) Keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for m := range f.mentions() {
			if !yield(m.key()) {
				return
			}
		}
	}
}
