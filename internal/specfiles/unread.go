package specfiles

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/wedatasync/wedatasync/internal/gitstore"
	"github.com/wedatasync/wedatasync/spec"
)

// The bounds of what is looked at beside the specs, where somebody may have put one by
// mistake.
const (
	MaxUnread     = 5000     // files and folders of one comparison or scan; the rest is not looked at
	MaxUnreadSize = 64 << 10 // bytes of a file; in a larger one nothing is looked for
	unreadHead    = 4 << 10  // bytes of its beginning that may say that it is a spec
)

// Area says what a folder is: one of specs, or why nothing in it is read.
type Area uint8

const (
	AreaSpecs   Area = iota
	areaHidden       // it has a name with a dot in front, or is in one that has
	areaIgnored      // the ignore file names it, or one that it is in
)

// AreaOf returns the area of an entry of a folder that is in an area.
func (r Rules) AreaOf(parts []string, isDir bool, in Area, b *Budget) Area {
	switch {
	case in != AreaSpecs:
		return in
	case strings.HasPrefix(parts[len(parts)-1], "."):
		return areaHidden
	}
	ignored, steps := r.ignore.match(parts, isDir)
	b.Steps(steps)
	if ignored {
		return areaIgnored
	}
	return AreaSpecs
}

// unreadKind tells what an entry outside of the specs is to us. What git itself keeps
// is nothing, and what is odd is no mistake that anybody makes with a spec.
func unreadKind(parts []string, mode fs.FileMode, in Area) Kind {
	name := parts[len(parts)-1]
	switch {
	case name == ".git" || !presentable(name) || len(parts) > MaxDepth:
		return KindNone
	case mode.IsDir():
		return KindFolder
	case !mode.IsRegular() || !likeSpec(name):
		return KindNone
	case in == areaHidden:
		return KindHidden
	default:
		return KindIgnored
	}
}

// likeSpec reports whether a name is one of a spec but for its case.
func likeSpec(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".yaml" || ext == ".yml"
}

// Unread reports whether nothing of that kind is ever read as a spec.
func (k Kind) Unread() bool { return k == KindHidden || k == KindIgnored || k == kindCase }

// OfInterest reports whether the kind says something only if the file does.
func (k Kind) OfInterest() bool { return k == KindHidden || k == KindIgnored }

// specSays is what a spec has near its beginning.
var specSays = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^[\s{]*["']?apiVersion["']?\s*:\s*["']?wedatasync/`)
})

// SaysSpec reports whether a file says that it is a spec.
func SaysSpec(data []byte) bool {
	return specSays().Match(data[:min(len(data), unreadHead)])
}

// unreadFile is the complaint about a file beside the specs that says that it is one;
// nil if it does not, or cannot be read: that is nothing to end a poll for.
func unreadFile(s *gitstore.Store, c Change) *spec.File {
	data, err := s.Read(c.Hash, plumbing.BlobObject, MaxUnreadSize)
	if err != nil || !SaysSpec(data) {
		return nil
	}
	return c.Kind.Complaint(c.Name)
}
